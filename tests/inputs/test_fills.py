"""Fills, the players that a fill can hide, and heat maps pooled on them."""

# ruff: noqa: ARG001, ARG002

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

import perturbxai as px
from perturbxai.core import catalogue
from perturbxai.inputs.fills import describe_fill, make_fill, read_fill

KNOWN = ", ".join(f'"{name}"' for name in catalogue.FILLS)
PHOTO = np.random.default_rng(0).random((12, 20, 3)).astype(np.float32)
LABELS = ((np.arange(12)[:, None] // 6) * 2 + np.arange(20)[None, :] // 10).astype(np.int32)  # 4 regions of 60 pixels


def filled(fill, picture=PHOTO):
    (one,) = px.ImageSpace(segments=LABELS, fill=fill).players(picture)
    return one


FILLS = {
    "blur": "blur",
    "mean": "mean",
    "inpaint": "inpaint",
    "noise": "noise",
    "constant": 0.5,
    "whole constant": 7,
    "one a channel": [0.1, 0.2, 0.3],
    "black": (0, 0, 0),
    "picture": PHOTO[::-1],
    "float64 picture": PHOTO[::-1].astype(np.float64),
    "data set": [PHOTO, PHOTO[:5] / 2],
}


@pytest.mark.parametrize("fill", FILLS.values(), ids=FILLS)
def test_a_fill_is_a_float32_picture_of_the_shape_of_the_input(fill):
    found = filled(fill).fill
    assert found.shape == PHOTO.shape and found.dtype == np.float32 and found.flags.c_contiguous


def test_the_mean_fill_shows_each_superpixel_its_own_mean_colour():
    found = make_fill("mean", PHOTO, LABELS)
    for p in range(4):
        inside = p == LABELS
        expected = PHOTO[inside].astype(np.float64).mean(axis=0)
        np.testing.assert_allclose(found[inside], np.broadcast_to(expected, (60, 3)), rtol=1e-7)  # one float32 rounding


def test_the_blur_is_the_gaussian_mean_with_a_deviation_of_the_longer_side_by_22():
    impulse = np.zeros((21, 45, 1), dtype=np.float32)
    impulse[10, 22] = 1.0
    found = make_fill("blur", impulse, np.zeros((21, 45), dtype=np.int32))[..., 0].astype(np.float64)
    across = np.arange(45) - 22
    assert np.sqrt((found.sum(axis=0) * across**2).sum()) == pytest.approx(45 / 22, rel=0.01)  # cut off at four deviations


def test_the_blur_does_not_mix_channels():
    picture = PHOTO.copy()
    picture[..., 1] = 0.0
    assert (make_fill("blur", picture, LABELS)[..., 1] == 0).all()


def test_inpainting_makes_every_hidden_pixel_the_mean_of_those_around_it_as_its_own_superpixel_continues():
    found = make_fill("inpaint", PHOTO, LABELS).astype(np.float64)
    for i, j in np.ndindex(LABELS.shape):
        around = [(i - 1, j), (i + 1, j), (i, j - 1), (i, j + 1)]
        inside = [(a, b) for a, b in around if 0 <= a < 12 and 0 <= b < 20]
        # neighbours of other superpixels are seen as they are
        seen = [found[p] if LABELS[p] == LABELS[i, j] else PHOTO[p] for p in inside]
        np.testing.assert_allclose(found[i, j], np.mean(seen, axis=0), atol=1e-6)  # rounded to float32


def test_inpainting_stays_within_the_colours_around_a_superpixel_and_does_not_see_what_is_under_it():
    picture = PHOTO.copy()
    picture[2:10, 2:18] = 100.0
    labels = np.ones((12, 20), dtype=np.int32)
    labels[2:10, 2:18] = 0
    found = make_fill("inpaint", picture, labels)[2:10, 2:18]
    rim = np.concatenate([PHOTO[1, 2:18], PHOTO[10, 2:18], PHOTO[2:10, 1], PHOTO[2:10, 18]])
    assert (found >= rim.min(axis=0)).all() and (found <= rim.max(axis=0)).all()


def test_inpainting_a_slope_continues_it():
    slope = np.broadcast_to(np.arange(20, dtype=np.float32)[:, None, None], (20, 20, 1))
    labels = np.zeros((20, 20), dtype=np.int32)
    labels[5:15, 4:16] = 1
    found = make_fill("inpaint", slope, labels)
    np.testing.assert_allclose(found[5:15, 4:16], slope[5:15, 4:16], atol=1e-5)


def test_noise_is_uniform_within_the_range_of_each_channel():
    picture = np.stack([np.full((60, 60), 3.0), np.linspace(-1, 1, 3600).reshape(60, 60)], axis=2)
    picture = np.concatenate([picture, 200 * picture[..., 1:]], axis=2).astype(np.float32)
    found = px.ImageSpace(segments="grid", fill="noise").players(picture)[0].fill
    assert (found[..., 0] == 3.0).all()
    for channel, half in ((1, 1.0), (2, 200.0)):
        values = np.sort(found[..., channel].ravel()) / half
        # Kolmogorov's 1.95 / sqrt(n) is passed by chance once in a thousand seeds; this seed is fixed
        assert np.abs(values - np.linspace(-1, 1, 3600)).max() < 2 * 1.95 / 60
    assert abs(np.corrcoef(found[..., 1].ravel(), found[..., 2].ravel())[0, 1]) < 0.06


def test_noise_comes_from_a_stream_of_the_picture_and_the_seed_and_of_nothing_else():
    state = np.random.get_state()[1].copy()  # noqa: NPY002
    first = filled("noise").fill
    np.testing.assert_array_equal(np.random.get_state()[1], state)  # noqa: NPY002
    np.testing.assert_array_equal(filled("noise").fill, first)
    space = px.ImageSpace(segments=LABELS, fill="noise")
    np.testing.assert_array_equal(space.players([PHOTO[::-1], PHOTO])[1].fill, first)
    other = px.ImageSpace(segments=LABELS, fill="noise", seed=1)
    assert (other.players(PHOTO)[0].fill != first).any() and (filled("noise", PHOTO[::-1]).fill != first).any()
    np.testing.assert_array_equal(space.with_fill("blur").with_fill("noise").players(PHOTO)[0].fill, first)
    assert (space.meta["fill"], other.meta["fill"], other.with_fill("noise").meta["fill"]) == ("noise", "noise 1", "noise 1")


SET = np.random.default_rng(5).integers(0, 256, (4, 6, 9, 3), dtype=np.uint8)


@pytest.mark.parametrize(
    "given", [SET, list(SET), torch.as_tensor(SET).permute(0, 3, 1, 2), [Image.fromarray(one) for one in SET]],
    ids=["stack", "list", "tensor", "PIL"],
)  # fmt: skip
def test_several_pictures_as_fill_are_their_mean_colour(given):
    space = px.ImageSpace(segments=LABELS, fill=given)
    expected = SET.mean(axis=(0, 1, 2))
    np.testing.assert_allclose(space.players(PHOTO)[0].fill, np.broadcast_to(expected, PHOTO.shape), rtol=1e-6)
    assert space.meta["fill"] == "constant " + " ".join(f"{v:g}" for v in expected)


def test_every_picture_of_a_data_set_counts_once():
    np.testing.assert_allclose(read_fill([np.zeros((2, 2, 3)), np.ones((30, 40, 3))]), [0.5] * 3)


def test_a_fill_may_be_a_tensor_with_its_channels_first_or_rgba():
    given = torch.as_tensor(PHOTO[::-1].copy()).permute(2, 0, 1)
    np.testing.assert_array_equal(filled(given).fill, PHOTO[::-1])
    clear = np.concatenate([PHOTO[::-1], np.zeros((12, 20, 1), np.float32)], axis=2)
    with pytest.raises(ValueError, match=r"fill has shape \(12, 20, 4\).*px\.on_white\(fill\)"):
        filled(clear)
    np.testing.assert_array_equal(filled(px.on_white(clear)).fill, np.ones_like(PHOTO))
    with pytest.warns(UserWarning, match="laid on white"):
        np.testing.assert_array_equal(filled((255 * clear).astype(np.uint8)).fill, np.full_like(PHOTO, 255))


@pytest.mark.parametrize(
    ("fill", "shown"), [(0.25, [0.25] * 3), ([1, 2, 3], [1, 2, 3]), (torch.tensor([1.0, 2, 3]), [1, 2, 3])]
)
def test_a_constant_shows_one_colour_everywhere(fill, shown):
    np.testing.assert_array_equal(filled(fill).fill, np.broadcast_to(np.float32(shown), PHOTO.shape))


def test_a_picture_as_fill_is_shown_as_it_is_and_copied():
    given = PHOTO[::-1].copy()
    space = px.ImageSpace(segments=LABELS, fill=given)
    given[:] = 9.0
    np.testing.assert_array_equal(space.players(PHOTO)[0].fill, PHOTO[::-1])


def test_a_read_only_fill_reaches_a_network_without_a_warning():
    fill = PHOTO[::-1].copy()
    fill.setflags(write=False)
    space = px.ImageSpace(segments=LABELS, fill=fill)
    predictor = px.Predictor(torch.nn.Sequential(torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten()), output="raw")
    found = px.explain("kernel_shap", predictor, space, PHOTO)["kernel_shap"][0].values
    ends = PHOTO.mean(axis=(0, 1)) - fill.mean(axis=(0, 1))
    np.testing.assert_allclose(found.sum(axis=0), ends, atol=1e-6)  # float32 means


def test_a_grey_picture_as_fill_may_come_without_its_channel():
    np.testing.assert_array_equal(filled(PHOTO[::-1, :, 0], PHOTO[..., 0]).fill[..., 0], PHOTO[::-1, :, 0])


@pytest.mark.parametrize(
    ("fill", "match"),
    [
        (
            "grey",
            "fill='grey' is not known; expected " + ", ".join(f'"{name}"' for name in catalogue.FILLS) + ", a constant",
        ),
        ([PHOTO, PHOTO[..., :1]], r"the pictures have \[1, 3\] channels"),
        ([PHOTO[..., :1], PHOTO[..., :1]], "fill has 1 numbers, but the picture has 3 channels"),
        ([1.0, 2.0], "fill has 2 numbers, but the picture has 3 channels"),
        (PHOTO[:5], r"fill has shape \(5, 20, 3\), but the picture \(12, 20, 3\).*px\.fit"),
        (np.where(PHOTO > 0.9, np.nan, PHOTO), "fill has values that are not finite"),
        (np.inf, "fill has values that are not finite"),
    ],
)
def test_a_fill_that_does_not_fit_is_refused(fill, match):
    with pytest.raises(ValueError, match=match):
        filled(fill)


@pytest.mark.parametrize("fill", [None, ["blur", "mean"], {"fill": 0}, 1j])
def test_a_fill_that_is_no_colour_is_refused_when_the_space_is_made(fill):
    with pytest.raises(TypeError, match=r"fill=.* is not known; expected a name, a number"):
        px.ImageSpace(fill=fill)


@pytest.mark.parametrize(("fill", "name"), [("blur", "blur"), (0.5, "constant 0.5"), ([1, 2, 3], "constant 1 2 3")])
def test_tables_name_the_fill(fill, name):
    assert describe_fill(fill) == name
    assert px.ImageSpace(fill=fill).meta["fill"] == name


def test_tables_tell_two_pictures_apart():
    name = describe_fill(PHOTO)
    assert name.startswith("picture ") and name == describe_fill(PHOTO.copy()) != describe_fill(PHOTO + 1)


# ------------------------------------------------------------------------------------------------ players


def test_superpixels_that_equal_the_fill_are_always_present_and_the_others_are_numbered_on():
    picture = PHOTO.copy()
    picture[LABELS == 1] = 0.5
    one = filled(0.5, picture)
    assert one.active.tolist() == [0, 2, 3] and len(one.names) == 4
    np.testing.assert_array_equal(one.player, np.array([0, 3, 1, 2])[LABELS])  # 3 = always present


FLAT = np.full((12, 20, 3), 0.1, dtype=np.float32)


@pytest.mark.parametrize(
    "fill", ["blur", "mean", "inpaint", "noise", 0.1, [0.1, 0.1, 0.1], FLAT, [FLAT, FLAT]],
    ids=["blur", "mean", "inpaint", "noise", "constant", "one a channel", "picture", "data set"],
)  # fmt: skip
def test_a_constant_picture_has_nothing_that_any_fill_of_its_colour_could_hide(fill):
    assert filled(fill, FLAT).active.tolist() == []


def plain_quarter():
    """A picture whose second superpixel, and what borders on it, has one colour, and a space of each fill that shows it."""
    picture = PHOTO.copy()
    picture[:8, 8:] = 0.25
    another = PHOTO[::-1].copy()
    another[:6, 10:] = 0.25
    return picture, {
        "mean": "mean",
        "inpaint": "inpaint",
        "constant": 0.25,
        "another picture": another,
        "data set": [picture * 0 + 0.25],
    }


@pytest.mark.parametrize("fill", plain_quarter()[1])
def test_a_superpixel_that_a_fill_cannot_hide_is_reported_for_every_fill(fill):
    picture, fills = plain_quarter()
    space = px.ImageSpace(segments=LABELS, fill=fills[fill])
    found = px.explain("kernel_shap", px.Predictor(lambda rows: (rows**2).sum(axis=(1, 2, 3))), space, picture)[
        "kernel_shap"
    ]
    assert found[0].meta["merged"] == ["superpixel 1"]
    assert (found.values[0, 1] == 0).all() and (found.values[0, [0, 2, 3]] != 0).all()


def test_a_superpixel_of_one_pixel_equals_its_mean_and_is_merged():
    labels = LABELS.copy()
    labels[0, 0] = 9
    (one,) = px.ImageSpace(segments=labels, fill="mean").players(PHOTO)
    assert one.active.tolist() == [0, 1, 2, 3]


def test_a_difference_in_one_channel_of_one_pixel_makes_a_player():
    picture = np.full((12, 20, 3), 0.5, dtype=np.float32)
    picture[11, 19, 2] = 0.25
    assert filled(0.5, picture).active.tolist() == [3]


def test_merged_superpixels_are_reported_and_get_nothing():
    picture = PHOTO.copy()
    picture[LABELS == 2] = 0.0
    space = px.ImageSpace(segments=LABELS, fill=0.0)
    found = px.explain("kernel_shap", px.Predictor(lambda rows: rows.sum(axis=(1, 2, 3))), space, picture)["kernel_shap"][0]
    assert found.meta["merged"] == ["superpixel 2"]
    assert (found.values[2] == 0).all() and (found.values[[0, 1, 3]] != 0).all()


def test_pictures_of_different_sizes_are_inputs_of_one_call():
    pictures = [PHOTO, PHOTO[:8, :9], PHOTO[:9, :7, 0]]
    found = px.ImageSpace(segments="grid", n_segments=4).players(pictures)
    assert [one.picture.shape for one in found] == [(12, 20, 3), (8, 9, 3), (9, 7, 1)]
    assert [one.label for one in found] == [0, 1, 2]


def test_another_fill_keeps_the_superpixels():
    space = px.ImageSpace(n_segments=6, fill="blur")
    (a,), (b,) = space.players(PHOTO), space.with_fill("mean").players(PHOTO)
    np.testing.assert_array_equal(a.labels, b.labels)
    assert (a.fill != b.fill).any()


def test_one_picture_seen_twice_is_segmented_once():
    calls = []
    space = px.ImageSpace(segments=lambda picture: calls.append(picture.shape) or LABELS)
    first, second = space.players([PHOTO, PHOTO.copy()])
    assert len(calls) == 1 and (first.label, second.label) == (0, 1)


# ------------------------------------------------------------------------------------------------ pooling


def test_the_sum_keeps_the_total_and_the_mean_is_the_density():
    labels = np.where(np.arange(20)[None, :] < 5, 0, 1) * np.ones((12, 1), dtype=int)  # 60 and 180 pixels
    heat = np.random.default_rng(1).standard_normal((2, 12, 20))
    space = px.ImageSpace(segments=labels)
    total, density = space.pool(heat, PHOTO), space.pool(heat, PHOTO, how="mean")
    np.testing.assert_allclose(total.sum(axis=1), heat.sum(axis=(1, 2)), atol=1e-12)  # 240 numbers of order 1
    np.testing.assert_allclose(density, np.stack([heat[:, labels == p].mean(axis=1) for p in (0, 1)], axis=1), atol=1e-13)
    np.testing.assert_allclose(total, density * [60, 180], atol=1e-12)


@pytest.mark.parametrize("heat", [PHOTO[..., 0], torch.as_tensor(PHOTO[..., 0]), np.asfortranarray(PHOTO[..., 0])[None]])
def test_one_map_pools_to_one_row_whatever_it_comes_as(heat):
    (found,) = filled("mean").pool(heat)
    np.testing.assert_allclose(found, [PHOTO[..., 0][p == LABELS].sum(dtype=np.float64) for p in range(4)], rtol=1e-12)


@pytest.mark.parametrize(
    ("heat", "how", "match"),
    [
        (np.zeros((20, 12)), "sum", r"heat has shape \(20, 12\); expected \(K, 12, 20\)"),
        (np.zeros(3), "sum", "heat has shape"),
        (np.zeros((12, 20)), "max", "how='max' is not known"),
    ],
)
def test_a_heat_map_that_does_not_fit_is_refused(heat, how, match):
    with pytest.raises(ValueError, match=match):
        filled("mean").pool(heat, how)


def test_the_one_picture_a_space_has_seen_need_not_be_named():
    space = px.ImageSpace(segments="grid", n_segments=4)
    heat = np.arange(64.0).reshape(8, 8)
    with pytest.raises(ValueError, match="seen 0 pictures"):
        space.pool(heat)
    picture = np.random.default_rng(0).random((8, 8, 3))
    expected = space.pool(heat, picture)
    np.testing.assert_array_equal(space.pool(heat, how="sum"), expected)
    space.players(picture + 1.0)
    with pytest.raises(ValueError, match=r"seen 2 pictures; say which: pool\(heat, x\)"):
        space.pool(heat)


def test_a_heat_map_is_of_one_picture():
    with pytest.raises(ValueError, match="x holds 2 pictures, but a heat map is of one"):
        px.ImageSpace(segments=LABELS).pool(PHOTO[..., 0], [PHOTO, PHOTO + 1])


# ------------------------------------------------------------------------------------------------ of the user's own


def median(picture):
    return np.median(picture, axis=(0, 1))


def flipped(picture):
    return picture[::-1]


def brightest(picture, labels):
    shown = np.stack([picture[labels == p].max(axis=0) for p in range(labels.max() + 1)])
    return shown[labels]


def speckled(picture, rng):
    return rng.random(picture.shape) * picture.max()


def mixed(picture, *, labels, rng):
    return picture * rng.random(labels.max() + 1)[labels][..., None]


class Shade:
    def __init__(self, level):
        self.level, self.name = level, f"shade {level}"

    def __call__(self, picture):
        return self.level


OWN = {
    "constant a channel": median, "picture": flipped, "of the superpixels": brightest, "drawn": speckled, "both": mixed,
    "object": Shade(0.25), "tensor": lambda picture: torch.as_tensor(picture) / 2, "grey": lambda picture: picture[..., 0],
}  # fmt: skip
OWN["tensor"].name, OWN["grey"].name = "halved", "first"
GREY = np.random.default_rng(1).random((12, 20, 1)).astype(np.float32)


@pytest.mark.parametrize("fill", OWN.values(), ids=OWN)
def test_a_function_is_a_fill(fill):
    picture = GREY if getattr(fill, "name", "") == "first" else PHOTO
    one = filled(fill, picture)
    assert one.fill.shape == picture.shape and one.fill.dtype == np.float32 and one.fill.flags.c_contiguous
    name = getattr(fill, "name", None) or fill.__name__
    assert one.meta["fill"] == name
    again = px.ImageSpace(segments=LABELS, fill="blur").with_fill(fill).players(picture)[0]
    np.testing.assert_array_equal(again.fill, one.fill)


@pytest.mark.parametrize("fill", [speckled, mixed, "noise"])
def test_a_drawn_fill_has_a_seed_and_each_picture_its_own_draw(fill):
    def of(seed, picture=PHOTO):
        return px.ImageSpace(segments=LABELS, fill=fill, seed=seed).players(picture)[0]

    assert not (of(0).fill == of(1).fill).all() and not (of(0).fill / PHOTO == of(0, PHOTO / 2).fill / (PHOTO / 2)).all()
    name = fill if isinstance(fill, str) else fill.__name__
    assert (of(0).meta["fill"], of(3).meta["fill"]) == (name, f"{name} 3")


@pytest.mark.parametrize("name", ["blur", "mean", "inpaint"])
def test_ours_written_anew_is_ours(name):
    ours = catalogue.load(catalogue.FILLS, name)

    def again(picture, labels):
        return ours(picture, labels) if name != "blur" else ours(picture)

    np.testing.assert_array_equal(filled(again).fill, filled(name).fill)


def test_a_fill_cannot_change_the_picture_or_the_labels():
    def careless(picture, labels):
        picture[:] = 0
        labels[:] = 0
        return picture

    kept = PHOTO.copy(), LABELS.copy()
    one = filled(careless)
    assert (kept[0] == PHOTO).all() and (kept[1] == LABELS).all()
    assert (one.picture == PHOTO).all() and len(np.unique(one.labels)) == 4 and (one.fill == 0).all()


def asks_more(picture, strength):
    return picture * strength


def too_small(picture):
    return picture[:5]


def two_numbers(picture):
    return [0.0, 1.0]


def unknown(picture):
    return picture / 0.0


def word(picture):
    return "grey"


def missing(picture):
    return None


def blur(picture):
    return picture


REFUSED = {
    "more arguments": (asks_more, TypeError, "fill: asks_more takes 'strength', which nobody gives it"),
    "another size": (too_small, ValueError, r"what too_small returned has shape \(5, 20, 3\), but the picture \(12"),
    "two channels": (two_numbers, ValueError, "what two_numbers returned has 2 numbers, but the picture has 3 channels"),
    "not finite": (unknown, ValueError, "what unknown returned has values that are not finite"),
    "text": (word, TypeError, "what word returned is no picture; expected a number, one number a channel"),
    "nothing": (missing, TypeError, "what missing returned is no picture"),
    "a name of ours": (blur, ValueError, "fill: 'blur' is a name of perturbxai's own"),
    "no name": (lambda picture: picture, TypeError, "fill: .* has no name for tables to show"),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore:divide by zero", "ignore:invalid value")
@pytest.mark.parametrize("given", REFUSED)
def test_what_is_no_fill_is_refused_before_the_model_is_asked(given):
    fill, error, words = REFUSED[given]
    asked = []
    predictor = px.Predictor(lambda pictures: asked.append(len(pictures)) or pictures.sum(axis=(1, 2, 3)))
    with pytest.raises(error, match=words):
        px.explain("lime", predictor, px.ImageSpace(segments=LABELS, fill=fill), PHOTO)
    assert asked == []


def test_own_fills_are_home_and_away_like_ours(tmp_path):
    predictor = px.Predictor(lambda pictures: pictures.sum(axis=(1, 2, 3)) ** 2)
    space = px.ImageSpace(segments=LABELS, fill=median)
    results = {
        f"{key}@{name}": one
        for name, fill in (("median", median), ("flipped", flipped), ("blur", "blur"))
        for key, one in px.explain(["lime", "ice"], predictor, space.with_fill(fill), PHOTO, seed=0).items()
    }
    compared = px.compare(results, predictor, space, fills=[median, flipped, "blur"], seed=0)
    home = compared.scores[compared.scores.home]
    assert set(home.scored_fill) == {"median", "flipped", "blur"} and (home.explained_fill == home.scored_fill).all()
    assert set(compared.fill_spread.fill_a) == {"median", "flipped"}
    folder = px.report(compared, tmp_path / "r")
    assert "flipped" in (folder / "scores.csv").read_text() and (folder / "maps_median.png").exists()
    again = px.Attribution.from_json(results["lime@median"].to_json())
    assert again.meta["fill"] == "median"


class Drawn:
    name = "drawn"

    def __call__(self):
        return 0


RAGGED = {
    "numbers": [[1, 2], [3]], "a picture and a number": [np.zeros((2, 2)), 3], "deep": [[[1, 2], [3]]],
    "what a function returns": lambda _: [[1, 2], [3]],
}  # fmt: skip


def nothing():
    return 0


def by_name(*, picture):
    return 0


@pytest.mark.parametrize("given", [nothing, by_name, Drawn()], ids=["nothing", "by name", "an object"])
def test_a_function_without_a_place_for_the_picture_is_refused_before_it_is_asked(given):
    with pytest.raises(TypeError, match=r"fill: .* takes no argument by place; let it take the picture"):
        px.ImageSpace(fill=0).with_fill(given)
    with pytest.raises(TypeError, match=r"segments: .* takes no argument by place; let it take the picture"):
        px.ImageSpace(segments=given, fill=0).players(PHOTO)


@pytest.mark.parametrize("given", RAGGED.values(), ids=RAGGED)
def test_what_is_ragged_is_refused_by_name(given):
    if callable(given):
        given.__name__ = "mine"
    with pytest.raises(ValueError, match=r"fill.* has parts of different lengths"):
        px.ImageSpace(fill=given).players(PHOTO)
    with pytest.raises(ValueError, match="segments has parts of different lengths"):
        px.ImageSpace(segments=given, fill=0).players(PHOTO)


@pytest.mark.parametrize("given", [float, int, str, np.ndarray])
def test_a_class_is_no_fill(given):
    with pytest.raises(TypeError, match=r"fill=<class .* is not known"):
        px.ImageSpace(fill=0).with_fill(given)


@pytest.mark.parametrize("heat", ["x", None, [["a"]], 1j * np.ones((2, 2))], ids=str)
def test_a_heat_map_is_of_numbers(heat):
    with pytest.raises(TypeError, match=r"heat=.* must be numbers"):
        px.ImageSpace(segments="grid", n_segments=4, fill=0).pool(heat, PHOTO)
