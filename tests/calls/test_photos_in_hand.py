"""Photos in the hand: the mask of the superpixels that lead, where they lie, and what shap's image plot draws."""

from __future__ import annotations

import matplotlib

matplotlib.use("Agg")

import numpy as np
import pytest
from matplotlib import pyplot as plt

import perturbxai as px

RNG = np.random.default_rng(0)
PHOTOS = RNG.uniform(0, 255, (2, 12, 18, 3)).astype(np.float32)
SPACE = px.ImageSpace(segments="grid", n_segments=6, fill=0)
LABELS = SPACE.players(PHOTOS[0])[0].labels
WEIGHTS = np.array([5.0, -4.0, 3.0, 2.0, 0.0, -1.0])
N = len(WEIGHTS)


def model(photos):
    photos = np.asarray(photos, dtype=np.float64)
    score = sum(weight * photos[:, p == LABELS].mean(axis=(1, 2)) for p, weight in enumerate(WEIGHTS))
    return np.column_stack([score, -score])


PREDICTOR = px.Predictor(model, outputs=["cat", "dog"])


@pytest.fixture(scope="module")
def found():
    return px.explain("kernel_shap", PREDICTOR, SPACE, PHOTOS)["kernel_shap"]


# ------------------------------------------------------------------------------------------------ masks


@pytest.mark.parametrize("space", [SPACE, LABELS, LABELS.tolist()], ids=["space", "labels", "list"])
@pytest.mark.parametrize(
    ("options", "players"),
    [
        ({"top": 2, "output": "cat"}, [0, 2]),
        ({"output": "cat"}, [0, 2, 3]),  # no more speak for it
        ({"top": 2, "output": "dog"}, [1, 5]),
        ({"top": 2, "output": 0, "positive_only": False}, [0, 1]),
        ({"top": 9, "output": 0, "positive_only": False}, [0, 1, 2, 3, 5]),
        ({"top": 1}, [0]),  # of the output that is rated highest
    ],
)
def test_a_mask_holds_the_superpixels_that_lead(found, space, options, players):
    mask = found[0].mask(space, **options)
    assert mask.dtype == bool and mask.shape == (12, 18)
    assert (mask == np.isin(LABELS, players)).all()


def test_a_mask_of_what_was_taken_is_where_it_lies(found):
    taken = found[0].only(["superpixel 3", "superpixel 2"])
    assert (taken.mask(SPACE, 1, output="cat") == (LABELS == 2)).all()
    assert (taken.mask(SPACE, output="cat") == np.isin(LABELS, [2, 3])).all()


def test_named_masks_are_found_again():
    left = np.arange(18) < np.full((12, 1), 9)
    space = px.ImageSpace(segments={"left": left}, fill=0)
    one = px.explain("occlusion", px.Predictor(lambda p: p[:, :, :9].mean(axis=(1, 2, 3))), space, PHOTOS[0])["occlusion"][0]
    assert (one.mask(space) == left).all() and "left (left) (+" in one.describe(space=space)


@pytest.mark.parametrize(
    ("space", "options", "error", "message"),
    [
        (px.ImageSpace(segments="grid", n_segments=2, fill=0), {}, ValueError, "cuts this photo into 2 superpixels"),
        (LABELS[:5], {}, TypeError, "must be the ImageSpace of the call, or its label map"),
        (LABELS + 1, {}, ValueError, r"space has other labels than 0\.\.5"),
        (LABELS * 1.0, {}, TypeError, "label map: whole numbers"),
        (SPACE, {"top": 0}, ValueError, "top=0 must be a whole number of superpixels from 1 up"),
        (SPACE, {"output": "cow"}, ValueError, "'cow' is not an output"),
        (SPACE, {"positive_only": 1}, ValueError, "positive_only=1 must be True or False"),
    ],
)  # fmt: skip
def test_what_is_no_cut_of_the_photo_is_refused(found, space, options, error, message):
    with pytest.raises(error, match=message):
        found[0].mask(space, **options)


def test_a_row_of_a_table_has_no_mask():
    X = RNG.normal(size=(5, 2))
    one = px.explain("occlusion", px.Predictor(lambda X: X.sum(axis=1)), px.TabularSpace(X), X)["occlusion"][0]
    with pytest.raises(TypeError, match="a row of a table, which has no superpixels"):
        one.mask(SPACE)


# ------------------------------------------------------------------------------------------------ shap


def test_with_its_space_a_photo_is_what_shap_s_image_plot_takes(found):
    shap = pytest.importorskip("shap")
    theirs = px.to_shap(found, space=SPACE)
    assert theirs.values.shape == (2, 12, 18, 3, 2) and theirs.data.shape == (2, 12, 18, 3)
    np.testing.assert_allclose(theirs.data, PHOTOS / 255.0)
    assert list(theirs.output_names) == ["cat", "dog"]
    shap.image_plot(theirs, show=False)
    figure = plt.gcf()
    panels = [axis for axis in figure.axes if axis.images]
    titles = [axis.get_title() for axis in panels]
    assert titles.count("cat") == 1 and titles.count("dog") == 1
    shown = panels[titles.index("cat")].images[-1].get_array()
    for p in range(N):  # each superpixel in one colour, its value spread over its pixels
        np.testing.assert_allclose(shown[p == LABELS], found.values[0, p, 0] / (p == LABELS).sum(), atol=1e-9)
    plt.close(figure)


@pytest.mark.parametrize("output", [None, "dog"])
def test_one_photo_alone_is_drawn_too(found, output):
    shap = pytest.importorskip("shap")
    theirs = px.to_shap(found[1], output, space=SPACE)
    assert theirs.values.shape[:3] == (12, 18, 3)
    shap.image_plot(theirs, show=False)
    plt.close("all")


def test_shap_s_photos_come_back_as_they_were(found):
    pytest.importorskip("shap")
    again = px.from_shap(px.to_shap(found, space=SPACE), PREDICTOR, SPACE, PHOTOS)
    np.testing.assert_allclose(again.values, found.values, atol=1e-9)
    np.testing.assert_allclose(again.base, px.to_shap(found, space=SPACE).base_values)


def test_a_method_s_own_map_goes_as_it_is():
    pytest.importorskip("shap")
    found = px.explain("rise_smooth", PREDICTOR, SPACE, PHOTOS[0], budget=50)["rise_smooth"]
    np.testing.assert_allclose(px.to_shap(found, "cat", space=SPACE).values.sum(axis=-1)[0], found[0].heat[0])


def test_without_a_space_players_are_features_as_before(found):
    pytest.importorskip("shap")
    assert px.to_shap(found).values.shape == (2, N, 2)


@pytest.mark.parametrize("low", [-3.0, 0.0])
def test_photos_in_other_units_are_shown_by_their_range(low):
    pytest.importorskip("shap")
    photo = low + 400.0 * RNG.random((12, 18, 3))
    one = px.explain("occlusion", px.Predictor(lambda p: p.mean(axis=(1, 2, 3))), SPACE, photo)["occlusion"][0]
    data = px.to_shap(one, space=SPACE).data
    assert data.min() == 0.0 and data.max() == 1.0


def test_photos_of_other_sizes_are_taken_one_by_one():
    pytest.importorskip("shap")
    space = px.ImageSpace(segments="grid", n_segments=4, fill=0)
    photos = [RNG.random((8, 8, 3)), RNG.random((8, 12, 3))]
    found = px.explain("occlusion", px.Predictor(lambda p: p.mean(axis=(1, 2, 3))), space, photos)["occlusion"]
    with pytest.raises(ValueError, match="photos have different sizes"):
        px.to_shap(found, space=space)
