"""Many tests at once."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from culturesim.errors import AnalysisError
from culturesim.stats.inference import Floats


def benjamini_hochberg(p: npt.ArrayLike) -> Floats:
    """Adjusted p-values q of tests that were made together: call those with q ≤ 0.05 and 5 % of the calls are false.

    With p in increasing order, ``q_(i) = min_{j ≥ i} (n/j) p_(j)``, at most 1, for n tests that are independent or
    positively dependent.

    Parameters
    ----------
    p : (n,) in [0, 1]
        NaN stands for a test that could not be made, and does not count.

    Returns
    -------
    (n,)
        In [p, 1]; NaN where p is.

    References
    ----------
    Benjamini & Hochberg (1995), Controlling the false discovery rate, Journal of the Royal Statistical Society B 57(1).
    """
    given = np.asarray(p, dtype=np.float64)
    made = np.flatnonzero(~np.isnan(given))
    if ((given[made] < 0) | (given[made] > 1)).any():
        raise AnalysisError("p-values lie between 0 and 1")
    order = made[np.argsort(given[made])]
    scaled = given[order] * len(made) / np.arange(1, len(made) + 1)
    adjusted = np.full(given.shape, np.nan)
    adjusted[order] = np.minimum(1.0, np.minimum.accumulate(scaled[::-1])[::-1])
    return adjusted
