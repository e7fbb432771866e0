"""Smooth masks: enlarged as torch does, exact at both ends, and the same on host and device."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from perturbxai.core.questions import PixelMasks
from perturbxai.models.image_plan import ImagePlan, recast
from perturbxai.models.masks import Described, SeenThrough, enlarge, stretch

RNG = np.random.default_rng(0)
PICTURE, FILL = (RNG.random((24, 40, 3), dtype=np.float32) for _ in range(2))
MAPS = RNG.standard_normal((7, 3, 5))


@pytest.mark.parametrize("cells", [(3, 5), (1, 1), (1, 4), (24, 40), (7, 11), (50, 60)])
def test_maps_are_enlarged_between_the_centres_of_their_cells(cells):
    maps = RNG.standard_normal((2, *cells))  # torch places its pixels in the maps' own precision
    expected = F.interpolate(torch.as_tensor(maps)[None], (24, 40), mode="bilinear", align_corners=False)[0]
    np.testing.assert_allclose(enlarge(maps, (24, 40)), expected.numpy(), atol=2e-6)


def test_masks_are_stretched_each_by_itself_and_constant_ones_hide_everything():
    masks = stretch(np.stack([MAPS[0], 100 * MAPS[1], np.full((3, 5), 7.0)]).astype(np.float32))
    assert masks.min(axis=(1, 2)).tolist() == [0, 0, 0]
    assert masks.max(axis=(1, 2)).tolist() == [1, 1, 0]


def test_a_picture_is_its_own_where_a_map_is_largest_and_its_fill_where_it_is_least():
    masks = stretch(enlarge(MAPS, (24, 40)))
    rows = SeenThrough(PICTURE, FILL, MAPS).host(0, 7)
    for mask, row in zip(masks, rows, strict=True):
        np.testing.assert_array_equal(row[mask == 1], PICTURE[mask == 1])
        np.testing.assert_array_equal(row[mask == 0], FILL[mask == 0])
        np.testing.assert_allclose(row, mask[..., None] * PICTURE + (1 - mask[..., None]) * FILL, atol=1e-6)


def test_rows_are_the_same_in_any_slices_and_on_the_device():
    plan = SeenThrough(PICTURE, FILL, MAPS)
    whole = plan.host(0, len(plan))
    np.testing.assert_array_equal(np.concatenate([plan.host(0, 3), plan.host(3, 4), plan.host(4, 7)]), whole)
    np.testing.assert_allclose(plan.device(2, 7, "cpu").numpy(), whole[2:], atol=1e-6)


# ------------------------------------------------------------------------------------------------ described masks


def described(n_masks=9):
    grid = RNG.random((n_masks, 2, 3)) < 0.5
    shift = np.column_stack([RNG.integers(12, size=n_masks), RNG.integers(20, size=n_masks)])
    down, across = RNG.random((36, 2)), RNG.random((60, 3))
    weights = [lines / lines.sum(axis=1, keepdims=True) for lines in (down, across)]
    return Described(PixelMasks(grid, shift, *weights), 24, 40)


def test_described_masks_are_what_they_say_pixel_by_pixel():
    masks = described()
    asked, built = masks.question, masks[0:9].reshape(9, 24, 40)
    for m, i, j in [(0, 0, 0), (3, 23, 39), (8, 10, 1), (5, 7, 30)]:
        first, second = asked.shift[m]
        assert built[m, i, j] == pytest.approx(asked.down[first + i] @ asked.grid[m] @ asked.across[second + j], abs=1e-6)


def test_described_masks_are_the_same_in_any_slices_and_on_the_device():
    masks = described()
    assert (len(masks), masks.shape, masks.dtype) == (9, (9, 960), np.float32)
    np.testing.assert_array_equal(np.concatenate([masks[0:1], masks[1:7], masks[7:9]]), masks[0:9])
    np.testing.assert_allclose(masks.on(slice(2, 9), "cpu").numpy(), masks[2:9], atol=1e-6)


@pytest.mark.parametrize("layout", ["HWC", "CHW"])
@pytest.mark.parametrize("dtype", ["float32", "uint8"])
def test_a_picture_is_seen_through_described_masks_alike_on_host_and_device(dtype, layout):
    scale = 255 if dtype == "uint8" else 1
    plan = ImagePlan([described().of(np.round(255 * a) if scale > 1 else a, a * 0) for a in (PICTURE, FILL)])
    plan = recast(plan, dtype, layout)
    host = plan.host(3, 15).astype(np.float64)
    device = plan.device(3, 15, "cpu").numpy().astype(np.float64)
    # a blend that falls on a half in one is rounded by a unit of 1/255 in the other
    assert np.abs(host - device).max() <= (1 if dtype == "uint8" else 1e-6)
    assert np.mean(host != device) < (1e-3 if dtype == "uint8" else 1.0)


def test_only_grids_travel_to_the_device(monkeypatch):
    plan, travelled = ImagePlan([described().of(PICTURE, FILL)]), []
    plan.device(0, 1, "cpu")  # the picture is there from now on
    resident = torch.as_tensor
    monkeypatch.setattr(
        torch, "as_tensor", lambda array, **options: travelled.append(array.nbytes) or resident(array, **options)
    )
    plan.device(0, 9, "cpu")
    assert sum(travelled) < 9 * 24 * 40  # less than a byte a pixel
