"""explain(): what it asks and counts, which outputs it looks at, and what it refuses before the model is asked."""

from __future__ import annotations

import tracemalloc

import games
import numpy as np
import pytest
import recorders
from recorders import FIVE, Recorder

import perturbxai as px


def many_outputs(n_outputs):
    """A function to n_outputs columns; at x = (1, 1, 1) column k is the (7 k mod n)-th from below."""
    slopes = (7.0 * np.arange(n_outputs)) % n_outputs
    return lambda X: X.sum(axis=1)[:, None] / 3.0 * slopes


# ------------------------------------------------------------------------------------------------ counts


@pytest.mark.parametrize("methods", [FIVE, *([m] for m in FIVE)], ids=str)
def test_no_row_of_a_table_is_asked_twice_and_every_row_is_counted(methods):
    recorder = Recorder(recorders.of_table)
    predictor = px.Predictor(recorder)
    space, x = recorders.table()
    found = px.explain(methods, predictor, space, np.concatenate([x, x[:1]]), budget=40)
    assert recorder.repeated == 0
    for one in found.values():
        assert one.meta["call_rows"] == predictor.rows == len(recorder.rows)


@pytest.mark.usefixtures("plain_fits")
@pytest.mark.parametrize("fill", ["mean", 0.25])
@pytest.mark.parametrize("methods", [FIVE, *([m] for m in FIVE)], ids=str)
def test_no_picture_is_asked_twice_and_every_picture_is_counted(methods, fill):
    recorder = Recorder(recorders.of_pictures)
    predictor = px.Predictor(recorder)
    space, x = recorders.pictures(fill=fill)
    found = px.explain(methods, predictor, space, [*x, x[0]], budget=200)
    assert recorder.repeated == 0
    for one in found.values():
        assert one.meta["call_rows"] == predictor.rows == len(recorder.rows)


@pytest.mark.parametrize("method", ["lime", "kernel_shap", "pdp", "ice"])
@pytest.mark.parametrize("background", [1, 5])
def test_the_rows_of_a_method_are_those_it_costs_alone(method, background):
    predictor = px.Predictor(recorders.of_table)
    space, x = recorders.table(background=background)
    found = px.explain(method, predictor, space, np.concatenate([x, x[:2]]), budget=40)[method]
    assert found.meta["rows"] == predictor.rows
    # each input's own count says what it would cost by itself
    for number in range(4):
        alone = px.Predictor(recorders.of_table)
        px.explain(method, alone, space, x[number], budget=40)
        assert found[number].meta["rows"] == alone.rows


@pytest.mark.usefixtures("plain_fits")
@pytest.mark.parametrize("fill", ["mean", 0.25])
def test_the_pictures_of_a_shared_table_are_those_it_costs_alone(fill):
    predictor = px.Predictor(recorders.of_pictures)
    space, x = recorders.pictures(fill=fill)
    found = px.explain(["lime", "kernel_shap"], predictor, space, [*x, x[2]], budget=100)
    assert [one.meta["rows"] for one in found.values()] == [predictor.rows, predictor.rows]


def test_methods_of_coalitions_say_with_whom_they_share_their_rows():
    space, x = recorders.table()
    found = px.explain(FIVE, px.Predictor(recorders.of_table), space, x, budget=40)
    assert found["lime"].meta["rows_shared_with"] == ["kernel_shap", "pdp", "ice"]
    assert found["ice"].meta["rows_shared_with"] == ["lime", "kernel_shap", "pdp"]
    assert found["ale"].meta["rows_shared_with"] == []
    assert len({found[m].meta["rows"] for m in FIVE[:4]}) == 1


def test_a_second_call_counts_its_own_rows():
    space, x = recorders.table()
    predictor = px.Predictor(recorders.of_table)
    first = px.explain("lime", predictor, space, x, budget=40)["lime"]
    second = px.explain("lime", predictor, space, x[:1], budget=40)["lime"]
    assert first.meta["call_rows"] + second.meta["call_rows"] == predictor.rows
    assert second.meta["rows"] == second.meta["call_rows"] < first.meta["rows"]


