"""A second report or run into a folder: one whole report at a time, and nobody else's file is touched."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from stub_results import comparison, result

import perturbxai as px
from perturbxai.command.config import Config
from perturbxai.command.run import run
from perturbxai.reporting import figures as drawing
from perturbxai.reporting import manifest, style


def effects():
    X = np.random.default_rng(0).normal(size=(60, 2))
    predictor, space = px.Predictor(lambda rows: rows @ [1.0, 2.0]), px.TabularSpace(X, background=5)
    return px.effects(["pdp", "ale"], predictor, space, X, features=[0, (0, 1)], grid=3)


KINDS = {
    "photos": lambda: comparison(("lime@blur", "lime@mean", "cam")),
    "one fill": lambda: comparison(("lime@blur", "cam"), fills=("blur",)),
    "table": lambda: comparison(("lime", "pdp"), fills=("background",), picture=False),
    "attribution": lambda: result("lime"),
    "effects": effects,
}


DRAWN = {}


def drawn_once(figures):
    """The same figures as before where they were drawn already: they are not the question here."""

    def found(*what):
        compared = what[1] if len(what) > 1 else None
        key = tuple(map(str, what[0])), compared is not None, tuple(getattr(compared, "call", {}).get("metrics", ()))
        if key not in DRAWN:
            DRAWN[key] = list(figures(*what))
        yield from DRAWN[key]

    return found


@pytest.fixture(autouse=True)
def no_picture_is_drawn(monkeypatch):
    monkeypatch.setattr(style, "save", lambda figure, path: path.write_bytes(repr(figure.get_suptitle()).encode()))
    monkeypatch.setattr(drawing, "figures", drawn_once(drawing.figures))
    monkeypatch.setattr(drawing, "of_effects", drawn_once(drawing.of_effects))


@pytest.fixture(scope="module")
def made():
    return {name: make() for name, make in KINDS.items()}


def contents(place):
    return {path.relative_to(place).as_posix(): path.read_bytes() for path in sorted(place.rglob("*")) if path.is_file()}


def listed(place):
    return {file["name"] for file in json.loads((place / "manifest.json").read_text("utf-8"))["files"]}


def whole(place):
    """Whether the manifest names all that is there, and tells it as it is."""
    told = {file["name"]: file["sha256"] for file in json.loads((place / "manifest.json").read_text("utf-8"))["files"]}
    there = {name: hashlib.sha256(data).hexdigest() for name, data in contents(place).items() if name != "manifest.json"}
    return told == there


@pytest.mark.parametrize(
    ("before", "after"),
    [pytest.param(one, other, marks=pytest.mark.slow if one == other else ()) for one in KINDS for other in KINDS],
)
def test_a_second_report_leaves_nothing_of_the_first_and_all_that_is_not_ours(before, after, made, tmp_path):
    twice, once = tmp_path / "twice", px.report(made[after], tmp_path / "once")
    px.report(made[before], twice)
    mine = {"notes.txt": b"mine", "bars_mine.png": b"a picture", "own/maps_blur.png": b"another", ".hidden": b""}
    for name, data in mine.items():
        (twice / name).parent.mkdir(exist_ok=True)
        (twice / name).write_bytes(data)
    px.report(made[after], twice)
    assert contents(twice) == contents(once) | mine
    assert listed(twice) == listed(once) and whole(once)


def test_a_figure_that_was_changed_since_is_the_user_s(made, tmp_path):
    px.report(made["photos"], tmp_path)
    (tmp_path / "maps_blur.png").write_bytes(b"painted over")
    px.report(made["attribution"], tmp_path)
    assert (tmp_path / "maps_blur.png").read_bytes() == b"painted over"
    assert not (tmp_path / "maps_mean.png").exists() and "maps_blur.png" not in listed(tmp_path)


BREAKS = {
    "a figure": (drawing, "figures"), "a file": (style, "save"),
    "the page": (sys.modules[px.report.__module__], "results_page"),
    "the hashes": (manifest, "describe_file"), "the lock": (manifest, "alone"),
}  # fmt: skip


@pytest.mark.parametrize("failure", [ZeroDivisionError("x"), OSError(28, "No space left on device"), KeyboardInterrupt()])
@pytest.mark.parametrize("where", BREAKS)
def test_a_second_report_that_breaks_off_leaves_the_first_as_it_was(where, failure, made, tmp_path, monkeypatch):
    px.report(made["photos"], tmp_path)
    before = contents(tmp_path)

    def broken(*_, **__):
        raise failure

    monkeypatch.setattr(*BREAKS[where], broken)
    with pytest.raises(type(failure)):
        px.report(made["attribution"], tmp_path)
    assert contents(tmp_path) == before and list(tmp_path.glob(".*")) == []


@pytest.mark.parametrize("moves", range(6))
def test_a_move_that_breaks_off_is_told_and_cleared_up_by_the_next_report(moves, made, tmp_path, monkeypatch):
    px.report(made["photos"], tmp_path)
    done, replace = [], os.replace

    def some(source, target):
        if Path(target).suffix in (".csv", ".png") and len(done) == moves:
            raise OSError(28, "No space left on device")
        replace(source, target)
        done.extend([target] * (Path(target).suffix in (".csv", ".png")))

    with monkeypatch.context() as patched:
        patched.setattr(os, "replace", some)
        with pytest.raises(OSError, match="No space left"):
            px.report(made["table"], tmp_path)
    assert not (tmp_path / "manifest.json").exists()
    told = {file["name"] for file in json.loads((tmp_path / "manifest.json.part").read_text("utf-8"))["files"]}
    assert set(contents(tmp_path)) - {"manifest.json.part"} <= told
    px.report(made["attribution"], tmp_path)
    assert set(contents(tmp_path)) == listed(tmp_path) | {"manifest.json"} and whole(tmp_path)


def test_of_many_reports_at_once_one_stays_whole(made, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    failed = []

    def work(kind):
        try:
            for _ in range(2):
                px.report(made[kind], tmp_path)
        except BaseException as error:
            failed.append(error)

    workers = [threading.Thread(target=work, args=(kind,)) for kind in ("photos", "table", "attribution", "effects")]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert failed == []
    (tmp_path / "notes.txt").unlink()
    assert whole(tmp_path) and list(tmp_path.glob(".*")) == []


# ------------------------------------------------------------------------------------------------ what a manifest may say


def entry(path, name):
    return {"name": name, "bytes": path.stat().st_size, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}


HOSTILE = {
    "up": "../victim.csv", "far up": "../../victim.csv", "dots within": "sub/../../victim.csv", "itself": "./../victim.csv",
    "over a link": "link/victim.csv", "backslash": "..\\victim.csv", "hidden": ".victim.csv", "deep": "a/b/victim.csv",
    "a link": "link.csv", "a note": "notes.txt", "nothing": "", "a folder": "sub", "end of line": "victim.csv\n",
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_manifest_cannot_have_a_report_delete_what_no_report_wrote(name, made, tmp_path):
    place, outside = tmp_path / "deep" / "results", tmp_path / "deep"
    (place / "sub").mkdir(parents=True)
    (place / "a" / "b").mkdir(parents=True)
    victims = [tmp_path / "victim.csv", outside / "victim.csv", place / ".victim.csv", place / "notes.txt",
               place / "a" / "b" / "victim.csv", place / "..\\victim.csv", place / "victim.csv\n"]  # fmt: skip
    for path in victims:
        path.write_text("precious")
    (place / "link").symlink_to(outside)
    (place / "link.csv").symlink_to(outside / "victim.csv")
    absolute = entry(victims[0], str(victims[0]))
    told = {"schema": 1, "files": [entry(victims[0], HOSTILE[name]), absolute, "x", None, {"name": 3, "sha256": "x"}]}
    (place / "manifest.json").write_text(json.dumps(told))
    px.report(made["attribution"], place)
    assert all(path.read_text() == "precious" for path in victims)
    assert (place / "link").is_symlink() and (place / "link.csv").is_symlink() and (place / "sub").is_dir()


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"files": 3}', '{"files": {"a": 1}}', "\x00", "{" * 100, '"x"', "\ud800"])
def test_a_manifest_that_is_none_of_ours_names_nothing(text, made, tmp_path):
    (tmp_path / "manifest.json").write_bytes(text.encode("utf-8", "surrogatepass"))
    (tmp_path / "bars_blur.png").write_text("precious")
    px.report(made["attribution"], tmp_path)
    assert (tmp_path / "bars_blur.png").read_text() == "precious" and "attributions.csv" in listed(tmp_path)


def test_a_link_in_the_place_of_a_manifest_is_not_read_or_written_through(made, tmp_path):
    elsewhere = tmp_path / "elsewhere.json"
    place = px.report(made["photos"], tmp_path / "results")
    (place / "manifest.json").rename(elsewhere)
    before = elsewhere.read_bytes()
    (place / "manifest.json").symlink_to(elsewhere)
    px.report(made["attribution"], place)
    assert elsewhere.read_bytes() == before and not (place / "manifest.json").is_symlink()
    assert (place / "maps_blur.png").exists()  # nothing here says that a report wrote it


def test_what_stands_in_a_file_s_place_and_is_a_folder_is_refused(made, tmp_path):
    before = contents(px.report(made["photos"], tmp_path))
    (tmp_path / "effects.csv").mkdir()
    with pytest.raises(ValueError, match=r"effects\.csv is a folder"):
        px.report(made["effects"], tmp_path)
    assert contents(tmp_path) == before


def test_files_may_be_read_by_those_who_could_read_them_before(made, tmp_path):
    px.report(made["attribution"], tmp_path)
    (tmp_path / "plain").write_text("x")
    modes = {path.stat().st_mode for path in tmp_path.iterdir()}
    assert len(modes) == 1


# ------------------------------------------------------------------------------------------------ runs


def config(tmp_path, **table):
    data = tmp_path / "data.csv"
    rng = np.random.default_rng(0)
    rows = [f"{a:.3f},{b:.3f},{a - b:.3f}" for a, b in rng.normal(size=(40, 2))]
    data.write_text("\n".join(["a,b,y", *rows]) + "\n")
    section = {"data": str(data), "target": "y", "methods": ["kernel_shap", "pdp"], "inputs": 2, "background": 5, **table}
    return Config(table=section, results=str(tmp_path / "out"), seed=1)


def test_a_second_run_takes_away_what_the_first_wrote_and_it_does_not(tmp_path, made):
    out = tmp_path / "out"
    px.report(made["photos"], out)  # files at the top
    (out / "photo").mkdir()
    (out / "photo" / "maps_blur.png").write_bytes(b"old")
    (out / "photo" / "mine.png").write_bytes(b"mine")
    told = json.loads((out / "manifest.json").read_text("utf-8"))
    told["files"].append(entry(out / "photo" / "maps_blur.png", "photo/maps_blur.png"))
    (out / "manifest.json").write_text(json.dumps(told))
    run(config(tmp_path), progress=False)
    assert {path.name for path in out.iterdir()} == {"photo", "table", "manifest.json"}
    assert contents(out / "photo") == {"mine.png": b"mine"}
    run(config(tmp_path, metrics=["spearman"]), progress=False)
    assert not (out / "table" / "deletion.png").exists() and (out / "table" / "agreement.png").exists()
    (out / "photo" / "mine.png").unlink()
    assert whole(out)


def test_a_run_that_breaks_off_says_what_is_there(tmp_path, monkeypatch):
    run(config(tmp_path), progress=False)
    out = tmp_path / "out"
    monkeypatch.setattr(drawing, "figures", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        run(config(tmp_path), progress=False)
    assert whole(out / "table")  # the older one
    assert not (out / "manifest.json").exists() and (out / manifest.BEGUN).is_file()
    monkeypatch.undo()
    run(config(tmp_path), progress=False)
    assert whole(out) and not (out / manifest.BEGUN).exists()


@pytest.mark.parametrize("kind", [errno.ENOSPC, errno.EDQUOT])
@pytest.mark.parametrize("where", ["write_csv", "save", "results_page"])
def test_a_full_disk_is_told_with_the_folder_and_a_way_out(tmp_path, monkeypatch, where, kind):
    def full(*_args, **_named):
        raise OSError(kind, "No space left on device")

    home = style if where == "save" else sys.modules["perturbxai.reporting.report"]
    monkeypatch.setattr(home, where, full)
    found = px.explain("occlusion", px.Predictor(lambda rows: rows.sum(axis=1)), px.TabularSpace(np.eye(3)), np.ones((1, 3)))
    with pytest.raises(OSError, match=r"could not be written.*Free some space there, or take another folder") as caught:
        px.report(found, tmp_path / "full")
    assert caught.value.errno == kind and caught.value.filename == str((tmp_path / "full").resolve())
    assert not (tmp_path / "full").exists()
