# Makes tests/golden/psychometrics.json: simulated data, and what R's packages say of them.
#
#     Rscript docs/sources/golden_psychometrics.R
#
# Needs psych, lavaan, MASS, ordinal, jsonlite. Only numbers are taken from them.

source("docs/sources/golden.R")
suppressPackageStartupMessages({library(psych); library(lavaan); library(MASS); library(ordinal)})

# Reliability: 120 persons, 6 items of five codes, of unequal loadings; and with a tenth missing.
n <- 120; k <- 6
theta <- rnorm(n)
eta <- outer(theta, c(1.2, .9, .7, 1, .5, .8)) + matrix(rnorm(n * k), n) + rep(seq(-.5, .5, length.out = k), each = n)
answers <- codes(eta, c(-1.5, -.5, .5, 1.5))
holes <- answers; holes[matrix(runif(n * k) < .1, n)] <- NA
a <- suppressWarnings(psych::alpha(as.data.frame(answers)))
h <- suppressWarnings(psych::alpha(as.data.frame(holes), use = "pairwise"))
named <- as.data.frame(answers); names(named) <- paste0("x", 1:k)
one <- cfa(paste("f =~", paste(names(named), collapse = " + ")), named, std.lv = TRUE)
est <- lavInspect(one, "est"); l <- est$lambda[, 1]; u <- diag(est$theta)
reliability <- list(answers = answers, holes = holes,
  alpha = a$total$raw_alpha, standardised = a$total$std.alpha, alpha_holes = h$total$raw_alpha,
  rest = a$item.stats$r.drop, without = a$alpha.drop$raw_alpha,
  omega = sum(l)^2 / (sum(l)^2 + sum(u)), loadings = unname(l), uniques = unname(u))

# Intraclass correlations, and Cohen's kappas: 30 targets, 4 raters.
rated <- codes(outer(rnorm(30), rep(1, 4)) + rep(rnorm(4, 0, .4), each = 30) + matrix(rnorm(120, 0, .8), 30),
               c(-1.5, -.5, .5, 1.5))
i <- suppressWarnings(suppressMessages(psych::ICC(rated, lmer = FALSE)))$results
kappas <- function(...) suppressWarnings(psych::cohen.kappa(rated[, 1:2], ...))
square <- kappas(); linear <- kappas(w = 1 - abs(outer(1:5, 1:5, "-")) / 4)
agreement <- list(rated = rated, icc = i$ICC, low = i$`lower bound`, high = i$`upper bound`,
  kappa = square$kappa, quadratic = square$weighted.kappa, linear = linear$weighted.kappa)

# Congruence: two groups, 8 items, two factors.
pattern <- cbind(c(.8, .7, .6, .7, 0, .1, 0, 0), c(0, 0, .1, 0, .7, .8, .6, .5))
drawn <- function(n, p) round(matrix(rnorm(n * 2), n) %*% t(p) + matrix(rnorm(n * 8), n) %*% diag(sqrt(1 - rowSums(p^2))), 3)
first <- drawn(150, pattern); second <- drawn(130, pattern[c(2, 1, 3, 4, 6, 5, 8, 7), ])
la <- unclass(fa(cor(first), 2, rotate = "none", fm = "minres")$loadings)
lb <- unclass(fa(cor(second), 2, rotate = "none", fm = "minres")$loadings)
congruence <- list(first = first, second = second, loadings_first = unname(la[, ]), loadings_second = unname(lb[, ]),
  varimax = unname(unclass(stats::varimax(la, normalize = FALSE, eps = 1e-12)$loadings)[, ]),
  same = psych::factor.congruence(la[, 1, drop = FALSE], lb[, 1, drop = FALSE], digits = 8)[1, 1])

# DIF: 300 + 250 persons, 5 items of four codes; the second item is shifted, the third has another slope.
g <- rep(0:1, c(300, 250)); t <- rnorm(550) + .2 * g
slopes <- cbind(1.5, 1.5, 1.5 - .8 * g, 1.2, 1)
y <- codes(slopes * t + cbind(0, .7 * g, 0, 0, 0) + matrix(rlogis(550 * 5), 550), c(-1.5, 0, 1.5)) - 1
models <- lapply(1:5, function(j) {
  s <- rowMeans(y[, -j]); s <- (s - mean(s)) / sqrt(mean((s - mean(s))^2)); item <- factor(y[, j]); group <- factor(g)
  fits <- list(clm(item ~ 1), clm(item ~ s), clm(item ~ s + group), clm(item ~ s * group))
  ll <- sapply(fits, logLik); r2 <- (1 - exp(2 * (ll[1] - ll) / 550)) / (1 - exp(2 * ll[1] / 550))
  m <- polr(item ~ s + group, method = "logistic")
  list(likelihoods = as.numeric(ll), r2 = as.numeric(r2), slopes = unname(coef(fits[[3]])[4:5]),
       thresholds = unname(coef(fits[[3]])[1:3]), polr = unname(coef(m)), errors = unname(sqrt(diag(vcov(fits[[3]])))[4:5]),
       uniform = 2 * (ll[3] - ll[2]), nonuniform = 2 * (ll[4] - ll[3]))
})
dif <- list(values = y, groups = g, items = models)

# Confirmatory factor analysis: three groups, one factor of 5 items, and two factors of 3 and 4.
grouped <- function(m) {
  out <- do.call(rbind, lapply(1:3, function(g) {
    n <- c(180, 150, 140)[g]; f <- MASS::mvrnorm(n, c(0, .3, -.2)[g] * rep(1, m), diag(m) * c(.6, .8, .5)[g] + .4)
    k <- c(5, 7)[m]; on <- if (m == 1) rep(1, 5) else c(1, 1, 1, 2, 2, 2, 2)
    l <- c(.8, .7, .9, .6, .75, .85, .65)[1:k]; if (g == 2) l[2] <- .45; nu <- seq(2, 3, length.out = k); if (g == 3) nu[4] <- nu[4] + .4
    cbind(g - 1, round(rep(nu, each = n) + f[, on, drop = FALSE] %*% diag(l) + matrix(rnorm(n * k, 0, .7), n), 3))
  }))
  out <- as.data.frame(out); names(out) <- c("g", paste0("x", seq_len(ncol(out) - 1))); out
}
fitted <- function(data, model) lapply(list(configural = "", metric = "loadings", scalar = c("loadings", "intercepts")), function(equal) {
  f <- cfa(model, data, group = "g", group.equal = equal, std.lv = FALSE)
  as.list(fitMeasures(f, c("chisq", "df", "pvalue", "cfi", "tli", "rmsea", "rmsea.ci.lower", "rmsea.ci.upper", "srmr")))
})
one <- grouped(1); two <- grouped(2)
cfas <- list(
  one = list(data = as.matrix(unname(one)), fits = fitted(one, "f =~ x1 + x2 + x3 + x4 + x5")),
  two = list(data = as.matrix(unname(two)), fits = fitted(two, "f =~ x1 + x2 + x3\nh =~ x4 + x5 + x6 + x7")))

golden(list(reliability = reliability, agreement = agreement, congruence = congruence, dif = dif, cfa = cfas),
  "psychometrics", digits = 9, na = "null")
