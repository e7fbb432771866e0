"""Segments: label maps of any ids become players 0..P-1; what is nothing to compare is refused."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import perturbxai as px
from perturbxai.segment import make_segments, relabel

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


@pytest.mark.parametrize(("height", "width", "n"), [(24, 36, 6), (24, 36, 50), (7, 5, 35), (3, 99, 9), (1, 9, 3), (9, 1, 4)])
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


@pytest.mark.parametrize("n_segments", [1, 0, -3, 2.5, "many", None])
def test_a_number_of_segments_below_two_or_not_whole_is_refused(n_segments):
    with pytest.raises(ValueError, match=r"n_segments=.* must be a whole number from 2 up"):
        px.ImageSpace(n_segments=n_segments)
