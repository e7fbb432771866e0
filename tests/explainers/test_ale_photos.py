"""ALE's value of a superpixel: accumulated effects of its opacity over reference rows, against a slow twin."""

from __future__ import annotations

import games
import numpy as np
import oracles
import pytest

import perturbxai as px
from perturbxai.sampling.references import draw_references
from perturbxai.sampling.streams import Streams


def photo(game):
    space = px.ImageSpace(segments=game.extras["labels"], fill=game.extras["fill"])
    return px.Predictor(game.extras["net"], batch_size=64), space, game.extras["picture"]


def test_on_a_photo_it_is_the_textbook_ale_of_the_reference_rows():
    game = games.network_game(0)
    predictor, space, picture = photo(game)
    found = px.explain("ale", predictor, space, picture, budget=400, seed=2)["ale"]
    share, present = draw_references(10, 10, Streams(2).of_input(space.players(picture)[0].digest, "ale"))
    fill = np.full_like(picture, game.extras["fill"])
    rise = np.zeros((10, 2))
    for j in range(10):
        for k in range(5):
            inside = present[(share >= k / 5) & (share < (k + 1) / 5)].astype(np.float32)
            low, high = inside.copy(), inside.copy()
            low[:, j], high[:, j] = k / 5, (k + 1) / 5
            pictures = oracles.blend_pixels(picture, fill, game.extras["labels"], np.concatenate([low, high]))
            below, above = np.split(predictor(pictures), 2)
            rise[j] += (above - below).mean(axis=0)
    np.testing.assert_allclose(found.values[0], rise, atol=1e-6)  # float32 blends, a float64 network
    assert found.meta["reference_rows"] == 20 and found.meta["bins"] == 5


def test_every_bin_of_opacity_has_as_many_reference_rows():
    for half in (1, 2, 7):
        share, _ = draw_references(5 * half, 4, np.random.default_rng(half))
        assert np.bincount((share * 5).astype(int)).tolist() == [2 * half] * 5


def test_on_a_photo_intervals_cover_what_many_reference_rows_give():
    game = games.network_game(0, n_players=4)
    predictor, space, picture = photo(game)
    runs = [px.explain("ale", predictor, space, picture, budget=480, seed=s)["ale"] for s in range(20)]
    truth = np.mean([r.values[0] for r in runs], axis=0)  # 480 reference rows
    half = np.array([r.interval()[1][0] - r.values[0] for r in runs])
    inside = np.abs(np.array([r.values[0] for r in runs]) - truth) <= half
    # 160 intervals about a centre that they share, which makes them hold it a little more often
    assert inside.mean() >= 0.9
    spread = np.std([r.values[0] for r in runs], axis=0, ddof=1)
    stated = np.sqrt(np.mean([r.stderr[0] ** 2 for r in runs], axis=0))
    assert (stated < 2 * spread).all()  # and not because they are endless


def test_the_gap_on_a_photo_is_what_the_rises_leave_of_the_gain():
    game = games.network_game(0)
    found = px.explain("ale", *photo(game), budget=400)["ale"]
    empty, full = game.ends
    np.testing.assert_allclose(found[0].meta["gap"], full - empty - found.values[0].sum(axis=0), atol=1e-12)
    assert np.abs(found[0].meta["gap"]).max() > 1e-4


def test_a_budget_below_two_rows_a_player_and_bin_pair_is_refused_before_the_model_is_asked():
    predictor, space, picture = photo(games.network_game(0))
    with pytest.raises(ValueError, match="budget=199 is below the 200 rows that ale needs at 10 players"):
        px.explain("ale", predictor, space, picture, budget=199)
    assert predictor.rows == 0


def test_a_photo_never_costs_more_than_its_budget():
    for budget in (200, 399, 400):
        predictor, space, picture = photo(games.network_game(0))
        found = px.explain("ale", predictor, space, picture, budget=budget)["ale"]
        assert found.meta["rows"] <= budget
        assert predictor.rows <= found.meta["rows"] + 2
