"""Rows of a table explained into files: the values of explain(), from any source, the same to the byte after any end."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import subprocess
import sys
import textwrap
import weakref
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest

import perturbxai as px
from perturbxai.reporting.parts import explain_to as verb
from perturbxai.reporting.parts import ledger, lock, part_files
from perturbxai.reporting.parts.blocks import READ_AT_ONCE, as_blocks
from perturbxai.reporting.parts.status import status

RNG = np.random.default_rng(0)
N = 25
TABLE = pd.DataFrame(RNG.normal(size=(N, 3)), columns=["a", "b", "c"]).assign(
    code=RNG.choice(["007", "1", "x"], N), many=RNG.integers(0, 9, N), flag=RNG.random(N) > 0.5,
    when=pd.Timestamp("2024-01-01") + pd.to_timedelta(RNG.integers(0, 900, N), unit="D"),
)  # fmt: skip
WITH_ID = TABLE.assign(id=[f"r{i}" for i in range(N)])
SPACE = px.TabularSpace(TABLE, background=5)
NAMES = list(TABLE.columns)


def model(rows):
    days = (rows["when"] - pd.Timestamp("2024-01-01")).dt.days
    first = rows["a"] * rows["b"] + (rows["code"] == "007") * rows["c"] + rows["flag"] * np.sqrt(rows["many"])
    return np.column_stack([first, days / 100 - rows["b"]])


def predictor(**options):
    return px.Predictor(model, outputs=["first", "second"], **options)


def go(folder, x=WITH_ID, methods="kernel_shap", asked=None, space=SPACE, **options):
    asked = predictor() if asked is None else asked
    return px.explain_to(folder, methods, asked, space, x, **{"budget": 40, "part_rows": 10, "seed": 2} | options)


def read(folder):
    return pd.concat([pd.read_parquet(path) for path in sorted((folder / "parts").iterdir())], ignore_index=True)


def written(folder):
    return {path.name: path.read_bytes() for path in sorted((folder / "parts").iterdir())}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The folder of a run that nothing disturbed, to read from."""
    return go(tmp_path_factory.mktemp("whole") / "out")


# ---------------------------------------------------------------------------------------------------- values and sources