def test_seconds_are_the_models_and_no_more_than_the_calls():
    space, x = recorders.table()
    predictor = px.Predictor(recorders.of_table)
    meta = px.explain("lime", predictor, space, x, budget=40)["lime"].meta
    assert meta["seconds"] == pytest.approx(predictor.seconds) == pytest.approx(meta["call_model_seconds"])
    assert 0 < meta["call_model_seconds"] <= meta["call_seconds"]


@pytest.mark.parametrize("budget", [18, 19, 25, 40, 63, 64, 1000])
@pytest.mark.parametrize("methods", [["kernel_shap"], ["lime", "kernel_shap", "pdp", "ice"]], ids=len)
def test_a_tables_budget_is_never_exceeded(methods, budget):
    X = np.random.default_rng(0).normal(size=(6, 6))
    predictor = px.Predictor(recorders.of_table)
    found = px.explain(methods, predictor, px.TabularSpace(X[:5]), X[5], budget=budget)[methods[0]][0]
    assert found.meta["coalitions"] <= budget
    # each coalition has its five rows, but for that of everyone, whose rows are one
    assert predictor.rows == found.meta["rows"] == 5 * (found.meta["coalitions"] - 1) + 1


@pytest.mark.usefixtures("plain_fits")
@pytest.mark.parametrize("budget", [180, 199, 201, 365])
@pytest.mark.parametrize("method", ["lime", "kernel_shap", "ice", "ale", "pdp"])
def test_a_pictures_budget_is_never_exceeded(method, budget):
    space, x = recorders.pictures(1)
    predictor = px.Predictor(recorders.of_pictures)
    px.explain(method, predictor, space, x, budget=budget)
    assert predictor.rows <= budget


@pytest.mark.parametrize(("n_players", "coalitions"), [(2, 4), (10, 1024), (11, 442), (30, 1202)])
def test_the_default_budget_of_a_table_lists_ten_players_and_draws_forty_a_player_beyond(n_players, coalitions):
    predictor, space, x = games.door(games.additive(n_players, 0))
    found = px.explain("kernel_shap", predictor, space, x)["kernel_shap"]
    assert found[0].meta["listed"] == (n_players <= 10)
    assert predictor.rows == found[0].meta["coalitions"] == coalitions


def test_the_default_budget_of_a_picture_is_a_thousand():
    labels = np.arange(144).reshape(12, 12) // 6
    predictor = px.Predictor(recorders.of_pictures)
    px.explain("kernel_shap", predictor, px.ImageSpace(segments=labels, fill=0.0), recorders.pictures(1)[1])
    assert predictor.rows == 1000


def test_a_hundred_outputs_cost_no_more_rows_than_one():
    rows = []
    for chosen in ([3], list(range(100))):
        predictor = px.Predictor(many_outputs(100))
        px.explain(["lime", "kernel_shap", "ale"], predictor, px.TabularSpace(np.eye(3)), np.ones(3), outputs=chosen)
        rows.append(predictor.rows)
    assert rows[0] == rows[1]


def test_rows_are_built_a_batch_at_a_time():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(50, 400))
    groups = {f"group {g}": [f"x{d}" for d in range(40 * g, 40 * (g + 1))] for g in range(10)}
    space, predictor = px.TabularSpace(X, groups=groups), px.Predictor(lambda rows: rows[:, 0] * rows[:, 399], batch_size=64)
    px.explain("kernel_shap", predictor, space, X[0], budget=20)  # what is loaded or compiled once
    tracemalloc.start()
    try:
        px.explain("kernel_shap", predictor, space, rng.normal(size=400), budget=1024)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    # 51,200 rows of 400 numbers are 164 MB; their names, places and values are 16 + 40 bytes a row
    assert peak < 25e6


def test_no_array_of_coalitions_players_and_outputs_is_ever_made():
    game = games.two_additive(30, 0, n_outputs=150)
    predictor, space, x = games.door(game)
    outputs = list(range(150))
    px.explain("kernel_shap", predictor, space, x, budget=70, outputs=outputs[:2])
    tracemalloc.start()
    try:
        px.explain(["lime", "kernel_shap"], predictor, space, x, budget=2400, outputs=outputs)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 43e6  # half of 2,400 x 30 x 150 numbers; the table itself is 2.9 MB


