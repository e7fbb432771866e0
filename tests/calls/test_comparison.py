"""compare(): curves against a slow twin, home and away, what it asks, what it refuses, and its tables."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import games
import numpy as np
import oracles
import pandas as pd
import pytest

import perturbxai as px

METHODS = ["kernel_shap", "pdp", "ice"]


def curved(X):
    return np.column_stack([X[:, 0] * X[:, 1] + np.sin(X[:, 2]) + X[:, 3], X[:, 0] ** 2 - X[:, 3] * X[:, 1]])


def data(n=80, d=4, seed=0):
    return np.random.default_rng(seed).normal(size=(n, d))


def on_table(methods=METHODS, x=None, model=curved, **options):
    space, predictor = px.TabularSpace(data(), background=12, choose="kmeans"), px.Predictor(model)
    return px.explain(methods, predictor, space, data(2, seed=1) if x is None else x, **options), predictor, space


def on_photo():
    game = games.network_game(0, n_players=6)
    space = px.ImageSpace(segments=game.extras["labels"], fill=0.5)
    predictor = px.Predictor(game.extras["net"], batch_size=16)
    return px.explain(["kernel_shap", "ice"], predictor, space, game.extras["picture"]), predictor, space, game


def with_values(result, values):
    """The same result with other values, (N, P, K)."""
    parts = tuple(replace(e, values=np.asarray(v, dtype=float)) for e, v in zip(result, values, strict=True))
    return px.Attribution(parts, result.meta)


def slow_areas(values, game):
    """Area under deletion and insertion, by trapezoids, of a map without ties; game (P,) bool -> float."""
    order = sorted(range(len(values)), key=lambda p: -values[p])
    areas = []
    for hidden in (True, False):
        curve = []
        for m in range(len(order) + 1):
            z = np.full(len(order), hidden)
            z[order[:m]] = not hidden
            curve.append(game(z))
        areas.append(sum((a + b) / 2 for a, b in pairwise(curve)) / len(order))
    return areas


def score(compared, **wanted):
    lines = compared.to_frame()
    for column, value in wanted.items():
        lines = lines[lines[column] == value]
    assert len(lines) == 1
    return lines.value.item()


# ------------------------------------------------------------------------------------------------ curves


@pytest.mark.parametrize("method", METHODS)
def test_deletion_and_insertion_of_a_table_are_those_of_models_asked_at_spliced_rows(method):
    found, predictor, space = on_table()
    compared = px.compare(found, predictor, space, metrics=["deletion", "insertion"])
    for n, x in enumerate(data(2, seed=1)):
        for k in range(2):

            def game(z, x=x, k=k):
                return space.background_weights @ curved(np.where(z, x, space.background))[:, k]

            expected = slow_areas(found[method].values[n, :, k], game)
            for metric, area in zip(("deletion", "insertion"), expected, strict=True):
                value = score(compared, method=method, row=n, output=str(k), metric=metric)
                np.testing.assert_allclose(value, area, atol=1e-12)


def test_deletion_and_insertion_of_a_photo_are_those_of_models_asked_at_spliced_pictures():
    found, predictor, space, game = on_photo()
    compared = px.compare(found, predictor, space, metrics=["deletion", "insertion"], fills=["mean"])
    picture, labels = game.extras["picture"], game.extras["labels"]
    fill = np.zeros_like(picture)
    for p in range(6):
        fill[labels == p] = picture[labels == p].astype(np.float64).mean(axis=0)

    def value(z):
        return predictor(oracles.splice_pixels(picture, fill, labels, z[None]))[0, 1]

    expected = slow_areas(found["kernel_shap"].values[0, :, 1], value)
    for metric, area in zip(("deletion", "insertion"), expected, strict=True):
        # float32 means of a superpixel's colours may differ in their last bit
        np.testing.assert_allclose(score(compared, method="kernel_shap", output="1", metric=metric), area, atol=1e-5)


def test_the_symmetric_relevance_gain_is_insertion_less_deletion():
    found, predictor, space = on_table()
    lines = px.compare(found, predictor, space).to_frame()
    wide = lines.pivot_table(index=["method", "row", "output"], columns="metric", values="value")
    np.testing.assert_allclose(wide.srg, wide.insertion - wide.deletion, atol=1e-15)


def test_curves_run_from_everything_to_nothing_and_back_and_their_areas_are_the_scores():
    found, predictor, space = on_table(["kernel_shap"])
    compared = px.compare(found, predictor, space)
    for (row, output, curve), lines in compared.curves.groupby(["row", "output", "curve"]):
        ends = [found["kernel_shap"].prediction[row, int(output)], found["kernel_shap"].base[row, int(output)]]
        np.testing.assert_allclose(lines.value.iloc[[0, -1]], ends if curve == "deletion" else ends[::-1], atol=1e-12)
        np.testing.assert_allclose(lines.share, np.arange(5) / 4)
        area = np.trapezoid(lines.value, lines.share)
        np.testing.assert_allclose(area, score(compared, row=row, output=output, metric=curve), atol=1e-12)


def test_ties_are_averaged_over_two_opposite_orders():
    game = games.additive(7, 0)
    predictor, space, x = games.door(game)
    found = px.explain("kernel_shap", predictor, space, x)["kernel_shap"]
    compared = px.compare({"flat": with_values(found, np.ones((1, 7, 1)))}, predictor, space)
    # over an order and its reverse every player is hidden half of the way
    middle = np.mean(game.ends)
    np.testing.assert_allclose(score(compared, metric="deletion"), middle, atol=1e-12)
    np.testing.assert_allclose(score(compared, metric="srg"), 0.0, atol=1e-12)


def test_no_order_of_an_additive_games_players_beats_that_of_its_slopes():
    game = games.additive(8, 1)
    predictor, space, x = games.door(game)
    found = px.explain("kernel_shap", predictor, space, x)["kernel_shap"]
    rng = np.random.default_rng(0)
    maps = {f"shuffled {i}": with_values(found, rng.permutation(found.values[0])[None]) for i in range(30)}
    table = px.compare({"exact": found} | maps, predictor, space, metrics=["srg"]).summary()
    assert table.index[table.srg.argmax()] == "exact"


def test_superpixels_that_the_fill_cannot_change_do_not_move_the_curves():
    picture = np.random.default_rng(0).random((8, 8, 1), dtype=np.float32)
    picture[:4, :4] = 0.5
    space = px.ImageSpace(segments="grid", n_segments=4, fill=0.5)
    predictor = px.Predictor(lambda pictures: pictures.mean(axis=(1, 2, 3), dtype=np.float64))
    found = px.explain("kernel_shap", predictor, space, picture) | px.baselines("random", predictor, space, picture)
    compared = px.compare(found, predictor, space)
    assert found["kernel_shap"].meta["merged"] == ["superpixel 0"]
    lines = compared.curves[(compared.curves.method == "random") & (compared.curves.curve == "deletion")]
    moves = np.diff(lines.value)
    at = np.argsort(-found["random"].values[0, :, 0]).tolist().index(0)
    np.testing.assert_allclose(moves[at], 0.0, atol=1e-12)
    assert (np.abs(np.delete(moves, at)) > 1e-4).all()


# ------------------------------------------------------------------------------------------------ tables


def test_the_scores_are_tidy():
    found, predictor, space = on_table()
    lines = px.compare(found, predictor, space).to_frame()
    columns = ["method", "row", "output", "metric", "explained_fill", "scored_fill", "home", "value", "test_set", "seed"]
    assert list(lines) == columns
    assert len(lines) == 3 * 2 * 2 * 5  # methods, rows, outputs, metrics
    assert not lines.duplicated(["method", "row", "output", "metric"]).any()
    assert set(lines[lines.metric == "srg"].test_set) == {"none"}


def test_index_labels_and_column_names_of_a_data_frame_are_kept():
    frame = pd.DataFrame(data(), columns=list("abcd"), index=[f"p{i}" for i in range(80)])
    space, predictor = px.TabularSpace(frame, background=5), px.Predictor(lambda rows: curved(rows.to_numpy()))
    compared = px.compare(px.explain(["ice"], predictor, space, frame.loc[["p7", "p3"]]), predictor, space)
    assert list(compared.to_frame().row.unique()) == ["p7", "p3"]


def test_a_table_has_one_background_and_everything_is_at_home_on_it():
    found, predictor, space = on_table()
    compared = px.compare(found | px.baselines("random", predictor, space, data(2, seed=1)), predictor, space)
    assert compared.to_frame().home.all()
    assert list(compared.summary())[:3] == ["deletion", "insertion", "srg"]
    assert compared.fill_spread.empty


def test_agreement_has_a_line_for_each_pair_row_and_output():
    found, predictor, space = on_table()
    compared = px.compare(found, predictor, space)
    assert len(compared.agreement) == 3 * 2 * 2 * 2  # pairs, rows, outputs, two metrics
    line = compared.agreement.query("method_a == 'pdp' and method_b == 'ice' and row == 1 and output == '0'")
    ranks = [pd.Series(found[m].values[1, :, 0]).rank() for m in ("pdp", "ice")]
    np.testing.assert_allclose(line[line.metric == "spearman"].value.item(), np.corrcoef(*ranks)[0, 1], atol=1e-12)


def test_costs_name_the_rows_a_method_asked_and_with_whom_it_shared_them():
    found, predictor, space = on_table([*METHODS, "ale"])
    costs = px.compare(found, predictor, space).costs.set_index("method")
    assert costs.rows.to_dict() == {name: result.meta["rows"] for name, result in found.items()}
    assert costs.rows_shared_with["pdp"] == "kernel_shap, ice" and costs.rows_shared_with["ale"] == ""


def test_photos_with_different_numbers_of_superpixels_are_compared_one_by_one():
    pictures = [np.random.default_rng(s).random((8, 8, 1), dtype=np.float32) for s in range(2)]

    def columns(picture):
        n = 3 if picture[0, 0, 0] > pictures[1][0, 0, 0] else 5
        return np.tile(np.arange(8) * n // 8, (8, 1))

    space, predictor = px.ImageSpace(segments=columns, fill=0), px.Predictor(lambda p: p.std(axis=(1, 2, 3)))
    found = px.explain(["lime", "ice"], predictor, space, pictures, budget=20)
    compared = px.compare(found, predictor, space)
    assert sorted(len(e.names) for e in found["ice"]) == [3, 5]
    hidden = compared.curves[compared.curves.curve == "deletion"]
    assert hidden.groupby("row").share.nunique().sort_values().tolist() == [4, 6]


# ------------------------------------------------------------------------------------------------ what it asks


def recording(model):
    asked = []

    def recorded(rows):
        asked.append(np.array(rows))
        return model(rows)

    return asked, recorded


@pytest.mark.parametrize(
    ("metrics", "most"),
    [(["spearman", "top_k_iou"], 0), (["insertion"], 9), (["deletion"], 9), (["srg"], 16), (["faithfulness"], 196 + 1)],
    ids=str,
)
def test_only_what_the_metrics_need_is_asked(metrics, most):
    game = games.two_additive(8, 0)  # 60 of 256 are asked; curves of 8 players have 9 points, both share the ends
    predictor, space, x = games.door(game)
    found = px.explain("kernel_shap", predictor, space, x, budget=60)
    before = predictor.rows
    compared = px.compare(found, predictor, space, metrics=metrics)
    assert compared.call["rows"] == predictor.rows - before
    assert 0.8 * most <= compared.call["rows"] <= most
    assert set(compared.to_frame().metric) | set(compared.agreement.metric) <= set(metrics)


def test_no_row_is_asked_twice_within_a_call():
    asked, model = recording(curved)
    found, predictor, space = on_table(model=model)
    asked.clear()
    compared = px.compare(found, predictor, space)
    rows = np.concatenate(asked)
    assert len(np.unique(rows, axis=0)) == len(rows) == compared.call["rows"]


def test_the_same_seed_gives_the_same_bits_and_another_seed_breaks_ties_only_otherwise():
    game = games.random_table(7, 0)
    predictor, space, x = games.door(game)
    found = px.explain("kernel_shap", predictor, space, x)
    flat = {"flat": with_values(found["kernel_shap"], np.ones((1, 7, 2)))}
    one, again, other = (px.compare(found | flat, predictor, space, seed=s).to_frame() for s in (0, 0, 1))
    pd.testing.assert_frame_equal(one, again, check_exact=True)
    untied = one.method != "flat"
    pd.testing.assert_frame_equal(one[untied], other[untied], check_exact=True)
    assert not one[~untied].equals(other[~untied])


def test_batch_size_does_not_change_a_bit_of_the_scores_of_a_row_wise_model():
    tables = []
    for size in (1, 7, 1000):
        predictor, space = px.Predictor(lambda X: X[:, 0] * X[:, 1] - X[:, 2], batch_size=size), px.TabularSpace(data())
        tables.append(px.compare(px.explain(METHODS, predictor, space, data(2, seed=1)), predictor, space).to_frame())
    pd.testing.assert_frame_equal(tables[0], tables[1], check_exact=True)
    pd.testing.assert_frame_equal(tables[0], tables[2], check_exact=True)


# ------------------------------------------------------------------------------------------------ refused


def refused(message, results, predictor, space, error=ValueError, **options):
    before = predictor.rows
    with pytest.raises(error, match=message):
        px.compare(results, predictor, space, **options)
    assert predictor.rows == before  # before the model is asked


def test_results_of_other_inputs_or_outputs_are_refused():
    found, predictor, space = on_table()
    refused("explains the outputs", found | {"b": on_table(["ice"], outputs=[0])[0]["ice"]}, predictor, space)
    refused("'b' has other inputs", found | {"b": on_table(["ice"], x=data(1, seed=1))[0]["ice"]}, predictor, space)
    refused("'b' has other inputs", found | {"b": on_table(["ice"], x=data(2, seed=5))[0]["ice"]}, predictor, space)


def test_a_space_with_other_players_or_of_another_kind_is_refused():
    found, predictor, space, _ = on_photo()
    refused("space gives 12 players where results have 6", found, predictor, px.ImageSpace(segments="grid", n_segments=12))
    table, of_table, _ = on_table()
    refused("explains the kind 'table'", table, of_table, space)
    refused("explains the kind 'image'", found, predictor, px.TabularSpace(data()))


def test_values_that_are_not_finite_are_refused():
    found, predictor, space = on_table(["ice"])
    for bad in (np.nan, np.inf):
        values = found["ice"].values.copy()
        values[1, 2, 0] = bad
        refused("'ice' has values that are not finite", {"ice": with_values(found["ice"], values)}, predictor, space)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"metrics": ["srg", "auc"]}, r"\['auc'\] are not known; expected some of deletion"),
        ({"metrics": ["faithfullness"]}, "did you mean 'faithfulness'"),
        ({"metrics": []}, "none is named"),
        ({"fills": ["blur"]}, "fills is for pictures"),
        ({"seed": -1}, "seed=-1 must be a whole number"),
    ],
    ids=str,
)
def test_options_that_mean_nothing_are_refused(options, message):
    refused(message, *on_table(["ice"]), **options)


def test_fills_that_the_tables_could_not_tell_apart_are_refused():
    found, predictor, space, game = on_photo()
    other = [game.extras["picture"] * 0, game.extras["picture"] * 0]
    refused("holds one twice", found, predictor, space, fills=other)
    refused("fills is empty", found, predictor, space, fills=[])


def test_what_is_no_mapping_of_results_is_refused():
    found, predictor, space = on_table(["ice"])
    refused("results is empty", {}, predictor, space)
    refused("results is Attribution; expected a mapping", found["ice"], predictor, space, error=TypeError)
    with pytest.raises(TypeError, match="predictor is str; expected the model"):
        px.compare(found, "curved", space)


def test_features_in_another_order_are_told_as_such():
    X = np.random.default_rng(0).normal(size=(40, 3))
    results = px.explain(["kernel_shap"], lambda X: X.sum(axis=1), X, X[:2])
    turned = {"turned": results["kernel_shap"][:, ["x2", "x1", "x0"]]}
    with pytest.raises(ValueError, match="results have the players of space in another order"):
        px.compare(turned, lambda X: X.sum(axis=1), X)
