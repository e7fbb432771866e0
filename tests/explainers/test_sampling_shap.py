"""SamplingSHAP: its differences against the definition, rows of the background, where samples go, its errors."""

from __future__ import annotations

import games
import numpy as np
import pytest

import perturbxai as px
from perturbxai.estimation import spread
from perturbxai.explainers.sampling_shap import FIRST, _Samples
from perturbxai.sampling.coalitions import draw_before, draw_rows


def explained(game, budget=None, seed=0):
    return px.explain("sampling_shap", *games.door(game), budget=budget, seed=seed)["sampling_shap"]


def loud():
    """The differences of player 0 vary most, those of three others less, those of the other nine not at all."""
    inner = games.polynomial(4, (2, 3), 6, seed=0)

    def value(z):
        return 5 * z[:, :1] * (z[:, 1:2] - z[:, 2:3]) + 0.1 * inner(z[:, :4]) + z.sum(axis=1)[:, None]

    return games.KnownGame("loud", 13, value, None)


# ------------------------------------------------------------------------------------------------ what is drawn


def test_those_before_a_player_are_of_every_size_alike_and_never_the_player():
    player = np.repeat(np.arange(5), 4000)
    z = draw_before(player, 5, np.random.default_rng(0))
    assert not z[np.arange(len(z)), player].any()
    counts = np.array([np.bincount(z[player == p].sum(axis=1), minlength=5) for p in range(5)])
    assert np.abs(counts - 800).max() < 5 * np.sqrt(800 * 0.8)  # five deviations, 25 counts


def test_background_rows_are_drawn_by_their_weight():
    weights = np.array([0.5, 0.0, 0.2, 0.3])
    counts = np.bincount(draw_rows(10_000, weights, np.random.default_rng(0)), minlength=4)
    assert (np.abs(counts - 10_000 * weights) <= 5 * np.sqrt(10_000 * weights)).all()


def test_on_a_game_values_are_means_of_differences_and_their_lack_is_spread_by_variance():
    game = games.random_table(8, 2, n_outputs=1)
    asked = []

    def noting(z):
        asked.append(np.array(z))
        return game(z)

    found = games.answered(px.SamplingShap(), games.KnownGame("noting", 8, noting, None), budget=57, seed=3)
    mean, variance, counts = np.zeros(8), np.zeros(8), np.zeros(8, dtype=int)
    gains = {p: [] for p in range(8)}
    for part in asked[1:]:  # first the ends
        for with_it, without in zip(*np.split(part, 2), strict=True):
            (p,) = np.flatnonzero(with_it > without)
            gains[p].append((game(with_it[None]) - game(without[None]))[0, 0])
    for p, own in gains.items():
        mean[p], variance[p], counts[p] = np.mean(own), np.var(own, ddof=1) / len(own), len(own)
    empty, full = game.ends
    share = variance / variance.sum()
    np.testing.assert_allclose(found.values[:, 0], mean + share * (full - empty - mean.sum()), atol=1e-12)
    draws = [np.array(gains[p])[:, None] for p in range(8)]
    lent = spread.variances(draws, np.abs(full - empty - mean.sum()), np.zeros(1))[:, 0] / counts
    expected = np.sqrt(lent * (1 - share) ** 2 + share**2 * (lent.sum() - lent))
    np.testing.assert_allclose(found.stderr[:, 0], expected, rtol=1e-9)
    assert found.notes["samples"] == counts.tolist() and found.df == counts.min()


def test_an_additive_game_is_exact_from_two_samples_a_player():
    game = games.additive(12, 0, n_outputs=2)
    found = explained(game, budget=4 * 12 + 2)
    np.testing.assert_allclose(found.values[0], game.shapley, atol=1e-12)
    # that samples agree is no proof that all would: the error is a share of the largest value, and falls with their number
    more = explained(game, budget=40 * 12 + 2).stderr
    assert more.min() > 1e-3 and (more < 0.2 * found.stderr).all() and found.stderr.max() < 0.3 * np.abs(game.shapley).max()


def test_further_samples_go_where_differences_vary():
    few, many = (games.answered(px.SamplingShap(), loud(), 2 + 2 * 13 * n, seed=0) for n in (2 * FIRST - 1, 2 * FIRST))
    assert few.notes["samples"] == [2 * FIRST - 1] * 13  # nothing to go by
    samples = np.array(many.notes["samples"])
    assert samples.sum() == 13 * 2 * FIRST and samples.min() == FIRST
    assert (samples[4:] == FIRST).all() and samples[0] > 3 * FIRST


def test_what_varies_more_in_a_small_output_counts_as_much_as_in_a_large_one():
    def value(z):
        return np.column_stack([1000 * z[:, 0] * z[:, 1] * z[:, 2], z[:, 3] * z[:, 4] * z[:, 5]])

    game = games.KnownGame("two scales", 13, value, None)
    samples = np.array(games.answered(px.SamplingShap(), game, budget=2 + 2 * 13 * 2 * FIRST, seed=0).notes["samples"])
    # deviations of equal players are estimated from FIRST samples: within some 30 %
    assert samples[:6].min() > 1.3 * FIRST and samples[:6].max() < 2 * samples[:6].min()


def test_where_all_coalitions_fit_they_are_asked_and_the_values_exact():
    game = games.random_table(9, 5)
    predictor, space, x = games.door(game)
    found = px.explain("sampling_shap", predictor, space, x, budget=512)["sampling_shap"]
    np.testing.assert_allclose(found.values[0], game.shapley, atol=1e-12)
    assert predictor.rows == 512 and found.meta["listed"] is True


# ------------------------------------------------------------------------------------------------ tables


