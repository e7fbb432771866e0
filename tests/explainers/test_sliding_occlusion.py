"""Sliding occlusion: patch by patch, exactly; captum's map; occlusion where patches are superpixels."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from picture_nets import Flat, Pooled, picture, seeded

import perturbxai as px

SIZES = [((8, 8), (8, 8)), ((8, 8), (4, 4)), ((5, 7), (3, 2)), ((6, 6), (6, 6)), ((32, 32), (1, 1)), ((1, 32), (1, 5))]


def explained(net, x, patch=None, stride=None, fill=0.25, n_segments=6, **options):
    space = px.ImageSpace(segments="grid", n_segments=n_segments, fill=fill)
    method = px.SlidingOcclusion(patch=patch, stride=stride)
    return px.explain(method, px.Predictor(net), space, x, **options)["sliding_occlusion"]


def slow_map(function, x, fill, patch, stride):
    """(K, H, W): the mean drop by pixel, patch by patch; a patch at the edge hides what of it lies within."""
    height, width = x.shape[:2]
    full = function(x[None])[0]
    total, count = np.zeros((len(full), height, width)), np.zeros((height, width))
    top = 0
    while True:
        left = 0
        while True:
            hidden = x.copy()
            hidden[top : top + patch[0], left : left + patch[1]] = fill
            total[:, top : top + patch[0], left : left + patch[1]] += (full - function(hidden[None])[0])[:, None, None]
            count[top : top + patch[0], left : left + patch[1]] += 1
            if left + patch[1] >= width:
                break
            left += stride[1]
        if top + patch[0] >= height:
            break
        top += stride[0]
    return total / count


def curved(pictures):
    """(n, 2): sums and products of pixels, with both signs."""
    means = pictures.astype(np.float64).mean(axis=3)
    return np.column_stack([means[:, :9].sum((1, 2)) * means[:, 20:].mean((1, 2)), means[:, 3, 4] - means[:, 30, 30]])


@pytest.mark.parametrize(("patch", "stride"), SIZES)
def test_the_map_is_the_mean_drop_over_the_patches_that_cover_a_pixel(patch, stride):
    x = picture()
    found = explained(curved, x, patch, stride)
    np.testing.assert_allclose(found[0].heat, slow_map(curved, x, 0.25, patch, stride), atol=1e-10)


@pytest.mark.parametrize(("patch", "stride"), SIZES[:4])
@pytest.mark.parametrize("make", [Pooled, Flat])
def test_the_map_is_captums(make, patch, stride):
    """Checked with captum 0.9.0, whose patches at the edge are cut off too."""
    attr = pytest.importorskip("captum.attr", reason="captum is not installed")
    net, x = seeded(make), picture()
    theirs = attr.Occlusion(net)
    tensor = torch.as_tensor(x).permute(2, 0, 1)[None]
    for k in range(3):
        expected = theirs.attribute(tensor, (3, *patch), strides=(3, *stride), baselines=0.25, target=k)
        np.testing.assert_allclose(explained(net, x, patch, stride)[0].heat[k], expected[0, 0].detach(), atol=1e-6)


def test_where_the_superpixels_are_patches_a_player_has_the_value_of_occlusion():
    x = picture()
    space = px.ImageSpace(segments="grid", n_segments=16, fill="blur")
    assert {8} == {size for labels in [space.players(x)[0].labels] for size in np.sqrt(np.bincount(labels.ravel()))}
    methods = ["occlusion", px.SlidingOcclusion(patch=8, stride=8)]
    found = px.explain(methods, px.Predictor(curved), space, x)
    np.testing.assert_allclose(found["sliding_occlusion"].values, found["occlusion"].values, atol=1e-10)


def test_on_a_sum_over_pixels_values_sum_to_the_gain_where_patches_do_not_overlap():
    weights = np.random.default_rng(0).standard_normal((32, 32, 3))
    found = explained(lambda pictures: pictures.reshape(len(pictures), -1) @ weights.reshape(-1), picture(), 5, 5)
    assert found.meta["gap"] == pytest.approx([0.0], abs=1e-9)


def test_the_sign_is_kept():
    found = explained(curved, np.ones((32, 32, 3)), 4, 4, fill=0)[0].heat[1]
    assert found[3, 4] == pytest.approx(1.0)
    assert found[30, 30] == pytest.approx(-1.0)


def test_a_patch_is_a_seventh_of_the_shorter_side_unless_it_is_given():
    found = explained(curved, picture(0, 42, 70))
    assert (found.meta["patch"], found.meta["stride"], found.meta["patches"]) == ([6, 6], [3, 3], 13 * 23)


def test_it_is_deterministic_and_knows_no_error_but_rounding():
    one, other = (explained(curved, picture(), seed=seed) for seed in (0, 1))
    np.testing.assert_array_equal(one.heat, other.heat)
    assert one.stderr.max() < 1e-12 * np.abs(one[0].heat).sum()


def test_every_patch_is_asked_once_and_nothing_else():
    model = px.Predictor(curved)
    space = px.ImageSpace(segments="grid", n_segments=6, fill=0)
    methods = [px.SlidingOcclusion(patch=8, stride=8), px.SlidingOcclusion(patch=8, stride=8, name="again")]
    found = px.explain(methods, model, space, picture())
    assert model.rows == found["sliding_occlusion"].meta["rows"] == 16 + 2


def test_host_and_device_show_the_network_the_same():
    net, x = seeded(Flat), picture()
    space = px.ImageSpace(segments="grid", n_segments=6, fill="blur")
    host, device = (
        px.explain("sliding_occlusion", px.Predictor(net, device=where), space, x)["sliding_occlusion"][0].heat
        for where in (None, "cpu")
    )
    np.testing.assert_allclose(host, device, atol=1e-6)


def test_a_budget_below_the_patches_is_refused_before_the_model_is_asked():
    model = px.Predictor(curved)
    space = px.ImageSpace(segments="grid", n_segments=6, fill=0)
    with pytest.raises(ValueError, match="budget=17 is below the 18 patches, picture and fill that sliding_occlusion needs"):
        px.explain(px.SlidingOcclusion(patch=8, stride=8), model, space, picture(), budget=17)
    assert model.rows == 0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"patch": 33}, r"patch=\(33, 33\) is larger than the picture of 32 x 32 pixels"),
        ({"patch": 4, "stride": 5}, r"stride=\(5, 5\) leaves gaps between patches of \(4, 4\)"),
        ({"patch": 0}, "patch=0 must be a whole number of pixels from 1 up"),
        ({"stride": 1.5}, "stride=1.5 must be a whole number of pixels"),
        ({"patch": (1, 2, 3)}, r"patch=\(1, 2, 3\) must be a whole number of pixels from 1 up, or two"),
    ],
)
def test_sizes_that_do_not_fit_are_refused(options, words):
    with pytest.raises(ValueError, match=words):
        explained(curved, picture(), **options)


def test_a_table_has_no_pixels():
    with pytest.raises(ValueError, match="hides pixels of a picture, and a table has none; take 'occlusion'"):
        px.explain("sliding_occlusion", px.Predictor(curved), px.TabularSpace(np.zeros((1, 3))), np.ones((1, 3)))
