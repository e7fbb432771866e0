"""The model and the space go to each worker once a run, to those without the file too, and leave nothing behind.

Those of a cluster elsewhere: test_clusters.py.
"""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import threading
import time
import weakref
from pathlib import Path
from uuid import uuid4

import numpy as np
import pytest

import perturbxai as px
from perturbxai.calls import packing, sent_once
from perturbxai.calls.packing import Lacking, Sent, pack

X = np.random.default_rng(0).normal(size=(24, 5))
SPACE = px.TabularSpace(X, background=6)


def heavy(mark=None):
    """A model of two megabytes that notes which process unpacks it; workers get its class as it is."""

    class Heavy:
        def __init__(self):
            self.weights = np.linspace(-1.0, 1.0, 250_000)

        def __setstate__(self, state):
            vars(self).update(state)
            if mark is not None:
                with open(mark, "a", encoding="utf-8") as file:
                    file.write(f"{os.getpid()}\n")

        def predict(self, rows):
            if (rows[:, 0] == 777.0).any():
                raise LookupError("no such place")
            return np.tanh(rows[:, :3].sum(axis=1)) + rows[:, 3] * self.weights[-1]

    return Heavy()


def unpacked_by(mark):
    """How often each process unpacked the model."""
    pids = mark.read_text("utf-8").split() if mark.exists() else []
    return [pids.count(pid) for pid in dict.fromkeys(pids)]


@pytest.fixture
def place(tmp_path, monkeypatch):
    """Where files of a run lie."""
    found = tmp_path / "place"
    found.mkdir()
    monkeypatch.setenv("JOBLIB_TEMP_FOLDER", str(found))
    return found


def left_in(place):
    return list(place.glob("perturbxai-*"))


def in_parts(folder, model, n_jobs, x=X, **options):
    px.explain_to(
        folder, "kernel_shap", px.Predictor(model, **options), SPACE, x, budget=20, part_rows=8, format="csv", n_jobs=n_jobs
    )
    return [path.read_bytes() for path in sorted((folder / "parts").iterdir())]


def test_each_worker_unpacks_the_model_once_for_all_parts(tmp_path, place):
    mark = tmp_path / "mark"
    assert in_parts(tmp_path / "two", heavy(mark), 2) == in_parts(tmp_path / "one", heavy(), 1)
    assert unpacked_by(mark) in ([1], [1, 1])  # a worker may have been quicker than the other began
    assert left_in(place) == []


def test_calls_inside_a_run_share_what_they_send(tmp_path, place):
    mark, model = tmp_path / "mark", px.Predictor(heavy(tmp_path / "mark"))
    with sent_once.sent_once():
        found = [px.explain("kernel_shap", model, SPACE, X[:8], budget=20, n_jobs=2)["kernel_shap"] for _ in range(2)]
        assert len(list(left_in(place)[0].iterdir())) == 1  # the space is no large one
    np.testing.assert_array_equal(found[0].values, found[1].values)
    assert set(unpacked_by(mark)) == {1} and left_in(place) == []


def stopped(done, _total):
    if done > 14:
        raise KeyboardInterrupt


@pytest.mark.parametrize("error", [LookupError, KeyboardInterrupt])
def test_nothing_lies_about_after_a_run_that_was_stopped(error, tmp_path, place):
    mark, x = tmp_path / "mark", X.copy()
    x[14, 0] = 777.0
    options = {"progress": stopped} if error is KeyboardInterrupt else {"x": x}
    with pytest.raises(error):
        in_parts(tmp_path / "out", heavy(mark), 2, **options)
    assert len(list((tmp_path / "out" / "parts").iterdir())) >= 1 and unpacked_by(mark)
    assert left_in(place) == []


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="the system does not tell who is whose child")
def test_nor_after_one_that_was_killed_with_its_workers(tmp_path, place):
    code = """
import sys, time
import numpy as np, perturbxai as px
weights = np.ones(250_000)
def model(rows):
    time.sleep(0.02)
    return rows[:, 0] * weights[5]
X = np.random.default_rng(0).normal(size=(90, 4))
space = px.TabularSpace(X)
px.explain_to(sys.argv[1], "kernel_shap", px.Predictor(model), space, X, part_rows=9, format="csv", n_jobs=2)
"""
    run = subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "out")], stderr=subprocess.DEVNULL)
    wait_for(lambda: list((tmp_path / "out").glob("parts/part-*1.csv")))
    assert run.poll() is None and left_in(place)
    children = Path(f"/proc/{run.pid}/task/{run.pid}/children").read_text("utf-8").split()
    workers = [int(one) for one in children if "LokyProcess" in Path(f"/proc/{one}/cmdline").read_text("utf-8")]
    for pid in (run.pid, *workers):
        os.kill(pid, signal.SIGKILL)
    run.wait()
    wait_for(lambda: not left_in(place))
    assert left_in(place) == []


def wait_for(true):
    for _ in range(600):
        if true():
            return
        time.sleep(0.05)


@pytest.fixture
def elsewhere(monkeypatch):
    """Workers find no file, as on another machine."""
    lay = sent_once.Lasting._lay

    def laid(self, file):
        lay(self, file)
        self._file = "/no/such/machine"

    monkeypatch.setattr(sent_once.Lasting, "_lay", laid)


def explained(model, n_jobs=None):
    predictor = model if isinstance(model, px.Predictor) else px.Predictor(model)
    return px.explain("kernel_shap", predictor, SPACE, X[:9], budget=20, n_jobs=n_jobs)["kernel_shap"].values


@pytest.mark.usefixtures("elsewhere")
def test_tasks_bring_what_workers_do_not_find():
    np.testing.assert_array_equal(explained(heavy(), 2), explained(heavy(), 1))


