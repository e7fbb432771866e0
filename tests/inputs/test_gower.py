"""Distances of rows of mixed columns."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import perturbxai as px
from perturbxai.core import kernels, plain_kernels
from perturbxai.inputs.columns import Columns
from perturbxai.inputs.gower import Gower, kernel_width

MIXED = pd.DataFrame(
    {
        "age": [20.0, 30.0, np.nan, 60.0, 20.0],
        "town": pd.Categorical(["a", "b", "a", None, "c"]),
        "size": pd.Categorical(["s", "l", "m", None, "s"], ["s", "m", "l"], ordered=True),
        "when": pd.to_datetime(["2024-01-01", "2024-01-11", "2024-01-01", "2024-01-05", "2024-01-01"]),
        "yes": [True, False, True, True, False],
        "same": 1.0,
    }
)


def by_hand(a, b):
    """Gower's distance with a missing value as a level of its own, from a row of the table to another."""
    total = 0.0
    for name, span in {
        "age": 40.0,
        "town": None,
        "size": 2.0,
        "when": pd.Timedelta(days=10),
        "yes": 1.0,
        "same": None,
    }.items():
        x, y = a[name], b[name]
        if pd.isna(x) or pd.isna(y):
            total += float(pd.isna(x) != pd.isna(y))
        elif span is None:
            total += float(x != y)
        elif name == "size":
            total += abs("sml".index(x) - "sml".index(y)) / span
        else:
            total += abs(float(x) - float(y)) / span if name != "when" else abs(x - y) / span
    return total / len(a)


def test_rows_of_mixed_columns_are_as_far_apart_as_counted_by_hand():
    columns = Columns(MIXED)
    codes = columns.encode(MIXED, "X")
    expected = [[by_hand(MIXED.iloc[i], MIXED.iloc[j]) for j in range(5)] for i in range(5)]
    np.testing.assert_allclose(Gower.of(columns, codes)(codes, codes), expected, rtol=1e-12)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(0, 6), st.integers(1, 6), st.integers(1, 4), st.sampled_from([1, 1 << 16]))
def test_numpy_and_numba_tell_distances_to_the_same_bits(seed, n, m, n_columns, block):
    rng = np.random.default_rng(seed)
    values = np.array([0.0, -0.0, 1.5, -2.0, np.nan, 5e-324])
    rows, others = rng.choice(values, (n, n_columns)), rng.choice(values, (m, n_columns))
    scale, found = rng.choice([0.0, 0.5, 3.0], n_columns), []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plain_kernels, "BLOCK", block)
        for module in (kernels, plain_kernels):
            out = np.full((n, m), 7.0)
            module.mixed_distances(rows, others, scale, out)
            found.append(out.tobytes())
    assert found[0] == found[1]


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_the_distance_is_a_metric_whose_kernel_is_positive_definite(seed):
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(
        {
            "a": rng.choice([0.0, 1.0, 4.0, np.nan], 12),
            "b": pd.Categorical(rng.choice(["x", "y", "z"], 12)),
            "c": rng.normal(size=12),
        }
    )
    columns = Columns(X)
    codes = columns.encode(X, "X")
    far = Gower.of(columns, codes)(codes, codes)
    assert (far == far.T).all() and (np.diag(far) == 0).all() and far.max() <= 1.0 + 1e-12
    assert (far[:, None, :] <= far[:, :, None] + far.T[None, :, :] + 1e-12).all()
    assert np.linalg.eigvalsh(np.exp(-far / kernel_width(far))).min() > -1e-10


def test_a_value_that_a_constant_column_never_had_is_as_far_as_can_be():
    columns = Columns(np.ones((3, 2)))
    apart = Gower.of(columns, np.ones((3, 2)))
    assert apart(np.array([[1.0, 2.0]]), np.ones((1, 2))).tolist() == [[0.5]]


def test_columns_of_the_largest_numbers_have_distances():
    X = np.array([[-1.7e308], [1.7e308], [0.0]])
    columns = Columns(X)
    far = Gower.of(columns, X)(X, X)
    assert np.isfinite(far).all() and far[0, 1] > far[0, 2] > 0


def test_infinite_numbers_are_refused_by_the_name_of_their_column():
    with pytest.raises(ValueError, match="infinite values in 'x1'"):
        px.prototypes(np.array([[0.0, np.inf], [1.0, 2.0]]), 1)


@pytest.mark.parametrize("begin", [0.0, 1.7e9, 1e12])
def test_equal_steps_are_equal_wherever_the_column_begins(begin):
    table = (begin + np.arange(20.0))[:, None]
    columns = Columns(table)
    apart = Gower.of(columns, table)(table, table)
    assert len(np.unique(np.diag(apart, 1))) == 1
