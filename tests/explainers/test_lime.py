"""LIME against its closed-form limit, against weighted ridge regression, and on the draws of the lime package."""

from __future__ import annotations

import warnings
from dataclasses import replace

import games
import numpy as np
import oracles
import pytest
from sklearn.linear_model import Ridge

import perturbxai as px
from perturbxai.core.evaluations import Design, Evaluations
from perturbxai.sampling import laws
from perturbxai.sampling.coalitions import draw_design

LISTED = [
    games.random_table(3, seed=0),
    games.random_table(8, seed=1),
    games.polynomial(10, (3, 4, 5), n_terms=30, seed=2),
    games.unanimity(8, 2),
    games.unanimity(10, 3),
    games.network_game(),
]


def explained(game, method="lime", budget=None, seed=0):
    (found,) = px.explain([method], *games.door(game), budget=budget, seed=seed).values()
    return found[0]


@pytest.mark.parametrize("game", LISTED, ids=str)
@pytest.mark.parametrize("width", [0.15, 0.25, 1.0])
def test_slopes_are_the_closed_form_limit_when_all_coalitions_fit_the_budget(game, width):
    found = explained(game, px.Lime(kernel_width=width), budget=2**game.n_players)
    np.testing.assert_allclose(found.values, game.lime(width), atol=1e-9)
    np.testing.assert_allclose(found.values, oracles.lime_regression(game, game.n_players, width), atol=1e-9)


@pytest.mark.parametrize("game", LISTED, ids=str)
def test_the_interval_of_an_exact_answer_contains_it(game):
    low, high = explained(game, budget=2**game.n_players).interval()
    exact = game.lime(0.25)
    assert (low <= exact + 1e-14).all() and (exact - 1e-14 <= high).all()


@pytest.mark.parametrize(
    ("n_players", "n_members", "inside", "outside"),
    [(8, 2, 0.593581, 0.002247), (10, 3, 0.326239, 0.002142), (50, 2, 0.516109, 1.5e-5), (50, 3, 0.266110, 2.3e-5)],
)
def test_unanimity_games_have_the_published_slopes(n_players, n_members, inside, outside):
    found = oracles.lime_unanimity(n_players, n_members, 0.25)
    np.testing.assert_allclose(found, [inside, outside], rtol=3e-2 if n_players == 50 else 3e-4, atol=6e-7)
    if n_players <= 10:
        values = explained(games.unanimity(n_players, n_members), budget=2**n_players).values[:, 0]
        np.testing.assert_allclose(values[:n_members], found[0], atol=1e-12)
        np.testing.assert_allclose(values[n_members:], found[1], atol=1e-12)


def test_a_wide_kernel_gives_the_slopes_of_fair_coin_coalitions():
    values = explained(games.unanimity(9, 4), px.Lime(kernel_width=1e6), budget=2**9).values[:, 0]
    np.testing.assert_allclose(values, np.where(np.arange(9) < 4, 2.0**-3, 0.0), atol=1e-12)


@pytest.mark.parametrize("width", [0.1, 0.25, 3.0])
@pytest.mark.parametrize(("n_players", "budget"), [(7, 9), (7, 20), (7, 128), (30, 32), (30, 200)])
def test_slopes_of_an_additive_game_are_its_own_at_any_width_and_budget(width, n_players, budget):
    game = games.additive(n_players, seed=1, n_outputs=2)
    found = explained(game, px.Lime(kernel_width=width), budget=budget)
    np.testing.assert_allclose(found.values, game.shapley, atol=1e-8)


@pytest.mark.parametrize("ridge", [0.1, 1.0, 30.0])
@pytest.mark.parametrize("game", [LISTED[1], LISTED[5]], ids=str)
def test_ridge_means_what_it_means_in_lime(game, ridge):
    found = explained(game, px.Lime(ridge=ridge), budget=2**game.n_players)
    np.testing.assert_allclose(found.values, oracles.lime_regression(game, game.n_players, 0.25, ridge), atol=1e-10)
    z = oracles.all_coalitions(game.n_players).astype(float)
    weight = oracles.lime_kernel(game.n_players, 0.25)[z.sum(axis=1).astype(int)]
    peer = Ridge(alpha=ridge).fit(z, game(z), sample_weight=weight).coef_.T
    np.testing.assert_allclose(found.values, peer, atol=1e-10)


@pytest.mark.parametrize("width", [0.05, 0.1])
def test_weights_that_span_eighty_orders_of_magnitude_lose_no_digits(width):
    game = games.additive(30, 0)
    found = explained(game, px.Lime(kernel_width=width), budget=32)
    np.testing.assert_allclose(found.values, game.shapley, atol=1e-10)


