"""What rows have at each player stands beside their values: in the table's own terms, wherever a result goes."""

from __future__ import annotations

import json
import pickle
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import perturbxai as px
from perturbxai.core.wording import own_value

MIXED = pd.DataFrame(
    {
        "bmi": [32.1, 20.0, np.nan, 27.5],
        "n": [1, 2, 3, 4],
        "smokes": [True, False, True, False],
        "sex": ["f", "m", "f", "m"],
        "stage": pd.Categorical(["I", "II", None, "I"], categories=["I", "II", "III"]),
        "seen": pd.to_datetime(["2024-01-31", "2024-02-01 10:30", None, "2020-12-24"], format="ISO8601"),
        "visits": pd.array([1, None, 3, 4], dtype="Int64"),
        "spelled": ["3", "True", "=1+1", ""],
    },
    index=["p1", "p2", "p3", "p4"],
)
OWN = [
    [32.1, 1, True, "f", "I", pd.Timestamp("2024-01-31"), 1, "3"],
    [20.0, 2, False, "m", "II", pd.Timestamp("2024-02-01 10:30"), None, "True"],
    [np.nan, 3, True, "f", None, None, 3, "=1+1"],
    [27.5, 4, False, "m", "I", pd.Timestamp("2020-12-24"), 4, ""],
]


def predicted(X):
    return X["n"].to_numpy(dtype=float) + X["bmi"].fillna(0).to_numpy() * (X["sex"] == "f")


def explained(X=MIXED, rows=None, **options):
    return px.explain("occlusion", px.Predictor(predicted), px.TabularSpace(X), X if rows is None else rows, **options)


@pytest.fixture(scope="module")
def found():
    return explained()["occlusion"]


def same(one, other):
    """Equal in value and in kind, missing values too."""
    return len(one) == len(other) and all(
        type(a) is type(b) and (a == b or (a != a and b != b)) for a, b in zip(one, other, strict=True)
    )


# ------------------------------------------------------------------------------------------------ what is told


def test_each_row_has_its_values_as_python_has_them(found):
    assert found.feature_values.shape == (4, 8)
    for one, own in zip(found.feature_values, OWN, strict=True):
        assert same(one, own)
    assert all(same(e.feature_values, own) for e, own in zip(found, OWN, strict=True))


@pytest.mark.parametrize("dtype", ["float32", "float64", "int8", "uint64", "bool", object])
def test_an_array_tells_its_own_numbers(dtype):
    X = np.array([[0, 1], [1, 0], [1, 1]]).astype(dtype)
    one = px.explain("occlusion", px.Predictor(lambda X: X[:, 0].astype(float)), px.TabularSpace(X), X)["occlusion"]
    assert same(one.feature_values.ravel().tolist(), X.tolist()[0] + X.tolist()[1] + X.tolist()[2])


@pytest.mark.parametrize("library", ["polars", "pyarrow"])
def test_tables_of_other_libraries_tell_the_same(library):
    given = pytest.importorskip(library)
    data = {"a": [1.5, None], "b": ["x", None], "c": [2, 3]}
    table = given.DataFrame(data) if library == "polars" else given.table(data)
    found = px.explain("occlusion", px.Predictor(lambda X: np.zeros(len(X))), px.TabularSpace(table), table)["occlusion"]
    first, second = found.feature_values
    assert same(first, [1.5, "x", 2]) and same(second[1:], [None, 3]) and pd.isna(second[0])


def test_a_group_tells_what_each_of_its_columns_has():
    space = px.TabularSpace(MIXED, groups={"body": ["bmi", "sex"], "when": ["seen", "stage"]})
    found = px.explain("occlusion", px.Predictor(predicted), space, MIXED)["occlusion"]
    at = dict(zip(found.names, found.feature_values.T, strict=True))
    assert at["body"].tolist() == [
        "bmi = 32.1, sex = f",
        "bmi = 20, sex = m",
        "bmi = missing, sex = f",
        "bmi = 27.5, sex = m",
    ]
    assert at["when"].tolist()[0] == "stage = I, seen = 2024-01-31"
    assert at["when"].tolist()[2] == "stage = missing, seen = missing"


def test_a_picture_has_none():
    photo = np.random.default_rng(0).uniform(0, 255, (8, 8, 3))
    space = px.ImageSpace(segments="grid", n_segments=4, fill=0)
    found = px.explain("occlusion", px.Predictor(lambda p: p.mean(axis=(1, 2, 3))), space, photo)["occlusion"]
    assert found.feature_values is None and found[0].feature_values is None
    assert "feature_value" not in found.to_frame()


@pytest.mark.parametrize(
    ("value", "told"),
    [(0.1 + 0.2, "0.3"), (1600000000.0, "1600000000"), (1.5e-9, "1.5e-09"), (-0.0, "0"), (np.inf, "inf"),
     (pd.NaT, "missing"), (pd.Timestamp("2024-01-31"), "2024-01-31"), ("a" * 99, "a" * 20 + "…" + "a" * 19),
     (False, "False"), (12, "12")],
)  # fmt: skip
def test_values_in_words_are_short_and_on_one_line(value, told):
    assert own_value(value) == told


# ------------------------------------------------------------------------------------------------ where they go


