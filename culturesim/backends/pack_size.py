"""How many tokens go through a model at once: what measures fastest on this device, within its memory."""

from __future__ import annotations

FIRST = 256
"""Tokens of the first packs."""

LARGEST = 8_192
LARGEST_ON_CPU = 1_024
"""Beyond that a processor's matrix products are no quicker, and what lies between them no longer fits its caches."""

TRIES = 3
"""Packs of a size, on average, before it is compared with the size before."""

WORTH = 1.02
"""How much faster twice the size must be to be gone over to: more tokens at once take more memory."""

FULL = 0.75
"""Share of its size that a pack must have to be counted."""


class PackSize:
    """The size of packs: doubles while that is faster, and halves where the memory does not hold it.

    A matrix product is quicker per token the more tokens it has, until a device is busy; attention within a pack costs
    more per token the larger the pack. Where the two meet is measured on the first packs.
    """

    def __init__(self, first: int = FIRST, largest: int = LARGEST) -> None:
        self.now = self._first = min(first, largest)
        self._largest = largest
        self._climbing = True
        self._best: tuple[int, float] | None = None
        self._rates: list[float] = []

    def took(self, tokens: int, seconds: float) -> None:
        """A pack of so many tokens took so long."""
        if not self._climbing or tokens < FULL * self.now or seconds <= 0:
            return
        self._rates.append(tokens / seconds)
        if len(self._rates) < TRIES:
            return
        rate, self._rates = sum(self._rates) / TRIES, []
        if self._best and rate < WORTH * self._best[1]:
            self.now, self._climbing = self._best[0], False
            return
        self._best = (self.now, rate)
        self._climbing = 2 * self.now <= self._largest
        self.now = min(2 * self.now, self._largest)

    def part(self, tokens: int) -> int:
        """How many of so many tokens to take at once, so that the last pack is not a small one."""
        packs = -(-tokens // self.now)
        return -(-tokens // packs)

    def too_big(self, tokens: int) -> None:
        """A pack of so many tokens did not fit. Raises ``MemoryError``, and begins anew, where it was of one token."""
        if tokens <= 1:
            self.now = self._first
            raise MemoryError("not even one more token fits into the memory")
        self.now = max(1, min(tokens, self.now) // 2)
        self._climbing, self._rates = False, []