@pytest.mark.parametrize(("what", "error"), [("write", OSError("no space left")), ("mapped", Lacking("no memory"))])
def test_so_they_do_where_there_is_no_room_for_a_file(what, error, monkeypatch):
    def full(*_):
        raise error

    monkeypatch.setattr(sent_once, what, full)
    np.testing.assert_array_equal(explained(heavy(), 2), explained(heavy(), 1))


def assert_as_with_one_worker(predictor):
    np.testing.assert_array_equal(explained(predictor, 2), explained(predictor, 1))


def test_what_a_class_says_is_what_it_says_in_this_call():
    """Workers that keep a model would know the class as another model left it."""

    class Config:
        scale = 1.0

    def model(rows):
        return rows[:, 0] + rows[:, 1] * Config.scale

    for Config.scale in (1.0, 2.0, 1.0):
        assert_as_with_one_worker(model)


def test_a_model_that_is_read_from_its_file_is_read_in_each_call(tmp_path):
    class OfFile:
        def __init__(self, path):
            self.path, self.slope = path, float(path.read_text())

        def __reduce__(self):
            return type(self), (self.path,)

        def predict(self, rows):
            return rows[:, 0] * self.slope

    path = tmp_path / "slope"
    for slope in ("1.0", "2.0", "3.0"):
        path.write_text(slope)
        assert_as_with_one_worker(OfFile(path))


@pytest.mark.parametrize("around", ["select", "transform"])
def test_what_a_model_and_the_functions_around_it_share_they_share_in_workers(around):
    last = {}

    def model(rows):
        last["hidden"] = np.tanh(rows[:, :2])
        return rows[:, 0] if around == "select" else rows[:, 0] + last["mean"]

    def transform(rows):
        last["mean"] = rows.mean(axis=1)
        return rows

    given = {"select": lambda _: last["hidden"]} if around == "select" else {"transform": transform}
    one, two = (explained(px.Predictor(model, **given), n_jobs) for n_jobs in (1, 2))
    np.testing.assert_array_equal(one, two)


def test_two_predictors_of_one_model_keep_what_each_shares_with_it():
    last = {"slope": 1.0}

    def model(rows):
        return rows[:, 0] * last["slope"] + rows[:, 1]

    def sets(slope):
        def transform(rows):
            last["slope"] = slope
            return rows

        return transform

    both = [px.Predictor(model, transform=sets(slope)) for slope in (1.0, 2.0)]
    one = [explained(predictor, 1) for predictor in both * 2]
    with sent_once.sent_once():
        two = [explained(predictor, 2) for predictor in both * 2]
    np.testing.assert_array_equal(two, one)


@pytest.mark.slow
def test_a_bar_of_ones_own_stays_with_the_caller():
    torch = pytest.importorskip("torch")
    lock = threading.Lock()

    def progress(_done, _total):
        with lock:
            pass

    predictor = px.Predictor(torch.nn.Sequential(torch.nn.Linear(5, 2)), precision="float64", progress=progress)
    np.testing.assert_allclose(explained(predictor, 2), explained(predictor, 1), atol=1e-12)


@pytest.mark.parametrize("lies", ["in a file", "elsewhere"])
def test_a_model_may_write_into_its_arrays(lies, request):
    if lies == "elsewhere":
        request.getfixturevalue("elsewhere")

    class Scratch:
        def __init__(self):
            self.held = np.zeros(250_000)

        def predict(self, rows):
            self.held[: len(rows)] = np.tanh(rows[:, :3].sum(axis=1))
            return self.held[: len(rows)].copy()

    assert_as_with_one_worker(Scratch())


def test_a_model_is_let_go_when_the_run_ends():
    gc.collect()
    gc.disable()
    try:
        model = heavy()
        there = weakref.ref(model)
        explained(model, 2)
        del model
        assert there() is None
    finally:
        gc.enable()


def sent(thing, tmp_path):
    parts = pack((thing,))
    check, sizes = packing.hashlib.sha256(parts[0]).digest(), tuple(part.nbytes for part in parts)
    name = uuid4().bytes
    file = tmp_path / name.hex()
    packing.write(parts, str(file))
    return Sent(name, check, sizes, str(file), None)


@pytest.fixture
def _as_in_a_new_worker(monkeypatch):
    monkeypatch.setattr(packing, "_kept", type(packing._kept)())


@pytest.mark.usefixtures("_as_in_a_new_worker")
def test_a_worker_keeps_the_things_that_it_used_last(tmp_path):
    several = [sent({"number": n, "large": np.full(200_000, n)}, tmp_path) for n in range(packing.KEPT + 1)]
    (first,) = several[0].things
    assert several[0].things[0] is first
    held = {file: file.read_bytes() for file in tmp_path.iterdir()}
    first["large"][:] = 7  # it is its own
    assert held == {file: file.read_bytes() for file in tmp_path.iterdir()}
    for one in several[1:]:
        assert one.things[0]["number"] == one.things[0]["large"][-1]
    assert len(packing._kept) == packing.KEPT and several[0].things[0] is not first


@pytest.mark.usefixtures("_as_in_a_new_worker")
@pytest.mark.parametrize("how", ["gone", "longer", "other"])
def test_a_file_that_is_not_what_was_written_is_not_unpacked(how, tmp_path):
    one = sent({"large": np.ones(200_000)}, tmp_path)
    file = tmp_path / one.name.hex()
    held = file.read_bytes()
    file.unlink()
    if how != "gone":
        file.write_bytes(held + b"1" if how == "longer" else held[:9] + bytes([held[9] ^ 1]) + held[10:])
    with pytest.raises(Lacking):
        _ = one.things
