"""JSON and back is equal: numbers to the last bit, labels, pictures, methods; what is damaged or newer is refused."""

from __future__ import annotations

import datetime
import gc
import json
import warnings
import zoneinfo
from dataclasses import dataclass, fields, replace

import numpy as np
import pandas as pd
import pytest
import recorders
from explanations import HOSTILE, one
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.svm import LinearSVR

import perturbxai as px
from perturbxai.core import catalogue
from perturbxai.core.jsonable import decode, encode


def same(a, b):
    """Equal and of one kind, NaN being itself; arrays in dtype and bits."""
    if isinstance(a, (np.ndarray, np.generic)):
        assert type(a) is type(b) and a.dtype == b.dtype and a.shape == b.shape
        if a.dtype.kind == "O":
            for x, y in zip(a.ravel(), b.ravel(), strict=True):
                same(x, y)
        else:
            np.testing.assert_array_equal(a, b)
    elif isinstance(a, dict):
        assert type(b) is dict and a.keys() == b.keys()
        for key in a:
            same(a[key], b[key])
    elif isinstance(a, (list, tuple)):
        assert type(a) is type(b) and len(a) == len(b)
        for x, y in zip(a, b, strict=True):
            same(x, y)
    else:
        assert type(a) is type(b) and (a == b or (a != a and b != b))


def same_result(a, b):
    assert len(a) == len(b)
    same(a.meta, b.meta)
    for mine, theirs in zip(a, b, strict=True):
        for field in fields(px.Explanation):
            what = "feature_values" if field.name == "teller" else field.name  # however they are told
            same(getattr(mine, what), getattr(theirs, what))


def back(*explanations, **meta):
    result = px.Attribution(explanations, meta)
    found = px.Attribution.from_json(result.to_json())
    same_result(result, found)
    return found


# ------------------------------------------------------------------------------------------------ real results


@pytest.fixture(scope="module")
def tables():
    space, x = recorders.table()
    return px.explain([*recorders.FIVE, "lime_tabular"], px.Predictor(recorders.of_table), space, x, budget=60)


@pytest.mark.parametrize("method", [*recorders.FIVE, "lime_tabular"])
def test_every_method_s_result_comes_back_equal(tables, method, tmp_path):
    text = tables[method].to_json(tmp_path / "found.json")
    for source in (text, tmp_path / "found.json", str(tmp_path / "found.json")):
        found = px.Attribution.from_json(source)
        same_result(tables[method], found)
    pd.testing.assert_frame_equal(found.to_frame(), tables[method].to_frame())
    np.testing.assert_array_equal(found.interval(simultaneous=True), tables[method].interval(simultaneous=True))


def test_pictures_and_heat_maps_come_back_equal():
    space, x = recorders.pictures(2)
    predictor = px.Predictor(recorders.of_pictures)
    found = px.explain(["kernel_shap"], predictor, space, x, budget=60) | px.baselines(["edges"], predictor, space, x)
    for result in found.values():
        again = px.Attribution.from_json(result.to_json())
        same_result(result, again)
        assert again[0].input.dtype == np.float32
    assert found["edges"].heat is not None


def test_a_picture_is_compact():
    picture = np.random.default_rng(0).random((64, 64, 3), dtype=np.float32)
    assert len(px.Attribution((one(input=picture),)).to_json()) < 1.4 * picture.nbytes


def test_what_all_rows_share_is_written_once(tables):
    rows = px.Attribution(tables["lime"].explanations * 50)
    assert rows.to_json().count('"kernel_width"') == 1
    same_result(rows, px.Attribution.from_json(rows.to_json()))


def test_one_explanation_comes_back_alone(tables):
    found = px.Explanation.from_json(tables["lime"][2].to_json())
    same_result(px.Attribution((tables["lime"][2],)), px.Attribution((found,)))
    with pytest.raises(ValueError, match="holds 4 inputs; read it with Attribution"):
        px.Explanation.from_json(tables["lime"].to_json())


@pytest.mark.parametrize("name", [*catalogue.EXPLAINERS, *catalogue.BASELINES])
def test_every_method_object_comes_back_by_its_name(name):
    method = catalogue.load(catalogue.EXPLAINERS | catalogue.BASELINES, name)()
    assert back(one(method=method))[0].method == method