def test_a_line_holds_what_explain_says_of_the_row_beside_the_row_itself(tmp_path):
    methods = ["kernel_shap", "lime", "pdp", "interactions"]
    found = read(go(tmp_path / "out", methods=methods, budget=100))
    expected = px.explain(methods, predictor(), SPACE, TABLE, budget=100, seed=2)
    assert found[["row", "method", "output"]].to_numpy().tolist() == [
        [row, method, output] for row in range(N) for method in methods for output in ("first", "second")
    ]
    pd.testing.assert_frame_equal(
        found[[f"x_{name}" for name in WITH_ID]][:: 2 * len(methods)].reset_index(drop=True),
        WITH_ID.add_prefix("x_"), check_dtype=False,
    )  # fmt: skip
    for key, one in expected.items():
        lines = found[found.method == key]
        for what, of in (("value", one.values), ("stderr", one.stderr)):
            mine = lines[[f"{what}_{name}" for name in NAMES]].to_numpy().reshape(N, 2, -1)
            np.testing.assert_allclose(mine, of.transpose(0, 2, 1), rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(lines["prediction"], one.prediction.ravel())
        np.testing.assert_allclose(lines["critical"], one.critical.ravel())
        assert (lines["df"].to_numpy().reshape(N, 2)[:, 0] == [e.df for e in one]).all()
    pairs = expected["interactions"].interactions
    of_pairs = found[found.method == "interactions"]
    np.testing.assert_allclose(of_pairs["pair_value_a*code"], pairs[:, 0, 3].ravel(), atol=1e-12)
    assert found[found.method == "lime"]["pair_value_a*code"].isna().all()


def text_of(frame, path, **options):
    frame.to_csv(path, index=False, **options)
    return path


def of_dask(frame, _folder):
    dask = pytest.importorskip("dask.dataframe")
    return dask.from_pandas(frame, npartitions=3)


def of_dataset(frame, folder):
    dataset = pytest.importorskip("pyarrow.dataset")
    return dataset.dataset(of_parquet(frame, folder))


def of_parquet(frame, folder):
    frame.to_parquet(folder / "x.parquet", row_group_size=7)
    return folder / "x.parquet"


def of_folder(frame, folder):
    (folder / "in").mkdir()
    for number, start in enumerate((0, 3, 20)):
        part = frame.iloc[start : (3, 20, N)[number]]
        (part if number != 1 else part[part.columns[::-1]]).to_parquet(folder / "in" / f"{number}.parquet")
    (folder / "in" / "_SUCCESS").touch()
    return folder / "in"


def of_polars(frame, _folder):
    return pytest.importorskip("polars").from_pandas(frame)


SOURCES = {
    "frame": lambda frame, _: frame,
    "polars": of_polars,
    "parquet": of_parquet,
    "text": lambda frame, folder: str(text_of(frame, folder / "x.csv")),
    "tabs, compressed": lambda frame, folder: text_of(frame, folder / "x.tsv.gz", sep="\t"),
    "several texts": lambda frame, folder: [
        text_of(frame.iloc[:4], folder / "0.csv"),
        text_of(frame.iloc[4:], folder / "1.csv"),
    ],
    "pattern": lambda frame, folder: str(of_folder(frame, folder) / "*.parquet"),
    "folder": of_folder,
    "dataset": of_dataset,
    "dask": of_dask,
}


@pytest.mark.parametrize("source", SOURCES)
def test_any_source_of_the_same_rows_gives_the_same_lines(source, tmp_path, whole):
    found = read(go(tmp_path / "out", SOURCES[source](WITH_ID, tmp_path)))
    expected = read(whole)
    pd.testing.assert_frame_equal(found[list(expected)], expected, check_dtype=False, rtol=1e-12)


def test_an_array_without_names_is_a_source(tmp_path):
    X = RNG.normal(size=(12, 2))
    asked = px.Predictor(lambda rows: rows[:, 0] * rows[:, 1])
    found = read(go(tmp_path, X, asked=asked, space=px.TabularSpace(X)))
    assert {"x_x0", "value_x1"} <= set(found) and len(found) == 12


WHOLE = [9007199254740993, 9007199254740995]  # no float holds them


def test_what_is_carried_along_stays_what_it_was(tmp_path):
    X = pd.DataFrame({"a": [0.0, 1.0, 2.0]})
    beside = X.assign(
        id=pd.array([WHOLE[0], None, WHOLE[1]], dtype="Int64"), zip=["00501", "NA", ""], tags=[[1] * 1500, [], [2]]
    )
    space, asked = px.TabularSpace(X), px.Predictor(lambda rows: rows["a"])
    beside.to_parquet(tmp_path / "x.parquet")
    go(tmp_path / "parquet", tmp_path / "x.parquet", asked=asked, space=space)
    parquet = pytest.importorskip("pyarrow.parquet")
    table = parquet.read_table(tmp_path / "parquet" / "parts" / "part-000000.parquet")
    assert table["x_id"].to_pylist() == [WHOLE[0], None, WHOLE[1]]
    assert table["x_tags"].to_pylist() == [[1] * 1500, [], [2]]
    as_csv = go(tmp_path / "csv", tmp_path / "x.parquet", asked=asked, space=space, format="csv")
    lines = pd.read_csv(as_csv / "parts" / "part-000000.csv", dtype=str)
    assert lines["x_id"].tolist()[::2] == [str(one) for one in WHOLE] and json.loads(lines["x_tags"][0]) == [1] * 1500
    beside.drop(columns="tags").to_csv(tmp_path / "x.csv", index=False)
    text = parquet.read_table(
        go(tmp_path / "text", tmp_path / "x.csv", asked=asked, space=space) / "parts" / "part-000000.parquet"
    )
    assert text["x_id"].to_pylist() == [str(WHOLE[0]), None, str(WHOLE[1])]
    assert text["x_zip"].to_pylist() == ["00501", "NA", None]


def test_an_index_with_a_name_is_carried_along(tmp_path):
    named = TABLE.set_axis([f"r{i}" for i in range(N)], axis=0).rename_axis("who")
    assert read(go(tmp_path / "frame", named))["x_who"].tolist()[::2] == list(named.index)
    dask = pytest.importorskip("dask.dataframe")
    assert read(go(tmp_path / "dask", dask.from_pandas(named, npartitions=2, sort=False)))["x_who"].tolist()[::2] == list(
        named.index
    )


def test_files_may_differ_in_what_holds_their_numbers(tmp_path):
    X = pd.DataFrame({"a": [0.0, 1.0]})
    X.assign(note=pd.Series([None, None], dtype=object), size=[1, 2]).to_parquet(tmp_path / "0.parquet")
    X.assign(note=["x", "y"], size=[1.5, 2.5]).to_parquet(tmp_path / "1.parquet")
    space, asked = px.TabularSpace(X), px.Predictor(lambda rows: rows["a"])
    found = read(go(tmp_path / "out", tmp_path / "?.parquet", asked=asked, space=space, part_rows=3))
    assert found["x_size"].tolist() == [1.0, 2.0, 1.5, 2.5] and found["x_note"].isna().tolist() == [True, True, False, False]
    X.assign(note=["x", "y"], size=["A7", "B"]).to_parquet(tmp_path / "2.parquet")
    with pytest.raises(ValueError, match=r"the column 'size' is int64 in 0.parquet and (large_)?string in 2.parquet"):
        as_blocks(tmp_path / "?.parquet")


def test_dates_of_a_text_are_those_of_one_rule(tmp_path):
    ours = WITH_ID.assign(when=TABLE["when"].dt.strftime("%m/%d/%Y"))
    text_of(ours, tmp_path / "x.csv")
    with pytest.raises(ValueError, match=r"'when' is of dates, and '.*' is none as ISO 8601 writes it"):
        go(tmp_path / "out", tmp_path / "x.csv")


def test_folders_within_a_folder_are_told(tmp_path):
    (tmp_path / "in" / "year=2024").mkdir(parents=True)
    TABLE.to_parquet(tmp_path / "in" / "top.parquet")
    TABLE.to_parquet(tmp_path / "in" / "year=2024" / "0.parquet")
    with pytest.raises(ValueError, match=r"has tables in folders of its own, such as 'year=2024'"):
        as_blocks(tmp_path / "in")
    assert as_blocks(str(tmp_path / "in" / "**" / "*.parquet")).n_rows == 2 * N


def test_values_of_an_array_are_taken_in_the_order_of_the_columns(tmp_path):
    X = pd.DataFrame(RNG.normal(size=(6, 2)), columns=["a", "b"])
    space, asked = px.TabularSpace(X), px.Predictor(lambda rows: rows["a"] - rows["b"])
    found = read(go(tmp_path, X.to_numpy(), asked=asked, space=space))
    np.testing.assert_array_equal(found[["x_a", "x_b"]], X)


@pytest.mark.parametrize("chosen", [range(3, 20, 4), range(19, 2, -4), [3, 7, 11, 15, 19]])
def test_some_rows_keep_their_numbers(chosen):
    found = list(as_blocks(TABLE).only(chosen).of(2))
    assert [number for block in found for number in block.index] == [3, 7, 11, 15, 19]
    assert [len(block) for block in found] == [2, 2, 1]


def test_text_says_of_a_column_what_all_of_it_says(tmp_path, monkeypatch):
    # whole numbers first and fractions later, words that begin as numbers, a cell that is missing late
    from perturbxai.reporting.parts import text_files

    monkeypatch.setattr(text_files, "SURVEYED_AT_ONCE", 2)
    path = tmp_path / "x.csv"
    path.write_text("i,f,w,m,b,e\n1,1,1,1,True,\n2,2,2,2,False,\n3,3.5,A3,,True,\n", encoding="utf-8")
    like = as_blocks(path).like
    whole = pd.read_csv(path)
    assert [dtype.kind for dtype in like.dtypes] == [
        "i", "f", like["w"].dtype.kind, "f", "b", "f",
    ]  # fmt: skip
    found = pd.concat(as_blocks(path).read())
    assert found["w"].tolist() == ["1", "2", "A3"]
    for name in ("i", "f", "m", "b", "e"):
        pd.testing.assert_series_equal(found[name].reset_index(drop=True), whole[name])


def test_a_line_with_more_values_than_names_is_refused_wherever_it_stands(tmp_path):
    (tmp_path / "x.csv").write_text("a,b\n" + "1,2\n" * 300 + "1,2,3\n")
    with pytest.raises(ValueError, match=r"x\.csv cannot be read as CSV"):
        as_blocks(tmp_path / "x.csv")


def test_csv_parts_are_read_back_as_they_were(tmp_path):
    folder = go(tmp_path, WITH_ID.assign(id="=1+1"), format="csv")
    found = px.read_csv(sorted((folder / "parts").iterdir())[0])
    assert found["x_id"].tolist() == ["=1+1"] * 20
    expected = px.explain("kernel_shap", predictor(), SPACE, TABLE[:10], budget=40, seed=2)["kernel_shap"]
    np.testing.assert_array_equal(found["value_a"], expected.values[:, 0].ravel())


def test_a_table_is_held_a_block_at_a_time():
    alive = []

    class Partitions:
        npartitions = 40
        partitions = property(lambda self: [self] * 40)
        columns = ("a",)

        def compute(self):
            frame = pd.DataFrame({"a": np.arange(50.0)})
            alive.append(weakref.ref(frame))
            return frame

    most = 0
    for number, block in enumerate(as_blocks(Partitions()).of(120)):
        assert block["a"].tolist() == [float(i % 50) for i in range(number * 120, min(2000, number * 120 + 120))]
        assert block.index.tolist() == list(range(number * 120, min(2000, number * 120 + 120)))
        most = max(most, sum(ref() is not None for ref in alive))
    assert most <= 4


def test_a_file_is_read_a_page_at_a_time(tmp_path):
    pd.DataFrame({"a": np.arange(3.0 * READ_AT_ONCE)}).to_parquet(tmp_path / "x.parquet")
    assert {len(frame) for frame in as_blocks(tmp_path / "x.parquet").read()} == {READ_AT_ONCE}


def test_workers_write_the_same_files(tmp_path, undisturbed):
    with joblib.parallel_config(backend="threading"):
        shared = go(tmp_path / "shared", n_jobs=2)
    assert written(shared) == undisturbed


def test_outputs_are_those_of_the_first_row_where_there_are_many(tmp_path):
    X = np.eye(30)[:12]
    asked = px.Predictor(lambda rows: rows @ np.arange(900.0).reshape(30, 30))
    with pytest.warns(UserWarning, match="5 highest"):
        found = read(go(tmp_path, X, asked=asked, space=px.TabularSpace(np.eye(30)), budget=62, part_rows=5))
    assert found.groupby("row")["output"].agg(list).map(sorted).map(tuple).nunique() == 1


# ----------------------------------------------------------------------------------------------------- going on after an end


class Killed(BaseException):
    """What no code of ours catches, as it catches no kill."""


@pytest.fixture(scope="module")
def undisturbed(whole):
    return written(whole)


@pytest.fixture
def done(tmp_path, whole):
    """The folder of a run that is finished, to do harm to."""
    shutil.copytree(whole, tmp_path, dirs_exist_ok=True)
    return tmp_path


@pytest.mark.parametrize("step", ["replace", "fsync"])
def test_stopped_at_any_step_the_same_call_makes_the_same_files(step, tmp_path, monkeypatch):
    few = {"x": WITH_ID[:5], "part_rows": 2}
    real, undisturbed = getattr(os, step), written(go(tmp_path / "whole", **few))
    for at in range(100):
        count = iter(range(10**6))

        def stops(*given, at=at, count=count):
            if next(count) == at:
                raise Killed
            return real(*given)

        folder = tmp_path / str(at)
        with monkeypatch.context() as patched:
            patched.setattr(os, step, stops)
            try:
                go(folder, **few)
            except Killed:
                pass
            else:
                break
        assert written(go(folder, **few)) == undisturbed
        assert status(folder).finished
    assert at > 5


def test_what_is_done_is_not_asked_again(tmp_path):
    asked, seen = predictor(), []

    def fails(rows):
        seen.append(len(rows))
        if len(seen) > 5:
            raise ZeroDivisionError("late")
        return model(rows)

    late = px.Predictor(fails, outputs=["first", "second"])
    with pytest.raises(ZeroDivisionError) as caught:
        go(tmp_path, asked=late)
    done = status(tmp_path).n_parts
    assert done >= 1 and any(f"{done * 10} of 25 rows" in told for told in caught.value.__notes__)
    go(tmp_path, asked=asked)
    whole = predictor()
    go(tmp_path.with_name("other"), asked=whole)
    once = 5 + 1  # the background and the first row, by which the model is known again
    share = (whole.rows - once) / N
    one_of_the_last_part = 1
    assert asked.rows - once - one_of_the_last_part == pytest.approx(share * (N - 10 * done), rel=0.02)
    again = predictor()
    go(tmp_path, asked=again)
    assert again.rows == once + one_of_the_last_part


def test_a_run_that_is_killed_goes_on_in_another_process(tmp_path):
    script = textwrap.dedent("""
        import os, signal, sys
        import numpy as np
        import perturbxai as px
        from perturbxai.reporting.parts import ledger
        if sys.argv[2] == "kill":
            real = ledger.Ledger.add
            def add(self, part):
                if part.number == 2:
                    os.kill(os.getpid(), signal.SIGKILL)
                real(self, part)
            ledger.Ledger.add = add
        X = np.random.default_rng(0).normal(size=(20, 3))
        predictor = px.Predictor(lambda rows: rows[:, 0] * rows[:, 1] + rows[:, 2])
        px.explain_to(sys.argv[1], "kernel_shap", predictor, px.TabularSpace(X), X, part_rows=4, format="csv")
    """)

    def run(folder, how):
        return subprocess.run([sys.executable, "-c", script, str(folder), how], capture_output=True, text=True)

    assert run(tmp_path / "killed", "kill").returncode == -9
    found = status(tmp_path / "killed")
    assert (found.n_parts, found.runs, found.finished) == (2, False, False) and found.holder["process"]
    assert "ended without a word" in str(found)
    done = run(tmp_path / "killed", "")
    assert done.returncode == 0 and "ended without a word; its parts are taken" in done.stderr
    X = np.random.default_rng(0).normal(size=(20, 3))
    undisturbed = px.Predictor(lambda rows: rows[:, 0] * rows[:, 1] + rows[:, 2])
    px.explain_to(tmp_path / "whole", "kernel_shap", undisturbed, px.TabularSpace(X), X, part_rows=4, format="csv")
    assert written(tmp_path / "killed") == written(tmp_path / "whole")


@pytest.mark.parametrize("harm", ["cut", "changed", "gone", "torn line", "strange line", "line that leads outside"])
def test_a_part_that_is_not_whole_is_made_again(harm, tmp_path, undisturbed, done):
    assert written(done) == undisturbed
    (tmp_path / "manifest.json").unlink()
    part, lines = tmp_path / "parts" / "part-000001.parquet", tmp_path / ledger.DONE
    if harm == "cut":
        part.write_bytes(part.read_bytes()[:-7])
    elif harm == "changed":
        part.write_bytes(part.read_bytes()[:-1] + b"!")
    elif harm == "gone":
        part.unlink()
    elif harm == "torn line":
        lines.write_bytes(lines.read_bytes()[:-30])
    elif harm == "strange line":
        lines.write_text(lines.read_text() + '{"number": "x"}\nnonsense\n')
    else:
        told = json.loads(lines.read_text().splitlines()[1]) | {"name": "../outside"}
        (tmp_path.parent / "outside").write_bytes(part.read_bytes())
        lines.write_text("\n".join([*lines.read_text().splitlines(), json.dumps(told)]) + "\n")
    go(tmp_path)
    assert written(tmp_path) == undisturbed
    assert len(json.loads((tmp_path / "manifest.json").read_text())["files"]) == 3


def other_model(rows):
    return model(rows) + 1e-3


OTHERS = {
    "seed": {"seed": 3},
    "budget": {"budget": 42},
    "methods": {"methods": "lime"},
    "part_rows": {"part_rows": 5},
    "outputs": {"outputs": ["second"]},
    "background": {"space": px.TabularSpace(TABLE, background=4)},
    "answers": {"asked": px.Predictor(other_model, outputs=["first", "second"])},
    "rows_of_x": {"x": WITH_ID[:24]},
    "format": {"format": "csv"},
}


@pytest.mark.parametrize("what", OTHERS)
def test_parts_of_another_run_are_refused_with_what_differs(what, tmp_path, undisturbed, done):
    assert written(done) == undisturbed
    with pytest.raises(ValueError, match=rf"holds parts of another run: .*{what}"):
        go(tmp_path, **OTHERS[what])
    assert written(tmp_path) == undisturbed


def test_rows_that_changed_are_refused(done):
    changed = WITH_ID.copy()
    changed.loc[12, "b"] += 1
    with pytest.raises(ValueError, match=r"rows 10 to 19 are not those that parts/part-000001.parquet was made of"):
        go(done, changed)


def test_another_version_is_refused(done, monkeypatch):
    monkeypatch.setattr(verb, "of_what_computes", lambda _: {"numpy": "0.1"})
    with pytest.raises(ValueError, match=r"versions.numpy is .* there and \"0.1\" here"):
        go(done)


def test_a_model_that_differs_beside_a_large_offset_is_another(tmp_path):
    go(tmp_path, asked=px.Predictor(lambda rows: model(rows) + 2e6, outputs=["first", "second"]))
    with pytest.raises(ValueError, match="answers at the background rows are others"):
        go(tmp_path, asked=px.Predictor(lambda rows: 2e6 - model(rows), outputs=["first", "second"]))


def test_a_model_that_differs_where_rows_are_explained_is_another(tmp_path):
    X = pd.DataFrame({"a": np.arange(20.0)})
    space = px.TabularSpace(X[:5])
    go(tmp_path, X, asked=px.Predictor(lambda rows: rows["a"]), space=space)
    other = px.Predictor(lambda rows: rows["a"].where(rows["a"] < 9, 1000.0))
    with pytest.raises(ValueError, match=r"the model says \[1000.0\] of row 10, and said \[10.0\]"):
        go(tmp_path, X, asked=other, space=space)


def test_what_the_user_knows_a_model_by_has_to_be_the_same(tmp_path):
    go(tmp_path, known_by={"model": "2024-05"})
    with pytest.raises(ValueError, match=r'known_by\.model is "2024-05" there and "2024-06" here'):
        go(tmp_path, known_by={"model": "2024-06"})


@pytest.mark.parametrize("held", ['{"schema": 1, "files": []}', "nonsense"])
def test_a_folder_with_a_report_of_another_kind_is_refused(held, tmp_path):
    (tmp_path / "manifest.json").write_text(held)
    with pytest.raises(ValueError, match="holds a report"):
        go(tmp_path)
    assert (tmp_path / "manifest.json").read_text() == held


def test_a_manifest_says_what_the_parts_are(tmp_path):
    go(tmp_path)
    told = (tmp_path / "manifest.json").read_text()
    (tmp_path / "manifest.json").write_text("nonsense")
    assert not status(tmp_path).finished
    go(tmp_path)
    assert (tmp_path / "manifest.json").read_text() == told and status(tmp_path).finished
    (tmp_path / "parts" / "part-000001.parquet").unlink()
    assert not status(tmp_path).finished and status(tmp_path).n_parts == 2


def test_no_link_leads_out_of_the_folder(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "parts").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ValueError, match="parts leads outside the folder"):
        go(tmp_path / "out")
    assert not list((tmp_path / "elsewhere").iterdir())