def interacting(X):
    return np.column_stack([X[:, 0] * X[:, 1] * X[:, 2] + X[:, 3], np.tanh(X).sum(axis=1) * X[:, 4]])


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(0)
    space = px.TabularSpace(rng.normal(size=(200, 7)), background=30, choose="kmeans", groups={"two": ["x5", "x6"]})
    x = rng.normal(size=(2, 7))
    return space, x, px.explain("exact_shap", px.Predictor(interacting), space, x)["exact_shap"].values


def test_a_budget_of_coalitions_is_spent_on_single_rows_and_never_exceeded(table):
    space, x, _ = table
    predictor = px.Predictor(interacting)
    found = px.explain("sampling_shap", predictor, space, x, budget=20)["sampling_shap"]
    for one in found:
        assert sum(one.meta["samples"]) == (20 * 30 - 30 - 1) // 2
        assert one.meta["rows"] <= 20 * 30
    assert predictor.rows <= found.meta["rows"] <= 2 * 20 * 30 - 30  # v(nothing) once a call


def test_the_mean_over_seeds_is_the_value_over_the_weighted_background_and_intervals_cover(table):
    space, x, exact = table
    found = [
        px.explain("sampling_shap", px.Predictor(interacting), space, x, budget=60, seed=s)["sampling_shap"]
        for s in range(60)
    ]
    values, inside = np.array([f.values for f in found]), []
    for one in found:
        low, high = one.interval()
        inside.append(((low <= exact) & (exact <= high)).mean())
    error = values.std(axis=0, ddof=1) / np.sqrt(len(found))
    assert (np.abs(values.mean(axis=0) - exact) <= 4 * error + 1e-12).all()
    assert 0.91 <= np.mean(inside) <= 0.98  # 1,440 intervals, of few inputs and skewed differences


def test_values_over_levels_and_missing_values_sum_to_the_gain():
    import pandas as pd

    rng = np.random.default_rng(0)
    X = pd.DataFrame({f"n{i}": rng.normal(size=60) for i in range(6)})
    X["town"] = rng.choice(["a", "b", "c"], size=60)
    X.loc[::7, "n0"] = np.nan

    def model(rows):
        return (rows.town == "b") * rows.n1 + rows.n0.isna() * 2.0 + rows.n2 * rows.n3 + rows.n4 + rows.n5

    found = px.explain("sampling_shap", px.Predictor(model), px.TabularSpace(X, background=40), X.iloc[:2], budget=30)
    one = found["sampling_shap"]
    np.testing.assert_allclose(one.values.sum(axis=1), one.prediction - one.base, atol=1e-12)


def test_samples_that_take_many_requests_are_joined_as_if_they_were_one(table, monkeypatch):
    space, x, exact = table
    monkeypatch.setattr("perturbxai.explainers.sampling_shap.NUMBERS_AT_ONCE", 7 * 2 * 50)
    predictor = px.Predictor(interacting)
    found = px.explain("sampling_shap", predictor, space, x, budget=40)["sampling_shap"]
    assert (np.abs(found.values - exact) < 5 * found.stderr + 1e-12).all()
    np.testing.assert_allclose(found.values.sum(axis=1), found.prediction - found.base, atol=1e-12)
    assert predictor.rows <= 2 * 40 * 30


def test_samples_of_several_requests_are_kept_by_player():
    rng = np.random.default_rng(0)
    samples, expected = _Samples([np.zeros((0, 2))] * 4, np.zeros(2)), {p: [] for p in range(4)}
    for _ in range(5):
        player, gains = np.sort(rng.integers(0, 4, size=17)), rng.normal(size=(17, 2))
        samples.add(player, gains)
        for p, one in zip(player, gains, strict=True):
            expected[p].append(one)
    for p in range(4):
        np.testing.assert_array_equal(samples.gains[p], expected[p])
    np.testing.assert_allclose(samples.own(), [np.var(one, axis=0, ddof=1) for one in expected.values()], rtol=1e-12)


# ------------------------------------------------------------------------------------------------ photos, refusals


def test_a_photo_is_asked_for_two_masks_a_sample():
    game = games.network_game(0)
    space = px.ImageSpace(segments=game.extras["labels"], fill=game.extras["fill"])
    predictor = px.Predictor(game.extras["net"])
    found = px.explain("sampling_shap", predictor, space, game.extras["picture"], budget=401)["sampling_shap"]
    assert sum(found.meta["samples"]) == 199 and predictor.rows <= found.meta["rows"] <= 401
    assert (np.abs(found.values[0] - game.shapley) < 5 * found.stderr[0]).all()


def test_one_sample_a_player_knows_no_error_and_says_infinity():
    found = explained(games.random_table(9, 0), budget=20)
    assert np.isinf(found.stderr).all() and np.isfinite(found.values).all()


def test_a_budget_below_one_sample_a_player_is_refused_before_the_model_is_asked():
    predictor, space, x = games.door(games.additive(12, 0))
    with pytest.raises(ValueError, match="budget=25 is below the 26 coalitions that sampling_shap needs at 12 players"):
        px.explain("sampling_shap", predictor, space, x, budget=25)
    assert predictor.rows == 0


def test_values_are_within_their_errors_of_those_of_the_sampling_explainer_of_shap(table):
    pytest.importorskip("shap")
    _, x, _ = table
    plain = px.TabularSpace(np.random.default_rng(0).normal(size=(40, 7)), background="all")
    ours = px.explain("sampling_shap", px.Predictor(interacting), plain, x, budget=100)["sampling_shap"]
    (theirs,) = px.reference("shap.sampling", px.Predictor(interacting), plain, x, budget=100).values()
    assert (np.abs(ours.values - theirs.values) < 8 * ours.stderr + 1e-9).all()  # both err by about one
