"""Smooth masks: enlarged as torch does, exact at both ends, and the same on host and device."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from perturbxai.masks import SeenThrough, enlarge, stretch

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
