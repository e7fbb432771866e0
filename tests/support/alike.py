"""Results that are the same to the bit, whoever computed them."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd

TIMED = {"seconds", "call_seconds", "call_model_seconds", "own_seconds"}


def assert_same(one, other, without=TIMED):
    """To the bit, all that results hold but what tells of time."""
    assert type(one) is type(other)
    if dataclasses.is_dataclass(one):
        one, other = ({f.name: getattr(each, f.name) for f in dataclasses.fields(each)} for each in (one, other))
    if isinstance(one, dict):
        assert list(one) == list(other)
        for key in one.keys() - without:
            assert_same(one[key], other[key], without)
    elif isinstance(one, (list, tuple)):
        assert len(one) == len(other)
        for mine, its in zip(one, other, strict=True):
            assert_same(mine, its, without)
    elif isinstance(one, np.ndarray):
        np.testing.assert_array_equal(one, other)
    elif isinstance(one, pd.DataFrame):
        pd.testing.assert_frame_equal(one, other, check_exact=True)
    elif isinstance(one, (str, int, float)):
        assert one == other or (one != one and other != other)
