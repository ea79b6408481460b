# What the scripts that make golden values share: the seed, answers on points, and the file.

suppressMessages(library(jsonlite))
set.seed(20261125)

codes <- function(latent, cuts) {
  points <- findInterval(latent, cuts) + 1
  if (is.matrix(latent)) matrix(points, nrow(latent)) else points
}

golden <- function(found, file, ...) {
  write(toJSON(found, auto_unbox = TRUE, ...), file.path("tests", "golden", paste0(file, ".json")))
}