# ------------------------------------------------------------------------------------------------ outputs


@pytest.mark.parametrize("n_outputs", [1, 2, 20])
def test_all_outputs_are_looked_at_up_to_twenty(n_outputs):
    found = px.explain("lime", px.Predictor(many_outputs(n_outputs)), px.TabularSpace(np.zeros((1, 3))), np.ones(3))
    assert found["lime"].outputs == (("prediction",) if n_outputs == 1 else tuple(map(str, range(n_outputs))))


def test_of_more_than_twenty_outputs_the_five_highest_at_the_first_input_are_looked_at():
    x = np.array([[1.0, 1.0, 1.0], [-1.0, -1.0, -1.0]])
    with pytest.warns(UserWarning, match="the model has 30 outputs"):
        found = px.explain("lime", px.Predictor(many_outputs(30)), px.TabularSpace(np.zeros((1, 3))), x)["lime"]
    expected = np.argsort(-((7 * np.arange(30)) % 30))[:5]
    assert found.outputs == tuple(map(str, expected)) and found.values.shape == (2, 3, 5)
    np.testing.assert_allclose(found.prediction[1], -found.prediction[0])


@pytest.mark.parametrize(
    ("outputs", "names"), [("b", "b"), (1, "b"), (["c", "a"], "ca"), ([2, 0], "ca"), (["c", 1], "cb"), (np.array([2]), "c")]
)
def test_outputs_are_chosen_by_name_or_number_in_the_order_given(outputs, names):
    predictor = px.Predictor(many_outputs(3), outputs=["a", "b", "c"])
    found = px.explain("lime", predictor, px.TabularSpace(np.zeros((1, 3))), np.ones(3), outputs=outputs)["lime"]
    assert found.outputs == tuple(names)
    np.testing.assert_allclose(found.prediction[0], many_outputs(3)(np.ones((1, 3)))[0, ["abc".index(n) for n in names]])


@pytest.mark.parametrize(
    ("outputs", "shown"), [("d", "'d'"), (["a", "d"], "'d'"), (3, "3"), ([0, -1], "-1"), ([1.5], "1.5"), (True, "True")]
)
def test_an_output_that_is_not_there_is_refused_before_a_model_with_named_outputs_is_asked(outputs, shown):
    predictor = px.Predictor(many_outputs(3), outputs=["a", "b", "c"])
    with pytest.raises(ValueError, match=rf"outputs: {shown} is not an output of the model; it has 3: 'a', 'b', 'c'"):
        px.explain("lime", predictor, px.TabularSpace(np.zeros((1, 3))), np.ones(3), outputs=outputs)
    assert predictor.rows == 0


def test_an_output_that_is_not_there_is_refused_after_one_row_where_names_are_not_known():
    predictor = px.Predictor(many_outputs(3))
    with pytest.raises(ValueError, match=r"outputs: 7 is not an output of the model; it has 3: '0', '1', '2'"):
        px.explain("lime", predictor, px.TabularSpace(np.zeros((1, 3))), np.ones(3), outputs=[7])
    assert predictor.rows == 1


def test_no_outputs_at_all_are_refused():
    with pytest.raises(ValueError, match="outputs is empty"):
        px.explain("lime", px.Predictor(many_outputs(3)), px.TabularSpace(np.zeros((1, 3))), np.ones(3), outputs=[])


# ------------------------------------------------------------------------------------------------ methods and their keys


def refused(error, match, methods="lime", predictor=None, space=None, x=None, **options):
    """Refused before the model is asked."""
    recorder = Recorder(recorders.of_table)
    predictor = px.Predictor(recorder) if predictor is None else predictor
    default_space, default_x = recorders.table()
    with pytest.raises(error, match=match):
        px.explain(methods, predictor, default_space if space is None else space, default_x if x is None else x, **options)
    assert not recorder.batches


