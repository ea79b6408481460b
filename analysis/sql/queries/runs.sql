-- The runs of the store, and how far each is.
select
  r.id as run, r.model, coalesce(r.outcome, 'under way or killed') as outcome,
  sum(c.planned)::bigint as planned, sum(c.asked)::bigint as asked, sum(c.valid)::bigint as valid
from runs r left join coverage c on c.run = r.id
group by r.id, r.model, r.outcome, r.created
order by r.created