def test_every_package_that_reference_knows_can_be_kept():
    for name in catalogue.PEERS:
        method = catalogue.load(catalogue.PEERS, name)()
        assert back(one(method=method))[0].method == method


def test_options_of_a_method_come_back():
    method = px.TabularLime(discretizer=None, kernel_width=0.3, profile=(0.5, 2.0), n_features=3, name="mine")
    assert back(one(method=method))[0].method == method


def test_a_linear_surrogate_comes_back_with_its_settings():
    from sklearn.linear_model import Ridge

    result = px.Attribution((one(method=px.TabularLime(model_regressor=Ridge(alpha=0.25))),))
    found = px.Attribution.from_json(result.to_json()).method.model_regressor
    assert type(found) is Ridge and found.get_params() == Ridge(alpha=0.25).get_params()


def test_rows_with_methods_of_their_own_keep_them():
    found = back(one(method=px.Lime()), one(method=px.Lime(kernel_width=0.5)), one(method=px.KernelShap()))
    assert [type(e.method).__name__ for e in found] == ["Lime", "Lime", "KernelShap"]


# ------------------------------------------------------------------------------------------------ values


def test_infinite_errors_and_missing_values_are_valid_json():
    text = px.Attribution((one(input=np.array([np.nan, -np.inf, -0.0])),)).to_json()
    json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    found = px.Attribution.from_json(text)[0]
    assert np.isinf(found.stderr).all() and found.df == np.inf
    assert np.isnan(found.input[0]) and np.signbit(found.input[2])


LABELS = {
    "text": "a",
    "hostile": HOSTILE[0],
    "number": 7,
    "large": 10**30,
    "nothing": None,
    "truth": True,
    "fraction": 0.1,
    "NaN": float("nan"),
    "levels": ("a", 1, pd.Timestamp("2024-01-01")),
    "moment": pd.Timestamp("2024-03-31 02:30:00.123456789"),
    "zone": pd.Timestamp("2024-10-27 00:30Z").tz_convert("Europe/Berlin"),
    "offset": pd.Timestamp("2024-01-01T00:00:00+05:30"),
    "not a time": pd.NaT,
    "span": pd.Timedelta("1 days 00:00:01.5"),
    "month": pd.Period("2024-02", freq="M"),
    "day": datetime.date(2024, 2, 29),
    "clock": datetime.datetime(2024, 10, 27, 2, 30, fold=1, tzinfo=zoneinfo.ZoneInfo("Europe/Berlin")),
    "while": datetime.timedelta(days=-1, microseconds=5),
    "numpy": np.int32(5),
    "numpy moment": np.datetime64("2024-01-01", "D"),
    "numpy text": np.str_("a"),
    "empty numpy text": np.str_(""),
}


@pytest.mark.parametrize("label", LABELS.values(), ids=LABELS)
def test_the_label_of_a_row_comes_back(label):
    found = back(one(label=label))[0].label
    assert str(found) == str(label) and getattr(found, "tzinfo", None) == getattr(label, "tzinfo", None)


ATOMS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.sampled_from(HOSTILE),
    st.datetimes(), st.dates(), st.timedeltas(),
    st.sampled_from([np.float32(0.1), np.uint64(2**64 - 1), np.int8(-3), np.bool_(True), np.float64("inf")]),
    hnp.arrays(
        st.one_of(hnp.boolean_dtypes(), hnp.integer_dtypes(), hnp.floating_dtypes(sizes=(16, 32, 64)),
                  hnp.unicode_string_dtypes(), hnp.datetime64_dtypes(endianness="<"),
                  hnp.timedelta64_dtypes(endianness="<")),
        hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4),
    ).map(lambda a: a.astype(a.dtype.newbyteorder("="))),
)  # fmt: skip
HASHABLE = st.one_of(st.none(), st.booleans(), st.integers(), st.text(), st.tuples(st.integers(), st.text()))
TREES = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.lists(inner), st.tuples(inner, inner), st.dictionaries(st.text() | st.just("$"), inner),
        st.dictionaries(HASHABLE, inner), st.frozensets(HASHABLE), st.sets(st.integers()),
    ),
    max_leaves=12,
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(TREES)
def test_any_tree_of_values_comes_back_the_same(tree):
    text = json.dumps(encode(tree, "tree"), allow_nan=False)
    same(tree, decode(json.loads(text), "tree"))


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 4).flatmap(
        lambda p: st.tuples(
            hnp.arrays(np.float64, (p, 2)), st.lists(st.text(), min_size=p, max_size=p), st.tuples(st.text(), st.text())
        )
    ),
    st.dictionaries(st.text(), ATOMS, max_size=3),
)
def test_any_explanation_comes_back_the_same(numbers, meta):
    values, names, outputs = numbers
    columns = {"rule": np.array(names, dtype=object), "coefficient": values, "slope": values[:, 0].copy()}
    made = one(
        values=values, stderr=np.abs(values), stderr_background=values, names=tuple(names), outputs=outputs, meta=meta,
        columns=columns, heat=values.reshape(2, -1, 1), critical=np.zeros(2), base=np.zeros(2), prediction=np.zeros(2),
    )  # fmt: skip
    back(made, replace(made, meta={}, label=("a", 1)), **{"name": "mine"})


