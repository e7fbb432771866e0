"""Figures of interactions: what is drawn are the numbers of the result, and what has none is refused."""

from __future__ import annotations

import games
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb

import perturbxai as px
from perturbxai.reporting.values import interactions


def made(n_players, index="k-sii", budget=None, outputs=("a", "b"), n_rows=1):
    game = games.two_additive(n_players, 0, n_outputs=len(outputs))
    predictor, space, x = games.door(game, outputs=list(outputs))
    methods = [px.Interactions(index=index), "lime"]
    return px.explain(methods, predictor, space, np.vstack([x] * n_rows), budget=budget), space


@pytest.fixture(scope="module")
def seven():
    return made(7)[0]


@pytest.fixture(scope="module")
def thirty():
    return made(30, budget=1800, outputs=("a",))[0]["interactions"]


def drawn(figure):
    FigureCanvasAgg(figure).draw()
    return figure


def names_of(axis):
    """Without what the row has there."""
    return [tick.get_text().partition(" = ")[0] for tick in axis.get_yticklabels()]


def test_a_matrix_shows_the_pairs_and_beside_them_the_values(seven):
    e = seven["interactions"][0]
    axis = px.plot(seven["interactions"], "matrix", output="b").axes[0]
    order = [e.names.index(name) for name in names_of(axis)]
    shown = np.ma.filled(axis.images[0].get_array(), 0.0)
    np.testing.assert_allclose(np.nan_to_num(shown), e.interactions[np.ix_(order, order)][..., 1])
    bars = [bar.get_width() for bar in axis.child_axes[0].patches]
    np.testing.assert_allclose(bars, e.values[order, 1])


def test_numbers_stand_where_the_interval_does_not_hold_zero():
    game = games.KnownGame("every pair one", 4, lambda z: (z.sum(axis=1) ** 2)[:, None], None)
    e = px.explain("interactions", *games.door(game))["interactions"][0]
    e.interactions_stderr[0, 1] = e.interactions_stderr[1, 0] = 10.0
    axis = px.plot(e, "matrix").axes[0]
    names = names_of(axis)
    told = {tuple(names[int(place)] for place in words.get_position()) for words in axis.texts}
    assert len(told) == 4 * 3 - 2 and ("x0", "x1") not in told and ("x1", "x0") not in told


def test_a_matrix_of_thirty_features_has_room_for_no_numbers(thirty):
    axis = px.plot(thirty, "matrix", top=30).axes[0]
    assert len(names_of(axis)) == 30 and not axis.texts


def test_a_network_draws_the_strongest_pairs_as_wide_as_they_are(thirty):
    e = thirty[0]
    figure = drawn(px.plot(thirty, "network", top=30))
    lines = figure.axes[0].lines
    strength = np.sort(np.abs(e.interactions[..., 0][np.triu_indices(30, 1)]))[::-1][: len(lines)]
    assert len(lines) == interactions.EDGES_A_NODE * 30
    widths = np.array([line.get_linewidth() for line in lines])[::-1]  # the strongest is drawn last
    np.testing.assert_allclose((widths - 0.5) / 6.5, strength / strength[0])
    assert "the 60 strongest of 435 pairs" in figure.get_suptitle()


def test_the_colour_of_a_line_is_the_sign_of_its_pair_and_that_of_a_circle_its_values(seven):
    e = seven["interactions"][0]
    axis = px.plot(e, "network", output="a").axes[0]
    places = axis.collections[0].get_offsets()
    names = [words.get_text().partition(" = ")[0] for words in axis.texts]
    for line in axis.lines:
        i, j = (names[int(np.argmin(((places - end) ** 2).sum(axis=1)))] for end in np.transpose(line.get_data()))
        value = e.interactions[e.names.index(i), e.names.index(j), 0]
        red, _, blue = to_rgb(line.get_color())
        assert (red > blue) == (value > 0)
    for name, (red, _, blue, _) in zip(names, axis.collections[0].get_facecolors(), strict=True):
        assert (red > blue) == (e.values[e.names.index(name), 0] > 0)


def test_pairs_that_may_be_nothing_are_dashed():
    found, _ = made(4, outputs=("a",))
    e = found["interactions"][0]
    assert not any(line.is_dashed() for line in px.plot(e, "network").axes[0].lines)
    e.interactions_stderr[:] = 10.0
    assert all(line.is_dashed() for line in px.plot(e, "network").axes[0].lines)


@pytest.mark.parametrize("n_members", [1, 2, 3, 8, 12, 14, 15, 30])
def test_every_feature_has_one_place_on_the_circle(n_members):
    assert sorted(interactions._ring(n_members)) == list(range(n_members))


@pytest.mark.parametrize("kind", ["matrix", "network"])
@pytest.mark.parametrize("n_players", [2, 3, 15])
def test_few_and_many_features_are_drawn(kind, n_players):
    found, space = made(n_players, budget=None if n_players < 10 else 600)
    drawn(px.plot(found["interactions"], kind, space=space, top=20))
    axis = px.plot(found["interactions"], "matrix", output="a").axes[0]
    assert px.plot(found["interactions"], kind, output="a", ax=axis) is axis


@pytest.mark.parametrize("kind", ["matrix", "network"])
def test_a_game_without_interactions_is_drawn(kind):
    found = px.explain("interactions", *games.door(games.unanimity(4, 1)))["interactions"]
    drawn(px.plot(found, kind))


@pytest.mark.parametrize("kind", ["matrix", "network"])
def test_a_result_without_interactions_is_refused(kind, seven):
    with pytest.raises(ValueError, match=rf"kind='{kind}' shows interactions, and lime has none; explain with px.Inter"):
        px.plot(seven["lime"], kind)


def test_other_kinds_draw_the_values(seven):
    for kind in ("waterfall", "bars"):
        drawn(px.plot(seven["interactions"], kind))


def test_a_report_holds_the_pairs_as_table_and_matrix(tmp_path):
    found, _ = made(6, n_rows=2)
    folder = px.report(found, tmp_path / "report")
    names = {path.name for path in folder.iterdir()}
    assert {"interactions.csv", "pairs_interactions.png", "bars.png", "manifest.json"} <= names
    lines = (folder / "interactions.csv").read_text("utf-8").splitlines()
    assert len(lines) == 1 + 2 * 15 * 2 and lines[1].startswith("interactions,0,x0,x1,a,")


def test_a_report_without_interactions_has_no_table_of_them(tmp_path, seven):
    folder = px.report({"lime": seven["lime"]}, tmp_path / "report")
    assert not list(folder.glob("*interactions*")) and not list(folder.glob("pairs*"))


def test_a_notebook_names_the_strongest_pairs(seven):
    e = seven["interactions"][0]
    i, j = np.unravel_index(np.abs(e.interactions[..., 0]).argmax(), (7, 7))
    assert f"strongest together: {e.names[i]} × {e.names[j]}" in e._repr_html_()
    assert "strongest together" not in seven["lime"]._repr_html_()