def test_answers_that_differ_by_the_rounding_of_another_machine_are_the_same_model(done):
    (done / "manifest.json").unlink()
    go(done, asked=px.Predictor(lambda rows: model(rows) * (1 + 1e-9), outputs=["first", "second"]))


def test_what_fits_are_worth_is_kept_from_the_first_part(tmp_path, monkeypatch):
    paces = []
    real = verb.explain

    def explain(methods, asked, *given, **options):
        found = real(methods, asked, *given, **options)
        paces.append(asked.pace)
        asked._pace = asked.pace or 1.0
        return found

    monkeypatch.setattr(verb, "explain", explain)
    go(tmp_path)
    lines = (tmp_path / ledger.DONE).read_text().splitlines()
    (tmp_path / ledger.DONE).write_text(json.dumps(json.loads(lines[0]) | {"pace": 123.0}) + "\n")
    (tmp_path / "manifest.json").unlink()
    del paces[:]
    go(tmp_path)
    assert paces == [123.0, 123.0]


# ------------------------------------------------------------------------------------------------------- locks and failures


def test_two_runs_into_one_folder_are_refused(tmp_path):
    seen = []

    def asks(rows):
        if not seen:
            seen.append(1)
            with pytest.raises(ValueError, match=rf"a run goes on in it, by process {os.getpid()} on"):
                go(tmp_path)
            assert status(tmp_path).runs if (tmp_path / ledger.RUN).exists() else True
        return model(rows)

    go(tmp_path, asked=px.Predictor(asks, outputs=["first", "second"]))
    assert seen and not status(tmp_path).runs and not (tmp_path / lock.HOLDER).exists()


