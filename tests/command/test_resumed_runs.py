"""A run that was stopped, by whatever, goes on from what it had found, and reports what an undisturbed one reports."""

from __future__ import annotations

import json
import re
import shutil
import sys

import numpy as np
import pandas as pd
import pytest
from kept_steps import Killed, assert_alike, reported
from PIL import Image

import perturbxai as px
from perturbxai.calls import steps as kept
from perturbxai.command import cli
from perturbxai.command.config import parse_config
from perturbxai.command.run import run
from perturbxai.reporting import report
from perturbxai.reporting.manifest import ASIDE
from perturbxai.reporting.parts import lock, steps
from perturbxai.reporting.parts.status import told
from perturbxai.reporting.parts.steps import STEPS

TIMES = ("seconds", "model_seconds", "call_seconds")
MODULE = """
import numpy as np

ASKED = {"table": 0, "photo": 0}
SHIFT = 0.0

def table():
    def model(rows):
        ASKED["table"] += len(rows)
        return np.tanh(rows.to_numpy() @ [1.0, -2.0, 0.5, 1.0]) + SHIFT
    return model

def photo():
    def model(pictures):
        ASKED["photo"] += len(pictures)
        return np.stack([pictures[:, :8].mean(axis=(1, 2, 3)), pictures[:, 8:].mean(axis=(1, 2, 3)) ** 2], axis=1) + SHIFT
    return model
"""


@pytest.fixture
def own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(kept, "ROWS_A_STEP", 3)
    monkeypatch.setattr(report.drawing, "figures", lambda *_: [])  # they take most of the time
    rng = np.random.default_rng(0)
    pd.DataFrame(rng.normal(size=(30, 4)), columns=list("abcd")).to_csv("table.csv", index=False)
    for name in "pq":
        Image.fromarray(rng.integers(0, 255, (16, 16, 3), dtype=np.uint8)).save(f"{name}.png")
    (tmp_path / "ownmodels.py").write_text(MODULE)
    monkeypatch.delitem(sys.modules, "ownmodels", raising=False)
    yield tmp_path
    sys.modules.pop("ownmodels", None)


def config(**more):
    photo = {
        "image": ["p.png", "q.png"], "size": 16, "segments": "grid", "n_segments": 4, "fills": ["mean", 0],
        "methods": ["lime"], "baselines": ["random", "centre"], "model": "ownmodels:photo", "budget": 16, "metrics": ["srg"],
    }  # fmt: skip
    table = {
        "data": "table.csv", "model": "ownmodels:table", "inputs": 5, "methods": ["lime", "kernel_shap"], "budget": 12,
        "background": 8, "baselines": ["random"], "metrics": ["faithfulness"],
    }  # fmt: skip
    return parse_config({"photo": photo, "table": table} | more)


def go(folder, how=None):
    return run(how or config(), folder, progress=False)


def asked():
    return dict(sys.modules["ownmodels"].ASKED)


@pytest.mark.usefixtures("own")
@pytest.mark.parametrize("sections", ["photo", "table", pytest.param("both", marks=pytest.mark.slow)])
def test_stopped_after_any_step_the_same_run_reports_the_same(sections, tmp_path, monkeypatch):
    how = config(**{"photo": {"table": None}, "table": {"photo": None}}.get(sections, {}))
    go(tmp_path / "whole", how)
    undisturbed, real = reported(tmp_path / "whole"), steps.write_json
    for at in range(100):
        count = iter(range(10**6))

        def stops(*given, at=at, count=count):
            real(*given)
            if next(count) == at:
                raise Killed

        folder = tmp_path / str(at)
        with monkeypatch.context() as patched:
            patched.setattr(steps, "write_json", stops)
            try:
                go(folder, how)
            except Killed:
                assert (folder / STEPS).is_dir() and not (folder / "manifest.json").exists()
            else:
                break
        done = go(folder, how)
        begun = 2 if sections == "both" else 1  # files that say what is to be done
        assert at < begun or any("before the run was stopped" in one or "an earlier run" in one for one in done.told)
        assert_alike(reported(folder), undisturbed)
        assert not (folder / STEPS).exists() and not (folder / lock.LOCK).exists()
        assert {path.name for path in folder.iterdir()} == {path.name for path in (tmp_path / "whole").iterdir()}
    assert at > (8 if sections == "both" else 3)


