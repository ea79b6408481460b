"""Distances between profiles of dimensions, such as countries' published scores, and from personas' mean profile.

All are quadratic forms of the difference of two profiles. ``mahalanobis`` with all correlations shrunk away is
``euclidean``, which is the root of as many times ``kogut_singh`` as there are dimensions.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from culturesim.errors import AnalysisError
from culturesim.stats.inference import NOTHING, Floats, Integers, Interval
from culturesim.stats.jackknife import jackknife
from culturesim.stats.tables import table_of

Support = Literal["common", "complete", "pairwise"]
"""On what groups are compared: ``common``: what all of them have. ``complete``: everything, by those groups that have
it all. ``pairwise``: each pair on what both have, so that values of different pairs are not about the same."""
ProfileMeasure = Literal["kogut_singh", "euclidean", "mahalanobis"]

Booleans = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Distances:
    """Every group (countries, models, …) with every other.

    ``values`` (g, g): NaN where two have nothing in common. ``rows`` (g,): the groups compared, as places in what was
    given. ``columns``: the dimensions or questions used by any. ``n`` (g, g): on how many. ``settings``: what papers
    differ in. ``note`` says why something is missing.
    """

    measure: str
    values: Floats
    rows: Integers
    columns: Integers
    n: Integers
    support: Support
    settings: Mapping[str, float | str]
    note: str = ""


@dataclass(frozen=True, slots=True)
class ToProfile:
    """From personas' mean profile to one country (a row of the profiles), over ``dimensions`` (places of columns).

    ``plain``: the measure of the means, as papers give it. ``distance``: the same without the part that comes of having
    few personas, and its interval over personas.
    """

    country: int
    plain: float | None
    distance: Interval
    dimensions: tuple[int, ...]


class Shrunk(NamedTuple):
    """A covariance (d, d) and how far it was moved to its target, in [0, 1]."""

    covariance: Floats
    shrinkage: float


def support_of(there: Booleans, support: Support) -> tuple[Integers, Integers]:
    """The rows and columns that are compared, of what is there (g, c); see ``Support``."""
    rows, columns = np.arange(there.shape[0]), np.arange(there.shape[1])
    if support == "common":
        return rows, columns[there.all(axis=0)]
    if support == "complete":
        return rows[there.all(axis=1)], columns
    return rows, columns[there.any(axis=0)]


def kogut_singh(
    profiles: npt.ArrayLike, *, ddof: int = 1, support: Support = "common", reference: npt.ArrayLike | None = None
) -> Distances:
    """Kogut–Singh index ``(1/n) Σ_d (I_di − I_dj)²/V_d``: squared, so not a metric.

    Parameters
    ----------
    profiles : (countries, dimensions)
        NaN where a country has no score.
    ddof
        Of V_d, the variance over countries: 1 (of a sample) or 0. Papers differ.
    support
        On which dimensions, and for which countries.
    reference : (m, dimensions), optional
        The countries V_d is taken over, of each dimension those that have it; default those compared.

    Returns
    -------
    Distances
        Values in [0, ∞). With one common dimension or more; else NaN, and a note.

    References
    ----------
    Kogut & Singh (1988), The effect of national culture on the choice of entry mode, Journal of International Business
    Studies 19(3).
    """
    return _between("kogut_singh", profiles, ddof, support, reference)


def euclidean(
    profiles: npt.ArrayLike, *, ddof: int = 1, support: Support = "common", reference: npt.ArrayLike | None = None
) -> Distances:
    """Euclidean distance of standardised profiles, ``√(Σ_d (I_di − I_dj)²/V_d) = √(n · KS)``: a metric, in [0, ∞).

    Parameters are those of ``kogut_singh``. With ``pairwise`` support it grows with the dimensions a pair has, and the
    triangle inequality need not hold.
    """
    return _between("euclidean", profiles, ddof, support, reference)


def mahalanobis(
    profiles: npt.ArrayLike, *, ddof: int = 1, support: Support = "common", reference: npt.ArrayLike | None = None
) -> Distances:
    """Mahalanobis distance ``√((I_i − I_j)ᵀ Σ⁻¹ (I_i − I_j))`` with a shrunk covariance Σ: a metric, in [0, ∞).

    Dimensions that go together over countries count once, not twice. Profiles are standardised first, so that units
    do not matter; Σ is ``ledoit_wolf`` of the standardised profiles, with divisor N − ddof. Σ is of countries that
    have all dimensions used. Parameters are those of ``kogut_singh``; support must not be ``pairwise``.

    References
    ----------
    Mahalanobis (1936), On the generalised distance in statistics, Proceedings of the National Institute of Sciences of
    India 2(1). Berry, Guillén & Zhou (2010), An institutional approach to cross-national distance, Journal of
    International Business Studies 41(9).
    """
    return _between("mahalanobis", profiles, ddof, support, reference)


def ledoit_wolf(values: npt.ArrayLike) -> Shrunk:
    """Covariance shrunk to a multiple of the identity, well-conditioned even with few rows.

    With centred rows x_k, ``S = (1/N) Σ x_k x_kᵀ``, ``‖A‖² = tr(AAᵀ)/d``, ``m = tr(S)/d``, ``δ² = ‖S − mI‖²``,
    ``β² = min(δ², (1/N²) Σ ‖x_k x_kᵀ − S‖²)``: ``Σ = (β²/δ²) m I + (1 − β²/δ²) S``.

    Parameters
    ----------
    values : (N, d)
        None missing, N ≥ 2.

    References
    ----------
    Ledoit & Wolf (2004), A well-conditioned estimator for large-dimensional covariance matrices, Journal of
    Multivariate Analysis 88(2).
    """
    x = table_of(values, "a covariance", "rows", "dimensions")
    rows, dimensions = x.shape
    if rows < 2 or not dimensions or not np.isfinite(x).all():
        raise AnalysisError("a covariance takes two rows or more, with nothing missing")
    x = x - x.mean(axis=0)
    sample = x.T @ x / rows
    target = np.trace(sample) / dimensions * np.eye(dimensions)
    apart = float(((sample - target) ** 2).sum())
    noise = (float(((x**2).sum(axis=1) ** 2).sum()) / rows - float((sample**2).sum())) / rows
    shrinkage = min(1.0, max(0.0, noise) / apart) if apart > 1e-12 * float((sample**2).sum()) else 1.0
    return Shrunk(shrinkage * target + (1 - shrinkage) * sample, shrinkage)


def to_profiles(
    scores: npt.ArrayLike,
    profiles: npt.ArrayLike,
    *,
    measure: ProfileMeasure = "kogut_singh",
    ddof: int = 1,
    reference: npt.ArrayLike | None = None,
    confidence: float = 0.95,
) -> tuple[ToProfile, ...]:
    """How far the mean profile of personas is from each country, with intervals over personas.

    All on common support: the dimensions that every country has, and two personas or more. The square of the distance
    of a mean is too large by the variance of that mean; the jackknife takes this out, and gives the interval, on the
    squared scale. Dimensions are fixed, and what is published of countries is taken as known.

    Parameters
    ----------
    scores : (personas, dimensions)
        NaN where missing.
    profiles : (countries, dimensions)
        NaN where missing.
    measure, ddof, reference
        As in the function of that name; ``reference`` is by default the countries, without the personas.

    Returns
    -------
    tuple of ToProfile
        By country. No interval with fewer than three personas. Values in [0, ∞).
    """
    x, countries = (table_of(given, "a distance of profiles", "rows", "dimensions") for given in (scores, profiles))
    if x.shape[1] != countries.shape[1]:
        raise AnalysisError(f"personas have {x.shape[1]} dimensions and countries {countries.shape[1]}")
    there = ~np.isnan(countries).any(axis=0) & ((~np.isnan(x)).sum(axis=0) >= 2)
    used = tuple(int(place) for place in np.flatnonzero(there))
    if not used or not len(countries):
        return tuple(ToProfile(country, None, NOTHING, used) for country in range(len(countries)))
    form, _ = _form(measure, _reference(countries, reference)[:, there], ddof)
    x, countries = x[:, there], countries[:, there]
    x = x[~np.isnan(x).all(axis=1)]
    answered = ~np.isnan(x)
    sums, counts = np.where(answered, x, 0.0).sum(axis=0), answered.sum(axis=0)
    without = (sums - np.where(answered, x, 0.0)) / (counts - answered)
    found = []
    for place, country in enumerate(countries):
        squared = float(_squares(sums / counts - country, form))
        apart = jackknife(squared, _squares(without - country, form), confidence=confidence, corrected=True)
        apart = apart.mapped(lambda value: _scale(max(0.0, value), measure))
        found.append(ToProfile(place, _scale(squared, measure), apart, used))
    return tuple(found)


def _scale(squared: float, measure: ProfileMeasure) -> float:
    return squared if measure == "kogut_singh" else math.sqrt(squared)


def _squares(apart: Floats, form: Floats) -> Floats:
    """Quadratic forms (…, d) → (…)."""
    return np.asarray(np.maximum(0.0, np.einsum("...i,ij,...j->...", apart, form, apart)))


def _reference(profiles: Floats, reference: npt.ArrayLike | None) -> Floats:
    given = profiles if reference is None else table_of(reference, "a reference", "countries", "dimensions")
    if given.shape[1] != profiles.shape[1]:
        raise AnalysisError(f"profiles have {profiles.shape[1]} dimensions and their reference {given.shape[1]}")
    return given


def _form(measure: ProfileMeasure, reference: Floats, ddof: int) -> tuple[Floats, dict[str, float | str]]:
    """The matrix of the quadratic form, and what is to be said of it."""
    if ddof not in {0, 1}:
        raise AnalysisError(f"ddof is 1 (of a sample of countries) or 0, not {ddof}")
    settings: dict[str, float | str] = {"ddof": ddof}
    if ((~np.isnan(reference)).sum(axis=0) < 2).any():
        raise AnalysisError("a variance over countries takes two countries or more that have the dimension")
    if measure == "mahalanobis":
        reference = reference[~np.isnan(reference).any(axis=1)]
        if len(reference) < 2:
            raise AnalysisError("a covariance takes two countries or more that have all dimensions")
    variances = np.nanvar(reference, axis=0, ddof=ddof)
    if not (variances > 0).all():
        raise AnalysisError("all countries have the same score on a dimension, so it cannot be standardised")
    if measure != "mahalanobis":
        return np.diag(1 / variances / (reference.shape[1] if measure == "kogut_singh" else 1)), settings
    deviations = np.sqrt(variances)
    covariance, shrinkage = ledoit_wolf(reference / deviations)
    covariance = covariance * (len(reference) / (len(reference) - ddof))
    return np.linalg.inv(covariance) / np.outer(deviations, deviations), settings | {"shrinkage": shrinkage}


def _between(
    measure: ProfileMeasure, profiles: npt.ArrayLike, ddof: int, support: Support, reference: npt.ArrayLike | None
) -> Distances:
    x = table_of(profiles, "a distance of profiles", "countries", "dimensions")
    if support == "pairwise" and measure == "mahalanobis":
        raise AnalysisError("a Mahalanobis distance takes common or complete support: one covariance for all pairs")
    rows, columns = support_of(~np.isnan(x), support)
    if not len(rows) or not len(columns):
        nothing = np.full((len(rows), len(rows)), np.nan)
        note = "the countries have no dimension in common" if len(rows) else "no country has all dimensions"
        return Distances(
            measure, nothing, rows, columns, np.zeros(nothing.shape, dtype=np.int64), support, {"ddof": ddof}, note
        )
    x = x[np.ix_(rows, columns)]
    given = x if reference is None else _reference(table_of(profiles, "a distance", "", ""), reference)[:, columns]
    form, settings = _form(measure, given, ddof)
    there = (~np.isnan(x)).astype(np.float64)
    n = there @ there.T
    squared = _squares(np.nan_to_num(x[:, None] - x[None, :]), form)
    squared = np.where(n > 0, squared, np.nan)
    if measure == "kogut_singh":
        squared = squared * np.divide(len(columns), n, out=np.full_like(n, np.nan), where=n > 0)
    values = squared if measure == "kogut_singh" else np.sqrt(squared)
    note = "some countries have no dimension in common" if (n == 0).any() else ""
    return Distances(measure, values, rows, columns, n.astype(np.int64), support, settings, note)