def test_a_full_disk_costs_one_part_and_no_more(tmp_path, monkeypatch, undisturbed):
    real = part_files._write_parquet

    def full(lines, path, *given):
        real(lines, path, *given)
        if "000001" in path.name:
            raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(part_files, "_write_parquet", full)
        with pytest.raises(OSError, match=r"those before it are there\. Free some space, and call again") as caught:
            go(tmp_path)
    assert any("10 of 25 rows" in told for told in caught.value.__notes__)
    assert [path.name for path in (tmp_path / "parts").iterdir()] == ["part-000000.parquet"]
    assert written(go(tmp_path)) == undisturbed


def test_a_model_that_fails_at_once_leaves_no_folder(tmp_path):
    def fails(_rows):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        go(tmp_path / "new", asked=px.Predictor(fails))
    assert not (tmp_path / "new").exists()


def test_the_manifest_lists_parts_and_what_the_columns_mean(tmp_path):
    told = json.loads((go(tmp_path, asked=predictor(output="raw")) / "manifest.json").read_text())
    sums = {one["name"]: one["sha256"] for one in told["files"]}
    assert sums == {f"parts/{name}": hashlib.sha256(held).hexdigest() for name, held in written(tmp_path).items()}
    units = {one["name"]: one["unit"] for one in told["columns"]}
    assert units["value_a"] == units["base"] == "raw" and units["x_a"] == "as in the table"
    assert [one["name"] for one in told["columns"]] == list(read(tmp_path))
    assert told["model_rows"] > 0 and told["seed"] == 2
    parquet = pytest.importorskip("pyarrow.parquet")
    field = parquet.read_schema(tmp_path / "parts" / "part-000000.parquet")
    assert field.field("value_a").metadata[b"unit"] == b"raw"


