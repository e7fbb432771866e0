"""Workers of a cluster find what one process does, to the bit, also where one of them is lost on the way."""

from __future__ import annotations

import os
import signal
import time

import joblib
import numpy as np
import pytest
from alike import TIMED, assert_same

import perturbxai as px
from perturbxai.calls import crew, sent_once

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 8))
SPACE = px.TabularSpace(X, background=10)
PHOTOS = [RNG.random((12, 16, 3)).astype(np.float32) for _ in range(4)]
OF_PHOTOS = px.ImageSpace(segments="grid", n_segments=6, fill=0)
LASTS = {"max_restarts": 3, "max_task_retries": 3}  # what ray is told so that it does again what a lost worker had to do


@pytest.fixture(autouse=True)
def _everything_is_worth_sending(monkeypatch):
    monkeypatch.setattr(crew, "SECONDS_A_PART", 1e-12)
    monkeypatch.setattr(crew, "FEW", 0)


def model_of(before=len):
    """A model that workers get as it is, and not by the name of this module."""

    def model(rows):
        before(rows)
        return np.tanh(rows[:, :3].sum(axis=1)) + rows[:, 3] * rows[:, 4]

    return model


def of_pictures(before=len):
    def model(photos):
        before(photos)
        return np.tanh(photos[:, :6].mean(axis=(1, 2)))

    return model


def network_of(before=len):
    """A network of torch's own layers, but for one that a worker gets as it is."""
    torch = pytest.importorskip("torch")

    class First(torch.nn.Module):
        def forward(self, photos):
            before(photos)
            return photos * 1.0

    torch.manual_seed(0)
    nn = torch.nn
    return nn.Sequential(
        First(), nn.Conv2d(3, 5, 3, stride=2), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(5, 3)
    )


def heavy(mark):
    """A model of two megabytes that notes where it is unpacked."""

    class Heavy:
        def __init__(self):
            self.weights = np.linspace(-1.0, 1.0, 250_000)

        def __setstate__(self, state):
            vars(self).update(state)
            with open(mark, "a", encoding="utf-8") as file:
                file.write("unpacked\n")

        def predict(self, rows):
            return rows[:, :3].sum(axis=1) * self.weights[-1]

    return Heavy()


def explained(model, n_jobs=None):
    return px.explain(["kernel_shap", "permutation_shap"], model, SPACE, X[:12], budget=60, seed=2, n_jobs=n_jobs)


def effects(model, n_jobs=None):
    return px.effects(["pdp", "ale"], model, SPACE, X, features=[0, 3, (0, 1)], grid=6, n_jobs=n_jobs)


def h_statistic(model, n_jobs=None):
    return px.h_statistic(model, SPACE, X, data_rows=30, top=3, n_jobs=n_jobs)


FOUND = px.explain(["lime", "pdp"], px.Predictor(model_of()), SPACE, X[:4], budget=40)


def compare(model, n_jobs=None):
    return px.compare(FOUND, model, SPACE, n_jobs=n_jobs)


def controls(model, n_jobs=None):
    return px.baselines(["random", "centre"], model, OF_PHOTOS, PHOTOS, n_jobs=n_jobs)


def maps(model, n_jobs=None):
    return px.baselines(["grad_cam", "smooth_grad"], model, OF_PHOTOS, PHOTOS, outputs=[0, 2], n_jobs=n_jobs)


CALLS = {
    explained: model_of, effects: model_of, h_statistic: model_of, compare: model_of, controls: of_pictures,
    maps: network_of,
}  # fmt: skip
DEAR = {maps}  # each new worker loads torch


def calls(*several, dear=DEAR):
    marked = [pytest.param(one, marks=[pytest.mark.slow] * (one in dear), id=one.__name__) for one in several]
    return pytest.mark.parametrize("call", marked)


def found_by(call, n_jobs=None, before=len):
    return call(px.Predictor(CALLS[call](before), batch_size=16), n_jobs)


def assert_finds_the_same(call, n_jobs=None, before=len):
    # what chunks of inputs have in common is asked in each: counts are not those of one process
    assert_same(found_by(call, n_jobs, before), found_by(call, 1), TIMED | {"meta"})


def killer(mark):
    """Kills the process that is the first to be asked elsewhere."""
    here = os.getpid()

    def killed_once(_rows):
        if os.getpid() != here and not mark.exists():
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)

    return killed_once


@pytest.fixture(scope="module")
def cluster():
    distributed = pytest.importorskip("distributed", reason="dask[distributed] is not installed")
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as made,
        distributed.Client(made) as client,
    ):
        yield client


@pytest.fixture
def dask(cluster):
    cluster.wait_for_workers(2)  # one may have been lost before
    with joblib.parallel_config(backend="dask"):
        yield cluster


@calls(*CALLS)
def test_a_dask_cluster_finds_the_same_to_the_bit(call, dask):  # noqa: ARG001
    assert_finds_the_same(call)


@calls(explained, effects, maps)
def test_what_a_lost_dask_worker_had_is_done_by_another(call, dask, tmp_path):  # noqa: ARG001
    assert_finds_the_same(call, before=killer(tmp_path / "killed"))
    assert (tmp_path / "killed").exists()


def test_dask_workers_that_find_no_file_get_the_model_once_and_so_do_those_that_join(dask, tmp_path, monkeypatch):
    mark = tmp_path / "mark"
    monkeypatch.setattr(sent_once.Lasting, "_lay", lambda self, _: setattr(self, "_file", "/no/such/machine"))

    whole = explained(px.Predictor(heavy(mark)), 1)
    with sent_once.sent_once():
        predictor = px.Predictor(heavy(mark))
        for _ in range(2):
            assert_same(explained(predictor), whole, TIMED | {"meta"})
        assert mark.read_text("utf-8").split() == ["unpacked"] * 2
        dask.restart_workers(list(dask.scheduler_info()["workers"])[:1])
        for _ in range(200):
            if len(mark.read_text("utf-8").split()) < 3:
                time.sleep(0.05)
    assert len(mark.read_text("utf-8").split()) == 3


@pytest.fixture(scope="module")
def _ray():
    ray = pytest.importorskip("ray", reason="ray is not installed")
    from ray.util.joblib import register_ray

    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    register_ray()
    yield
    ray.shutdown()


@pytest.fixture
def ray(_ray):
    with joblib.parallel_config(backend="ray", ray_remote_args=LASTS):
        yield


@pytest.mark.usefixtures("ray")
@calls(*CALLS, dear=CALLS.keys() - {explained})
def test_ray_finds_the_same_to_the_bit(call):
    assert_finds_the_same(call, 2)


@pytest.mark.slow
@pytest.mark.usefixtures("ray")
@calls(explained, effects, maps)
def test_what_a_lost_ray_worker_had_is_done_again(call, tmp_path):
    assert_finds_the_same(call, 2, killer(tmp_path / "killed"))
    assert (tmp_path / "killed").exists()


@pytest.mark.slow
@pytest.mark.usefixtures("ray")
def test_ray_workers_last_as_long_as_the_run_and_get_the_model_once(tmp_path):
    mark, whole = tmp_path / "mark", explained(px.Predictor(heavy(tmp_path / "mark")), 1)
    with sent_once.sent_once():
        predictor = px.Predictor(heavy(mark))
        for _ in range(3):
            assert_same(explained(predictor, 2), whole, TIMED | {"meta"})
    assert mark.read_text("utf-8").split() in (["unpacked"], ["unpacked"] * 2)  # one may have been quicker than the other
