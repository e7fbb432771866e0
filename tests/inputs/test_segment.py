"""Segments: label maps of any ids become players 0..P-1; what is nothing to compare is refused."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from skimage.filters import gaussian

import perturbxai as px
from perturbxai.core.catalogue import SEGMENTERS, load
from perturbxai.inputs.segments import areas, cut, make_segments, relabel

PHOTO = np.random.default_rng(0).random((24, 36, 3)).astype(np.float32)
QUARTERS = (np.arange(24)[:, None] // 12) * 2 + np.arange(36)[None, :] // 18  # (24, 36), ids 0..3


@settings(max_examples=50, deadline=None)
@given(st.lists(st.lists(st.integers(-5, 10**6), min_size=4, max_size=4), min_size=1, max_size=4))
def test_relabelling_keeps_the_regions_and_their_order_and_leaves_no_gap(found):
    given = np.array(found)
    labels = relabel(given)
    assert labels.dtype == np.int32 and labels.flags.c_contiguous
    assert np.unique(labels).tolist() == list(range(len(np.unique(given))))
    assert (np.sign(np.subtract.outer(labels, labels)) == np.sign(np.subtract.outer(given, given))).all()


MAPS = {
    "from 1": QUARTERS + 1,
    "with gaps": QUARTERS * 7,
    "negative": QUARTERS - 2,
    "uint8": QUARTERS.astype(np.uint8),
    "uint64": QUARTERS.astype(np.uint64) + np.uint64(2**63),
    "fortran": np.asfortranarray(QUARTERS),
    "tensor": torch.as_tensor(QUARTERS),
    "nested lists": QUARTERS.tolist(),
    "palette of a PIL picture": Image.fromarray(QUARTERS.astype(np.uint8)).convert("P"),
    "function": lambda picture: QUARTERS[: len(picture)],
}


@pytest.mark.parametrize("segments", MAPS.values(), ids=MAPS)
def test_your_own_regions_are_the_players_whatever_their_ids(segments):
    (one,) = px.ImageSpace(segments=segments).players(PHOTO)
    np.testing.assert_array_equal(one.labels, QUARTERS)
    assert one.names == tuple(f"superpixel {p}" for p in range(4))


def test_a_mask_of_true_and_false_is_two_regions():
    np.testing.assert_array_equal(make_segments(QUARTERS > 1, PHOTO, 50), QUARTERS > 1)


def test_a_label_map_is_copied_when_the_space_is_made():
    given = QUARTERS.copy()
    space = px.ImageSpace(segments=given)
    given[:] = 0
    assert len(space.players(PHOTO)[0].names) == 4


# ------------------------------------------------------------------------------------------------ masks


LEFT, MIDDLE = (np.broadcast_to((np.arange(36) // 12 == k), (24, 36)) for k in (0, 1))
MASKS = {
    "bool": LEFT,
    "0 and 1": LEFT.astype(int),
    "0 and 255": LEFT.astype(np.uint8) * 255,
    "float": LEFT.astype(float),
    "tensor": torch.as_tensor(LEFT.copy()),
    "PIL": Image.fromarray(LEFT.astype(np.uint8) * 255),
    "nested lists": LEFT.tolist(),
}


@pytest.mark.parametrize("mask", MASKS.values(), ids=MASKS)
def test_a_mask_by_name_is_a_player_of_that_name_and_what_it_leaves_is_the_rest(mask):
    (one,) = px.ImageSpace(segments={"liver": mask}).players(PHOTO)
    assert one.names == ("liver", "rest")
    np.testing.assert_array_equal(one.labels, ~LEFT)


def test_masks_that_hold_every_pixel_leave_no_rest():
    labels, names = cut({"a": LEFT, "b": MIDDLE, "c": ~(LEFT | MIDDLE)}, PHOTO, 50)
    assert names == ("a", "b", "c")
    np.testing.assert_array_equal(labels, np.broadcast_to(np.arange(36) // 12, (24, 36)))


@pytest.mark.parametrize("cutter", ["grid", lambda picture: QUARTERS[: len(picture)]], ids=["name", "function"])
def test_what_masks_leave_is_cut_in_its_turn(cutter):
    labels, names = cut({"liver": LEFT, "around": cutter}, PHOTO, 4)
    assert names == ("liver", *(f"around {p}" for p in range(len(names) - 1)))
    np.testing.assert_array_equal(labels == 0, LEFT)
    whole = make_segments(cutter, PHOTO, 4)
    for p in range(1, len(names)):  # each is a region of the whole picture, less the mask
        (region,) = np.unique(whole[labels == p])
        np.testing.assert_array_equal(labels == p, (whole == region) & ~LEFT)


def test_a_mask_of_true_and_false_has_an_inside_and_an_outside():
    assert px.ImageSpace(segments=LEFT).players(PHOTO)[0].names == ("outside", "inside")


def test_a_function_may_give_masks_of_each_picture():
    space = px.ImageSpace(segments=lambda picture: {"bright": picture[..., 0] > 0.5})
    for one in space.players([PHOTO, PHOTO[:12]]):
        assert one.names == ("bright", "rest")
        np.testing.assert_array_equal(one.labels == 0, one.picture[..., 0] > 0.5)


def test_masks_are_copied_when_the_space_is_made():
    mask = LEFT.copy()
    space = px.ImageSpace(segments={"liver": mask})
    mask[:] = False
    np.testing.assert_array_equal(space.players(PHOTO)[0].labels == 0, LEFT)


def test_the_values_of_named_masks_are_those_of_their_names():
    def model(rows):
        return (rows[:, LEFT].sum(axis=(1, 2)) + 10 * rows[:, MIDDLE].sum(axis=(1, 2))) / 864

    space = px.ImageSpace(segments={"spleen": MIDDLE, "liver": LEFT}, fill=0)
    frame = px.explain("exact_shap", px.Predictor(model), space, PHOTO)["exact_shap"].to_frame().set_index("feature")
    np.testing.assert_allclose(frame.value["spleen"], 10 * PHOTO[MIDDLE].sum() / 864, rtol=1e-6)
    np.testing.assert_allclose(frame.value["liver"], PHOTO[LEFT].sum() / 864, rtol=1e-6)
    assert frame.value["rest"] == pytest.approx(0.0, abs=1e-5)  # float32 sums


@pytest.mark.parametrize(
    ("masks", "error", "match"),
    [
        ({"a": LEFT, "b": LEFT | MIDDLE}, ValueError, r"segments\['b'\] and segments\['a'\] share 288 pixels"),
        ({"a": LEFT & ~LEFT}, ValueError, r"segments\['a'\] is empty"),
        ({"a": LEFT[:5]}, ValueError, r"segments\['a'\] has shape \(5, 36\), but the picture is 24 x 36"),
        ({"a": QUARTERS}, ValueError, r"segments\['a'\] has 4 different values; a mask has 0 and one other"),
        ({"a": np.where(LEFT, np.nan, 0)}, ValueError, r"segments\['a'\] has 2 different values"),
        ({"a": LEFT.astype(str)}, TypeError, r"segments\['a'\] holds <U5; expected a mask"),
        ({"a": LEFT | ~LEFT}, ValueError, r"one region only \(P = 1\)"),
        ({"a": LEFT, "b": ~LEFT, "c": "slic"}, ValueError, r"segments\['c'\] would cut .* but they leave no pixel"),
        ({"a": LEFT, "b": "grid", "c": "slic"}, ValueError, "'b' and 'c' both cut what the masks leave"),
        ({"rest": LEFT}, ValueError, "two players would have one name"),
        ({"a": LEFT, "b": "slick"}, ValueError, "segments='slick' is not known"),
        ({}, ValueError, r"one region only \(P = 1\)"),
    ],
)
def test_masks_that_do_not_go_together_are_refused_before_the_model_is_asked(masks, error, match):
    predictor = px.Predictor(lambda rows: rows.sum(axis=(1, 2, 3)))
    with pytest.raises(error, match=match):
        px.explain("kernel_shap", predictor, px.ImageSpace(segments=masks), PHOTO)
    assert predictor.rows == 0


# ------------------------------------------------------------------------------------------------ segmenters


def smooth(height=48, width=64, channels=3, seed=0):
    """A picture with regions: blurred noise."""
    noise = np.random.default_rng(seed).random((height, width, channels))
    return gaussian(noise, sigma=3, channel_axis=-1).astype(np.float32)


@pytest.mark.parametrize("name", SEGMENTERS)
@pytest.mark.parametrize("channels", [1, 3])
def test_a_segmenter_numbers_its_regions_without_gaps_and_does_not_depend_on_units(name, channels):
    picture = smooth(channels=channels)
    labels = make_segments(name, picture, 12)
    assert labels.shape == (48, 64) and labels.dtype == np.int32
    np.testing.assert_array_equal(np.unique(labels), np.arange(labels.max() + 1))
    np.testing.assert_array_equal(make_segments(name, picture * 4.0, 12), labels)  # a power of two: no rounding


@pytest.mark.parametrize("name", SEGMENTERS)
@pytest.mark.parametrize("n", [8, 20])
def test_a_segmenter_comes_near_to_the_number_that_was_asked(name, n):
    found = [int(make_segments(name, smooth(seed=seed), n).max()) + 1 for seed in range(3)]
    exact = {"quickshift": 0, "felzenszwalb": 2, "grid": 2, "watershed": 5, "slic": n}[name]
    assert np.abs(np.array(found) - n).max() <= exact


@pytest.mark.parametrize("name", [name for name in SEGMENTERS if name != "felzenszwalb"])
def test_regions_of_a_few_pixels_are_rare(name):
    share = np.concatenate([np.bincount(make_segments(name, smooth(seed=s), 12).ravel()) for s in range(3)]) * 12 / (48 * 64)
    assert np.median(share) > 0.25


def test_felzenszwalb_has_no_region_below_a_tenth_of_the_mean_area():
    for seed in range(3):
        assert np.bincount(make_segments("felzenszwalb", smooth(seed=seed), 12).ravel()).min() >= 48 * 64 // 120


def test_felzenszwalb_gives_some_regions_where_two_were_asked_and_one_would_be_nearer():
    picture = np.random.default_rng(0).random((16, 12, 3), dtype=np.float32)  # merges from several regions into one
    assert make_segments("felzenszwalb", picture, 2).max() >= 1


def test_quickshift_cuts_its_tree_at_the_longest_ways():
    picture = smooth()
    finer, coarser = make_segments("quickshift", picture, 30), make_segments("quickshift", picture, 20)
    pairs = np.unique(np.stack([finer.ravel(), coarser.ravel()]), axis=1)
    assert pairs.shape[1] == 30  # one tree: every finer region lies in one coarser region


def test_quickshift_cuts_a_large_picture_on_a_small_copy():
    labels = make_segments("quickshift", smooth(200, 600), 10)
    assert labels.shape == (200, 600) and labels.max() == 9


@pytest.mark.parametrize("name", SEGMENTERS)
def test_a_segmenter_leaves_the_global_random_state_and_the_picture_as_they_were(name):
    picture = smooth()
    before, state, draws = picture.copy(), np.random.get_state()[1].copy(), random.getstate()  # noqa: NPY002
    first = make_segments(name, picture, 12)
    np.testing.assert_array_equal(np.random.get_state()[1], state)  # noqa: NPY002
    assert random.getstate() == draws
    np.testing.assert_array_equal(picture, before)
    np.testing.assert_array_equal(make_segments(name, picture, 12), first)


def test_the_number_of_superpixels_and_their_areas_are_reported_by_picture():
    predictor = px.Predictor(lambda rows: rows.sum(axis=(1, 2, 3)))
    space = px.ImageSpace(segments="slic", n_segments=30)
    found = px.explain("lime", predictor, space, [PHOTO, smooth()], budget=100)["lime"]
    for one in found:
        size = np.bincount(space.players(one.input)[0].labels.ravel())
        told = one.meta["superpixels"]
        assert told["found"] == len(one.names) == len(size)
        assert (told["least"], told["largest"]) == (size.min(), size.max())
        assert told["spread"] == pytest.approx(size.std() / size.mean(), abs=1e-3)
    assert found[0].meta["superpixels"] != found[1].meta["superpixels"]
    again = px.Attribution.from_json(found.to_json())
    assert again[1].meta["superpixels"] == found[1].meta["superpixels"]


def test_controls_and_references_report_them_too():
    predictor = px.Predictor(lambda rows: rows.sum(axis=(1, 2, 3)))
    space = px.ImageSpace(segments=QUARTERS)
    found = px.baselines("centre", predictor, space, PHOTO)["centre"][0]
    assert found.meta["superpixels"] == areas(relabel(QUARTERS))


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("scale", [1.0, 255.0])
def test_slic_gives_about_as_many_regions_as_asked_in_any_units(channels, scale):
    labels = make_segments("slic", scale * PHOTO[..., :channels], 20)
    assert 2 <= labels.max() + 1 <= 40 and labels.shape == (24, 36)
    np.testing.assert_array_equal(np.unique(labels), np.arange(labels.max() + 1))


def test_slic_does_not_depend_on_the_units_of_the_picture():
    whole = (PHOTO * 255).round().astype(np.float32)
    a, b = make_segments("slic", whole, 20), make_segments("slic", whole * 4.0, 20)
    np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("value", [0.0, 0.3, 255.0])
@pytest.mark.parametrize("channels", [1, 3])
def test_slic_on_a_constant_picture_gives_a_plain_grid(value, channels):
    labels = make_segments("slic", np.full((20, 20, channels), value, dtype=np.float32), 25)
    assert labels.max() > 0
    assert np.bincount(labels.ravel()).max() <= 4 * 400 / 25  # no region swallows the others


@pytest.mark.parametrize(
    ("height", "width", "n"),
    [(24, 36, 6), (24, 36, 50), (7, 5, 35), (3, 99, 9), (1, 9, 3), (9, 1, 4), (99, 1, 2), (1, 99, 2)],
)
def test_a_grid_has_about_as_many_regions_as_asked_and_they_are_rectangles(height, width, n):
    labels = make_segments("grid", np.zeros((height, width, 3), dtype=np.float32), n)
    assert n / 1.5 <= labels.max() + 1 <= n * 1.5
    for p in range(labels.max() + 1):
        i, j = np.nonzero(labels == p)
        assert len(i) == (np.ptp(i) + 1) * (np.ptp(j) + 1)


def test_a_grid_on_a_square_is_square():
    labels = make_segments("grid", np.zeros((32, 32, 3), dtype=np.float32), 16)
    np.testing.assert_array_equal(labels, np.arange(32)[:, None] // 8 * 4 + np.arange(32)[None, :] // 8)


def test_a_function_sees_the_picture_and_cannot_change_it():
    seen = []

    def spoil(picture):
        seen.append(picture.copy())
        picture[:] = 0.0
        return QUARTERS

    (one,) = px.ImageSpace(segments=spoil).players(PHOTO)
    np.testing.assert_array_equal(seen[0], PHOTO)
    np.testing.assert_array_equal(one.picture, PHOTO)


@pytest.mark.parametrize("segments", [QUARTERS.T, QUARTERS[:, :-1], lambda _: QUARTERS[:5]])
def test_a_label_map_of_another_size_is_refused_with_both_sizes(segments):
    with pytest.raises(ValueError, match=r"segments has shape \(\d+, \d+\), but the picture is 24 x 36.*px\.fit"):
        px.ImageSpace(segments=segments).players(PHOTO)


@pytest.mark.parametrize("segments", [np.full((24, 36), 7), np.ones((24, 36), dtype=bool), lambda _: QUARTERS * 0])
def test_a_single_region_is_refused(segments):
    with pytest.raises(ValueError, match=r"one region only \(P = 1\)"):
        px.ImageSpace(segments=segments).players(PHOTO)


def test_a_picture_of_one_pixel_has_nothing_to_compare():
    with pytest.raises(ValueError, match=r"one region only \(P = 1\)"):
        px.ImageSpace(segments="grid").players(np.zeros((1, 1, 3)))


@pytest.mark.parametrize(
    ("segments", "error", "match"),
    [
        (QUARTERS.astype(float), TypeError, "segments has dtype float64; expected whole numbers"),
        (QUARTERS[..., None], ValueError, r"segments has shape \(24, 36, 1\)"),
        ("slick", ValueError, "segments='slick' is not known"),
    ],
)
def test_what_is_no_label_map_is_refused(segments, error, match):
    with pytest.raises(error, match=match):
        px.ImageSpace(segments=segments).players(PHOTO)


@pytest.mark.parametrize("n_segments", [1, 0, -3, 2.5, np.inf, np.nan, "many", None])
def test_a_number_of_segments_below_two_or_not_whole_is_refused(n_segments):
    with pytest.raises(ValueError, match=r"n_segments=.* must be a whole number from 2 up"):
        px.ImageSpace(n_segments=n_segments)


def test_names_that_are_spelled_alike_are_refused_and_no_mask_is_lost():
    with pytest.raises(ValueError, match=r"two of the names \[1, '1'\] are spelled alike"):
        px.ImageSpace(segments={1: LEFT, "1": MIDDLE})


def test_a_masked_label_map_is_refused_with_the_way_out():
    with pytest.raises(ValueError, match=r"segments is a masked array; use array\.filled"):
        px.ImageSpace(segments=np.ma.masked_equal(QUARTERS, 2))


@pytest.mark.parametrize("seed", [-1, 1.5, np.nan, "a", None, True])
def test_a_seed_that_is_no_whole_number_is_refused_when_a_space_is_made(seed):
    with pytest.raises(ValueError, match=r"seed=.* must be a whole number from 0 up"):
        px.ImageSpace(seed=seed)
    with pytest.raises(ValueError, match=r"seed=.* must be a whole number from 0 up"):
        px.TabularSpace(np.eye(3), seed=seed)


@pytest.mark.parametrize("background", [np.inf, np.nan, 0, 2.5, True])
def test_a_background_that_is_no_number_of_rows_is_refused(background):
    with pytest.raises(ValueError, match=r"background=.* must be a whole number of rows from 1 up"):
        px.TabularSpace(np.eye(3), background=background)


def test_a_function_is_told_n_segments_if_it_has_to_be():
    def rows(picture, n_segments):
        return np.repeat(np.arange(len(picture))[:, None] * n_segments // len(picture), picture.shape[1], axis=1)

    def with_default(picture, n_segments=3):
        return rows(picture, n_segments)

    (one,) = px.ImageSpace(segments=rows, n_segments=6, fill=0).players(PHOTO)
    assert len(one.names) == 6
    (one,) = px.ImageSpace(segments=with_default, n_segments=6, fill=0).players(PHOTO)
    assert len(one.names) == 3
    with pytest.raises(TypeError, match="segments: <lambda> takes 'how', which nobody gives it"):
        px.ImageSpace(segments=lambda picture, how: picture[..., 0] > how, fill=0).players(PHOTO)


@pytest.mark.parametrize("name", SEGMENTERS)
def test_a_segmenter_of_ours_is_a_function_like_a_user_s(name):
    ours = load(SEGMENTERS, name)
    for segments in (ours, lambda picture: ours(picture, 8)):
        made = px.ImageSpace(segments=segments, n_segments=8, fill=0).players(PHOTO)[0].labels
        np.testing.assert_array_equal(made, px.ImageSpace(segments=name, n_segments=8, fill=0).players(PHOTO)[0].labels)