def never(_rows):
    raise AssertionError("the model was asked")


WRONG = {
    "format": ({"format": "xml"}, ValueError, "format="),
    "part_rows": ({"part_rows": 0}, ValueError, "part_rows="),
    "pictures": ({"space": px.ImageSpace()}, TypeError, "ImageSpace; explain_to writes the rows of tables"),
    "methods": ({"methods": "grad_cam"}, ValueError, "grad_cam"),
    "budget": ({"budget": 3}, ValueError, "budget=3"),
    "no rows": ({"x": WITH_ID[:0]}, ValueError, "x has no rows"),
    "a number": ({"x": 3.0}, TypeError, "is no table"),
    "no file": ({"x": "nowhere.csv"}, ValueError, "there is no such file"),
    "a column less": ({"x": WITH_ID.drop(columns="b")}, ValueError, r"lacks the feature\(s\) 'b'"),
    "a new word": ({"x": WITH_ID.assign(code="y")}, ValueError, "which X does not have"),
    "a column twice": ({"x": pd.concat([WITH_ID, WITH_ID[["id"]]], axis=1)}, ValueError, "'id' twice"),
    "names for an array": ({"x": TABLE, "space": px.TabularSpace(np.eye(7))}, ValueError, "The space is of an array"),
    "no folder": ({"folder": None}, ValueError, "folder=None is no folder"),
    "a dask array": ({"x": type("Array", (), {"npartitions": 1, "partitions": ()})()}, TypeError, "is no table"),
    "n_jobs": ({"n_jobs": 0}, ValueError, "n_jobs=0"),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_is_told_before_the_model_is_asked(what, tmp_path):
    options, kind, told = WRONG[what]
    with pytest.raises(kind, match=told):
        go(**{"folder": tmp_path / "out", "asked": px.Predictor(never)} | options)
    assert not (tmp_path / "out").exists()


def test_without_pyarrow_text_is_written_and_parquet_refused_at_once(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(ImportError, match=r"the package pyarrow is not installed: pip install .* format=\"csv\""):
        go(tmp_path / "out", asked=px.Predictor(never))
    assert len(written(go(tmp_path / "csv", format="csv"))) == 3


def test_files_of_different_tables_are_refused(tmp_path):
    pd.DataFrame({"a": [1.0]}).to_parquet(tmp_path / "0.parquet")
    pd.DataFrame({"b": [1.0]}).to_parquet(tmp_path / "1.parquet")
    with pytest.raises(ValueError, match=r"1.parquet and 0.parquet have not the same columns: 'a', 'b'"):
        as_blocks(tmp_path)
    (tmp_path / "0.csv").write_text("a\n1\n")
    with pytest.raises(ValueError, match="mixes Parquet and other files"):
        as_blocks(tmp_path)


def test_status_tells_of_a_run_and_of_none(tmp_path, whole):
    with pytest.raises(ValueError, match=r"no run\.json of a run in parts"):
        status(tmp_path)
    shutil.copytree(whole, tmp_path, dirs_exist_ok=True)
    assert "done: 25 of 25 rows (100 %), in 3 of 3 parts" in str(status(tmp_path))
    (tmp_path / "manifest.json").unlink()
    lines = (tmp_path / ledger.DONE).read_text().splitlines()
    (tmp_path / ledger.DONE).write_text(lines[0] + "\n")
    told = str(status(tmp_path))
    assert "done: 10 of 25 rows (40 %), in 1 of 3 parts" in told and "left: 15 rows, about" in told
    assert "the same command goes on from here" in told


def test_it_says_where_it_is(tmp_path):
    seen = []
    go(tmp_path, asked=predictor(progress=lambda done, total: seen.append((done, total))))
    assert seen[-3:] == [(10, 25), (20, 25), (25, 25)]


def test_folders_are_paths(tmp_path):
    assert go(str(tmp_path / "a" / "b")) == Path(tmp_path / "a" / "b")
