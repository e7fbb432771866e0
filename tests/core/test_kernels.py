"""Kernels against their slow twins, bit for bit where nothing is summed."""

from __future__ import annotations

import numpy as np
import oracles
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perturbxai.core import bin_kernels, kernels
from perturbxai.inputs.row_names import hash_cells, hash_rows, hash_values
from perturbxai.sampling.neighbourhoods import Neighbourhood, binned_column

FEW = settings(max_examples=40, deadline=None)
VALUES = np.array([0.0, -0.0, 1.0, -2.5, 255.0, 1e-30, np.nan, np.inf, -np.inf])


@st.composite
def scenes(draw):
    """picture, fill (H, W, C) float32 with NaN and infinities, labels (H, W) int32, number of players, a generator."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    shape = (draw(st.integers(1, 6)), draw(st.integers(1, 6)), draw(st.sampled_from([1, 3])))
    n_players = draw(st.integers(1, 7))
    picture, fill = (rng.choice(VALUES, shape).astype(np.float32) for _ in range(2))
    return picture, fill, rng.integers(0, n_players, shape[:2], dtype=np.int32), n_players, rng


def bits(array):
    return np.ascontiguousarray(array).view(np.uint8)


@FEW
@given(scenes(), st.integers(0, 5))
def test_splice_pixels_selects_bit_for_bit_like_its_slow_twin(scene, n_rows):
    picture, fill, labels, n_players, rng = scene
    z = rng.random((n_rows, n_players)) < 0.5
    out = np.full((n_rows, *picture.shape), 7.0, dtype=np.float32)
    kernels.splice_pixels(picture, fill, labels, z, out)
    np.testing.assert_array_equal(bits(out), bits(oracles.splice_pixels(picture, fill, labels, z)))


LAYOUTS = ("HWC", "CHW")


def laid(array, layout):
    """The same picture or batch, its memory ordered by channel for "CHW"."""
    return array if layout == "HWC" else np.moveaxis(np.ascontiguousarray(np.moveaxis(array, -1, -3)), -3, -1)


@pytest.mark.parametrize("dtype", [np.float32, np.uint8])
@pytest.mark.parametrize("inner", LAYOUTS)
@pytest.mark.parametrize("outer", LAYOUTS)
@FEW
@given(seed=st.integers(0, 2**32 - 1), channels=st.sampled_from([1, 3]))
def test_pixel_kernels_do_the_same_for_every_dtype_and_layout(dtype, inner, outer, seed, channels):
    rng = np.random.default_rng(seed)
    pair = [(255 * rng.random((5, 4, channels))).astype(dtype) for _ in range(2)]
    labels, n_rows = rng.integers(0, 3, (5, 4), dtype=np.int32), 3
    z, alpha = rng.random((n_rows, 3)) < 0.5, rng.random((n_rows, 3)).astype(np.float32)
    alpha[0] = [0.0, 1.0, 0.5]  # halves of bytes: a tie
    views = [laid(one, inner) for one in pair]
    out = laid(np.full((n_rows, 5, 4, channels), 7, dtype=dtype), outer)
    kernels.splice_pixels(*views, labels, z, out)
    np.testing.assert_array_equal(bits(out), bits(oracles.splice_pixels(*pair, labels, z)))
    kernels.blend_pixels(*views, labels, alpha, np.float32(0.5 if dtype == np.uint8 else 0.0), out)
    np.testing.assert_array_equal(bits(out), bits(oracles.blend_pixels(*pair, labels, alpha)))


@FEW
@given(scenes(), st.integers(0, 5))
def test_blend_pixels_is_its_slow_twin_and_exact_at_both_ends(scene, n_rows):
    picture, fill, labels, n_players, rng = scene
    alpha = rng.choice([0.0, 1.0, 0.25, 0.7, 1e-7], (n_rows, n_players)).astype(np.float32)
    out = np.full((n_rows, *picture.shape), 7.0, dtype=np.float32)
    with np.errstate(invalid="ignore"):
        kernels.blend_pixels(picture, fill, labels, alpha, np.float32(0), out)
        expected = oracles.blend_pixels(picture, fill, labels, alpha)
    hard = np.isin(alpha, [0.0, 1.0])[:, labels]  # (M, H, W)
    np.testing.assert_array_equal(bits(out[hard]), bits(expected[hard]))
    np.testing.assert_array_equal(out, expected)  # separate products and a sum, each rounded: nothing is fused


@FEW
@given(st.integers(0, 2**32 - 1), st.integers(1, 6), st.integers(1, 4), st.integers(0, 12))
def test_splice_columns_selects_bit_for_bit_like_its_slow_twin(seed, n_columns, n_base, n_rows):
    rng = np.random.default_rng(seed)
    donor, bases = rng.choice(VALUES, n_columns), rng.choice(VALUES, (n_base, n_columns))
    player = rng.integers(-1, 3, n_columns).astype(np.int32)  # -1: always present
    z = rng.random((5, 3)) < 0.5
    coalition, base = rng.integers(0, 5, n_rows), rng.integers(0, n_base, n_rows)
    out = np.full((n_rows, n_columns), 7.0)
    kernels.splice_columns(donor, bases, player, z, coalition, base, out)
    np.testing.assert_array_equal(bits(out), bits(oracles.splice_columns(donor, bases, player, z, coalition, base)))


@FEW
@given(st.integers(0, 2**32 - 1), st.integers(1, 3), st.integers(1, 6), st.integers(1, 6))
def test_pool_regions_sums_over_each_player_and_leaves_out_minus_one(seed, n_maps, height, width):
    rng = np.random.default_rng(seed)
    heat = rng.standard_normal((n_maps, height, width))
    labels = rng.integers(-1, 4, (height, width)).astype(np.int32)
    out = np.zeros((n_maps, 4))
    kernels.pool_regions(heat, labels, out)
    # at most 36 numbers of order 1, summed in another order
    np.testing.assert_allclose(out, oracles.pool_regions(heat, labels, 4), atol=1e-13)


@FEW
@given(st.integers(0, 2**32 - 1), st.integers(1, 6), st.integers(1, 4))
def test_a_cell_has_the_name_of_the_row_that_the_slow_twin_builds(seed, n_columns, n_base):
    rng = np.random.default_rng(seed)
    donor, bases = rng.choice(VALUES, n_columns), rng.choice(VALUES, (n_base, n_columns))
    player = rng.integers(-1, 3, n_columns).astype(np.int32)
    z = rng.random((6, 3)) < 0.5
    coalition, base = np.repeat(np.arange(6), n_base), np.tile(np.arange(n_base), 6)
    rows = oracles.splice_columns(donor, bases, player, z, coalition, base)
    np.testing.assert_array_equal(hash_cells(z, donor, player, hash_values(bases)), hash_rows(rows))


@pytest.mark.parametrize("frozen", [False, True], ids=["writable", "read-only"])
def test_kernels_take_read_only_input_and_do_not_write_into_it(frozen):
    rng = np.random.default_rng(0)
    given = [rng.random((3, 4, 3)).astype(np.float32) for _ in range(2)]
    given += [rng.integers(0, 2, (3, 4), dtype=np.int32), np.array([[True, False]])]
    before = [array.copy() for array in given]
    for array in given:
        array.setflags(write=not frozen)
    kernels.splice_pixels(*given, np.empty((1, 3, 4, 3), dtype=np.float32))
    assert all((a == b).all() for a, b in zip(given, before, strict=True))


@FEW
@given(st.integers(0, 2**32 - 1), st.integers(1, 5), st.integers(1, 6), st.sampled_from([np.int16, np.int32]))
def test_draw_binned_finds_the_bin_and_the_quantile_of_its_slow_twin(seed, n_columns, n_bins, dtype):
    rng = np.random.default_rng(seed)
    columns = []
    for _ in range(n_columns):
        data = np.repeat(rng.normal(size=n_bins), rng.integers(1, 40, n_bins)) + rng.normal(0, 1e-3)
        edges = np.unique(rng.choice(data, n_bins))
        columns.append(binned_column(data, np.full(len(data), 1.0 / len(data)), edges, False))
    uniform = rng.random((n_columns, 50))
    uniform[:, 0], uniform[:, 1] = 0.0, np.nextafter(1.0, 0.0)
    codes, bins = uniform.copy(), np.zeros(uniform.shape, dtype=dtype)
    hood = Neighbourhood.of(columns)
    bin_kernels.draw_binned(codes, np.ones(n_columns, dtype=bool), hood.laws, bins)
    for d, column in enumerate(columns):
        expected, which = oracles.draw_binned(uniform[d], column.share, column.quantiles)
        np.testing.assert_array_equal(bins[d], which)
        np.testing.assert_allclose(codes[d], expected, rtol=1e-12, atol=1e-12)


@FEW
@given(st.integers(0, 2**32 - 1), st.integers(1, 5), st.integers(1, 4), st.integers(1, 3))
def test_sweep_bins_leaves_what_its_slow_twin_leaves(seed, n_columns, n_bins, n_outputs):
    rng = np.random.default_rng(seed)
    codes, bins = rng.normal(size=(n_columns, 60)), rng.integers(0, n_bins, (n_columns, 60)).astype(np.int16)
    means, placed = rng.normal(size=(n_columns, n_bins)), (rng.random((n_columns, n_bins)) < 0.7).astype(float)
    values = rng.normal(size=(n_outputs, 60))
    left, effects = values.copy(), np.zeros((n_outputs, n_columns, n_bins))
    bin_kernels.sweep_bins(codes, bins, np.ones(n_columns, dtype=bool), means, placed, 10, left, effects)
    for k in range(n_outputs):
        expected, slow = oracles.sweep_bins(codes, bins, means, placed, 10, values[k])
        np.testing.assert_allclose(left[k], expected, atol=1e-11)  # sums in another order
        np.testing.assert_allclose(effects[k], slow, atol=1e-11)


@FEW
@given(st.integers(0, 2**32 - 1), st.sampled_from([1, 2, 3]), st.booleans())
def test_centred_scores_are_those_of_the_slow_twin(seed, n_rows, centred):
    rng = np.random.default_rng(seed)
    counts, n_players = rng.integers(1, 5, 3), 4
    first = np.arange(counts.sum() + 1) * n_rows
    gain, residuals = rng.normal(size=(first[-1], n_players)), rng.normal(size=first[-1])
    order, bounds = rng.permutation(counts.sum()), np.append(0, np.cumsum(counts))
    root = (rng.random(counts.sum()) + 0.1) * (1.0 if centred else -1.0)
    out = np.full((len(order) + 1, n_players), 7.0)
    kernels.centred_scores(gain, residuals, first, order, bounds, root, out)
    slow = oracles.centred_scores(gain, residuals, first, np.split(order, bounds[1:-1]), root)
    np.testing.assert_allclose(out[:-1], slow, rtol=0, atol=1e-14 * np.abs(gain).max() * n_rows * 10)
    np.testing.assert_array_equal(out[-1], 7.0)
