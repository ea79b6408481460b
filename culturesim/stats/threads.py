"""How many threads linear algebra may use."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def one_thread() -> Iterator[None]:
    """While it lasts, BLAS computes in the thread that calls it.

    Our matrices are small and many: handing each to several threads costs more time than it saves, and twice the
    processors' time (measured by ``bench/analysis.py``).
    """
    import scipy.linalg  # noqa: F401 (brings a BLAS of its own, which must be there to be told)
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1, "blas"):
        yield