def test_an_object_column_of_rules_stays_one():
    rules = np.array(["x ≤ 1", HOSTILE[0], "$"], dtype=object)
    assert back(one(columns={"rule": rules}))[0].columns["rule"].dtype == object


# ------------------------------------------------------------------------------------------------ what is not written


class Strange:
    pass


@dataclass(frozen=True)
class Foreign:
    name: str = ""


def test_a_method_that_cannot_be_rebuilt_is_refused_before_a_file_is_there(tmp_path):
    with pytest.raises(TypeError, match=r"method is a Foreign, .* keep the numbers with to_csv"):
        px.Attribution((one(method=Foreign()),)).to_json(tmp_path / "never.json")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("changes", "where"),
    [({"meta": {"a": [1, Strange()]}}, r"meta\['a'\]\[1\] is a Strange"), ({"label": Strange()}, "row's label is a Strange"),
     ({"label": pd.Interval(0, 1)}, "row's label is a Interval"), ({"meta": {"c": 1j}}, r"meta\['c'\] is a complex"),
     ({"meta": {"c": np.array([1j])}}, r"meta\['c'\] is an array of complex128"),
     ({"method": px.TabularLime(model_regressor=LinearSVR())}, r"lime_tabular\.model_regressor is a LinearSVR")],
)  # fmt: skip
def test_what_would_not_come_back_is_named_and_refused(changes, where):
    with pytest.raises(TypeError, match=where):
        px.Attribution((one(**changes),)).to_json()


# ------------------------------------------------------------------------------------------------ what is not read


def document(**changes):
    return json.loads(px.Attribution((one(), one(label="second"))).to_json()) | changes


def test_a_newer_schema_is_refused_with_what_to_do():
    with pytest.raises(ValueError, match=r"schema version 2, .* reads up to 1; update perturbxai"):
        px.Attribution.from_json(json.dumps(document(schema=2)))


@pytest.mark.parametrize("schema", [None, 0, "1", 1.0, True])
def test_a_schema_that_is_no_version_is_refused(schema):
    with pytest.raises(ValueError, match="schema version is"):
        px.Attribution.from_json(json.dumps(document(schema=schema)))


@pytest.mark.parametrize("name", ["os.system", "perturbxai.command.cli:main", "Lime", None, ["lime"]])
def test_an_unknown_method_is_refused_and_nothing_is_imported_for_it(name):
    found = document()
    found["shared"]["method"] = {"name": name, "options": {}}
    with pytest.raises(ValueError, match=r"is not known here; expected one of .*lime.*Update perturbxai"):
        px.Attribution.from_json(json.dumps(found))


@pytest.mark.parametrize(
    ("options", "message"),
    [({"width": 1}, "lime has no option 'width' here; update"), ({"kernel_width": -1}, "lime refuses its options"),
     ({"kernel_width": "wide"}, "lime refuses its options"), ([], "shared method lime is missing or no object")],
)  # fmt: skip
def test_options_that_a_method_does_not_take_are_refused(options, message):
    found = document()
    found["shared"]["method"] = {"name": "lime", "options": options}
    with pytest.raises(ValueError, match=message):
        px.Attribution.from_json(json.dumps(found))


@pytest.mark.parametrize("name", ["LogisticRegression", "ridge_regression", "__builtins__", "os", 3, None, ["Ridge"]])
def test_a_surrogate_is_a_regressor_of_linear_model_or_refused(name):
    found = document()
    surrogate = {"$": "linear_model", "name": name, "settings": {}}
    found["shared"]["method"] = {"name": "lime_tabular", "options": {"surrogate": surrogate}}
    with pytest.raises(ValueError, match=r"is no regressor of sklearn\.linear_model"):
        px.Attribution.from_json(json.dumps(found))


