"""LIME as published for tables: kinds of columns, rules, selection, sharing, profiles, counts and refusals."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Lasso, Ridge
from sklearn.tree import DecisionTreeRegressor

import perturbxai as px
from perturbxai.estimation.neighbourhood.weighted_fit import selected

RNG = np.random.default_rng(0)
N = 400
FRAME = pd.DataFrame(
    {
        "age": RNG.normal(40, 12, N),
        "rooms": RNG.integers(1, 9, N),
        "town": RNG.choice(["Ulm", "Bonn", "Jena"], N, p=[0.5, 0.3, 0.2]),
        "size": pd.Categorical(RNG.choice(["S", "L"], N), categories=["S", "M", "L"]),
        "new": RNG.random(N) > 0.7,
        "rent": np.where(RNG.random(N) < 0.2, np.nan, RNG.exponential(900, N)),
    }
)
X = RNG.normal(size=(500, 5))


def of_frame(rows):
    return (
        rows.age / 10 + rows.rooms * (rows.town == "Ulm") + 2.0 * (rows["size"] == "L") - rows.new
        + rows.rent.fillna(3000.0) / 1000
    ).to_numpy()  # fmt: skip


def explained(model, table, x, method=None, **options):
    method = px.TabularLime() if method is None else method
    predictor = px.Predictor(model)
    found = px.explain([method], predictor, px.TabularSpace(table), x, **{"budget": 1000, **options})
    return next(iter(found.values())), predictor


def test_every_dtype_reaches_the_model_as_it_was_and_whole_numbers_stay_whole():
    seen = []

    def model(rows):
        seen.append(rows)
        return of_frame(rows)

    found, _ = explained(model, FRAME, FRAME.iloc[:2])
    for rows in seen:
        assert (rows.dtypes == FRAME.dtypes).all()
        assert rows.rooms.between(1, 8).all() and set(rows.town) <= {"Ulm", "Bonn", "Jena"}
        assert "M" not in set(rows["size"])  # a category that no row of X has is not drawn
    drawn = max(seen, key=len)
    assert abs(drawn.rent.isna().mean() - FRAME.rent.isna().mean()) < 0.05
    assert np.isfinite(found.values).all()


def test_slopes_of_levels_and_of_missing_values_are_what_they_bring():
    def model(rows):
        return 2.0 * (rows["size"] == "L").to_numpy() + 3.0 * rows.rent.isna().to_numpy() - 1.5 * rows.new.to_numpy()

    row = FRAME[(FRAME["size"] == "L") & FRAME.rent.isna() & FRAME.new].iloc[:1]
    found, _ = explained(model, FRAME, row)
    slopes = dict(zip(found.names, found[0].columns["coefficient"][:, 0], strict=True))
    errors = dict(zip(found.names, found[0].columns["coefficient_stderr"][:, 0], strict=True))
    for name, truth in (("size", 2.0), ("new", -1.5), ("rent", 3.0), ("town", 0.0)):
        assert abs(slopes[name] - truth) <= 4.0 * errors[name] < 0.2
    share = (FRAME["size"] == "L").mean()
    assert found.values[0, 3, 0] == pytest.approx(slopes["size"] * (1.0 - share))


def test_rules_say_the_bin_or_level_in_words():
    row = FRAME[FRAME.rent.isna()].iloc[:1]
    rules = explained(of_frame, FRAME, row)[0][0].columns["rule"]
    quartiles = np.percentile(FRAME.age, [25, 50, 75])
    number = int(np.searchsorted(quartiles, row.age.iloc[0]))
    below = f"{quartiles[number - 1]:.4g} < " if 0 < number < 3 else ""
    expected = f"age > {quartiles[2]:.4g}" if number == 3 else f"{below}age ≤ {quartiles[number]:.4g}"
    assert rules[0] == expected
    assert rules[2] == f"town = {row.town.iloc[0]}" and rules[3] == f"size = {row['size'].iloc[0]}"
    assert rules[4] == f"new = {row.new.iloc[0]}" and rules[5] == "rent is missing"


def test_the_tidy_table_shows_slopes_errors_and_rules():
    frame = explained(of_frame, FRAME, FRAME.iloc[:3])[0].to_frame()
    assert {"coefficient", "coefficient_stderr", "rule"} <= set(frame.columns) and len(frame) == 18


@pytest.mark.parametrize("discretizer", ["quartile", "decile", "entropy"])
def test_a_column_with_one_value_has_no_effect_and_disturbs_nothing(discretizer):
    table = np.column_stack([X[:, 0], np.full(500, 7.0), X[:, 1]])
    found, _ = explained(lambda rows: rows[:, 0] + rows[:, 1], table, table[0], px.TabularLime(discretizer=discretizer))
    assert found.values[0, 1, 0] == 0.0 and abs(found.values[0, 0, 0]) > 0.1


def test_entropy_bins_part_a_step_where_it_is():
    method = px.TabularLime(discretizer="entropy")
    found, predictor = explained(lambda rows: 5.0 * (rows[:, 0] > 0.7), X, np.array([1.0, 0, 0, 0, 0]), method)
    assert found[0].columns["coefficient"][0, 0] == pytest.approx(5.0, rel=0.02)
    assert found.meta["rows"] == predictor.rows == 1000 + 500 + 1  # and x; the background is part of X


def test_a_player_that_the_drawn_background_shares_with_the_row_is_explained_all_the_same():
    table = np.column_stack([np.r_[np.zeros(300), 1.0], np.arange(301.0)])
    space = px.TabularSpace(table, background=20, seed=1)
    assert (space.background[:, 0] == 0).all()
    predictor = px.Predictor(lambda r: 4.0 * r[:, 0] + r[:, 1] / 300)
    found = px.explain("lime_tabular", predictor, space, np.zeros(2), budget=4000)
    assert found["lime_tabular"][0].columns["coefficient"][0, 0] == pytest.approx(-4.0, rel=0.01)
    assert found["lime_tabular"].meta["merged"] == []


# ------------------------------------------------------------------------------------------------ rows and sharing


def test_a_row_costs_its_budget_and_five_thousand_by_default():
    found, predictor = explained(lambda rows: rows[:, 0], X, X[:3] + 0.1, budget=None)
    # beside what is drawn: the row itself, and the background once a call
    assert found.meta["rows"] == predictor.rows == 15_000 + 3 + 100
    assert [one.meta["rows"] for one in found] == [5000 + 1 + 100] * 3 and found.meta["background_rows"] == 100
    found, predictor = explained(lambda rows: rows[:, 0], X, X[:3] + 0.1, budget=300)
    assert found.meta["rows"] == predictor.rows == 900 + 3 + 100


def test_a_hundred_outputs_cost_no_more_rows_than_one():
    slopes = np.random.default_rng(0).normal(size=(5, 100))
    many, predictor = explained(lambda rows: np.tanh(rows @ slopes), X, X[:2], outputs=list(range(100)))
    one, alone = explained(lambda rows: np.tanh(rows @ slopes[:, 7]), X, X[:2])
    assert predictor.rows == alone.rows
    np.testing.assert_allclose(many.values[:, :, 7], one.values[:, :, 0], atol=1e-12)
    np.testing.assert_allclose(many.stderr[:, :, 7], one.stderr[:, :, 0], atol=1e-12)


@pytest.mark.parametrize("shared", [False, True])
def test_a_row_gets_the_same_answer_alone_in_company_and_in_any_order(shared):
    method = px.TabularLime(shared_draws=shared)
    together = explained(lambda rows: np.sin(rows.sum(axis=1)), X, X[:4], method)[0]
    turned = explained(lambda rows: np.sin(rows.sum(axis=1)), X, X[3::-1], method)[0]
    alone = explained(lambda rows: np.sin(rows.sum(axis=1)), X, X[2], method)[0]
    assert (together.values == turned.values[::-1]).all() and (together.values[2] == alone.values[0]).all()


def test_shared_draws_ask_one_neighbourhood_for_all_rows(monkeypatch):
    method = px.TabularLime(shared_draws=True)
    model = lambda rows: np.sin(rows.sum(axis=1))  # noqa: E731
    found, predictor = explained(model, X, X[:30] + 0.1, method)
    assert predictor.rows == found.meta["rows"] == 1000 + 30 + 100
    monkeypatch.setattr("perturbxai.calls.explain_call.ROWS_AT_ONCE", 1)  # a block for every row
    again, predictor = explained(model, X, X[:30] + 0.1, method)
    assert predictor.rows == 1000 + 30 + 100 and (again.values == found.values).all()


def test_shared_and_own_draws_estimate_the_same():
    model = lambda rows: np.tanh(rows[:, 0] + rows[:, 1] * rows[:, 2])  # noqa: E731
    own = explained(model, X, X[:5], budget=20_000)[0]
    shared = explained(model, X, X[:5], px.TabularLime(shared_draws=True), budget=20_000)[0]
    assert (np.abs(own.values - shared.values) <= 5.0 * np.hypot(own.stderr, shared.stderr)).all()


def test_other_methods_of_the_call_are_as_they_were():
    space, predictor = px.TabularSpace(X), px.Predictor(lambda rows: np.tanh(rows @ np.ones(5)))
    alone = px.explain(["kernel_shap", "ale"], predictor, space, X[:3], seed=2)
    beside = px.explain(["lime_tabular", "kernel_shap", "ale"], predictor, space, X[:3], seed=2)
    for name in alone:
        assert (alone[name].values == beside[name].values).all()


def test_results_go_through_compare_and_report(tmp_path):
    space, predictor = px.TabularSpace(X), px.Predictor(lambda rows: np.tanh(rows @ np.ones(5)))
    found = px.explain(["lime_tabular", "kernel_shap"], predictor, space, X[:3])
    summary = px.compare(found, predictor, space).summary()
    assert summary.loc["lime_tabular", "faithfulness"] > 0.5
    px.report(found, tmp_path)
    assert "≤" in (tmp_path / "attributions.csv").read_text("utf-8")


# ------------------------------------------------------------------------------------------------ widths and selection


def test_a_profile_reads_other_widths_from_the_same_rows():
    model = lambda rows: np.tanh(rows[:, 0] + rows[:, 1] * rows[:, 2])  # noqa: E731
    found, predictor = explained(model, X, X[0] + 0.1, px.TabularLime(profile=(0.5, 2.0)))
    assert predictor.rows == 1000 + 1 + 100
    for told, multiple in zip(found[0].meta["profile"], (0.5, 2.0), strict=True):
        width = multiple * 0.75 * np.sqrt(5)
        other = explained(model, X, X[0] + 0.1, px.TabularLime(kernel_width=width))[0][0]
        assert told["kernel_width"] == pytest.approx(width)
        np.testing.assert_allclose(told["values"], other.values, atol=1e-10)
        assert told["effective_sample"] == pytest.approx(other.meta["effective_sample"])


def test_the_effective_sample_is_that_of_the_weights():
    found = explained(lambda rows: rows[:, 0], X, X[0], px.TabularLime(kernel_width=1.0), budget=20_000)[0]
    # weights e^(-m/2), m ~ Binomial(5, .75): E[w]^2 / E[w^2]
    expected = ((0.25 + 0.75 * np.exp(-0.5)) ** 2 / (0.25 + 0.75 * np.exp(-1.0))) ** 5
    assert found[0].meta["effective_sample"] / 20_000 == pytest.approx(expected, rel=0.03)


def test_a_kernel_that_leaves_few_rows_is_warned_of():
    with pytest.warns(UserWarning, match=r"effective sample \d+ of 200 drawn rows for 6 coefficients; take a wider kernel"):
        explained(lambda rows: rows[:, 0], X, X[0], px.TabularLime(kernel_width=0.25), budget=200)


@pytest.mark.parametrize("how", ["forward", "lasso_path", "highest_weights"])
def test_a_selection_keeps_what_matters_and_zeroes_the_rest(how):
    method = px.TabularLime(feature_selection=how, n_features=2)
    found = explained(lambda rows: 3 * rows[:, 1] - 2 * rows[:, 4] + 0.1 * rows[:, 0], X, np.ones(5), method)[0]
    full = explained(lambda rows: 3 * rows[:, 1] - 2 * rows[:, 4] + 0.1 * rows[:, 0], X, np.ones(5))[0]
    assert found[0].meta["selected"] == [[1, 4]]
    np.testing.assert_array_equal(found.values[0, [1, 4]], full.values[0, [1, 4]])
    assert (found.values[0, [0, 2, 3]] == 0).all()


def test_forward_selection_takes_the_feature_that_lowers_the_error_most_each_time():
    rng = np.random.default_rng(3)
    design, weight, values = rng.normal(size=(200, 6)), rng.random(200), rng.normal(size=(200, 1))
    design[:, 3] = design[:, 0] + 0.3 * rng.normal(size=200)
    values += design @ rng.normal(size=(6, 1))

    def error(chosen):
        a = np.column_stack([np.ones(200), design[:, list(chosen)]]) * np.sqrt(weight)[:, None]
        target = values[:, 0] * np.sqrt(weight)
        return ((target - a @ np.linalg.lstsq(a, target, rcond=None)[0]) ** 2).sum()

    chosen: list[int] = []
    for _ in range(4):
        chosen.append(min((j for j in range(6) if j not in chosen), key=lambda j: error([*chosen, j])))
    kept = selected("forward", 4, design, weight, values, np.zeros((6, 1)))
    assert np.flatnonzero(kept[:, 0]).tolist() == sorted(chosen)


def test_each_output_has_a_selection_of_its_own():
    method = px.TabularLime(feature_selection="highest_weights", n_features=1)
    found = explained(lambda rows: rows[:, [0, 3]], X, np.ones(5), method)[0]
    assert found[0].meta["selected"] == [[0], [3]]


@pytest.mark.parametrize("surrogate", [Ridge(alpha=1.0), Lasso(alpha=1e-3)], ids=str)
def test_any_linear_regressor_can_be_the_surrogate(surrogate):
    found = explained(lambda rows: rows @ [1.0, 0, 0, 0, -2.0], X, np.ones(5), px.TabularLime(model_regressor=surrogate))[0]
    plain = explained(lambda rows: rows @ [1.0, 0, 0, 0, -2.0], X, np.ones(5))[0]
    assert (np.abs(found.values - plain.values) <= 4.0 * found.stderr + 0.05).all()


# ------------------------------------------------------------------------------------------------ refusals


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"discretizer": "quintile"}, "discretizer='quintile' is not known"),
        ({"feature_selection": "auto"}, "feature_selection='auto' is not known"),
        ({"kernel_width": 0.0}, "kernel_width=0.0 must be positive"),
        ({"profile": (1.0, -1.0)}, "profile=.* must hold positive multiples"),
        ({"n_features": 0}, "n_features=0 must be a whole number"),
        ({"discretizer": None, "shared_draws": True}, "shared_draws=True needs bins"),
    ],
    ids=str,
)
def test_options_that_mean_nothing_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        px.TabularLime(**options)


def test_a_surrogate_without_slopes_is_refused():
    with pytest.raises(TypeError, match="model_regressor is str; expected a scikit-learn regressor"):
        px.TabularLime(model_regressor="ridge")
    with pytest.raises(TypeError, match="DecisionTreeRegressor has no coef_ once fitted"):
        explained(lambda rows: rows[:, 0], X, X[0], px.TabularLime(model_regressor=DecisionTreeRegressor()))


def test_what_has_no_neighbourhood_is_refused_before_the_model_is_asked():
    predictor = px.Predictor(of_frame)
    space = px.TabularSpace(FRAME)
    missing = FRAME[FRAME.rent.isna()].iloc[:1]
    with pytest.raises(ValueError, match="'rent' is missing at x, around which nothing can be drawn; take bins"):
        px.explain([px.TabularLime(discretizer=None)], predictor, space, missing)
    unseen = FRAME.iloc[:1].assign(size=pd.Categorical(["M"], categories=["S", "M", "L"]))
    with pytest.raises(ValueError, match="the value of 'size' at x is in no row of X"):
        px.explain("lime_tabular", predictor, space, unseen)
    grouped = px.TabularSpace(X, groups={"pair": ["x0", "x1"]})
    with pytest.raises(ValueError, match="the player 'pair' has 2 columns; it needs one, ungroup it"):
        px.explain("lime_tabular", px.Predictor(lambda rows: rows[:, 0]), grouped, X[0])
    with pytest.raises(ValueError, match="lime_tabular draws rows of a table; for pictures take 'lime'"):
        px.explain("lime_tabular", px.Predictor(lambda p: p.mean(axis=(1, 2, 3))), px.ImageSpace(), np.eye(16)[..., None])
    with pytest.raises(ValueError, match="budget=6 is below the 7 rows that lime_tabular needs at 5 players"):
        px.explain("lime_tabular", px.Predictor(lambda rows: rows[:, 0]), px.TabularSpace(X), X[0], budget=6)
    assert predictor.rows == 0


@pytest.mark.parametrize("weights", [None, "first half"])
def test_weights_of_the_table_decide_what_is_drawn(weights):
    table = np.column_stack([np.r_[RNG.normal(size=200), RNG.normal(50, 1, 200)], RNG.normal(size=400)])
    space = px.TabularSpace(table, weights=None if weights is None else np.r_[np.ones(200), np.zeros(200)])
    seen = []

    def model(rows):
        seen.append(rows[:, 0].max())
        return rows[:, 0]

    px.explain("lime_tabular", px.Predictor(model), space, np.zeros(2), budget=2000)
    assert (max(seen) > 40) == (weights is None)


def test_entropy_bins_of_classes_follow_the_likeliest_class():
    def model(rows):
        likely = np.digitize(rows[:, 0], [-0.5, 0.8])
        return np.eye(3)[likely] * 0.8 + 0.2 / 3

    method = px.TabularLime(discretizer="entropy")
    rules = explained(model, X, np.array([0.2, 0, 0, 0, 0]), method)[0][0].columns["rule"]
    low, high = (float(part) for part in rules[0].replace(" < x0 ≤", "").split())
    assert low == pytest.approx(-0.5, abs=0.05) and high == pytest.approx(0.8, abs=0.05)


def test_every_pair_of_options_runs():
    for discretizer, how, surrogate in itertools.product(
        ("quartile", "decile", "entropy", None), ("none", "forward"), (None, Ridge())
    ):
        method = px.TabularLime(discretizer=discretizer, feature_selection=how, model_regressor=surrogate, n_features=2)
        found = explained(lambda rows: rows[:, :2] * 2.0, X, X[:2], method, budget=300)[0]
        assert np.isfinite(found.values).all() and np.isfinite(found.stderr).all()


# ------------------------------------------------------------------------------------------------ nothing twice


@pytest.mark.parametrize("discretizer", ["quartile", "entropy", None], ids=str)
def test_methods_and_rows_that_draw_alike_ask_once(discretizer):
    seen = []

    def model(rows):
        seen.extend(row.tobytes() for row in rows)
        return np.tanh(rows.sum(axis=1))

    methods = [px.TabularLime(discretizer=discretizer), px.TabularLime(discretizer=discretizer, kernel_width=1.0)]
    x = X[[0, 1, 0]] + 0.1
    together = px.explain(methods, px.Predictor(model), px.TabularSpace(X), x, budget=400)
    assert len(seen) == len(set(seen))
    for found, method in zip(together.values(), methods, strict=True):
        alone = px.explain([method], px.Predictor(model), px.TabularSpace(X), x, budget=400).popitem()[1]
        assert (found.values == alone.values).all()
        beside = 500 if discretizer == "entropy" else 100  # the table that bins are made of holds the background
        assert found.meta["rows"] == alone.meta["rows"] == 2 * 400 + beside + 2


@pytest.mark.parametrize("other", [np.nan, 7.5], ids=["missing", "one value"])
def test_a_bin_of_one_value_makes_rows_that_come_again_and_are_asked_once(other):
    # beside it whole numbers, so that drawn rows can be equal where the float is in that bin
    rng = np.random.default_rng(0)
    table = np.column_stack([rng.integers(0, 3, N), rng.random(N)])
    table[: N // 2, 1] = other
    frame = pd.DataFrame(table, columns=["whole", "share"]).astype({"whole": int})
    seen = []

    def model(rows):
        seen.append(rows)
        return rows["whole"] * 1.0

    px.explain("lime_tabular", px.Predictor(model), px.TabularSpace(frame), frame.iloc[:2], budget=100)
    assert not pd.concat(seen).duplicated().any()


@pytest.mark.parametrize("discretizer", ["quartile", None], ids=str)
def test_a_column_of_one_value_says_nothing(discretizer):
    table = np.column_stack([X[:401, 0], np.full(401, 0.1)])  # the mean of 401 times 0.1 is not 0.1 in floats
    method = px.TabularLime(discretizer=discretizer)
    model = px.Predictor(lambda rows: rows.sum(axis=1))
    found = px.explain([method], model, px.TabularSpace(table), table[:1], budget=200).popitem()[1]
    assert found.values[0, 1, 0] == 0.0 and found[0].columns["coefficient"][1, 0] == 0.0


def test_rows_without_weight_are_no_part_of_the_table():
    frame = FRAME.assign(town=np.where(np.arange(N) < 5, "Kiel", FRAME.town))
    weights = (np.arange(N) >= 5).astype(float)
    with pytest.raises(ValueError, match="the value of 'town' at x is in no row of X"):
        px.explain("lime_tabular", px.Predictor(of_frame), px.TabularSpace(frame, weights=weights), frame.iloc[:1])


def test_a_rare_level_that_no_row_drew_is_unknown_and_the_others_are_not():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"a": rng.normal(size=2000), "town": ["Lima"] + ["Oslo"] * 1000 + ["Rome"] * 999})
    predictor = px.Predictor(lambda rows: rows.a + (rows.town == "Rome"))
    space = px.TabularSpace(frame, background=5)
    with pytest.warns(UserWarning, match="none parts town = Lima from its opposite"):
        found = px.explain(["lime_tabular"], predictor, space, frame.iloc[[0, 1]], budget=100, seed=0)["lime_tabular"]
    assert found.values[0, 1] == 0 and np.isinf(found.stderr[0, 1]) and found[0].meta["undrawn"] == ["town = Lima"]
    assert np.isfinite(found.stderr[0, 0]) and np.isfinite(found.stderr[1]).all() and "undrawn" not in found[1].meta
