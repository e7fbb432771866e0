"""compare() under several fills: home, away, and how far the fill moves a map."""

from __future__ import annotations

import games
import numpy as np
import pytest

import perturbxai as px


def on_photo(fill=0.5):
    game = games.network_game(0, n_players=6)
    space = px.ImageSpace(segments=game.extras["labels"], fill=fill)
    predictor = px.Predictor(game.extras["net"], batch_size=16)
    return px.explain(["kernel_shap", "ice"], predictor, space, game.extras["picture"]), predictor, space, game


@pytest.fixture(scope="module")
def two_fills():
    grey, predictor, space, game = on_photo()
    mean, *_ = on_photo(fill="mean")
    maps = px.baselines(["random", "centre"], predictor, space, game.extras["picture"])
    results = {f"{k}@grey": v for k, v in grey.items()} | {f"{k}@mean": v for k, v in mean.items()} | maps
    return results, px.compare(results, predictor, space, fills=[0.5, "mean", 0.0])


def test_a_map_is_at_home_under_the_fill_it_was_explained_under_and_a_fill_free_map_nowhere(two_fills):
    _, compared = two_fills
    lines = compared.to_frame()
    assert set(lines.scored_fill) == {"constant 0.5", "mean", "constant 0"}
    homes = lines[lines.home].groupby("method").scored_fill.unique().apply(list).to_dict()
    own = {"grey": "constant 0.5", "mean": "mean"}
    assert homes == {f"{method}@{name}": [own[name]] for method in ("kernel_shap", "ice") for name in own}
    assert set(lines[lines.explained_fill == "none"].method) == {"random", "centre"}


def test_the_summary_leads_with_the_away_mean_and_has_home_beside_it(two_fills):
    results, compared = two_fills
    table, lines = compared.summary(), compared.to_frame()
    assert list(table.index) == list(results)
    own = lines[(lines.method == "ice@mean") & (lines.metric == "srg")]
    np.testing.assert_allclose(table.loc["ice@mean", "srg"], own[own.scored_fill != "mean"].value.mean())
    np.testing.assert_allclose(table.loc["ice@mean", "srg (home)"], own[own.scored_fill == "mean"].value.mean())


def test_a_fill_free_map_shows_its_mean_under_the_fills_that_the_others_are_away_and_at_home_under(two_fills):
    _, compared = two_fills
    lines = compared.to_frame()
    own = lines[(lines.method == "random") & (lines.metric == "srg")]
    table = compared.summary()
    # those made under .5 are away under two fills and those made under the mean colour under two: black counts twice
    under = own.groupby("scored_fill").value.mean()
    expected = (under["mean"] + under["constant 0.5"] + 2 * under["constant 0"]) / 4
    np.testing.assert_allclose(table.loc["random", "srg"], expected)
    beside = own[own.scored_fill.isin(["constant 0.5", "mean"])].value.mean()
    np.testing.assert_allclose(table.loc["random", "srg (home)"], beside)


def test_with_one_home_a_fill_free_map_is_compared_under_the_very_fills_that_the_others_are_away_under(two_fills):
    results, _ = two_fills
    _, predictor, space, _ = on_photo()
    some = {name: results[name] for name in ("ice@grey", "random", "centre")}
    compared = px.compare(some, predictor, space, metrics="faithfulness", fills=[0.5, "mean", 0.0])
    lines = compared.to_frame()
    away = lines[lines.scored_fill != "constant 0.5"].groupby("method").value.mean()
    np.testing.assert_allclose(compared.summary().faithfulness[list(away.index)], away)
    alone = {name: results[name] for name in ("random", "centre")}  # where nobody is at home, under all
    compared = px.compare(alone, predictor, space, metrics="faithfulness", fills=[0.5, "mean", 0.0])
    every = compared.to_frame().groupby("method").value.mean()
    np.testing.assert_allclose(compared.summary().faithfulness[list(every.index)], every)


def test_under_one_fill_every_method_has_a_line_in_the_summary_that_says_home():
    found, predictor, space, game = on_photo()
    found |= px.baselines("centre", predictor, space, game.extras["picture"])
    table = px.compare(found, predictor, space).summary()
    assert list(table.index) == ["kernel_shap", "ice", "centre"]
    assert table.notna().all(axis=None)
    assert [c for c in table if c.startswith("srg")] == ["srg (home)"]


def test_a_comparison_of_fill_free_maps_alone_has_plain_names():
    _, predictor, space, game = on_photo()
    maps = px.baselines(["centre", "random"], predictor, space, game.extras["picture"])
    table = px.compare(maps, predictor, space, metrics=["srg"]).summary()
    assert list(table) == ["srg", "rows", "seconds"] and table.srg.notna().all()


def test_the_spread_between_fills_is_reported_beside_the_coalition_noise(two_fills):
    results, compared = two_fills
    spread = compared.fill_spread
    assert set(spread.method) == {"kernel_shap", "ice"} and len(spread) == 4  # two methods, two outputs
    line = spread[(spread.method == "ice") & (spread.output == "1")].iloc[0]
    one, other = (results[f"ice@{name}"].values[0, :, 1] for name in ("grey", "mean"))
    assert (line.fill_a, line.fill_b) == ("constant 0.5", "mean")
    np.testing.assert_allclose(line.correlation, np.corrcoef(one, other)[0, 1])
    np.testing.assert_allclose(line.same_sign, np.mean(np.sign(one) == np.sign(other)))
    np.testing.assert_allclose(line.difference, np.sqrt(np.mean((one - other) ** 2)))
    assert line.noise < 1e-9  # occlusion is exact


def test_a_whole_picture_is_asked_once_however_many_fills_score_it():
    game = games.network_game(0)
    space = px.ImageSpace(segments=game.extras["labels"], fill=game.extras["fill"])
    rows = []

    class Counting(type(game.extras["net"])):
        def forward(self, batch):
            rows.extend(row.numpy().tobytes() for row in batch)
            return super().forward(batch)

    net = Counting(*game.extras["net"])
    found = px.baselines(["random", "centre"], px.Predictor(game.extras["net"]), space, game.extras["picture"], outputs=[0])
    px.compare(found, px.Predictor(net), space, metrics=["insertion"], fills=[0.5, 0.25])
    assert len(rows) == len(set(rows)) > 20


@pytest.mark.parametrize("bad", ["meen", np.zeros((3, 3, 3)), (1.0, 2.0), lambda picture: picture[:2]])
def test_a_fill_that_does_not_fit_is_refused_before_the_others_are_asked(bad):
    results, predictor, space, _ = on_photo()
    if callable(bad):
        bad.name = "short"
    rows = predictor.rows
    with pytest.raises((ValueError, TypeError), match="fill"):
        px.compare(results, predictor, space, fills=["mean", bad])
    assert predictor.rows == rows