@pytest.mark.usefixtures("own")
def test_what_was_found_is_not_asked_again_and_counts_as_it_did(tmp_path, monkeypatch):
    whole = go(tmp_path / "whole")
    everything = asked()
    stopped, real = 0, steps.write_json

    def stops(path, said):
        real(path, said)
        if said.get("step", "").startswith("explain") and len(list(path.parent.iterdir())) == 4:  # run.json and three steps
            raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(steps, "write_json", stops)
        with pytest.raises(Killed):
            go(tmp_path / "out")
    stopped = asked()["photo"] - everything["photo"]
    done = go(tmp_path / "out")
    again = asked()["photo"] - everything["photo"] - stopped
    assert stopped + again <= everything["photo"] + 5  # by one row a model is known again; ends of a call are asked anew
    assert again < 0.8 * everything["photo"]
    assert done.facts["photo"]["rows"] - whole.facts["photo"]["rows"] in range(6)


def stop_at(monkeypatch, what, folder, how):
    """A run that is killed once it has kept a step of that name."""
    real = steps.write_json

    def stops(path, said):
        real(path, said)
        if "step" in said and said["step"].startswith(what):
            raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(steps, "write_json", stops)
        with pytest.raises(Killed):
            go(folder, how)


OTHER = {
    "seed": {"seed": 5},
    "budget": {"table": config().table.model_dump(exclude_unset=True) | {"budget": 14}},
    "metrics": {"table": config().table.model_dump(exclude_unset=True) | {"metrics": ["srg"]}},
}


@pytest.mark.usefixtures("own")
@pytest.mark.parametrize("what", [*OTHER, "data", "model"])
def test_what_another_run_found_is_not_taken_and_not_lost(what, tmp_path, monkeypatch):
    folder, alone = tmp_path / "out", config(photo=None)
    stop_at(monkeypatch, "exact", folder, alone)
    kept = sorted((folder / STEPS).rglob("*.json"))
    if what == "data":
        pd.read_csv("table.csv").assign(a=0.0).to_csv("table.csv", index=False)
    elif what == "model":
        (tmp_path / "ownmodels.py").write_text(MODULE + "\n# another\n")
    other = parse_config(alone.model_dump(exclude_unset=True) | {"photo": None} | OTHER.get(what, {}))
    done = go(folder, other)
    assert any("of runs that were stopped are kept in" in one for one in done.told)
    assert sorted((folder / STEPS).rglob("*.json")) == kept
    go(tmp_path / "fresh", other)
    assert_alike(reported(folder), reported(tmp_path / "fresh"))
    if what in OTHER:
        assert any("it went on" in one for one in go(folder, alone).told)
        assert not (folder / STEPS).exists()


@pytest.mark.usefixtures("own")
def test_a_model_that_answers_otherwise_begins_anew_and_that_is_told(tmp_path, monkeypatch):
    folder, alone = tmp_path / "out", config(photo=None)
    stop_at(monkeypatch, "exact", folder, alone)
    sys.modules["ownmodels"].SHIFT = 0.01
    assert any("was not taken, for the model's answers are others" in one for one in go(folder, alone).told)
    go(tmp_path / "fresh", alone)
    assert_alike(reported(folder), reported(tmp_path / "fresh"))


@pytest.mark.usefixtures("own")
def test_maps_alone_are_taken_too(tmp_path, monkeypatch):
    maps = config().photo.model_dump(exclude_unset=True) | {"methods": ["random"], "baselines": ["centre"]}
    how = parse_config({"photo": maps})
    stop_at(monkeypatch, "", tmp_path / "out", how)
    assert any("it went on" in one for one in go(tmp_path / "out", how).told)
    go(tmp_path / "whole", how)
    assert_alike(reported(tmp_path / "out"), reported(tmp_path / "whole"))


