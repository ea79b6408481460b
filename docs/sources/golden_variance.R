# Makes tests/golden/variance.json: variance components, mixed and ordinal models as R finds them.
#
#     Rscript docs/sources/golden_variance.R
#
# Needs the packages lme4, ordinal, numDeriv and jsonlite. The data are drawn here, from a seed, and stand in the file.

source("docs/sources/golden.R")
suppressMessages({library(lme4); library(ordinal)})

P <- 24; I <- 8; L <- 4
d <- expand.grid(language = 1:L, item = 1:I, persona = 1:P)
type <- 1 + (1:I) %% 2
draw <- function(n, sd) rnorm(n, 0, sd)
pi <- matrix(draw(P * I, .6), P); pl <- matrix(draw(P * L, .4), P); il <- matrix(draw(I * L, .3), I)
sex <- rep(0:1, P / 2); age <- round(draw(P, 1), 2)
d$sex <- sex[d$persona]; d$age <- age[d$persona]; d$type <- type[d$item]
d$y <- round(.4 * d$sex + draw(P, 1)[d$persona] + draw(I, .8)[d$item] + draw(L, .5)[d$language] +
  pi[cbind(d$persona, d$item)] + pl[cbind(d$persona, d$language)] + il[cbind(d$item, d$language)] + draw(nrow(d), 1), 2)
d$kept <- as.integer(runif(nrow(d)) < .8)
d$code <- codes(d$y + .3 * d$age + rlogis(nrow(d), scale = .3), c(-1.5, -.4, .6, 1.7))
for (f in c("persona", "item", "language", "type")) d[[paste0("f_", f)]] <- factor(d[[f]])

table_of <- suppressWarnings(anova(lm(y ~ f_persona * f_item * f_language, d)))
squares <- head(setNames(as.list(table_of[["Sum Sq"]] / table_of[["Df"]]), gsub("f_", "", rownames(table_of))), -1)

control <- lmerControl(optCtrl = list(xtol_abs = 1e-12, ftol_abs = 1e-12, maxeval = 1e5), optimizer = "nloptwrap",
                       check.conv.grad = "ignore", check.conv.singular = "ignore")
variances <- function(fit) {
  found <- as.data.frame(VarCorr(fit))
  setNames(as.list(found$vcov), gsub("f_", "", found$grp))
}
kept <- d[d$kept == 1, ]
crossed <- lmer(y ~ 1 + (1 | f_persona) + (1 | f_item) + (1 | f_language) + (1 | f_persona:f_item) +
  (1 | f_persona:f_language) + (1 | f_item:f_language), kept, control = control)
mixed <- lmer(y ~ sex + age + (1 | f_persona) + (1 | f_item) + (1 | f_persona:f_type), kept, control = control)
nothing <- lmer(code ~ 1 + (1 | f_persona) + (1 | f_item), kept, control = control)

# Proportional odds, and cluster-robust covariances from the likelihood of each persona, differentiated numerically.
kept$answer <- factor(kept$code, ordered = TRUE)
kept$letter <- factor(kept$item %% 3)
ordered <- clm(answer ~ sex + age + letter, data = kept, control = clm.control(gradTol = 1e-10))
X <- model.matrix(~ sex + age + letter, kept)[, -1]
J <- nlevels(kept$answer)
likelihood <- function(theta, rows) {
  cut <- c(-Inf, theta[1:(J - 1)], Inf)
  shift <- as.vector(X[rows, , drop = FALSE] %*% theta[-(1:(J - 1))])
  k <- as.integer(kept$answer[rows])
  sum(log(plogis(cut[k + 1] - shift) - plogis(cut[k] - shift)))
}
theta <- c(ordered$alpha, ordered$beta)
personas <- split(seq_len(nrow(kept)), kept$persona)
G <- length(personas)
scores <- t(sapply(personas, function(rows) numDeriv::grad(likelihood, theta, rows = rows)))
halves <- lapply(personas, function(rows) -numDeriv::hessian(likelihood, theta, rows = rows))
H <- Reduce(`+`, halves)
sandwich <- G / (G - 1) * solve(H) %*% crossprod(scores) %*% solve(H)
moved <- t(sapply(seq_len(G), function(g) solve(H - halves[[g]], scores[g, ])))
jackknife <- (G - 1) / G * crossprod(moved)
b <- -(1:(J - 1))
errors <- function(V) sqrt(diag(V))[b]
letters_at <- J - 1 + 3:4
hotelling <- function(V) {
  q <- 2
  W <- drop(theta[letters_at] %*% solve(V[letters_at, letters_at]) %*% theta[letters_at])
  F <- (G - q) / (q * (G - 1)) * W
  list(statistic = F, p = pf(F, q, G - q, lower.tail = FALSE))
}

golden(list(
  made_by = paste("docs/sources/golden_variance.R with R", getRversion(), "lme4", packageVersion("lme4"),
                  "ordinal", packageVersion("ordinal")),
  data = d[, c("persona", "item", "language", "type", "sex", "age", "y", "code", "kept")],
  mean_squares = squares,
  crossed = list(variances = variances(crossed), deviance = REMLcrit(crossed)),
  mixed = list(variances = variances(mixed), estimates = as.list(fixef(mixed)),
               errors = as.list(sqrt(diag(as.matrix(vcov(mixed))))), deviance = REMLcrit(mixed)),
  simple = list(variances = variances(nothing), deviance = REMLcrit(nothing)),
  ordinal = list(thresholds = unname(ordered$alpha), estimates = unname(ordered$beta),
                 log_likelihood = as.numeric(logLik(ordered)), model = unname(sqrt(diag(vcov(ordered)))[b]),
                 sandwich = errors(sandwich), jackknife = errors(jackknife), letter = hotelling(jackknife))
), "variance", digits = 10, dataframe = "columns")
