"""Arguments that several verbs have are refused alike by all of them, before the model is asked."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

import perturbxai as px
from perturbxai.calls.arguments import default_budget

X = np.random.default_rng(0).normal(size=(20, 3))
RESULTS = px.explain("lime", px.Predictor(lambda rows: rows[:, 0]), px.TabularSpace(X), X[:1])
VERBS = {
    "explain": lambda model, space: px.explain("lime", model, space, X[:1]),
    "effects": lambda model, space: px.effects("pdp", model, space, X),
    "baselines": lambda model, space: px.baselines("random", model, space, X[:1]),
    "compare": lambda model, space: px.compare(RESULTS, model, space),
    "reference": lambda model, space: px.reference("shap.kernel", model, space, X[:1]),
    "h_statistic": lambda model, space: px.h_statistic(model, space, X),
    "from_shap": lambda model, space: px.from_shap(SimpleNamespace(values=X[:1]), model, space, X[:1]),
    "from_lime": lambda model, space: px.from_lime(SimpleNamespace(local_exp={}), model, space, X[:1]),
}
PHOTO = np.random.default_rng(0).random((8, 8, 3)).astype(np.float32)
SPACE, PICTURES = px.TabularSpace(X), px.ImageSpace(segments="grid", n_segments=4, fill=0)
OF_PHOTO = px.explain("lime", px.Predictor(lambda rows: rows.mean(axis=(1, 2))[:, 0]), PICTURES, PHOTO, budget=14)
# a verb and an argument: the call with a value of it
ARGUMENTS = {
    "explain methods": lambda model, value: px.explain(value, model, SPACE, X[:1]),
    "explain budget": lambda model, value: px.explain("lime", model, SPACE, X[:1], budget=value),
    "explain rows": lambda model, value: px.explain("lime", model, SPACE, X[:1], rows=value),
    "effects features": lambda model, value: px.effects("pdp", model, SPACE, X, features=value),
    "effects grid": lambda model, value: px.effects("pdp", model, SPACE, X, grid=value),
    "effects rest": lambda model, value: px.effects("pdp", model, SPACE, X, rest=value),
    "effects rows": lambda model, value: px.effects("pdp", model, SPACE, X, rows=value),
    "effects by": lambda model, value: px.effects("pdp", model, SPACE, X, by=value),
    "photo features": lambda model, value: px.effects("pdp", model, PICTURES, PHOTO, features=value),
    "photo grid": lambda model, value: px.effects("pdp", model, PICTURES, PHOTO, grid=value),
    "photo rest": lambda model, value: px.effects("pdp", model, PICTURES, PHOTO, rest=value),
    "photo rows": lambda model, value: px.effects("pdp", model, PICTURES, PHOTO, rows=value),
    "h_statistic features": lambda model, value: px.h_statistic(model, SPACE, X, features=value),
    "baselines methods": lambda model, value: px.baselines(value, model, SPACE, X[:1]),
    "compare metrics": lambda model, value: px.compare(RESULTS, model, SPACE, metrics=value),
    "compare fills": lambda model, value: px.compare(OF_PHOTO, model, PICTURES, fills=value),
    "reference budget": lambda model, value: px.reference("shap.kernel", model, SPACE, X[:1], budget=value),
    "reference as_shipped": lambda model, value: px.reference("shap.kernel", model, SPACE, X[:1], as_shipped=value),
    "from_lime explanations": lambda model, value: px.from_lime(value, model, SPACE, X[:1]),
}
ODD = {
    "bytes": b"x", "mapping": {"a": 1}, "object": object(), "complex": 3 + 1j, "NA": pd.NA, "date": pd.Timestamp("2020"),
    "no axis": np.array("x"), "no axis of an object": np.array(None), "text that is no name": "no such thing",
    "None inside": [None], "object inside": (object(),), "given once": (one for one in [object()]), "list in a list": [[{}]],
    "table": pd.DataFrame({"a": [object()]}),
}  # fmt: skip
NO_NUMBERS = {
    "NaN": float("nan"),
    "infinite": float("inf"),
    "float32": np.float32("nan"),
    "fraction": 1.5,
    "array": np.ones(3),
}


def never(_rows):
    pytest.fail("the model was asked")


@pytest.mark.parametrize("verb", VERBS)
def test_what_is_no_model_is_refused_by_its_argument(verb):
    with pytest.raises(TypeError, match=r"predictor is str; expected the model, or px\.Predictor\(model\): "):
        VERBS[verb]("never", px.TabularSpace(X))


@pytest.mark.parametrize("space", [3.0, None, px.TabularSpace], ids=["number", "None", "class"])
@pytest.mark.parametrize("verb", VERBS)
def test_what_is_no_space_is_told_how_to_build_one(verb, space):
    with pytest.raises(TypeError, match=rf"space is {type(space).__name__}; expected px\.TabularSpace\(X\), its X"):
        VERBS[verb](px.Predictor(never), space)


@pytest.mark.parametrize("n_players", [3, 10, 12])
@pytest.mark.parametrize("kind", ["table", "photo"])
def test_peers_have_the_default_budget_of_explain(kind, n_players):
    pytest.importorskip("shap")
    if kind == "table":
        space = px.TabularSpace(np.random.default_rng(1).normal(size=(5, n_players)), background=2)
        x = np.ones(n_players)
    else:
        space, x = px.ImageSpace(segments="grid", n_segments=n_players, fill=0), np.ones((12, 12, 1), dtype=np.float32)
    predictor = px.Predictor(lambda rows: np.asarray(rows).reshape(len(rows), -1).sum(axis=1))
    found = px.explain("kernel_shap", predictor, space, x)["kernel_shap"]
    theirs = px.reference("shap.kernel", predictor, space, x)["shap.kernel"]
    budget = default_budget(space, len(found.names))
    assert found.meta["coalitions"] <= theirs.meta["budget"] == budget


@pytest.mark.parametrize("value", [*ODD, *NO_NUMBERS])
@pytest.mark.parametrize("argument", ARGUMENTS)
def test_a_value_of_an_odd_kind_is_refused_in_words_before_the_model_is_asked(argument, value):
    if argument.startswith("reference"):
        pytest.importorskip("shap")
    if argument == "compare fills" and value in ("fraction", "array"):
        pytest.skip("a constant")
    name, given = argument.split()[1].removesuffix("s"), (ODD | NO_NUMBERS)[value]
    given = (one for one in [object()]) if value == "given once" else given
    with pytest.raises((TypeError, ValueError), match=rf"^{name}s?(=|:| (has|is|holds) )|^'.*' is not a known method"):
        ARGUMENTS[argument](px.Predictor(never), given)


@pytest.mark.parametrize(
    ("argument", "several"),
    [
        ("explain methods", ["lime", px.KernelShap()]), ("baselines methods", ["random"]), ("compare fills", [0, "mean"]),
        ("compare metrics", ["srg", "spearman"]), ("effects features", ["x0", ("x1", "x2")]), ("effects grid", [-1.0, 0, 1]),
        ("effects features", [True, False, True]), ("h_statistic features", [0, (1, 2)]),
        ("photo features", [0, "superpixel 1"]),
    ],
)  # fmt: skip
def test_what_is_given_once_does_as_well_as_a_list(argument, several):
    def told(value):
        predictor = px.Predictor(lambda rows: np.asarray(rows).reshape(len(rows), -1)[:, :3].prod(axis=1))
        return repr(ARGUMENTS[argument](predictor, value))

    assert told(iter(several)) == told(one for one in several) == told(several)


@pytest.mark.parametrize("size", [2**63, 2**70, 10**30, 10**400], ids=["2^63", "2^70", "10^30", "10^400"])
@pytest.mark.parametrize("argument", [name for name in ARGUMENTS if name.split()[1] in ("grid", "rows", "budget")])
def test_more_than_any_machine_holds_is_refused_in_words_or_bounds_nothing(argument, size):
    """A table of few players has few coalitions and rows to ask, however many may be: they are all asked."""
    predictor = px.Predictor(lambda rows: np.asarray(rows).reshape(len(rows), -1).sum(axis=1))
    bounds_nothing = argument in ("explain budget", "explain rows", "effects rows")
    if argument.startswith("reference"):
        pytest.importorskip("shap")
        bounds_nothing = True
    if bounds_nothing:
        ARGUMENTS[argument](predictor, size)
        return
    with pytest.raises(ValueError, match=r"grid=.* must be a whole number|rows=.* model rows, whose answers take more than"):
        ARGUMENTS[argument](predictor, size)
    assert predictor.rows == 0


@pytest.mark.parametrize("option", ["budget", "rows"])
@pytest.mark.parametrize("method", ["lime", "kernel_shap", "banzhaf", "rise", "ice", "occlusion", "inclusion"])
def test_more_coalitions_of_many_players_than_memory_holds_are_refused(method, option):
    if option == "rows" and method not in ("lime", "kernel_shap", "banzhaf"):
        pytest.skip("asks whole coalitions alone")
    many = px.TabularSpace(np.random.default_rng(0).normal(size=(3, 1200)))
    with pytest.raises(ValueError, match=rf"^{option}=[0-9]+ \.\.\.: to conclude from so many .* GB are left"):
        px.explain(method, px.Predictor(never), many, np.zeros(1200), **{option: 10**400})