def test_a_kernel_so_narrow_that_weights_vanish_is_solved():
    game = games.additive(30, 0)
    np.testing.assert_allclose(explained(game, px.Lime(kernel_width=0.01), budget=32).values, game.shapley, atol=1e-9)


def test_two_widths_share_one_table_and_are_keyed_with_what_differs():
    game = games.random_table(8, 0)
    predictor, space, x = games.door(game)
    found = px.explain([px.Lime(), px.Lime(kernel_width=0.5)], predictor, space, x, budget=256)
    assert list(found) == ["lime(kernel_width=0.25)", "lime(kernel_width=0.5)"] and predictor.rows == 256
    for key, width in zip(found, (0.25, 0.5), strict=True):
        np.testing.assert_allclose(found[key].values[0], game.lime(width), atol=1e-9)


@pytest.mark.parametrize(("option", "value"), [("kernel_width", 0.0), ("kernel_width", -1.0), ("ridge", -0.1)])
def test_options_that_mean_nothing_are_refused(option, value):
    with pytest.raises(ValueError, match=rf"{option}={value} must be"):
        px.Lime(**{option: value})


def test_the_least_budget_determines_the_slopes():
    game = games.random_table(9, 0)
    found = explained(game, budget=11)
    assert np.isfinite(found.values).all() and np.isinf(found.stderr).all()
    with pytest.raises(ValueError, match=r"budget=10 is below the 11 coalitions that lime need"):
        explained(game, budget=10)


def test_a_table_drawn_for_shapley_values_is_warned_of_at_100_players():
    game = games.additive(100, 0)
    design = draw_design([laws.shapley(100)], 100, 1000, np.random.default_rng(0))
    with pytest.warns(UserWarning, match=r"effective sample 0\.18 of the table's rows under the law of LIME"):
        found = px.Lime().estimate(games.evaluate(game, design))
    np.testing.assert_allclose(found.values, game.shapley, atol=1e-8)


# ------------------------------------------------------------------------------------------------ error bars


@pytest.mark.parametrize("game", [games.SIGMOID_20, games.polynomial(16, (2, 3), 25, 0)], ids=str)
def test_standard_errors_are_the_spread_over_seeds_and_slopes_are_centred_on_the_limit(game):
    found = [games.drawn([px.Lime()], game, 20 * game.n_players, seed)[0] for seed in range(80)]
    values = np.array([f.values for f in found])
    spread = values.std(axis=0, ddof=1)
    stderr = np.sqrt(np.mean([f.stderr**2 for f in found], axis=0))
    assert 0.85 < np.median(stderr / spread) < 1.35
    z = (values.mean(axis=0) - game.lime(0.25)) / (spread / np.sqrt(80))
    assert np.abs(z).max() < 4.5  # the bias of a ratio is far below a hundredth of a spread


# ------------------------------------------------------------------------------------------------ the lime package


@pytest.fixture(scope="module")
def picture():
    rng = np.random.default_rng(0)
    return (np.kron(rng.random((6, 6, 3)), np.ones((4, 4, 1))) + 0.05 * rng.random((24, 24, 3))).astype(np.float32)


def model(pictures):
    """Two outputs that interact, row by row in float64."""
    flat = np.asarray(pictures, dtype=np.float64).reshape(len(pictures), -1)
    w = np.sin(np.arange(flat.shape[1]) * 0.7)
    a, b = (flat * w).sum(axis=1), (flat * np.cos(3 * w)).sum(axis=1)
    return np.column_stack([1 / (1 + np.exp(-a / 20)), np.tanh(a * b / 500)])


