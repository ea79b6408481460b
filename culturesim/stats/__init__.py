"""Pure numbers: arrays in, named results out. Knows no store, no prompt and no questionnaire.

What an estimate is, and how sure:

- ``inference``: ``Interval`` and the cluster bootstrap behind most of them; ratios and statistics of item means.
- ``resampling``: intervals of any statistic of clusters: percentile, BCa, studentised. ``jackknife``: by leaving out.
- ``permutation``: tests by rearranging. ``multiple``: many tests at once.
- ``tables``: what callers hand in, brought to one form. ``threads``: how many linear algebra may use.

Distributions of answers:

- ``divergence``: entropy, Jensen–Shannon, total variation, Wasserstein; centroids and inconsistency D of one group.
- ``consistency``: D of many groups (wordings, languages, use cases, orders, …), its share of the possible, and chance.
  ``exchange``: how chance is drawn.
- ``stability``: inertia, steerability, stability curve. ``agreement``: Kendall's W, Spearman, ipsative profiles.
- ``attributes``: what attributes of personas do to scores.

How far groups are from each other:

- ``distance``: of profiles of dimensions: Kogut–Singh, Euclidean, Mahalanobis. ``scaling``: maps and trees of them.
- ``opinion``: of ``shares`` of answers: CFst, opinion similarity, Wasserstein, survey agreement. ``nearness``: how sure
  they are, and of whom a model is closer to. ``crossed``: means over personas and questions.

What answers vary by:

- ``variance``: generalisability studies, of ``components``. Complete ones by ``anova``, others by ``unbalanced``, or
  made complete by ``filling``. ``decision``: how many personas, items, … are enough.
- ``mixed``: linear mixed models. ``reml``: their fit, by the ``equations``. ``excess``: what is not normal in effects.
- ``ordinal``: proportional-odds regression, by ``proportional``. ``models``: designs, coefficients, tests of terms.

Whether a scale measures, and the same everywhere:

- ``reliability``: α, ω, item–total. ``covariances``: with missing answers, and without each persona.
- ``intraclass``: the family of Shrout & Fleiss, and test–retest. ``observers``: Krippendorff's α, Fleiss' κ, Cohen's κ.
- ``congruence``: Tucker's φ. ``factors`` and ``rotation``: the loadings it compares.
- ``dif``: items that work differently. ``score_test``: its tests. ``invariance``: equal loadings and intercepts, by
  ``cfa``.

How answers are given:

- ``styles``: shares (refusal, first option, …), extremity, midpoint, acquiescence, straight lines.
- ``position``: content or place on the list. ``choice``: what place adds, as odds. ``effects``: of a factor, in pairs.

Words: *clusters* are what is resampled, *personas* those who answer, a *filling* is one persona's answers in one
language, frame, wording, order and repeat. *Answers* are what was chosen, *scores* what dimensions come to, *values*
any numbers with NaN where there is none.
"""
