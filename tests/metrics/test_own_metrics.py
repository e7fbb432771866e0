"""A metric of the user's own: a function, told what it is of by the names of its arguments."""

# ruff: noqa: ARG001, ARG005

from __future__ import annotations

import functools
import json
import re

import numpy as np
import pandas as pd
import pytest

import perturbxai as px
from perturbxai.core import catalogue
from perturbxai.metrics import faithfulness
from perturbxai.metrics.metric import Metric, read_metrics

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 5))
PHOTO = RNG.random((12, 12, 3)) * 255


class Counted:
    """A model that counts its rows."""

    def __init__(self):
        self.rows = 0

    def __call__(self, rows):
        self.rows += len(rows)
        rows = np.asarray(rows, dtype=np.float64).reshape(len(rows), -1)
        return np.stack([rows[:, 0] * rows[:, 1] + rows.sum(axis=1), rows[:, 2] - rows[:, 3]], axis=1)


@pytest.fixture(scope="module")
def table():
    model = Counted()
    predictor, space = px.Predictor(model), px.TabularSpace(X, background=10)
    return model, predictor, space, px.explain(["lime", "kernel_shap", "ice"], predictor, space, X[:2], budget=24, seed=0)


@pytest.fixture(scope="module")
def photo():
    model = Counted()
    predictor, space = px.Predictor(model), px.ImageSpace(segments="grid", n_segments=9, fill="mean")
    return model, predictor, space, px.explain(["lime", "rise"], predictor, space, PHOTO, budget=60, seed=0)


def mass(values):
    """How much a map says at all."""
    return np.abs(values).sum()


def told(values, stderr):
    return (np.abs(values) > 2 * stderr).mean()


def slope(values, z, answers, weight):
    return np.polyfit(z @ values, answers, 1, w=weight)[0]


def answered(answers):
    return answers.std()


def between(deletion, insertion):
    return np.abs(insertion - deletion).max()


def last(deletion):
    return deletion[-1]


def where(labels, values, row, output):
    return float(values[labels[0, 0]]) if (row, output) else 0.0


def farthest(left, right):
    return np.abs(left - right).max()


mass.better, told.better, farthest.better = "", "higher", "lower"
OF_A_MAP = [mass, told, slope, answered, between, last]


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize("kind", ["table", "photo"])
@pytest.mark.parametrize("metric", [*OF_A_MAP, where], ids=lambda m: m.__name__)
def test_a_function_is_scored_where_names_are(metric, kind, request, tmp_path):
    _, predictor, space, results = request.getfixturevalue(kind)
    if metric is where and kind == "table":
        with pytest.raises(ValueError, match="metrics: where takes labels, which pictures alone have"):
            px.compare(results, predictor, space, metrics=[metric])
        return
    fills = ["mean", "blur"] if kind == "photo" else None
    compared = px.compare(results, predictor, space, metrics=["srg", metric], fills=fills, seed=0)
    own = compared.scores[compared.scores.metric == metric.__name__]
    assert len(own) == len(results) * 2 * 2 and own.value.notna().all()  # two outputs, and two rows or fills
    assert compared.summary()[metric.__name__].notna().all()
    assert list(compared.summary())[:2] == ["srg", metric.__name__]
    folder = px.report(compared, tmp_path / "report")
    assert metric.__name__ in (folder / "scores.csv").read_text() and metric.__name__ in (folder / "summary.csv").read_text()
    page = (folder / "index.html").read_text("utf-8")
    assert re.search(rf"<th[^>]*>{metric.__name__}", page)
    assert json.loads((folder / "manifest.json").read_text())["compare"]["metrics"] == ["srg", metric.__name__]


def test_a_function_is_given_what_ours_are(table):
    """Written anew, ours give the same numbers to the last bit."""
    _, predictor, space, results = table

    def deletion_again(deletion):
        return faithfulness.area(deletion)

    def srg_again(insertion, deletion):
        return faithfulness.area(insertion) - faithfulness.area(deletion)

    def faithfulness_again(values, z, answers, weight):
        return faithfulness.faithfulness(values, z, answers, weight)

    again = [deletion_again, srg_again, faithfulness_again]
    compared = px.compare(results, predictor, space, metrics=["deletion", "srg", "faithfulness", *again], seed=0)
    scores = compared.scores
    for metric in again:
        theirs = scores[scores.metric == metric.__name__.removesuffix("_again")]
        mine = scores[scores.metric == metric.__name__]
        np.testing.assert_array_equal(mine.value, theirs.value)
        assert list(mine.test_set) == list(theirs.test_set)


@pytest.mark.usefixtures("undrawn")
def test_two_maps_are_compared_by_a_function_of_two(table, tmp_path):
    _, predictor, space, results = table
    compared = px.compare(results, predictor, space, metrics=[farthest, "spearman"], seed=0)
    assert set(compared.agreement.metric) == {"farthest", "spearman"}
    own = compared.agreement[compared.agreement.metric == "farthest"].iloc[0]
    a, b = results[own.method_a], results[own.method_b]
    assert own.value == np.abs(a.values[0, :, 0] - b.values[0, :, 0]).max()
    assert "farthest" in (px.report(compared, tmp_path / "r") / "agreement.csv").read_text()


@pytest.mark.usefixtures("undrawn")
def test_the_page_and_the_call_say_which_way_is_better(table, tmp_path):
    _, predictor, space, results = table
    compared = px.compare(results, predictor, space, metrics=["deletion", told, mass, farthest])
    assert compared.call["better"] == {"deletion": "lower", "told": "higher", "farthest": "lower"}
    page = (px.report(compared, tmp_path / "r") / "index.html").read_text("utf-8")
    assert "Higher is better: told." in page and "Lower is better: deletion." in page