def keys(methods):
    predictor, space, x = games.door(games.additive(4, 0))
    return list(px.explain(methods, predictor, space, x))


def test_a_method_is_keyed_by_its_name():
    assert keys("ice") == ["ice"] == keys(px.Ice()) == keys([px.Ice()]) == keys(("ice",))


def test_two_objects_of_one_class_are_keyed_with_the_fields_that_differ():
    wide = px.Lime(kernel_width=0.5)
    assert keys(["lime", wide]) == ["lime(kernel_width=0.25)", "lime(kernel_width=0.5)"]
    assert keys([px.Lime(ridge=1.0), px.Lime(kernel_width=0.5, ridge=2.0)]) == [
        "lime(kernel_width=0.25, ridge=1.0)", "lime(kernel_width=0.5, ridge=2.0)"
    ]  # fmt: skip


def test_a_name_overrides_the_key():
    assert keys([px.Lime(name="wide", kernel_width=2.0), "lime"]) == ["wide", "lime"]


def test_mappings_of_two_calls_join():
    predictor, space, x = games.door(games.additive(4, 0))
    joined = px.explain("lime", predictor, space, x) | px.explain(["pdp", "ice"], predictor, space, x)
    assert list(joined) == ["lime", "pdp", "ice"] and all(isinstance(a, px.Attribution) for a in joined.values())


@pytest.mark.parametrize("methods", [["lime", "lime"], ["lime", px.Lime()], [px.Ice(name="a"), px.Pdp(name="a")]])
def test_the_same_key_twice_is_refused(methods):
    refused(ValueError, r"methods: '(lime|a)' comes twice; give one of them another name=", methods)


def test_unknown_methods_are_refused_with_those_that_exist():
    refused(
        ValueError,
        r"'shapley' is not a known method\. Did you mean 'kernel_shap'\? Expected one of ale, .*kernel_shap, lime, lime_t",
        "shapley",
    )
    refused(TypeError, r"methods: 3 is none of lime, kernel_shap", [3])
    refused(TypeError, r"methods: <class '.*Lime'> is none of lime", [px.Lime])
    refused(ValueError, "methods is empty; name at least one of lime", [])


@pytest.mark.parametrize("seed", [-1, 1.0, True, "0", None, np.random.default_rng(0)], ids=str)
def test_a_seed_is_a_whole_number_from_0_up(seed):
    refused(ValueError, r"seed=.* must be a whole number from 0 up", seed=seed)


@pytest.mark.parametrize("budget", [True, 40.0, 40.5, float("nan"), float("inf"), "40", [40], 1, 0, -5], ids=str)
def test_a_budget_is_a_whole_number_from_2_up(budget):
    refused(ValueError, r"budget=.* must be a whole number of coalitions from 2 up", budget=budget)


@pytest.mark.parametrize(
    ("methods", "least"), [("lime", 8), ("kernel_shap", 12), ("ice", 8), (["pdp", "ice"], 14), (FIVE, 18)], ids=str
)
def test_a_budget_below_the_least_of_the_methods_is_refused(methods, least):
    match = rf"budget={least - 1} is below the {least} coalitions.*budget={least} or more"
    refused(ValueError, match, methods, budget=least - 1)


@pytest.mark.parametrize("method", ["ale", "pdp"])
def test_a_budget_below_the_least_rows_of_a_method_on_pictures_is_refused(method):
    recorder = Recorder(recorders.of_pictures)
    space, x = recorders.pictures(1)
    with pytest.raises(ValueError, match=rf"budget=30 is below the \d+ rows that {method} needs .*fewer players"):
        px.explain(method, px.Predictor(recorder), space, x, budget=30)
    assert not recorder.batches


def test_a_model_or_a_space_that_is_not_wrapped_is_refused():
    refused(TypeError, r"predictor is str; expected the model, or px.Predictor\(model\)", predictor="of_table")
    refused(TypeError, r"space is int; expected px.TabularSpace\(X\), its X", space=3)


def test_rows_of_another_width_are_refused():
    refused(ValueError, r"x has shape \(2, 5\); expected \(rows, 6\)", x=np.ones((2, 5)))