def slic_labels(picture, start):
    from skimage.segmentation import slic

    found = slic(picture.astype(np.float64), n_segments=12, compactness=10, sigma=1, start_label=1)
    numbers = np.unique(found, return_inverse=True)[1].reshape(found.shape)
    return {"from 0": numbers, "from 1": numbers + 1, "with gaps": 3 * numbers + numbers // 4 * 5}[start]


@pytest.fixture
def drawn_by_lime(picture):
    """A function from labels to (lime's 0/1 data, labels, kernel weights, slopes (P, K)), lime 0.2.0.1."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        lime_image = pytest.importorskip("lime.lime_image")
        from sklearn.metrics import pairwise_distances

        def run(labels, hide_color=0.0, num_samples=150):
            explainer = lime_image.LimeImageExplainer(kernel_width=0.25, random_state=3)
            seen = {}
            ask = explainer.data_labels

            def recorded(*args, **kwargs):
                seen["data"], seen["labels"] = ask(*args, **kwargs)
                return seen["data"], seen["labels"]

            explainer.data_labels = recorded
            n_regions = len(np.unique(labels))
            found = explainer.explain_instance(
                picture, model, labels=(0, 1), top_labels=None, hide_color=hide_color, num_features=n_regions,
                num_samples=num_samples, segmentation_fn=lambda _: labels, model_regressor=Ridge(alpha=1), random_seed=0,
            )  # fmt: skip
            slopes = np.zeros((n_regions, 2))
            for k in (0, 1):
                for region, value in found.local_exp[k]:
                    slopes[region, k] = value
            data = seen["data"]
            distance = pairwise_distances(data, data[:1], metric="cosine").ravel()
            return data, seen["labels"], explainer.base.kernel_fn(distance), slopes

        yield run


def table_of(data, values, weight, empty, full):
    """Rows that our sampler did not draw, with their own weights."""
    n_rows, n_players = data.shape
    nobody = np.full(n_rows, -1)
    design = Design(
        data.astype(bool), np.arange(n_rows), nobody, np.zeros(n_players + 1), False,
        np.ones((2, n_players)), np.full(2, 0.5),
    )  # fmt: skip
    return Evaluations(design, values, empty, full, weight=weight)


@pytest.mark.parametrize("start", ["from 0", "from 1", "with gaps"])
def test_on_lime_s_own_draws_the_slopes_are_lime_s(start, picture, drawn_by_lime):
    labels = slic_labels(picture, start)
    data, values, weight, slopes = drawn_by_lime(labels)
    ends = model(np.stack([0 * picture, picture]))
    found = px.Lime(ridge=1.0).estimate(table_of(data, values, weight, *ends))
    np.testing.assert_allclose(found.values, slopes, atol=1e-10)


@pytest.mark.parametrize("start", ["from 0", "from 1", "with gaps"])
def test_every_superpixel_is_hidden_in_turn_whatever_its_number(start, picture, drawn_by_lime):
    # lime itself takes the numbers 0..n-1 for granted: with labels from 1 it never hides the last superpixel
    labels = slic_labels(picture, start)
    data, values, weight, slopes = drawn_by_lime(slic_labels(picture, "from 0"))
    game = px.Game(px.Predictor(model), px.ImageSpace(segments=labels, fill=0.0), picture)
    np.testing.assert_allclose(game.evaluate(data.astype(bool)), values, atol=1e-12)
    found = px.Lime(ridge=1.0).estimate(table_of(data, game.evaluate(data.astype(bool)), weight, *game.ends(0)))
    np.testing.assert_allclose(found.values, slopes, atol=1e-10)


def test_lime_with_labels_from_1_never_hides_the_last_superpixel(picture, drawn_by_lime):
    _, values, _, _ = drawn_by_lime(slic_labels(picture, "from 1"))
    _, expected, _, _ = drawn_by_lime(slic_labels(picture, "from 0"))
    assert np.abs(values - expected).max() > 1e-3  # the fault that the test above steps around


def test_slopes_on_own_draws_meet_those_of_a_large_sample_of_lime(picture, drawn_by_lime):
    labels = slic_labels(picture, "from 0")
    *_, slopes = drawn_by_lime(labels, num_samples=4000)
    space = px.ImageSpace(segments=labels, fill=0.0)
    ours = px.explain([px.Lime()], px.Predictor(model), space, picture, budget=2 ** (labels.max() + 1))["lime"][0]
    assert ours.meta["listed"]
    # lime's noise and its ridge, which shrinks by about 1 / (n_eff var) = .4 %
    assert games.squared_error(slopes, ours.values) < 3e-3


def test_rows_with_their_own_weights_bring_no_interval():
    rng = np.random.default_rng(0)
    game = games.additive(5, 0)
    data = rng.integers(0, 2, (40, 5))
    found = px.Lime().estimate(table_of(data, game(data), rng.random(40), *game.ends))
    np.testing.assert_allclose(found.values, game.shapley, atol=1e-10)
    assert np.isinf(found.stderr).all()


def test_rows_that_do_not_determine_the_slopes_are_refused():
    game = games.additive(5, 0)
    data = np.eye(5)[:4]
    with pytest.raises(ValueError, match="4 coalitions do not determine 5 slopes and an intercept"):
        px.Lime().estimate(table_of(data, game(data), np.ones(4), *game.ends))


def test_a_design_can_be_read_again_for_another_width_without_new_rows():
    game = games.random_table(8, 0)
    design = draw_design([laws.lime(8, 0.25)], 8, 120, np.random.default_rng(0))
    table = games.evaluate(game, design)
    narrow = px.Lime(kernel_width=0.2).estimate(table).values
    again = px.Lime(kernel_width=0.2).estimate(replace(table, design=replace(design, cache={}))).values
    np.testing.assert_array_equal(narrow, again)
    assert games.squared_error(narrow, game.lime(0.2)) < 1.0