def test_text_that_was_cut_off_is_refused():
    text = px.Attribution((one(),)).to_json()
    for length in (1, len(text) // 2, len(text) - 1):
        with pytest.raises(ValueError, match=r"not valid JSON .* damaged, or cut off"):
            px.Attribution.from_json(text[:length])


@pytest.mark.parametrize("text", ['{"a": NaN}', '{"format": Infinity}', "{" * 100_000, '{"a": ' + "[" * 100_000, "{'a': 1}"])
def test_what_is_no_json_is_refused(text):
    with pytest.raises(ValueError, match="not valid JSON"):
        px.Attribution.from_json(text)


def test_json_of_something_else_is_refused():
    with pytest.raises(ValueError, match="the JSON is no result of perturbxai"):
        px.Attribution.from_json('{"schema": 1}')


@pytest.mark.parametrize("source", ["nowhere.json", "", "[1, 2]", "x" * 5000, "a\x00b"])
def test_text_that_is_neither_json_nor_a_file_is_refused(source, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileNotFoundError, match="neither JSON text of an object nor a file"):
        px.Attribution.from_json(source)


def test_a_file_that_is_no_text_is_refused(tmp_path):
    (tmp_path / "found.json").write_bytes(b"\xff\xfe\x80abc")
    with pytest.raises(ValueError, match="is no text"):
        px.Attribution.from_json(tmp_path / "found.json")


@pytest.mark.parametrize("source", [3, None, b"{}", {"format": 1}])
def test_what_is_neither_text_nor_path_is_refused(source):
    with pytest.raises(TypeError, match="expected JSON text, or the path"):
        px.Attribution.from_json(source)


DAMAGE = {
    "shape": lambda d: d["explanations"][1].update(values=[[1.0, 2.0]]),
    "ragged": lambda d: d["explanations"][1]["values"][0].append(1.0),
    "text for a number": lambda d: d["explanations"][0]["stderr"][0].__setitem__(0, "12"),
    "truth for a number": lambda d: d["explanations"][0]["base"].__setitem__(0, True),
    "no errors": lambda d: d["explanations"][0].pop("stderr"),
    "no label": lambda d: d["explanations"][0].pop("label"),
    "no input": lambda d: d["explanations"][0].pop("input"),
    "no meta": lambda d: d["explanations"][0].pop("meta"),
    "no names": lambda d: d["shared"].pop("names"),
    "names of numbers": lambda d: d["shared"].update(names=[1, 2, 3]),
    "no explanations": lambda d: d.update(explanations=[]),
    "a row that is none": lambda d: d["explanations"].append(3),
    "an unknown kind": lambda d: d["explanations"][0].update(label={"$": "pickle", "of": "gASV"}),
    "a kind that is none": lambda d: d["explanations"][0].update(label={"$": ["tuple"]}),
    "an object dtype": lambda d: d["explanations"][0].update(input={"$": "array", "dtype": "|V8", "shape": [1], "of": [1]}),
    "too few bytes": lambda d: d["explanations"][0].update(
        input={"$": "array", "dtype": "<f4", "shape": [9, 9, 3], "base64": "AAAA"}
    ),
    "no base64": lambda d: d["explanations"][0].update(input={"$": "array", "dtype": "<f4", "shape": [1], "base64": "?!"}),
    "a negative side": lambda d: d["explanations"][0].update(
        input={"$": "array", "dtype": "<f8", "shape": [-1], "of": [1.0]}
    ),
    "too large a number": lambda d: d["explanations"][0].update(
        input={"$": "array", "dtype": "|i1", "shape": [1], "of": [300]}
    ),
    "no time": lambda d: d["explanations"][0].update(label={"$": "Timestamp", "is": "soon", "unit": "ns", "zone": None}),
    "no zone": lambda d: d["explanations"][0].update(
        label={"$": "Timestamp", "is": "2024-01-01", "unit": "ns", "zone": "../../etc/passwd"}
    ),
    "an unhashable key": lambda d: d["explanations"][0].update(label={"$": "dict", "of": [[[1], 2]]}),
    "a column too long": lambda d: d["explanations"][0].update(columns={"rule": ["a"] * 9}),
    "a flat map": lambda d: d["explanations"][0].update(heat=[[1.0]]),
}


@pytest.mark.parametrize("how", DAMAGE.values(), ids=DAMAGE)
def test_damage_is_found_and_said(how):
    found = document()
    how(found)
    with pytest.raises(ValueError, match="damaged"):
        px.Attribution.from_json(json.dumps(found))


# ------------------------------------------------------------------------------------------------ files of before


def before(text, *, looks=False):
    """The file as versions wrote it that did not tell of these keys, in the whole and in the parts."""
    document = json.loads(text)
    for meta in (document["meta"], document["shared"]["meta"], *(part["meta"] for part in document["explanations"])):
        for key in ("budget", "rows_once_a_call"):
            meta.pop(key, None)
        if looks and "stages" in meta:
            meta["looks"] = meta.pop("stages")
    return json.dumps(document)


@pytest.mark.parametrize("asked", [{}, {"budget": 12}, {"rows": 60}, {"tol": 0.5}], ids=str)
@pytest.mark.parametrize("name", ["kernel_shap", "lime", "banzhaf"])
def test_files_of_before_are_read_with_the_keys_of_today(name, asked):
    space, x = recorders.table()
    found = px.explain(name, px.Predictor(recorders.of_table), space, x, **asked)[name]
    again = px.Attribution.from_json(before(found.to_json(), looks=True))
    for now, then in zip((found, *found), (again, *again), strict=True):
        assert then.meta.keys() == now.meta.keys()
        assert then.meta["budget"] is None and then.meta["rows_once_a_call"] == {}
        untold = ("budget", "rows_once_a_call")
        same({k: v for k, v in then.meta.items() if k not in untold}, {k: v for k, v in now.meta.items() if k not in untold})
    assert again[0].meta["rows_once_a_call"] is not again[1].meta["rows_once_a_call"]


def test_what_others_wrote_into_meta_comes_back_as_it_was():
    back(one(meta={"rows": 5, "looks": 3}), looks=2)


def test_no_file_is_left_open(tmp_path):
    text = px.Attribution((one(),)).to_json(tmp_path / "found.json")
    (tmp_path / "picture.json").write_bytes(b"\xff\xfe\x00")
    with warnings.catch_warnings():
        warnings.simplefilter("error", ResourceWarning)
        px.Attribution.from_json(tmp_path / "found.json")
        px.Attribution.from_json(text)
        for lost in (tmp_path / "picture.json", str(tmp_path)):
            with pytest.raises((ValueError, FileNotFoundError)):
                px.Attribution.from_json(lost)
        gc.collect()


def test_a_result_of_no_input_says_so_wherever_it_is_asked():
    nothing = px.Attribution((), {"name": "mine"})
    assert repr(nothing) == "<Attribution of 0 inputs by mine>" and "0 inputs" in nothing._repr_html_()
    assert repr(px.Attribution(())) and len(nothing) == 0 and nothing.inputs == ()
    has = ("values", "stderr", "stderr_background", "critical", "base", "prediction", "heat", "interactions", "names")
    for name in (*has, "interactions_stderr", "outputs", "method"):
        with pytest.raises(ValueError, match="holds no explanation"):
            getattr(nothing, name)
    for name in ("to_frame", "to_json", "interval", "interactions_frame"):
        with pytest.raises(ValueError, match="holds no explanation"):
            getattr(nothing, name)()


@pytest.mark.parametrize("wrong", [np.array([1, 2]), "yes", None, 1, []], ids=str)
def test_one_or_all_at_once_is_true_or_false(wrong):
    found = px.Attribution((one(),))
    space, x = recorders.table()
    curve = px.effects("pdp", px.Predictor(recorders.of_table), space, x, features=[0])["pdp"]
    for what in (found, found[0], next(iter(curve.values()))):
        with pytest.raises(ValueError, match=r"simultaneous=.* must be True or False"):
            what.interval(simultaneous=wrong)


@pytest.mark.parametrize("level", [0, 1, -1, 2.0, "x", None, np.nan])
@pytest.mark.parametrize("df", [0.0, 3.0, np.inf])
def test_a_level_is_refused_whatever_the_degrees_of_freedom(level, df):
    for simultaneous in (False, True):
        with pytest.raises(ValueError, match=r"level=.* must lie between 0 and 1"):
            one(df=df).interval(level, simultaneous=simultaneous)
