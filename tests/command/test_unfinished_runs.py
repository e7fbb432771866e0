"""A run that is stopped writes what it had finished, and a folder that cannot be written is found before the work."""

from __future__ import annotations

import errno
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import perturbxai as px
from perturbxai.command.cli import main
from perturbxai.reporting import manifest

MODEL = """
import numpy as np

class Model:
    left = {left}

    def __call__(self, rows):
        rows = np.asarray(rows, dtype=float)
        Model.left -= len(rows)
        if Model.left < 0:
            raise {raised}
        return rows.reshape(len(rows), -1)[:, :4] @ [1.0, 2.0, 3.0, 4.0] if rows.ndim == 2 else rows.mean(axis=(1, 2, 3))

model = Model()
"""
RAISED = {"connection": 'ConnectionResetError("reset by peer")', "memory": "MemoryError()", "ctrl-c": "KeyboardInterrupt()"}


@pytest.fixture
def own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    X = np.random.default_rng(0).normal(size=(40, 4))
    pd.DataFrame(X, columns=list("abcd")).to_csv("table.csv", index=False)
    return tmp_path


def explain(own, number, left, raised="ValueError()", *more):
    (own / f"stopped_{number}.py").write_text(MODEL.format(left=left, raised=raised))
    arguments = ["--table", "table.csv", "--model", f"stopped_{number}:model", "--inputs", "0:4", "--methods"]
    arguments += ["lime,kernel_shap", "--results", "out", "--quiet", "--budget", "16", "--batch-size", "50", *more]
    return main(["explain", *arguments])


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize("kind", RAISED)
@pytest.mark.parametrize(("left", "holds"), [(1300, "attributions"), (2300, "no scores"), (3700, "scores")])
def test_what_was_finished_is_reported_and_told_and_goes_with_the_next_whole_run(own, capsys, kind, left, holds):
    name = f"{kind}_{holds}".replace("-", "_").replace(" ", "_")
    assert explain(own, name, left, RAISED[kind]) == (130 if kind == "ctrl-c" else 2)
    error = capsys.readouterr().err
    assert "what was finished is in" in error and error.count("\n") == 1
    unfinished = own / "out" / "table_unfinished"
    assert {"attributions.csv", "index.html", "manifest.json"} <= {path.name for path in unfinished.iterdir()}
    values = pd.read_csv(unfinished / "attributions.csv")
    assert set(values.method) == {"lime", "kernel_shap"}
    assert (unfinished / "scores.csv").exists() == (holds != "attributions")
    assert not (own / "out" / "manifest.json").exists()
    assert explain(own, f"{name}_whole", 10**9) == 0
    assert not unfinished.exists() and (own / "out" / "manifest.json").exists()


def test_an_older_report_stays_as_it_was_beside_what_was_finished(own, capsys):
    assert explain(own, "first", 10**9) == 0
    before = {path: path.read_bytes() for path in (own / "out").rglob("*") if path.is_file()}
    assert explain(own, "second", 1300, RAISED["connection"]) == 2
    assert "table_unfinished" in capsys.readouterr().err
    assert {path: path.read_bytes() for path in before} == before


def test_a_model_that_fails_at_once_leaves_no_folder(own, capsys):
    assert explain(own, "at_once", 0, RAISED["memory"]) == 2
    assert "what was finished" not in capsys.readouterr().err and not (own / "out").exists()


def test_photos_that_were_finished_are_reported_by_their_files(own, capsys):
    from PIL import Image

    rng = np.random.default_rng(0)
    for name in "abc":
        Image.fromarray(rng.integers(0, 255, (40, 40, 3), dtype=np.uint8)).save(own / f"{name}.png")
    (own / "seen.py").write_text(MODEL.format(left=300, raised=RAISED["connection"]))
    arguments = ["--image", "a.png", "b.png", "c.png", "--model", "seen:model", "--methods", "lime,permutation_shap"]
    arguments += ["--segments", "grid", "--n-segments", "9", "--fills", "mean,0", "--budget", "60"]
    assert main(["explain", *arguments, "--results", "out", "--quiet"]) == 2
    assert "photo_unfinished" in capsys.readouterr().err
    values = pd.read_csv(own / "out" / "photo_unfinished" / "attributions.csv")
    assert set(values.row) == {"a", "b", "c"} and all("@" in one for one in values.method)


# ------------------------------------------------------------------------------------------- before the work


def unwritable(place, kind, monkeypatch):
    """A place of a kind that cannot be written, and what is said of it."""
    if kind == "a file":
        (place / "file").write_text("")
        return place / "file", "is a file; give a folder"
    if kind == "below a file":
        (place / "file").write_text("")
        return place / "file" / "deep" / "er", "is a file; give a folder"
    if kind == "a manifest that is a folder":
        (place / "out" / "manifest.json").mkdir(parents=True)
        return place / "out", "manifest.json is a folder"
    if kind == "a name too long":
        return place / ("n" * 300), "may not be written to .*too long.*; give another folder"
    if kind == "a name with a null":
        return place / "nul\0l", "null"
    number = {"read only": errno.EROFS, "not allowed": errno.EACCES, "full": errno.ENOSPC, "over quota": errno.EDQUOT}[kind]

    def refuse(*_given, **_named):
        raise OSError(number, errno.errorcode[number])

    monkeypatch.setattr(tempfile, "NamedTemporaryFile", refuse)
    return place / "out", rf"may not be written to \({errno.errorcode[number]}\); give another folder"


KINDS = (
    "a file", "below a file", "a manifest that is a folder", "a name too long", "a name with a null", "read only",
    "not allowed", "full", "over quota",
)  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_a_folder_that_cannot_be_written_is_refused_before_anything_is_drawn(kind, tmp_path, monkeypatch):
    place, said = unwritable(tmp_path, kind, monkeypatch)
    space = px.TabularSpace(np.zeros((1, 3)))
    found = px.explain("lime", px.Predictor(lambda rows: rows.sum(axis=1)), space, np.ones((1, 3)))
    monkeypatch.setattr(sys.modules["perturbxai.reporting.report"], "as_results", lambda _: pytest.fail("work was done"))
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(ValueError, match=f"folder=.*{said}"):
        px.report(found, place)
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("command", ["explain", "run"])
def test_a_command_refuses_it_before_the_model_is_made(kind, command, own, monkeypatch, capsys):
    place, said = unwritable(own, kind, monkeypatch)
    (own / "never.py").write_text("raise AssertionError('the model was made')")
    if command == "explain":
        words = ["explain", "--table", "table.csv", "--model", "never:model"]
    else:
        (own / "own.toml").write_text('results = "elsewhere"\n[table]\ndata = "table.csv"\nmodel = "never:model"\n')
        words = ["run", "own.toml"]
    assert main([*words, "--results", str(place), "--quiet"]) == 2
    error = capsys.readouterr().err
    assert pd.Series([error]).str.contains(said).all() and "results" in error


def test_a_folder_that_may_be_written_is_left_as_it_was(tmp_path):
    for place in (tmp_path, tmp_path / "new" / "deep", Path(tmp_path / "there")):
        manifest.check_place(place, "folder=")
    assert not list(tmp_path.iterdir())