def test_objects_partials_and_lambdas_with_a_name_are_metrics_too(table):
    _, predictor, space, results = table

    class Above:
        name = "above"
        better = "higher"

        def __init__(self, level):
            self.level = level

        def __call__(self, values):
            return (values > self.level).mean()

    def above(values, level):
        return (values > level).mean()

    part = functools.partial(above, level=0.0)
    part.name = "part"
    short = lambda values: (values > 0).mean()  # noqa: E731
    short.name = "short"
    scores = px.compare(results, predictor, space, metrics=[Above(0.0), part, short]).scores
    each = [scores[scores.metric == name].value.to_numpy() for name in ("above", "part", "short")]
    np.testing.assert_array_equal(each[0], each[1])
    np.testing.assert_array_equal(each[0], each[2])


def test_what_needs_no_answer_asks_nothing(table):
    model, predictor, space, results = table
    before = model.rows
    compared = px.compare(results, predictor, space, metrics=[mass, farthest])
    assert model.rows == before and compared.call["rows"] == 0 and len(compared.scores) == 3 * 2 * 2


def nothing():
    return 0.0


def strange(values, oracle):
    return values @ oracle


def mixed(left, right, values):
    return values @ left @ right


def many(values):
    return values


def words(values):
    return "good"


def none(values):
    return None


def of_two_many(left, right):
    return left - right


def wrong_way(values):
    return 0.0


def writes(values):
    values -= values.min()
    return values.sum()


def breaks(answers):
    raise ZeroDivisionError("in the metric")


def rows(values):
    return 0.0


def srg(values):
    return 0.0


wrong_way.better = "bigger"
REFUSED = {
    "no argument": (nothing, TypeError, "nothing takes nothing; expected left and right, or some of values, stderr"),
    "an argument nobody gives": (strange, TypeError, "strange takes 'oracle', which nobody gives it"),
    "two and one": (mixed, TypeError, "mixed takes left, right, values; expected left and right, or some of"),
    "an array": (many, TypeError, r"many returned shape \(5,\); expected one number a map and output"),
    "text": (words, TypeError, "words returned str; expected one number"),
    "nothing at all": (none, TypeError, "none returned NoneType; expected one number"),
    "an array of two": (of_two_many, TypeError, r"of_two_many returned shape \(5,\)"),
    "a direction": (wrong_way, ValueError, 'wrong_way.better=\'bigger\'; expected "higher", "lower"'),
    "writing": (writes, ValueError, "read-only"),
    "breaking": (breaks, ZeroDivisionError, "in the metric"),
    "a column's name": (rows, ValueError, "'rows' is a name of perturbxai's own; call yours otherwise"),
    "a metric's name": (srg, ValueError, "'srg' is a name of perturbxai's own; call yours otherwise"),
    "no name": (lambda values: 0.0, TypeError, "has no name for tables to show; define it with def"),
    "a number": (3, TypeError, "metrics: 3 is no metric; expected a name, or a function"),
}


@pytest.mark.parametrize("given", REFUSED)
def test_what_is_no_metric_is_refused_before_the_model_is_asked(given, table):
    model, predictor, space, results = table
    metric, error, words = REFUSED[given]
    before, values = model.rows, [one.values.copy() for one in results.values()]
    with pytest.raises(error, match=words):
        px.compare(results, predictor, space, metrics=["deletion", metric])
    assert model.rows == before
    assert all((one.values == kept).all() for one, kept in zip(results.values(), values, strict=True))


@pytest.mark.parametrize(
    "better", [np.array(["higher"]), np.array(["higher", "lower"]), ["higher"], None, 1, np.nan, pd.NA, {}]
)
def test_a_direction_of_any_other_kind_is_refused_in_our_words(better, table):
    def own(values):
        return 0.0

    own.better = better
    model, predictor, space, results = table
    before = model.rows
    with pytest.raises(ValueError, match=r'own\.better=.*; expected "higher", "lower"'):
        px.compare(results, predictor, space, metrics=[own])
    assert model.rows == before


def test_two_functions_of_one_name_are_refused_and_one_that_comes_twice_is_one():
    def other(values):
        return 0.0

    other.name = "mass"
    with pytest.raises(ValueError, match="two functions are called 'mass'"):
        read_metrics([mass, other])
    assert [m.name for m in read_metrics([mass, "srg", mass, "srg"])] == ["mass", "srg"]
    assert [m.name for m in read_metrics(mass)] == ["mass"]


@pytest.mark.parametrize("several", [iter, tuple, np.array, lambda names: (name for name in names)])
def test_several_metrics_may_be_anything_that_can_be_gone_through_once(several):
    assert [m.name for m in read_metrics(several(["srg", "deletion"]))] == ["srg", "deletion"]
    with pytest.raises(ValueError, match="none is named"):
        read_metrics(several([]))


@pytest.mark.parametrize("name", catalogue.METRICS)
def test_every_metric_of_ours_is_a_function_like_a_user_s(name):
    ours = Metric.of(name)
    assert ours.takes and ours.of_two == ({"left", "right"} <= set(ours.takes) <= {"left", "right", "labels"})


@pytest.mark.parametrize("name", ["srg (home)", "mass (home)"])
def test_a_name_that_would_give_two_columns_is_refused(name):
    def own(values):
        return 0.0

    own.name = name
    with pytest.raises(ValueError, match=re.escape(f"metrics: {name!r} ends as the column of a metric under")):
        read_metrics(["srg", own])


def test_arguments_by_place_alone_are_told():
    def own(values, /):
        return 0.0

    with pytest.raises(TypeError, match=r"metrics: own takes 'values' by place alone, .*; leave out the /"):
        read_metrics(own)
