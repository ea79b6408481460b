"""Chance without state: numbers and permutations derived from a seed and an identity, never from iteration order."""

from __future__ import annotations

from hashlib import blake2b


def digest(*parts: object) -> bytes:
    """16 bytes that identify ``parts``; every part is length-delimited, so ("ab", "c") differs from ("a", "bc")."""
    pieces: list[bytes] = []
    for part in parts:
        data = part if isinstance(part, bytes) else str(part).encode()
        pieces += (len(data).to_bytes(4, "big"), data)
    return blake2b(b"".join(pieces), digest_size=16).digest()


def derive(*parts: object) -> int:
    """A number of 63 bits that depends on ``parts`` alone."""
    return int.from_bytes(digest(*parts)[:8], "big") >> 1


def unit(*parts: object) -> float:
    """A number in [0, 1) that depends on ``parts`` alone."""
    return (derive(*parts) >> 10) / 2**53  # the 53 bits a float holds: more could round up to 1


class Permutation:
    """A seeded permutation of ``range(size)`` in constant memory.

    A four-round Feistel network over the next even power of two, walked until it lands inside (Black & Rogaway 2002,
    "Ciphers with arbitrary finite domains").
    """

    def __init__(self, size: int, *key: object) -> None:
        self.size = size
        self._half = max(1, ((max(size, 2) - 1).bit_length() + 1) // 2)
        self._mask = (1 << self._half) - 1
        self._keys = [digest("permutation", turn, *key) for turn in range(4)]

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, index: int) -> int:
        if not 0 <= index < self.size:
            raise IndexError(index)
        value = self._once(index)
        while value >= self.size:
            value = self._once(value)
        return value

    def _once(self, value: int) -> int:
        left, right = value >> self._half, value & self._mask
        for key in self._keys:
            mixed = blake2b(right.to_bytes(8, "big"), key=key, digest_size=8).digest()
            left, right = right, left ^ (int.from_bytes(mixed, "big") & self._mask)
        return (left << self._half) | right


def shuffled(count: int, *key: object) -> tuple[int, ...]:
    """A seeded permutation of ``range(count)`` as a tuple."""
    return tuple(sorted(range(count), key=lambda place: digest("shuffled", place, *key)))
