"""Words for curves, surfaces and interactions: which way, how far and where, no more than errors and data allow."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import perturbxai as px
from perturbxai.results.describing_effects import of_effect

ALONE = "Other features stay as each row has them, however rare that is together."
X = pd.DataFrame(
    {"a": np.linspace(0, 10, 401), "b": np.tile([0.0, 1.0], 201)[:401], "c": np.tile(["u", "v", "w"], 134)[:401]}
)
SPACE = px.TabularSpace(X)


def effect(model, feature="a", method="pdp", **options):
    (found,) = px.effects(method, px.Predictor(model), SPACE, X, features=[feature], **options).values()
    return found[feature]


def certain(found, curve):
    """The same effect with a curve of our own that has no error."""
    values = np.asarray(curve, dtype=float)[:, None]
    return replace(found, values=values, stderr=np.full(values.shape, 1e-9), individual=None)


@pytest.fixture(scope="module")
def plain():
    return effect(lambda X: 3.0 * X["a"].to_numpy(), grid=40)


def test_a_straight_line_is_told_to_the_letter(plain):
    assert certain(plain, 3.0 * plain.grid[0]).describe().split("\n") == [
        "As a goes from 0 to 10, the prediction rises by 30.",
        f"This is the mean over 401 rows. {ALONE}",
    ]


@pytest.mark.parametrize(
    ("curve", "words"),
    [
        (lambda x: -x, "the prediction falls by 10."),
        (lambda x: 20.0 * (x > 6.9), "rises by 20, half of it between 6.75 and 7."),
        (lambda x: -((x - 4.0) ** 2), "rises up to a = 4 and then falls; highest and lowest are 36 apart."),
        (lambda x: (x - 4.0) ** 2, "falls up to a = 4 and then rises; highest and lowest are 36 apart."),
        (lambda x: np.sin(2 * x), "goes up and down: it is highest at"),
        (lambda x: x + 0.4 * np.sin(20 * x), "rises by"),
        (lambda x: 0 * x, "a does not move the prediction by more than noise (0 ± "),
    ],
)
def test_the_way_of_a_curve_is_told(plain, curve, words):
    assert words in certain(plain, curve(plain.grid[0])).describe()


def test_a_rise_within_noise_is_none(plain):
    found = replace(
        certain(plain, plain.grid[0]), stderr=np.full((len(plain.grid[0]), 1), 10.0), importance_stderr=np.array([9.0])
    )
    assert "a does not move the prediction by more than noise (10 ± " in found.describe()


def test_levels_are_set_against_each_other():
    found = effect(lambda X: np.where(X["c"] == "v", 7.0, 2.0), "c", "ale")
    assert found.describe().startswith("The prediction is 5")
    assert "higher where c is v than where it is" in found.describe()


def test_rows_that_disagree_are_told_of():
    found = effect(lambda X: (4.0 * X["b"].to_numpy() - 1.0) * X["a"].to_numpy(), method="ice")
    assert "For 50 % of the rows it goes the other way." in found.describe()
    assert "other way" not in effect(lambda X: X["a"].to_numpy(), method="ice").describe()
    found = effect(lambda X: (4.0 * X["b"].to_numpy() - 2.0) * X["a"].to_numpy() + 0.1 * X["a"].to_numpy(), method="ale")
    assert "Rows disagree: from step to step" in found.describe()


def test_an_end_with_few_rows_is_told_of():
    long = pd.DataFrame({"a": np.append(np.linspace(0, 1, 400), [8.0, 9.0, 10.0])})
    found = px.effects("ale", px.Predictor(lambda X: X["a"].to_numpy()), px.TabularSpace(long), long)["ale"]["a"]
    (said,) = [line for line in found.describe().split("\n") if line.startswith("Data are few")]
    assert "above" in said and "of 403" in said and said.endswith("there the curve is not to be relied on.")
    assert "Data are few" not in effect(lambda X: X["a"].to_numpy(), method="ale").describe()


def test_slopes_are_told_as_slopes():
    found = effect(lambda X: X["a"].to_numpy() ** 2, method=px.Ice(curves="derivative"))
    assert "Along a the prediction rises most steeply at" in found.describe()


def test_probabilities_move_by_points():
    one = px.Predictor(lambda X: np.column_stack([1 - X["a"] / 10, X["a"] / 10]), outputs=["no", "yes"])
    found = px.effects("pdp", one, SPACE, X, features=["a"])["pdp"]["a"]
    found = replace(found, meta=found.meta | {"scale": "probability"})
    text = found.describe(output="yes")
    assert text.startswith("As a goes from 0 to 10, the prediction of yes rises by 100") and "points" in text
    assert found.describe().count("This is the mean over") == 1
    with pytest.raises(ValueError, match="'maybe' is not an output"):
        found.describe(output="maybe")


def test_a_surface_is_told_where_it_has_rows():
    rng = np.random.default_rng(0)
    x = pd.DataFrame({"a": rng.random(300)})
    x["b"] = x.a + 0.05 * rng.random(300)  # two corners without a row
    predictor = px.Predictor(lambda X: (X["a"] * X["b"]).to_numpy())
    found = px.effects("ale", predictor, px.TabularSpace(x), x, features=[("a", "b")], grid=10)["ale"]["a", "b"]
    assert found.extrapolated is not None and found.extrapolated[-1, 0] and not found.extrapolated[0, 0]
    far = found.values.copy()
    far[-1, 0] = 1e6  # a corner that only stands because the surface is filled in there
    made = replace(found, values=far, stderr=np.full(far.shape, 1e-9))
    assert "1,000,000" not in made.describe() and "stands out most at" in made.describe()


def test_what_two_columns_do_together_is_not_told_on_more_cells_than_rows():
    rng = np.random.default_rng(0)
    x = pd.DataFrame({"a": rng.random(120), "b": rng.random(120)})
    predictor, space = px.Predictor(lambda X: (X["a"] * X["b"] > 0.3).to_numpy(float)), px.TabularSpace(x)
    fine, coarse = (px.effects("ale", predictor, space, x, features=[("a", "b")], grid=n)["ale"]["a", "b"] for n in (20, 4))
    assert (
        "is not told: 120 rows lie in 400 cells, which are too many." in fine.describe() and "apart" not in fine.describe()
    )
    assert "is not told" not in coarse.describe()


def of_pair(model, n=1000, **options):
    x = np.random.default_rng(0).normal(size=(n, 3))
    return px.effects("ale", px.Predictor(model), px.TabularSpace(x), x, features=[(0, 1)], **options)["ale"]["x0", "x1"]


def test_two_columns_stand_out_where_it_is_beyond_noise_and_vary_by_so_much_in_a_typical_row():
    found = of_pair(lambda rows: rows[:, 0] * rows[:, 1] * (1 + 0.1 * rows[:, 2]))
    first, second, *_ = found.describe().split("\n")
    assert first.startswith(
        "What x0 and x1 do together to the prediction, beyond what each does by itself, stands out most at x0"
    )
    assert " more) and at " in first and first.endswith(" less).")
    size, half = re.match(r"Over the rows it varies by ([\d.]+) ± ([\d.]+) \(standard deviation\); it is", second).groups()
    assert (
        abs(float(size) - 1.0) < 2 * float(half) < 0.3
    )  # a product of two normal columns, whose tails 1,000 rows know badly


def test_two_columns_that_do_nothing_together_are_said_to_be_noise():
    noisy = of_pair(lambda rows: rows[:, 0] + np.sign(rows[:, 0]) * np.sign(rows[:, 1]) * rows[:, 2], n=300)
    assert "moves by no more than noise" in noisy.describe()


def test_a_grid_of_ones_own_with_few_rows_a_cell_is_remarked_upon():
    model = lambda rows: rows[:, 0] * rows[:, 1] * (1 + 0.1 * rows[:, 2])  # noqa: E731
    assert (
        "1,000 rows lie in 400 cells, so few in each that the errors told may be too small."
        in of_pair(model, grid=20).describe()
    )
    assert "so few" not in of_pair(model).describe()


def test_a_surface_tells_where_it_is_highest():
    found = px.effects(
        "pdp", px.Predictor(lambda X: 10.0 * X["a"].to_numpy() * X["b"].to_numpy()), SPACE, X, features=[("a", "b")]
    )
    assert "is highest at a = 10 and b = 1 and lowest at" in found["pdp"]["a", "b"].describe()
    found = px.effects("ale", px.Predictor(lambda X: X["a"].to_numpy() + X["b"].to_numpy()), SPACE, X, features=[("a", "b")])
    assert "What a and b do together" in found["ale"]["a", "b"].describe()


def test_an_unknown_curve_is_unknown(plain):
    found = replace(plain, values=np.full(plain.values.shape, np.nan))
    assert of_effect(found, 0) == ["What a does to the prediction is not known."]


def test_a_superpixel_tells_its_rise():
    photo = np.random.default_rng(0).uniform(50, 255, (12, 12, 3))
    space = px.ImageSpace(segments="grid", n_segments=4, fill=0)
    predictor = px.Predictor(lambda p: p[:, :6, :6].mean(axis=(1, 2, 3)))
    found = px.effects("pdp", predictor, space, photo)["pdp"]
    texts = [one.describe() for one in found.values()]
    assert any(text.startswith("Showing superpixel 0 raises the prediction by ") for text in texts)
    assert any("does not move the prediction by more than noise" in text for text in texts)


def test_interactions_are_told_in_units_of_the_output():
    rows = np.random.default_rng(0).normal(size=(80, 3))
    found = px.h_statistic(px.Predictor(lambda X: 2 * X[:, 0] * X[:, 1] + X[:, 2]), px.TabularSpace(rows), rows)
    text = found.describe()
    assert text.startswith("On the prediction these act together, the strongest first: x0 and x1 (about ")
    none = px.h_statistic(px.Predictor(lambda X: X.sum(axis=1)), px.TabularSpace(rows), rows).describe()
    assert none == "No pair of features acts together on the prediction by more than so few rows show by chance."


@pytest.mark.parametrize("column", ["level", "number"])
def test_what_is_added_to_every_row_is_not_lost_in_where_the_whole_curve_lies(column):
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"a": rng.normal(size=200), "level": rng.choice(["u", "v"], 200), "number": rng.normal(size=200)})
    adds = {"level": lambda X: (X.level == "v") * 1.0, "number": lambda X: X.number * 0.2}[column]
    found = px.effects("pdp", lambda X: (9 * X.a + adds(X)).to_numpy(), X, X, features=[column])["pdp"][column]
    assert found.values.max() - found.values.min() < 2 * found.stderr.max()  # what one point's error would hide
    told = found.describe().split("\n")[0]
    assert told.startswith({"level": "The prediction is 1 higher where level is v", "number": "As number goes"}[column])


def test_noise_of_many_levels_is_no_effect():
    moved = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        X, way = pd.DataFrame({"a": rng.normal(size=200), "b": rng.integers(0, 30, 200).astype(str)}), rng.normal(size=30)
        found = px.effects("pdp", lambda X, way=way: X.a.to_numpy() * way[X.b.astype(int)], X, X, features=["b"])["pdp"]
        moved.append("more than noise" not in found["b"].describe())
    assert sum(moved) <= 4  # of 20 draws, in each of which one number in twenty may be beyond noise


def test_days_of_a_curve_are_spelled_as_days():
    X = pd.DataFrame({"d": pd.date_range("2024-01-01", periods=60), "a": np.arange(60.0)})
    model = lambda X: (X.d - pd.Timestamp("2024-01-01")).dt.days.to_numpy() * 1.0  # noqa: E731
    found = px.effects("pdp", model, X, X, features=["d"])["pdp"]["d"].describe()
    assert "As d goes from 2024-01-01 to 2024-02-29, the prediction rises by 59" in found


def test_rounding_is_no_effect_of_two_columns():
    """Missing values, and a sum of both columns: what is left of the surface is rounding in every place."""
    X = np.random.default_rng(0).normal(size=(300, 2))
    X[:90, 0] = np.nan
    model = px.Predictor(lambda rows: np.nan_to_num(rows) @ [1.0, 2.0])
    found = px.effects("ale", model, px.TabularSpace(X), X, features=[("x0", "x1")])["ale"]["x0", "x1"]
    assert "moves by no more than noise" in found.describe() and "standard deviation" not in found.describe()


def test_a_surface_that_is_beyond_noise_everywhere_is_said_to_be():
    X = np.random.default_rng(0).integers(0, 2, size=(80, 2)).astype(bool)
    model = px.Predictor(lambda rows: 1.0 * rows[:, 0] * rows[:, 1])
    found = px.effects("ale", model, px.TabularSpace(X), X, features=[("x0", "x1")])["ale"]["x0", "x1"]
    assert "it is within noise at none of the places with rows." in found.describe()


def test_curves_of_some_rows_are_told_to_be_of_so_many():
    X = np.random.default_rng(0).normal(size=(50, 2))
    X[:, 1] = np.arange(50) < 8
    found = px.effects(
        ["pdp", "ale"], px.Predictor(lambda rows: rows[:, 0]), px.TabularSpace(X), X, features=["x0"], by="x1"
    )
    for one in (found["pdp"]["x0"], found["ale"]["x0"]):
        assert "the mean over 50 rows" in one.describe()
        assert ["the mean over 42 rows" in one.groups[0].describe(), "the mean over 8 rows" in one.groups[1].describe()] == [
            True
        ] * 2
