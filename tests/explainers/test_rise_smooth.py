"""RISE's smooth masks: those of the paper, three estimators of one limit, errors that cover, maps beside values."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import torch
from games import squared_error
from picture_nets import Flat, picture, seeded
from scipy import stats
from torch.nn import functional as F

import perturbxai as px
from perturbxai.core.questions import PixelMasks, Players
from perturbxai.explainers.rise_smooth import RiseSmooth

SHAPE = (14, 11)
ESTIMATORS = ("controlled", "centred", "plain")
EVERY_ESTIMATOR = pytest.mark.parametrize("estimator", ESTIMATORS)


def spot(row, column, width, shape=SHAPE):
    """(H, W): a Gaussian that sums to one."""
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    found = np.exp(-((rows - row) ** 2 + (columns - column) ** 2) / (2.0 * width**2))
    return found / found.sum()


SPOTS = np.array([spot(4, 3, 1.5), spot(8, 8, 1.5), spot(11, 2, 2.0)])


def saturating(masks):
    """(n, 1): a sigmoid of how much is seen of three spots, one of which speaks against."""
    parts = np.tensordot(masks, SPOTS, axes=([1, 2], [1, 2]))
    return 1.0 / (1.0 + np.exp(4.0 - parts @ [6.0, 5.0, -3.0]))[:, None]


def multiplied(masks):
    """(n, 1): a product of two spots less a square, of which no part is linear."""
    first, second, third = np.tensordot(masks, SPOTS, axes=([1, 2], [1, 2])).T
    return (first * second - 0.3 * third**2)[:, None]


def explained(function, budget=102, *, seed=0, shape=SHAPE, predictor=None, **options):
    """RISE of a function of masks: the picture is 1 and its fill 0, so that the model is shown the mask itself."""
    space = px.ImageSpace(segments="grid", n_segments=6, fill=0)
    model = px.Predictor(lambda pictures: function(pictures[..., 0].astype(np.float64)), **(predictor or {}))
    (found,) = px.explain(RiseSmooth(**options), model, space, np.ones(shape), budget=budget, seed=seed).values()
    return found[0]


def asked(shape=SHAPE, budget=52, seed=0, **options):
    """The question alone."""
    players = Players("image", ("all",), {}, lambda: np.random.default_rng(0), labels=np.zeros(shape, dtype=np.int32))
    (question,) = next(RiseSmooth(**options).ask(players, budget, np.random.default_rng(seed)))
    return question


def slow_mask(grid, shift, shape):
    """The paper's: the grid enlarged by torch to one cell more than covers the picture, cropped at the shift."""
    cells = len(grid)
    size = [(cells + 1) * -(-length // cells) for length in shape]
    large = F.interpolate(torch.as_tensor(grid, dtype=torch.float64)[None, None], size, mode="bilinear")[0, 0].numpy()
    return large[shift[0] : shift[0] + shape[0], shift[1] : shift[1] + shape[1]]


def all_masks(cells, shape):
    """(n, H, W), every grid at every shift: each comes with the same chance where p is one half."""
    steps = [range(-(-length // cells)) for length in shape]
    grids = [np.array(cell).reshape(cells, cells) for cell in product([0, 1], repeat=cells**2)]
    return np.array([slow_mask(grid, shift, shape) for grid in grids for shift in product(*steps)])


def limit(function, cells, shape):
    """RISE's own map less E f, (K, H, W), and E f (K,), from every mask there is."""
    masks = all_masks(cells, shape)
    values = function(masks)
    mean = values.mean(axis=0)
    return np.tensordot(values - mean, masks, axes=(0, 0)) / len(masks) / 0.5, mean


def map_error(found, truth):
    """Squared error up to a constant, relative."""
    return squared_error(found - found.mean(), truth - truth.mean())


# ------------------------------------------------------------------------------------------------ masks


@pytest.mark.parametrize(("cells", "shape"), [(7, (28, 28)), (7, (30, 17)), (3, (14, 11)), (1, (5, 4)), (4, (4, 4))])
def test_masks_are_those_of_the_paper(cells, shape):
    question = asked(shape, cells=cells)
    expected = [slow_mask(grid, shift, shape) for grid, shift in zip(question.grid, question.shift, strict=True)]
    np.testing.assert_allclose(question.build(0, 50, *shape), expected, atol=1e-6)  # torch places pixels in single precision


def test_cells_are_seen_with_probability_p_and_shifts_are_uniform_over_one_cell():
    question = asked((28, 21), budget=20_002, p=0.2)
    assert question.grid.mean() == pytest.approx(0.2, abs=0.002)  # five standard errors
    for axis, step in enumerate((4, 3)):
        counts = np.bincount(question.shift[:, axis], minlength=step)
        assert len(counts) == step
        assert stats.chisquare(counts).pvalue > 1e-4


def test_the_model_sees_the_picture_through_the_masks_that_were_asked():
    seen, rng = [], np.random.default_rng(0)
    x, fill = (rng.random((*SHAPE, 3), dtype=np.float32) for _ in range(2))
    space = px.ImageSpace(segments="grid", n_segments=6, fill=fill)
    model = px.Predictor(lambda pictures: seen.extend(pictures.copy()) or pictures.mean(axis=(1, 2)), batch_size=7)
    digest = space.players(x)[0].digest
    px.explain("rise_smooth", model, space, x, budget=30)
    from perturbxai.sampling.streams import Streams

    players = Players("image", ("all",), {}, lambda: rng, labels=np.zeros(SHAPE, dtype=np.int32))
    (question,) = next(RiseSmooth().ask(players, 30, Streams(0).of_input(digest, "rise_smooth")))
    masks = question.build(0, 28, *SHAPE)[..., None]
    np.testing.assert_allclose(seen[-28:], masks * x + (1 - masks) * fill, atol=1e-6)


@pytest.mark.parametrize("batch_size", [1, 5, 64])
def test_the_same_masks_are_asked_whatever_the_batch(batch_size):
    seen = []

    def look(masks):
        seen.extend(masks)
        return saturating(masks)

    explained(look, predictor={"batch_size": batch_size})
    one_by_one, seen = seen, []
    explained(look, predictor={"batch_size": 13})
    np.testing.assert_array_equal(np.array(one_by_one), np.array(seen))


def test_host_and_device_show_the_network_the_same():
    net, x = seeded(Flat), picture()
    space = px.ImageSpace(segments="grid", n_segments=6, fill="blur")
    host, device = (
        px.explain("rise_smooth", px.Predictor(net, device=where), space, x, budget=60)["rise_smooth"][0]
        for where in (None, "cpu")
    )
    np.testing.assert_allclose(host.heat, device.heat, atol=1e-5 * np.abs(host.heat).max())  # a float32 network


# ------------------------------------------------------------------------------------------------ estimators


@pytest.mark.parametrize("p", [0.5, 0.2])
def test_the_plain_map_is_the_sum_of_the_paper_over_the_masks_that_the_model_saw(p):
    seen = []
    found = explained(lambda masks: seen.extend(masks) or saturating(masks), p=p, estimator="plain")
    masks = np.array(seen[-100:])
    expected = sum(mask * value for mask, value in zip(masks, saturating(masks)[:, 0], strict=True)) / (100 * p)
    np.testing.assert_allclose(found.heat[0], expected, atol=1e-6)  # masks are shown in single precision


def test_the_centred_map_is_the_same_with_the_mean_taken_from_the_scores():
    seen = []
    found = explained(lambda masks: seen.extend(masks) or saturating(masks), estimator="centred")
    masks, values = np.array(seen[-100:]), saturating(np.array(seen[-100:]))[:, 0]
    expected = np.tensordot(values - values.mean(), masks, axes=(0, 0)) / 100 / 0.5
    np.testing.assert_allclose(found.heat[0], expected, atol=1e-6)
    assert found.meta["mean"] == pytest.approx([values.mean()])


@pytest.mark.parametrize(("cells", "shape"), [(2, (9, 6)), (3, (6, 7))])
@EVERY_ESTIMATOR
def test_all_estimators_go_to_the_mean_over_every_mask_there_is(estimator, cells, shape):
    weights = np.random.default_rng(1).random(shape)

    def curved(masks):
        return np.tanh(3.0 * np.tensordot(masks, weights - 0.3, axes=([1, 2], [0, 1])) / weights.sum())[:, None]

    heat, mean = limit(curved, cells, shape)
    found = explained(curved, 40_002, shape=shape, cells=cells, estimator=estimator)
    truth = heat + (mean[0] if estimator == "plain" else 0.0)
    assert (np.abs(found.heat - truth) < 5 * found.meta["heat_stderr"]).all()
    assert found.meta["heat_stderr"].max() < 0.1 * np.ptp(truth)


def test_what_is_linear_in_the_squares_of_the_picture_is_exact_under_control():
    upper = np.zeros((12, 9))
    upper[:4, 6:] = 1.0  # one of 4 x 3 squares, as `cells=2` and 60 masks have them

    def linear(masks):
        return np.tensordot(masks, upper, axes=([1, 2], [0, 1]))[:, None]

    heat, _ = limit(linear, 2, (12, 9))
    found = explained(linear, 62, shape=(12, 9), cells=2)
    np.testing.assert_allclose(found.heat, heat, atol=2e-5)  # the model sees masks in single precision
    assert found.meta["control_squares"] == 9
    assert found.meta["control_explains"] == pytest.approx([1.0])


@pytest.mark.parametrize("function", [saturating, multiplied])
def test_the_control_leaves_a_fifth_of_the_plain_error_at_the_limit_of_rise_itself(function):
    heat, _ = limit(function, 3, SHAPE)
    errors = {
        estimator: np.mean([
            map_error(explained(function, 502, seed=seed, cells=3, estimator=estimator).heat, heat) for seed in range(10)
        ])
        for estimator in ESTIMATORS
    }  # fmt: skip
    assert errors["controlled"] < errors["plain"] / 5  # about 1/48 and 1/13
    assert errors["controlled"] < errors["centred"] / 3


def test_the_value_of_a_player_is_the_sum_of_the_map_over_it_in_cells_of_the_masks():
    found = explained(saturating)
    space = px.ImageSpace(segments="grid", n_segments=6, fill=0)
    pooled = space.pool(found.heat, np.ones(SHAPE))
    np.testing.assert_allclose(found.values, pooled.T / found.meta["cell_pixels"], rtol=1e-10)


def test_on_an_additive_model_a_player_far_from_the_border_gets_what_rise_gives_it():
    inner = np.zeros((40, 40))
    inner[16:24, 16:24] = 1.0 / 64
    space = px.ImageSpace(segments={"inner": inner > 0}, fill=0)
    model = px.Predictor(lambda pictures: np.tensordot(pictures[..., 0], inner, axes=([1, 2], [0, 1])))
    everywhere = px.ImageSpace(segments="grid", n_segments=4, fill=0)
    found = px.explain(RiseSmooth(cells=5), model, everywhere, np.ones((40, 40)), budget=1000)["rise_smooth"]
    on_players = px.explain("rise", model, space, np.ones((40, 40)))["rise"]
    assert on_players.values[0, 0, 0] == pytest.approx(0.5)
    assert found.values[0].sum() == pytest.approx(0.5, rel=0.05)  # spread over its neighbours, and none of it lost


# ------------------------------------------------------------------------------------------------ errors


@pytest.mark.slow
@pytest.mark.parametrize("n_masks", [60, 200, 1000])
@pytest.mark.parametrize("function", [saturating, multiplied])
@EVERY_ESTIMATOR
def test_intervals_cover_the_limit_by_the_pixel_and_by_the_player(estimator, function, n_masks):
    heat, mean = limit(function, 3, SHAPE)
    space = px.ImageSpace(segments="grid", n_segments=6, fill=0)
    truth = heat + (mean[0] if estimator == "plain" else 0.0)
    by_pixel, by_player = [], []
    for seed in range(300):
        found = explained(function, n_masks + 2, seed=seed, cells=3, estimator=estimator)
        by_pixel.append(np.abs(found.heat - truth) <= stats.t.ppf(0.975, found.df) * found.meta["heat_stderr"])
        low, high = found.interval()
        pooled = space.pool(truth, np.ones(SHAPE)).T / found.meta["cell_pixels"]
        by_player.append((low <= pooled) & (pooled <= high))
    assert 0.92 < np.mean(by_pixel) < 0.985  # 300 runs, whose pixels err together: +- .02
    assert 0.92 < np.mean(by_player) < 0.985


def test_errors_fall_with_the_root_of_the_masks():
    few, many = (explained(saturating, n + 2, cells=3).meta["heat_stderr"].mean() for n in (500, 8000))
    assert few / many == pytest.approx(4.0, rel=0.2)


# ------------------------------------------------------------------------------------------------ calls


def test_a_budget_holds_the_picture_and_its_fill_and_is_never_exceeded():
    model = px.Predictor(lambda pictures: pictures.mean(axis=(1, 2)))
    space = px.ImageSpace(segments="grid", n_segments=6, fill=0)
    found = px.explain("rise_smooth", model, space, picture(), budget=100)["rise_smooth"]
    assert model.rows == found.meta["rows"] == 100
    assert found.meta["masks"] == 98


def test_estimators_of_one_call_share_their_masks():
    model = px.Predictor(lambda pictures: pictures.mean(axis=(1, 2)))
    space = px.ImageSpace(segments="grid", n_segments=6, fill=0)
    px.explain([RiseSmooth(estimator=estimator) for estimator in ESTIMATORS], model, space, picture(), budget=100)
    assert model.rows == 100


def test_masks_that_show_or_hide_everything_are_not_asked_again():
    model = px.Predictor(lambda pictures: pictures.mean(axis=(1, 2)))
    space = px.ImageSpace(segments="grid", n_segments=6, fill=0)
    found = px.explain(RiseSmooth(cells=1), model, space, picture(), budget=100)["rise_smooth"]
    assert model.rows == 2  # of a single cell there is nothing between
    assert np.ptp(found[0].heat[0]) == pytest.approx(0.0, abs=1e-12)


def test_photos_of_several_sizes_are_explained_as_each_is_alone():
    model = px.Predictor(lambda pictures: pictures.mean(axis=(1, 2)))
    space = px.ImageSpace(segments="grid", n_segments=6, fill="mean")
    photos = [picture(0, 20, 24), picture(1, 16, 30)]
    both = px.explain("rise_smooth", model, space, photos, budget=60)["rise_smooth"]
    alone = px.explain("rise_smooth", model, space, photos[1], budget=60)["rise_smooth"]
    assert both[0].heat.shape == (3, 20, 24)
    np.testing.assert_allclose(both[1].heat, alone[0].heat, rtol=1e-9, atol=1e-12)


def test_uint8_pictures_in_planes_are_blended_like_the_others():
    def model(pictures):
        assert pictures.dtype == np.uint8
        return pictures.mean(axis=(1, 2)) / 255.0

    x = np.round(255 * picture())
    space = px.ImageSpace(segments="grid", n_segments=6, fill=0)
    whole = px.explain("rise_smooth", px.Predictor(model, pixels="uint8"), space, x, budget=60)["rise_smooth"]
    floats = px.explain("rise_smooth", px.Predictor(lambda p: p.mean(axis=(1, 2)) / 255.0), space, x, budget=60)
    np.testing.assert_allclose(whole[0].heat, floats["rise_smooth"][0].heat, atol=0.005)  # whole levels of 256


def test_maps_and_their_errors_travel_as_json():
    found = explained(saturating)
    again = px.Explanation.from_json(found.to_json())
    np.testing.assert_array_equal(again.heat, found.heat)
    np.testing.assert_array_equal(again.meta["heat_stderr"], found.meta["heat_stderr"])
    assert again.method == RiseSmooth()


def test_a_table_has_no_pixels():
    with pytest.raises(ValueError, match="rise_smooth masks the pixels of a picture, and a table has none; take 'rise'"):
        px.explain("rise_smooth", px.Predictor(lambda X: X.sum(axis=1)), px.TabularSpace(np.zeros((1, 3))), np.ones((1, 3)))


def test_what_does_not_fit_is_refused_before_the_model_is_asked():
    model = px.Predictor(lambda pictures: pictures.mean(axis=(1, 2)))
    space = px.ImageSpace(segments="grid", n_segments=6, fill=0)
    with pytest.raises(ValueError, match="cells=20 is more than a picture of 18 x 30 pixels has"):
        px.explain(RiseSmooth(cells=20), model, space, picture(0, 18, 30))
    with pytest.raises(ValueError, match="budget=11 is below the 12 masks that rise_smooth needs"):
        px.explain("rise_smooth", model, space, picture(), budget=11)
    assert model.rows == 0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"cells": 0}, "cells=0 must be a whole number"),
        ({"cells": 2.5}, "cells=2.5 must be a whole number"),
        ({"p": 1.0}, "p=1.0 must lie between 0 and 1"),
        ({"estimator": "regression"}, "estimator='regression' is not known"),
    ],
)
def test_options_that_are_none_are_refused(options, words):
    with pytest.raises(ValueError, match=words):
        RiseSmooth(**options)


def test_a_question_is_built_in_any_slices():
    question = asked()
    whole = question.build(0, 50, *SHAPE)
    parts = [question.build(start, stop, *SHAPE) for start, stop in ((0, 3), (3, 4), (4, 50))]
    np.testing.assert_array_equal(np.concatenate(parts), whole)
    np.testing.assert_array_equal(question.take([4, 9]).build(0, 2, *SHAPE), whole[[4, 9]])
    assert isinstance(question, PixelMasks)
    assert question.take(range(50)) is question
