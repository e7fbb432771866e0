"""Calls of effects(): what is refused before the model is asked, what memory holds, failures, batches, and results."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pandas as pd
import pytest
from costs import own_rows

import perturbxai as px


def frame(n=60, seed=0):
    rng = np.random.default_rng(seed)
    return pd.DataFrame({
        "income": rng.normal(size=n), "age": rng.integers(20, 60, n), "town": rng.choice(["a", "b", "c"], n),
        "constant": 1.0, "height": rng.normal(size=n),
    })  # fmt: skip


def model(rows):
    return rows.income.to_numpy() * rows.height.to_numpy() + rows.age.to_numpy()


# ------------------------------------------------------------------------------------------------ refused


@pytest.mark.parametrize(
    ("methods", "options", "message"),
    [
        ("ale", {"features": ["incme"]}, "features: 'incme' is not a column of x; did you mean 'income'?"),
        ("ale", {"features": ["zzz"]}, "features: 'zzz' is not a column of x; x has 'income', 'age'"),
        ("ale", {"features": []}, "features is empty"),
        ("pdp", {"features": ["constant"]}, "'constant' has a single value in x"),
        ("pdp", {"features": [("age", "age")]}, "names the same column twice"),
        ("pdp", {"features": [("age", "income", "height")]}, "has 3 columns; expected one, or two"),
        ("pdp", {"grid": 1}, "grid=1 for 'income' must be a whole number of bins from 2 up"),
        ("pdp", {"grid": 2.5}, "grid=2.5 for 'income'"),
        ("pdp", {"grid": {"incom": 3}}, "grid: 'incom' is not a column of x; did you mean 'income'"),
        ("pdp", {"grid": {"income": [1.0, 0.0]}}, "points of 'income' must be at least two finite values that rise"),
        ("pdp", {"grid": {"age": [20.5, 30.0]}}, "'age' is int64 in X, but a value here is not a whole number"),
        ("pdp", {"grid": {"town": ["a"]}}, "the points of 'town' must be at least two of its levels, each once"),
        ("pdp", {"rows": 50}, r"rows=50 pays for 0 of the rows of x, each of which costs \d+ model rows; ask for rows="),
        ("pdp", {"rows": 0}, "rows=0 must be a whole number"),
        ("pdp", {"by": "twn"}, "by: 'twn' is not a column of x; did you mean 'town'"),
        ("pdp", {"by": "income"}, "by='income' has 60 values among the drawn rows; expected at most 20"),
        ("pdp", {"seed": -1}, "seed=-1 must be a whole number"),
        ("lime", {}, r"'lime' is not a known method\. 'lime' is one of the explainers: .*Expected one of ale, ice, pdp"),
        (["ale", "ale"], {}, "'ale' comes twice"),
        (px.Ice(curves="derivative"), {}, "'town' has levels, along which nothing has a slope"),
        (px.Ice(curves="derivative"), {"features": [("age", "income")]}, "curves='derivative' is of single columns"),
        (px.Ale(curves="anchored"), {"features": [("age", "income")]}, "curves='anchored' is of single columns"),
        (px.Ale(bands_for="population"), {"features": [("age", "income")]}, "bands_for='population' is of single columns"),
        (px.Ale(bins=10), {}, r"bins and data_rows of Ale are for explain\(\)"),
        (px.Ale(differential=True), {"features": ["town"]}, "'town' is taken value by value, along which there is no deriv"),
    ],
)  # fmt: skip
def test_what_can_be_known_without_the_model_is_refused_before_it_is_asked(methods, options, message):
    X, predictor = frame(), px.Predictor(model)
    with pytest.raises(ValueError, match=message):
        px.effects(methods, predictor, px.TabularSpace(X), X, **options)
    assert predictor.rows == 0


def test_options_of_methods_that_are_not_known_are_refused():
    for build, message in (
        (lambda: px.Ice(curves="d"), "curves='d' is not known; expected one of 'raw', 'centred', 'anchored', 'derivative'"),
        (lambda: px.Ice(ice_rows=0), "ice_rows=0 must be a whole number"),
        (lambda: px.Ale(curves="x"), "curves='x' is not known; expected one of 'centred', 'anchored'"),
        (lambda: px.Ale(bands_for="x"), "bands_for='x' is not known; expected one of 'sample', 'population'"),
    ):
        with pytest.raises(ValueError, match=message):
            build()


@pytest.mark.parametrize("method", [px.Pdp(curves="centred"), px.Ice(curves="centred"), px.Ale(bands_for="population")])
def test_explain_refuses_options_that_it_does_not_read(method):
    X = np.random.default_rng(0).normal(size=(20, 2))
    predictor = px.Predictor(lambda rows: rows.sum(axis=1))
    with pytest.raises(ValueError, match=r"is for effects\(\), where curves are shown"):
        px.explain(method, predictor, px.TabularSpace(X), X[:2])
    assert predictor.rows == 0


def test_other_columns_a_group_and_a_single_row_are_refused():
    X = frame()
    predictor = px.Predictor(model)
    with pytest.raises(ValueError, match="x has the unknown feature"):
        px.effects("pdp", predictor, px.TabularSpace(X), X.rename(columns={"age": "years"}))
    space = px.TabularSpace(X, groups={"body": ["age", "height"]})
    with pytest.raises(ValueError, match="'body' is a group of columns; a curve is of one, name the columns themselves"):
        px.effects("pdp", predictor, space, X, features=["body"])
    assert list(px.effects("pdp", predictor, space, X, features=["age"])["pdp"]) == ["age"]
    with pytest.raises(ValueError, match=r"x has 1 row\(s\)"):
        px.effects("pdp", predictor, space, X.iloc[:1])


def test_what_is_no_predictor_no_space_and_no_network_is_refused():
    X = np.random.default_rng(0).normal(size=(60, 2))
    predictor, space = px.Predictor(lambda rows: rows.sum(axis=1)), px.TabularSpace(X)
    with pytest.raises(TypeError, match=r"predictor is str; expected the model, or px\.Predictor"):
        px.effects("pdp", "rows", space, X)
    with pytest.raises(TypeError, match=r"space is NoneType; expected px\.TabularSpace\(X\), its X, or px\.ImageSpace\(\)"):
        px.effects("pdp", predictor, None, X)
    with pytest.raises(TypeError, match="which has no gradient"):
        px.effects(px.Ale(differential=True), predictor, space, X)
    assert predictor.rows == 0


def test_infinite_values_have_no_place_on_a_grid():
    X = np.random.default_rng(0).normal(size=(60, 2))
    X[3, 1] = np.inf
    with pytest.raises(ValueError, match="infinite values in 'x1'"):
        px.effects("ale", px.Predictor(lambda rows: rows[:, 0]), px.TabularSpace(X), X)


# ------------------------------------------------------------------------------------------------ failures, batches, memory


def test_an_answer_that_is_no_number_names_the_column_and_the_row_and_keeps_what_was_finished():
    X = np.random.default_rng(0).normal(size=(50, 3))

    def broken(rows):
        out = rows[:, 0] + rows[:, 1]
        out[(rows[:, 0] == X[7, 0]) & (rows[:, 1] > 1)] = np.nan
        return out

    with pytest.raises(px.ModelError) as caught:
        px.effects(["pdp", "ice"], px.Predictor(broken, batch_size=64), px.TabularSpace(X), X, grid=6)
    assert "asked for the effect of 'x1', at row 7 of x" in "".join(caught.value.__notes__)
    finished = caught.value.partial["pdp"]
    whole = px.effects("pdp", px.Predictor(lambda rows: rows[:, 0] + rows[:, 1]), px.TabularSpace(X), X, grid=6)["pdp"]
    assert list(finished) == ["x0"]
    np.testing.assert_array_equal(finished["x0"].values, whole["x0"].values)


def test_numbers_do_not_depend_on_the_batch_size_or_on_what_else_is_asked():
    X = np.random.default_rng(0).normal(size=(90, 3))
    f = lambda rows: np.column_stack([rows[:, 0] * rows[:, 1], rows[:, 2] - rows[:, 1]])  # noqa: E731
    space, first = px.TabularSpace(X), None
    for size in (None, 1, 7, 1000):
        found = px.effects(["pdp", "ice", "ale"], px.Predictor(f, batch_size=size), space, X, features=["x0", ("x0", "x1")],
                           grid=6, rows=2500)  # fmt: skip
        first = found if first is None else first
        for method, effects in found.items():
            for key, effect in effects.items():
                for name in ("values", "stderr", "critical", "importance", "heterogeneity"):
                    np.testing.assert_array_equal(getattr(effect, name), getattr(first[method][key], name))
    alone = px.effects("pdp", px.Predictor(f), space, X, features=["x0"], grid=6, rows=7 * 50 + 1)["pdp"]["x0"]
    again = px.effects("pdp", px.Predictor(f), space, X, features=["x0", "x1"], grid=6, rows=14 * 50 + 1)["pdp"]["x0"]
    for name in ("values", "stderr", "critical"):
        np.testing.assert_array_equal(getattr(alone, name), getattr(again, name))


METHODS = ["pdp", "ale", px.Ice(curves="derivative")]
ASKED = {
    "column": (["pdp", "ice", "ale"], ["x0"]),
    "derivative": (METHODS, ["x0"]),
    "pair": (["pdp", "ale"], [("x0", "x1")]),
}


@pytest.mark.parametrize("rows_a_block", [1, 4, 20, 40])
@pytest.mark.parametrize(("methods", "features"), ASKED.values(), ids=ASKED)
@pytest.mark.parametrize("by", [None, "group"])
def test_numbers_hardly_depend_on_how_many_rows_are_gathered_at_once(methods, features, by, rows_a_block, monkeypatch):
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(40, 2)), columns=["x0", "x1"]).assign(group=np.repeat(["a", "b"], 20))
    predictor = px.Predictor(lambda rows: (rows.x0 * rows.x1 + rows.x1**2).to_numpy())
    call = lambda: px.effects(methods, predictor, px.TabularSpace(X), X, features=features, grid=3, by=by)  # noqa: E731
    whole = call()
    points = next(iter(whole["pdp"].values())).values.size
    monkeypatch.setattr("perturbxai.calls.effect_jobs.NUMBERS_AT_ONCE", rows_a_block * points)
    for key, effects in call().items():
        for name, effect in effects.items():
            np.testing.assert_allclose(effect.values, whole[key][name].values, rtol=1e-9, atol=1e-12)
            np.testing.assert_allclose(effect.stderr, whole[key][name].stderr, rtol=1e-9, atol=1e-12)


def test_the_seed_draws_the_rows_and_global_random_state_stays():
    X = np.random.default_rng(0).normal(size=(300, 2))
    f, space = (lambda rows: rows[:, 0] * rows[:, 1]), px.TabularSpace(X)
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    one, again, other = (px.effects("pdp", px.Predictor(f), space, X, rows=2000, seed=s)["pdp"]["x0"] for s in (1, 1, 2))
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002
    np.testing.assert_array_equal(one.values, again.values)
    assert np.abs(one.values - other.values).max() > 1e-3


def test_rows_times_grid_are_never_held():
    X = np.random.default_rng(0).normal(size=(20_000, 4))
    predictor, space = px.Predictor(lambda rows: rows[:, 0] * rows[:, 1], batch_size=2000), px.TabularSpace(X)
    options = {"features": [0, 1, 2], "grid": 39, "rows": 10**7}
    px.effects(["pdp", "ale"], predictor, space, X[:50], **options)  # kernels are compiled
    tracemalloc.start()
    found = px.effects(["pdp", "ice", px.Pdp(curves="centred", name="shape"), "ale"], predictor, space, X, **options)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert own_rows(found["pdp"]["x0"]) == 20_000 * 40
    # 3 columns x 20,000 rows x 40 points in float64 are 19 MB of answers and 77 MB of rows; the data are .6 MB
    assert peak < 10e6, peak


def test_the_users_table_is_left_as_found():
    X = frame()
    before = X.copy(deep=True)

    def greedy(rows):
        out = model(rows)
        rows["income"] = 0.0
        return out

    px.effects(["pdp", "ice", "ale"], px.Predictor(greedy), px.TabularSpace(X), X, by="town", features=["income", "age"])
    pd.testing.assert_frame_equal(X, before)


# ------------------------------------------------------------------------------------------------ results


def test_none_means_every_column_that_varies():
    X = frame()
    found = px.effects("ale", px.Predictor(model), px.TabularSpace(X), X)["ale"]
    assert list(found) == ["income", "age", "town", "height"]


def test_methods_of_one_class_are_told_apart_by_their_options():
    X = frame()
    found = px.effects(
        [px.Pdp(), px.Pdp(curves="centred"), "ale"], px.Predictor(model), px.TabularSpace(X), X, features=["age"]
    )
    assert list(found) == ["pdp(curves='raw')", "pdp(curves='centred')", "ale"]
    assert found["ale"]["age"].meta["rows_shared_with"] == list(found)[:2]


def test_a_table_has_a_line_for_each_point_and_output(tmp_path):
    X = frame()
    found = px.effects(
        ["ale", "pdp"], px.Predictor(model), px.TabularSpace(X), X, features=["town", ("age", "town")], grid=5
    )
    one, two = found["ale"]["town"].to_frame(), found["pdp"]["age", "town"].to_frame()
    assert list(one.columns) == ["method", "feature", "at", "output", "value", "stderr", "low", "high", "low_simultaneous",
                                 "high_simultaneous"]  # fmt: skip
    assert len(one) == 3 and set(one["at"]) == {"a", "b", "c"}
    assert len(two) == found["pdp"]["age", "town"].values.size and {"at_a", "at_b", "feature_b"} <= set(two.columns)
    line = two.iloc[4]
    a, b = (
        np.flatnonzero(axis == line[at])[0]
        for axis, at in zip(found["pdp"]["age", "town"].grid, ("at_a", "at_b"), strict=True)
    )
    assert line["value"] == found["pdp"]["age", "town"].values[a, b, 0]
    found["ale"]["town"].to_csv(tmp_path / "town.csv")
    assert len(pd.read_csv(tmp_path / "town.csv")) == 3


def test_a_band_of_another_level_is_pointwise_only():
    X = frame()
    effect = px.effects("pdp", px.Predictor(model), px.TabularSpace(X), X, features=["income"])["pdp"]["income"]
    narrow, wide = (np.diff(effect.interval(level), axis=0) for level in (0.5, 0.99))
    assert (narrow < wide).all()
    with pytest.raises(ValueError, match=r"level=1\.5 must lie between 0 and 1"):
        effect.interval(1.5)
    with pytest.raises(ValueError, match=r"the simultaneous factor is kept for 0\.95 only"):
        effect.interval(0.9, simultaneous=True)


def test_dates_have_effects_too():
    n = 80
    X = pd.DataFrame({"day": pd.date_range("2024-01-01", periods=n), "load": np.random.default_rng(0).normal(size=n)})
    f = lambda rows: (rows.day - pd.Timestamp("2024-01-01")).dt.days * 2.0 + rows.load  # noqa: E731
    found = px.effects(
        ["pdp", "ale", px.Ice(curves="derivative")], px.Predictor(f), px.TabularSpace(X), X, features=["day"], grid=8
    )
    ale = found["ale"]["day"]
    assert ale.grid[0].dtype.kind == "M" and found["ice"]["day"].grid[0].dtype.kind == "M"
    days = (ale.grid[0] - np.datetime64("2024-01-01")) / np.timedelta64(1, "D")
    np.testing.assert_allclose(np.diff(ale.values[:, 0]), 2.0 * np.diff(days))


@pytest.mark.parametrize("ordered", [None, False, True])
def test_levels_that_are_named_as_points_are_those_of_all_and_of_the_rows_that_have_them(ordered):
    rng = np.random.default_rng(4)
    X = pd.DataFrame({"town": rng.choice(["Zug", "Aue", "Ulm", "Bern"], 80), "size": rng.normal(size=80)})
    X["size"] += X["town"] == "Zug"
    if ordered is not None:
        X["town"] = pd.Categorical(X["town"], ["Zug", "Aue", "Ulm", "Bern", "Rom"], ordered=ordered)
    seen = []

    def model(rows):
        seen.extend(rows["town"])
        return rows["size"] * rows["town"].astype(str).map({"Zug": 1.0, "Aue": -2.0, "Ulm": 3.0, "Bern": 4.0, "Rom": 5.0})

    some = ["Ulm", "Zug", "Bern"]
    space, predictor = px.TabularSpace(X), px.Predictor(model)
    every = px.effects(["pdp", "ice"], predictor, space, X, features=["town"])
    seen.clear()
    found = px.effects(["pdp", "ice", "ale"], predictor, space, X, features=["town"], grid={"town": some})
    assert seen.count("Aue") <= 1  # the first row
    for key in ("pdp", "ice"):
        one, other = found[key]["town"], every[key]["town"]
        place = [other.grid[0].tolist().index(level) for level in one.grid[0].tolist()]
        assert sorted(one.grid[0].tolist()) == sorted(some) and one.counts.sum() == X["town"].isin(some).sum()
        np.testing.assert_allclose(one.values, other.values[place], atol=1e-12)
    of_rows = X[X["town"].isin(some)]
    alone = px.effects("ale", predictor, space, of_rows, features=["town"])["ale"]["town"]
    assert found["ale"]["town"].grid[0].tolist() == alone.grid[0].tolist()
    np.testing.assert_allclose(found["ale"]["town"].values, alone.values, atol=1e-12)
    if ordered is not None:  # a level that no row has
        unseen = px.effects("pdp", predictor, space, X, features=["town"], grid={"town": ["Rom", "Zug"]})["pdp"]["town"]
        np.testing.assert_allclose(unseen.values[unseen.grid[0] == "Rom", 0], 5.0 * X["size"].mean(), atol=1e-12)
    for points in (["Ulm"], ["Ulm", "Ulm"]):
        with pytest.raises(ValueError, match="the points of 'town' must be at least two of its levels, each once"):
            px.effects("pdp", predictor, space, X, features=["town"], grid={"town": points})


def test_a_column_of_one_value_has_an_effect_at_points_that_are_given():
    X = pd.DataFrame({"same": np.ones(20), "size": np.random.default_rng(0).normal(size=20)})
    predictor, space = px.Predictor(lambda rows: rows["same"] * rows["size"]), px.TabularSpace(X)
    found = px.effects("pdp", predictor, space, X, features=["same"], grid={"same": [0.0, 1.0, 2.0]})["pdp"]["same"]
    np.testing.assert_allclose(found.values[:, 0], X["size"].mean() * np.array([0.0, 1.0, 2.0]), atol=1e-12)
    with pytest.raises(ValueError, match="'same' has a single value"):
        px.effects("pdp", predictor, space, X, features=["same"])
