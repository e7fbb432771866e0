"""Small jobs are done by numpy and large ones by numba: to the same bits, and small ones wait for no numba."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perturbxai.core import compiled, kernels, plain_kernels

FEW = settings(max_examples=60, deadline=None)
VALUES = np.array([0.0, -0.0, 1.5, -2.0, np.nan, np.inf, 5e-324])
WORDS = 2**64 - 1


def both(kernel, *arguments):
    """What each fills into copies of the arrays that it is handed."""
    found = []
    for module in (kernels, plain_kernels):
        own = [one.copy() if isinstance(one, np.ndarray) else one for one in arguments]
        result = getattr(module, kernel)(*own)
        found.append([result, *[one.tobytes() for one in own if isinstance(one, np.ndarray)]])
    return found


@FEW
@given(st.integers(0, 2**32 - 1), st.integers(1, 6), st.integers(1, 4), st.integers(0, 12), st.sampled_from([1, 4, 1 << 16]))
def test_rows_are_spliced_alike(seed, n_columns, n_base, n_rows, block):
    rng = np.random.default_rng(seed)
    donor, bases = rng.choice(VALUES, n_columns), rng.choice(VALUES, (n_base, n_columns))
    player, z = rng.integers(-1, 3, n_columns).astype(np.int32), rng.random((5, 3)) < 0.5
    cells = rng.integers(0, 5, n_rows), rng.integers(0, n_base, n_rows)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plain_kernels, "BLOCK", block)
        numba, numpy = both("splice_columns", donor, bases, player, z, *cells, np.full((n_rows, n_columns), 7.0))
    assert numba == numpy


@FEW
@given(st.integers(0, 2**32 - 1), st.integers(0, 5), st.integers(0, 6), st.integers(1, 4))
def test_names_are_alike(seed, n_players, n_rows, n_base):
    rng = np.random.default_rng(seed)
    z, base = rng.random((n_rows, n_players)) < 0.5, rng.integers(0, n_base, n_rows)
    present = rng.integers(0, WORDS, (n_players, 2), dtype=np.uint64, endpoint=True)
    absent = rng.integers(0, WORDS, (n_base, n_players, 2), dtype=np.uint64, endpoint=True)
    flat = np.ascontiguousarray(absent.transpose(1, 0, 2)).reshape(n_players, 2 * n_base)
    numba, numpy = both("hash_coalitions", z, present, flat, np.zeros((n_rows, 2 * n_base), dtype=np.uint64))
    assert numba == numpy
    numba, numpy = both("hash_single_cells", z, base, present, absent, np.zeros((n_rows, 2), dtype=np.uint64))
    assert numba == numpy


@FEW
@given(st.integers(0, 2**32 - 1), st.integers(0, 20), st.integers(0, WORDS))
def test_rows_are_counted_alike(seed, n_rows, users):
    rng = np.random.default_rng(seed)
    places, counted = rng.integers(0, 9, n_rows), rng.integers(0, 3, 9).astype(np.int32)
    used = rng.integers(0, WORDS, 9, dtype=np.uint64)
    none = np.zeros(64, dtype=np.int64), np.zeros(n_rows, dtype=np.int64)
    numba, numpy = both("tally_rows", places, 2, counted, np.uint64(users), used, *none)
    assert numba == numpy


@FEW
@given(st.integers(0, 2**32 - 1), st.integers(1, 5), st.lists(st.integers(1, 12), max_size=4), st.integers(1, 2))
def test_scores_are_centred_alike(seed, n_players, strata, rows_a_cluster):
    rng = np.random.default_rng(seed)
    bounds = np.cumsum([0, *strata])
    n_clusters = int(bounds[-1]) + 2  # two are left out
    first = np.append(0, np.cumsum(rng.integers(1, rows_a_cluster + 1, n_clusters)))
    gain, residuals = rng.normal(size=(first[-1], n_players)), rng.normal(size=first[-1])
    order, root = rng.permutation(n_clusters)[: bounds[-1]], rng.normal(size=bounds[-1])
    numba, numpy = both("centred_scores", gain, residuals, first, order, bounds, root, np.zeros((n_clusters, n_players)))
    assert numba == numpy


def test_numpy_makes_rows_until_that_has_cost_what_loading_numba_does(monkeypatch):
    monkeypatch.setattr(compiled, "_made", 0)
    monkeypatch.delitem(sys.modules, "perturbxai.core.kernels")
    assert compiled.row_kernels(compiled.PATIENCE // 2) is plain_kernels
    assert compiled.row_kernels(compiled.PATIENCE) is compiled.kernels
    assert compiled.row_kernels(compiled.PATIENCE // 2) is plain_kernels
    assert compiled.row_kernels(1) is compiled.kernels


SMALL = """
import sys
{first}
import numpy as np
import perturbxai as px

rng = np.random.default_rng(0)
X, levels = rng.normal(size=(200, 9)), rng.integers(0, 3, (200, 9)).astype(float)
for table in (X, levels):
    found = px.explain(["kernel_shap", "lime"], px.Predictor(lambda rows: np.tanh(rows).sum(axis=1)), px.TabularSpace(table),
                       table[:2], budget=200)
    print([(found[key].values.tobytes().hex(), found[key].stderr.tobytes().hex(), found[key].meta["rows"]) for key in found])
print("numba" in sys.modules, file=sys.stderr)
"""


def test_a_small_call_loads_no_numba_and_finds_the_same_to_the_bit():
    def run(first):
        return subprocess.run([sys.executable, "-c", SMALL.format(first=first)], capture_output=True, text=True, check=True)

    without, with_it = run(""), run("from perturbxai.core import kernels")
    assert (without.stderr.strip(), with_it.stderr.strip()) == ("False", "True")
    assert without.stdout == with_it.stdout