@pytest.mark.usefixtures("own")
def test_a_disk_that_is_full_stops_no_run(tmp_path, monkeypatch):
    def full(_path, _said):
        raise OSError(28, "No space left on device")

    go(tmp_path / "whole")
    monkeypatch.setattr(steps, "write_json", full)
    done = go(tmp_path / "out")
    assert any("not all that was found could be kept until the end: No space left" in one for one in done.told)
    assert_alike(reported(tmp_path / "out"), reported(tmp_path / "whole"))


@pytest.mark.usefixtures("own")
def test_a_report_that_is_no_longer_whole_is_written_again(tmp_path, monkeypatch):
    go(tmp_path / "whole")
    stop_at(monkeypatch, "explain", tmp_path / "out", config(photo=None))
    stop_at(monkeypatch, "exact", tmp_path / "out", config())
    assert (tmp_path / "out" / "photo" / "attributions.csv").is_file()
    (tmp_path / "out" / "photo" / "attributions.csv").write_text("oops")
    go(tmp_path / "out")
    assert_alike(reported(tmp_path / "out"), reported(tmp_path / "whole"))


@pytest.mark.usefixtures("own")
def test_parts_and_reports_have_folders_of_their_own(tmp_path):
    X = pd.read_csv("table.csv")
    px.explain_to("out", "kernel_shap", px.Predictor(lambda rows: rows["a"]), px.TabularSpace(X), X)
    with pytest.raises(ValueError, match="holds the parts of --out"):
        go(tmp_path / "out", config(photo=None))
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / STEPS).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ValueError, match="leads outside the folder"):
        go(tmp_path / "other", config(photo=None))
    assert not list((tmp_path / "elsewhere").iterdir())


@pytest.mark.usefixtures("own")
@pytest.mark.parametrize("harm", ["cut", "nonsense", "changed", "counts"])
def test_a_step_that_is_not_whole_is_done_again(harm, tmp_path, monkeypatch):
    alone = config(photo=None)
    go(tmp_path / "whole", alone)
    stop_at(monkeypatch, "compare", tmp_path / "out", alone)
    for path in (tmp_path / "out" / STEPS).rglob("*.json"):
        text = path.read_text()
        if path.name == "run.json":
            continue
        held = {"cut": text[:-20], "nonsense": json.dumps({"step": "x", "results": 3})}
        changed = {key: one.replace("0", "1", 1) for key, one in json.loads(text)["results"].items()}
        another = {"meters": [7, 0, 0.1, 0, None]} if harm == "counts" else {"results": changed}
        path.write_text(held.get(harm) or json.dumps(json.loads(text) | another))
    assert not any("it went on" in one for one in go(tmp_path / "out", alone).told)
    assert_alike(reported(tmp_path / "out"), reported(tmp_path / "whole"))


@pytest.mark.usefixtures("own")
def test_two_runs_into_one_folder_are_refused(tmp_path):
    with lock.alone_in(tmp_path / "out"), pytest.raises(ValueError, match="a run goes on in it, by process"):
        go(tmp_path / "out")


@pytest.mark.usefixtures("own")
def test_a_command_says_that_it_went_on(monkeypatch, capsys):
    words = ["explain", "--table", "table.csv", "--model", "ownmodels:table", "--inputs", "5", "--results", "out"]
    real = steps.write_json

    def stops(path, said):
        real(path, said)
        if "step" in said:
            raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(steps, "write_json", stops)
        assert cli.main([*words, "--quiet"]) == 130
    assert cli.main(["status", "out"]) == 0
    out = capsys.readouterr().out
    assert "table: 1 of 2 steps done (50 %), about " in out and " left; " in out and " of the model's rows, " in out
    assert "not running; the same command goes on from here" in out
    assert cli.main(words) == 0
    assert capsys.readouterr().out.startswith("table: it went on from what an earlier run had found until it was stopped\n")
    assert cli.main(["status", "out"]) == 0
    assert "manifest.json lists all files" in capsys.readouterr().out


