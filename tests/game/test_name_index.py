"""A dictionary and a compiled table number names alike."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from perturbxai.game.name_index import FEW, CompiledIndex, PlainIndex, index


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.lists(st.integers(0, 20), max_size=6), st.booleans())
def test_names_are_numbered_alike(seed, sizes, crowded):
    rng = np.random.default_rng(seed)
    indices = PlainIndex(), CompiledIndex(200)
    names, again = [np.zeros((200, 2), dtype=np.uint64) for _ in range(2)], [np.zeros(200, dtype=bool) for _ in range(2)]
    n_known = 0
    for size in sizes:
        words = rng.integers(0, 2**64 - 1, (40, 2), dtype=np.uint64)[rng.integers(0, 40, size)]
        words[:, 0] = 2**64 - 1 if crowded else words[:, 0]
        found = [
            one.enter(words, own, n_known, seen) for one, own, seen in zip(indices, names, again, strict=True)
        ]  # fmt: skip
        n_known += len(found[0][1])
        for a, b in zip(*found, strict=True):
            np.testing.assert_array_equal(a, b)
        np.testing.assert_array_equal(*names)
        np.testing.assert_array_equal(*again)
        asked = np.concatenate([words, rng.integers(0, 9, (3, 2)).astype(np.uint64)])
        np.testing.assert_array_equal(*[one.find(asked, own) for one, own in zip(indices, names, strict=True)])
        if rng.random() < 0.3:  # some are forgotten
            n_known //= 2
            for one, own in zip(indices, names, strict=True):
                one.restart(own[:n_known])
            for seen in again:
                seen[n_known:] = False


def test_many_names_are_compiled():
    assert isinstance(index(FEW + 1, FEW + 1), CompiledIndex)