def test_they_come_from_every_verb_of_tables():
    X = np.random.default_rng(0).normal(size=(20, 3))
    predictor, space = px.Predictor(lambda X: X.sum(axis=1)), px.TabularSpace(X)
    found = px.explain(["lime", "permutation_shap", "lime_tabular", "ale"], predictor, space, X[:3])
    found |= px.baselines("random", predictor, space, X[:3])
    for one in found.values():
        assert (one.feature_values == X[:3]).all()


@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_workers_bring_them_and_send_no_columns_back(found, backend):
    joblib = pytest.importorskip("joblib")
    with joblib.parallel_config(backend=backend):
        again = explained(n_jobs=2)["occlusion"]
    assert all(same(one, own) for one, own in zip(again.feature_values, found.feature_values, strict=True))
    assert len({id(e.teller) for e in again}) == 1


def test_a_stopped_call_has_them_too():
    calls = []

    def fails(X):
        calls.append(len(X))
        if len(calls) > 4:
            raise OSError("gone")
        return predicted(X)

    space = px.TabularSpace(MIXED)
    with pytest.raises(Exception, match="gone") as caught:
        px.explain("lime", px.Predictor(fails, batch_size=5), space, MIXED)
    for one in (getattr(caught.value, "partial", None) or {}).values():
        assert one.feature_values is not None


def test_json_gives_them_back(found):
    again = px.Attribution.from_json(found.to_json())
    assert all(same(one, own) for one, own in zip(again.feature_values, found.feature_values, strict=True))
    assert same(px.Explanation.from_json(found[2].to_json()).feature_values, OWN[2])
    assert again.to_json() == found.to_json()


def test_what_json_has_no_form_for_comes_back_as_text():
    X = pd.DataFrame({"age": pd.cut([1.0, 5.0, 9.0], [0, 4, 10]), "a": [1, 2, 3]})
    found = px.explain("occlusion", px.Predictor(lambda X: X["a"].to_numpy(float)), px.TabularSpace(X), X)["occlusion"]
    assert found[0].feature_values[0] == pd.Interval(0, 4)
    assert px.Attribution.from_json(found.to_json())[0].feature_values[0] == "(0, 4]"


def test_files_of_earlier_versions_load_without_them(found):
    document = json.loads(found.to_json())
    for one in document["explanations"]:
        del one["feature_values"]
    again = px.Attribution.from_json(json.dumps(document))
    assert again.feature_values is None and "feature_value" not in again.to_frame()
    assert (again.values == found.values).all()


@pytest.mark.parametrize("damage", [[1], "text", None, [{"$": "no such kind"}] * 8])
def test_damaged_values_are_refused(found, damage):
    document = json.loads(found.to_json())
    document["explanations"][1]["feature_values"] = damage
    with pytest.raises(ValueError, match="feature_values"):
        px.Attribution.from_json(json.dumps(document))


def test_they_outlive_the_space_the_table_and_a_pickle():
    X = MIXED.copy()
    found = explained(X)["occlusion"]
    X.loc["p1", "bmi"] = -1.0
    again = pickle.loads(pickle.dumps(found))
    assert again.feature_values[0, 0] == found.feature_values[0, 0] == 32.1
    assert same(replace(found[0], label="other").feature_values, OWN[0])


def test_a_result_of_numbers_holds_no_table():
    X = np.random.default_rng(0).normal(size=(20_000, 4))
    found = px.explain("occlusion", px.Predictor(lambda X: X.sum(axis=1)), px.TabularSpace(X), X[:1])["occlusion"]
    assert len(pickle.dumps(found)) < 20_000  # of 640,000 bytes of X


# ------------------------------------------------------------------------------------------------ tables


def test_the_table_has_them_beside_the_feature_mixed_as_they_are(found):
    frame = found.to_frame()
    assert list(frame.columns[:4]) == ["method", "row", "feature", "feature_value"]
    assert frame.feature_value.dtype == object
    assert same(frame.feature_value.tolist(), [one for own in OWN for one in own])
    assert same(found[1].to_frame().feature_value.tolist(), OWN[1])


def test_each_output_has_them():
    two = px.Predictor(lambda X: np.column_stack([predicted(X), -predicted(X)]))
    frame = px.explain("occlusion", two, px.TabularSpace(MIXED), MIXED)["occlusion"].to_frame()
    assert same(frame.feature_value[::2].tolist(), frame.feature_value[1::2].tolist())


def test_a_csv_brings_each_cell_back_in_its_kind(found, tmp_path):
    found.to_csv(tmp_path / "found.csv")
    read = px.read_csv(tmp_path / "found.csv")
    for line, own in zip(read.feature_value, found.to_frame().feature_value, strict=True):
        if isinstance(own, pd.Timestamp):
            assert pd.Timestamp(line) == own
        else:
            assert same([line], [None if own != own else own])
    assert (read.value == found.to_frame().value).all()


def test_a_report_has_them(found, tmp_path):
    px.report({"occlusion": found}, tmp_path / "report")
    read = px.read_csv(tmp_path / "report" / "attributions.csv")
    assert read.feature_value.tolist()[:5] == OWN[0][:5]
    assert list(read.columns[:4]) == ["method", "row", "feature", "feature_value"]
