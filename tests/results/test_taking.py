"""Parts of results: a row by its label, some features by name, those that lead; what is left is right in every number."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt

import perturbxai as px

X = pd.DataFrame(
    np.random.default_rng(0).normal(size=(40, 4)),
    columns=["age", "bmi", "bp", "s5"],
    index=[f"patient {n}" for n in range(40)],
)
COEFFICIENTS = np.array([1.0, -4.0, 2.0, 0.5])
SPACE = px.TabularSpace(X, background=20)
PREDICTOR = px.Predictor(lambda X: X.to_numpy() @ COEFFICIENTS + X["age"].to_numpy() * X["bp"].to_numpy())


@pytest.fixture(scope="module")
def a():
    return px.explain("kernel_shap", PREDICTOR, SPACE, X.iloc[:6])["kernel_shap"]


@pytest.fixture(scope="module")
def pairs():
    return px.explain("interactions", PREDICTOR, SPACE, X.iloc[:3])["interactions"]


def labelled(labels):
    """A result whose rows have these labels, and their places as values."""
    one = px.Explanation(
        np.zeros((2, 1)), np.ones((2, 1)), np.ones(1), np.inf, np.zeros(1), np.zeros(1), ("a", "b"), ("y",), 0,
        np.zeros(2), px.Lime(),
    )  # fmt: skip
    parts = [px.Explanation(**{**vars(one), "label": own, "base": np.array([float(n)])}) for n, own in enumerate(labels)]
    return px.Attribution(tuple(parts))


# ------------------------------------------------------------------------------------------------ rows


def test_a_row_by_its_label(a):
    assert a["patient 3"] is a[3]


def test_a_label_that_is_not_there_names_the_nearest(a):
    with pytest.raises(KeyError, match=r"'patent 3' is the label of no row; .*; did you mean 'patient 3'\? Whole numbers"):
        a["patent 3"]


def test_whole_numbers_are_places_whatever_the_labels_are_and_text_finds_a_label():
    found = labelled([2, 0, 1])
    assert found[0].label == 2 and found["0"].label == 0 and found[-1].label == 1
    assert found[np.int64(1)].label == 0


@pytest.mark.parametrize(
    ("labels", "given"),
    [
        ([("north", 1), ("south", 1)], ("south", 1)),
        ([("a", "b", "c"), ("d", "e", "f")], ("d", "e", "f")),
        ([None, 2.5], 2.5),
        ([pd.Timestamp("2024-01-01"), pd.Timestamp("2024-01-02")], "2024-01-02"),
        ([pd.Timestamp("2024-01-01"), pd.Timestamp("2024-01-02")], pd.Timestamp("2024-01-02")),
        ([1, True], True),
    ],
)
def test_labels_of_every_index_are_found(labels, given):
    assert labelled(labels)[given].base[0] == 1.0


def test_a_label_of_two_rows_asks_for_a_number():
    with pytest.raises(ValueError, match=r"'x' is the label of 2 rows; give the number of one: \[0, 2\]"):
        labelled(["x", "y", "x"])["x"]


@pytest.mark.parametrize("given", [(), (1, 2, 3), 1.5, None, ("no", "row", "at all")])
def test_what_names_no_row_is_a_key_error(a, given):
    with pytest.raises(KeyError, match="is the label of no row"):
        a[given]


def test_numbers_beyond_the_rows_are_index_errors_so_that_a_result_ends(a):
    with pytest.raises(IndexError):
        a[6]
    with pytest.raises(IndexError, match="row 6 is not there: the result has 6 rows"):
        a[6, "age"]
    assert [e.label for e in a] == list(X.index[:6])


@pytest.mark.parametrize(
    "rows", [slice(1, 5, 2), [1, 3], ["patient 1", 3], np.array([1, 3]), np.array([False, True, False, True, False, False])]
)
def test_several_rows_are_an_attribution(a, rows):
    found = a[rows]
    assert isinstance(found, px.Attribution) and [e.label for e in found] == ["patient 1", "patient 3"]
    assert found.meta == a.meta
    assert (found.values == a.values[[1, 3]]).all() and len(found.to_frame()) == 8


def test_a_mask_of_another_length_is_refused(a):
    with pytest.raises(IndexError, match="the mask has 2 truth values, but the result has 6 rows"):
        a[[True, False]]


# ------------------------------------------------------------------------------------------------ features


@pytest.mark.parametrize(
    ("given", "places"), [("bp", [2]), (["bp", "age"], [2, 0]), (-1, [3]), (slice(1, 3), [1, 2]), (("s5", 0), [3, 0])]
)
def test_some_features_of_all_rows(a, given, places):
    found = a[:, given]
    assert found.names == tuple(X.columns[places])
    for what in ("values", "stderr", "stderr_background", "feature_values"):
        assert (getattr(found, what) == getattr(a, what)[:, places]).all(), what
    for what in ("base", "prediction", "critical"):
        assert (getattr(found, what) == getattr(a, what)).all(), what
    assert (found.feature_values == X.iloc[:6, places].to_numpy()).all()
    assert found.meta["taken_of"] == 4 and all(e.meta["taken_of"] == 4 for e in found)
    low, high = a.interval(simultaneous=True)
    assert (np.stack(found.interval(simultaneous=True)) == np.stack([low[:, places], high[:, places]])).all()


def test_one_row_and_some_features_are_an_explanation(a):
    for found in (a["patient 3", "age"], a[3, "age"], a["patient 3"].only("age"), a[3].only([0])):
        assert isinstance(found, px.Explanation) and found.names == ("age",)
        assert found.values == a.values[3, 0] and found.feature_values == X.iloc[3, 0]


def test_pairs_of_the_features_taken_stay(pairs):
    found = pairs[:, ["bp", "age"]]
    assert (found.interactions == pairs.interactions[:, [2, 0]][:, :, [2, 0]]).all()
    assert (found.interactions_stderr == pairs.interactions_stderr[:, [2, 0]][:, :, [2, 0]]).all()
    (line,) = found[0].interactions_frame().to_dict("records")
    assert (line["feature_a"], line["feature_b"], line["value"]) == ("bp", "age", pairs[0].interactions[0, 2, 0])


def test_columns_of_a_method_stay_with_their_features():
    found = px.explain("lime_tabular", PREDICTOR, SPACE, X.iloc[:2], budget=200)["lime_tabular"]
    assert found[0, ["s5", "bmi"]].columns["rule"].tolist() == found[0].columns["rule"][[3, 1]].tolist()


def test_all_features_in_their_order_are_the_same_explanation(a):
    assert a[2].only(list(X.columns)) is a[2] and "taken_of" not in a[:, :].meta


def test_taking_twice_tells_of_all_that_there_were(a):
    again = a[:, ["bp", "age", "s5"]][:, ["s5", "age"]]
    assert again.names == ("s5", "age") and again.meta["taken_of"] == 4
    assert (again.feature_values == X.iloc[:6][["s5", "age"]].to_numpy()).all()


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ("agee", KeyError, "'agee' is no feature of this result; it has 'age', .*; did you mean 'age'"),
        (4, IndexError, "feature 4 is not there: there are 4"),
        (["age", 0], ValueError, "features name 'age' twice"),
        ([], ValueError, "takes none of"),
        (slice(9, 12), ValueError, "takes none of"),
        (None, TypeError, "features=None must be a name, a number, or several"),
        ([1.5], KeyError, "1.5 is no feature"),
    ],
)
def test_features_that_are_not_there_are_refused(a, given, error, message):
    with pytest.raises(error, match=message):
        a[:, given]


def test_a_taken_result_travels(a, tmp_path):
    found = a[:3, ["bmi", "s5"]]
    again = px.Attribution.from_json(found.to_json())
    assert again.names == found.names and (again.feature_values == found.feature_values).all()
    found.to_csv(tmp_path / "found.csv")
    assert px.read_csv(tmp_path / "found.csv").feature.unique().tolist() == ["bmi", "s5"]


# ------------------------------------------------------------------------------------------------ those that lead


def test_the_top_of_a_row_is_by_size_the_largest_first(a):
    sizes = np.abs(a[0].values[:, 0])
    assert a[0].top(3).names == tuple(X.columns[np.argsort(-sizes)[:3]])
    assert a[0].top(99).names == tuple(X.columns[np.argsort(-sizes)])


def test_the_top_over_rows_is_by_mean_size(a):
    means = np.abs(a.values[..., 0]).mean(axis=0)
    assert a.top(2).names == tuple(X.columns[np.argsort(-means)[:2]])


def test_an_output_decides_where_there_are_several():
    two = px.Predictor(lambda X: np.column_stack([1000.0 * X["age"], X["bmi"] + 0.01 * X["bp"]]), outputs=["a", "b"])
    found = px.explain("occlusion", two, SPACE, X.iloc[:5])["occlusion"]
    assert found.top(1, output="a").names == ("age",) == found[0].top(1, output=0).names
    assert found.top(2, output="b").names == ("bmi", "bp")
    assert set(found.top(2).names) == {"age", "bmi"}  # each output on its own scale
    with pytest.raises(ValueError, match="'c' is not an output"):
        found.top(2, output="c")


@pytest.mark.parametrize("n", [0, 2.5, None])
def test_the_number_of_leaders_is_a_whole_one(a, n):
    with pytest.raises(ValueError, match=r"n=.* must be a whole number of features from 1 up"):
        a.top(n)


def test_photos_lead_one_by_one():
    photos = np.random.default_rng(0).uniform(0, 255, (2, 12, 12, 3))
    space = px.ImageSpace(segments="grid", n_segments=4, fill=0)
    found = px.explain("occlusion", px.Predictor(lambda p: p[:, :6, :6].mean(axis=(1, 2, 3))), space, photos)["occlusion"]
    assert len(found[0].top(1).names) == 1 and found[0].top(1).values[0, 0] == np.abs(found[0].values).max()
    assert found.top(1).names == found[0].top(1).names


def test_an_importance_has_its_leaders_too(a):
    whole = px.importance(a)
    found = whole.top(2)
    assert found.names == tuple(np.array(whole.names)[np.argsort(-whole.corrected[:, 0])[:2]])
    assert (found.stderr == whole.stderr[np.argsort(-whole.corrected[:, 0])[:2]]).all()
    assert whole.only("bp").values[0, 0] == np.abs(a.values[:, 2, 0]).mean() and len(whole.only("bp").to_frame()) == 1
    with pytest.raises(KeyError, match="did you mean 'bmi'"):
        whole.only("bmj")


# ------------------------------------------------------------------------------------------------ who reads them


def test_a_waterfall_tells_what_was_not_taken(a):
    figure = px.plot(a[:, ["age", "bmi"]], "waterfall", space=SPACE)
    labels = [tick.get_text() for tick in figure.axes[0].get_yticklabels()]
    assert labels[-1] == "features not taken" and sum("=" in label for label in labels) == 2
    plt.close(figure)


def test_a_beeswarm_of_some_features_has_their_colours(a):
    from perturbxai.reporting.values.features import colours

    own = [list(a.names).index(name) for name in ("s5", "bmi")]
    taken = a[:, ["s5", "bmi"]].explanations
    np.testing.assert_allclose(colours(taken), colours(a.explanations)[:, own])
    np.testing.assert_allclose(colours(taken, SPACE), colours(a.explanations, SPACE)[:, own])


def test_compare_refuses_what_lacks_features(a):
    with pytest.raises(ValueError, match="space gives 4 players where results have 2"):
        px.compare({"some": a[:, ["age", "bmi"]]}, PREDICTOR, SPACE)


def test_importance_of_some_features_is_that_of_all_of_them(a):
    assert (px.importance(a[:, ["bp", "age"]]).values == px.importance(a).values[[2, 0]]).all()


def test_shap_gets_their_data(a):
    pytest.importorskip("shap")
    found = px.to_shap(a[:, ["bp", "age"]])
    assert (found.data == X.iloc[:6, [2, 0]].to_numpy()).all() and found.feature_names == ["bp", "age"]


@pytest.mark.parametrize("of", ["pandas", "polars", "numpy"])
def test_a_mask_is_a_column_of_any_table(of):
    library = pytest.importorskip(of)
    found = px.explain("lime", lambda X: X.sum(axis=1), np.zeros((1, 3)), np.arange(12.0).reshape(4, 3))["lime"]
    mask = [True, False, True, False]
    column = library.array(mask) if of == "numpy" else library.Series(mask)
    assert [e.label for e in found[column]] == [0, 2] and found[column, "x1"].values.shape == (2, 1, 1)
    assert [e.label for e in found[np.array([2, 0]) if of == "numpy" else library.Series([2, 0])]] == [2, 0]
