"""Full rank from sums of squares: never said of columns that others determine."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perturbxai.sampling.full_rank import surely_full_rank


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 12), st.integers(1, 30), st.booleans())
def test_it_is_said_of_no_columns_that_singular_values_find_dependent(seed, n_columns, n_rows, light):
    rng = np.random.default_rng(seed)
    x = (rng.random((n_rows, n_columns)) < 0.5) * (10.0 ** rng.integers(-9, 9, n_columns) if light else 1.0)
    if surely_full_rank(x.T @ x):
        assert np.linalg.matrix_rank(x / np.sqrt((x**2).sum(axis=0))) == n_columns


@pytest.mark.parametrize("n_columns", [1, 5, 60])
def test_it_is_said_of_columns_that_stand_well_apart(n_columns):
    x = np.column_stack([np.ones(4 * n_columns), np.random.default_rng(0).random((4 * n_columns, n_columns)) < 0.5])
    assert surely_full_rank(x.T @ x)


def test_a_column_of_nothing_is_no_column():
    assert not surely_full_rank(np.diag([1.0, 0.0]))
