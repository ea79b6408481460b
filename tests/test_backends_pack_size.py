"""The size of packs, on devices whose speed is known."""

import pytest

from culturesim.backends.pack_size import PackSize


def settled(rate, size=None, packs=40):
    size = size or PackSize(first=64, largest=4096)
    for _ in range(packs):
        size.took(size.now, size.now / rate(size.now))
    return size.now


def test_it_climbs_to_the_fastest_size():
    assert settled(lambda tokens: min(tokens, 512)) == 512


def test_it_stays_where_more_at_once_is_slower():
    assert settled(lambda tokens: 1 / tokens) == 64


def test_it_stops_at_the_largest():
    assert settled(lambda tokens: tokens) == 4096


def test_small_packs_say_nothing():
    size = PackSize(first=64)
    for _ in range(40):
        size.took(47, 1e-9)
    assert size.now == 64


def test_packs_are_of_one_size():
    size = PackSize(first=64)
    assert [size.part(tokens) for tokens in (1, 64, 65, 200, 256)] == [1, 64, 33, 50, 64]


def test_what_does_not_fit_is_halved_and_not_tried_again():
    size = PackSize(first=64)
    size.too_big(64)
    assert settled(lambda tokens: tokens, size) == 32


def test_where_one_token_does_not_fit_nothing_does():
    with pytest.raises(MemoryError):
        PackSize().too_big(1)