@pytest.mark.usefixtures("own")
def test_a_run_says_from_the_beginning_what_is_left(tmp_path, monkeypatch):
    """Of each section, and less with each step, until all that was planned is there."""
    seen, real = [], steps.write_json

    def looks(path, said):
        real(path, said)
        seen.append([line for line in told(tmp_path / "out").splitlines() if "steps done" in line])

    monkeypatch.setattr(steps, "write_json", looks)
    go(tmp_path / "out")
    counts = [
        [re.match(r"(photo|table): (\d+) of (\d+) steps done \((\d+) %\)", line).groups() for line in one] for one in seen
    ]
    assert counts[0] == [("photo", "0", "10", "0")]  # two pictures: under two fills, maps, scores
    assert counts[1] == [("photo", "0", "10", "0"), ("table", "0", "8", "0")]
    assert counts[-2] == [("table", "8", "8", "100")]  # photo is reported
    done = [(int(steps), int(share)) for one in counts for name, steps, _, share in one if name == "photo"]
    # the share is of the time that steps take, which is known better the more of them are done
    assert [steps for steps, _ in done] == sorted(steps for steps, _ in done) and done[-1] == (10, 100)


@pytest.mark.usefixtures("own")
def test_what_a_run_left_that_was_stopped_hides_no_report(tmp_path):
    """Whether it had kept something or not; and what is empty goes."""
    out = tmp_path / "out"
    keep(out / STEPS / "photo-1", {"explain": 3}, [])
    keep(out / STEPS / "photo-2", {"explain": 3}, ["explain"])
    go(out)
    assert [path.name for path in (out / STEPS).iterdir()] == ["photo-2"]
    says = told(out)
    assert "finished: " in says and "steps done" not in says and "MB of runs that were stopped are kept" in says
    shutil.rmtree(out / STEPS)
    assert told(out).endswith("manifest.json lists all files")
    keep(out / STEPS / "photo-3", {"explain": 3}, ["explain"])  # a later one
    assert "photo: 1 of 3 steps done" in told(out) and "finished" not in told(out)


@pytest.mark.parametrize(
    "head",
    [{"meters": []}, {"meters": [1]}, {"meters": ["a", 1, 2]}, {"meters": [1, 2, 3], "seconds": None},
     {"meters": [1, 2, 3], "seconds": "u"}, {"meters": 5}, [], {}],
)  # fmt: skip
def test_a_file_that_is_no_step_is_not_counted(tmp_path, head):
    folder = tmp_path / STEPS / "photo-1"
    keep(folder, {"explain": "x"} if head == {} else {"explain": 2}, ["explain"])
    steps.write_json(folder / "foreign.json", head | {"results": {}} if isinstance(head, dict) else head)
    assert re.search(r"photo: 1 (of 2 )?steps done", told(tmp_path))


def keep(folder, planned, kept):
    """A section's folder: what was planned, and steps that took a second each."""
    folder.mkdir(parents=True)
    (folder / "run.json").write_text(json.dumps({"planned": planned}))
    for number, name in enumerate(kept):
        step = {"step": f"{name} {number}", "meters": [10, 0, 0.5, 0, None], "seconds": 1.0, "results": {}}
        steps.write_json(folder / f"{number}.json", step)
        (folder / f"{ASIDE}{number}.json").write_text(json.dumps(step, indent=2)[:-9])  # half written, as a kill leaves it


@pytest.mark.parametrize(
    ("planned", "kept", "says"),
    [
        ({"explain": 4, "compare": 4}, ["explain"] * 2, "2 of 8 steps done (25 %), about 6 s left; 20 of"),
        ({"maps": 9, "compare": 2}, ["maps"] * 3 + ["compare"], "4 of 5 steps done (80 %), about 1 s left; 40 of"),
        ({"explain": 2, "compare": 0}, ["explain"] * 2, "2 of 2 steps done (100 %); 20 of"),
        (None, ["explain"], "1 steps done; 10 of"),
        ({"explain": 2}, [], "0 of 2 steps done (0 %); 0 of the model's rows"),
    ],
    ids=["half", "some maps did not work", "all", "nothing planned", "nothing done"],
)
def test_what_is_left_is_told_of_what_was_planned(tmp_path, planned, kept, says):
    keep(tmp_path / STEPS / "photo-1", planned, kept)
    assert f"photo: {says}" in told(tmp_path)
