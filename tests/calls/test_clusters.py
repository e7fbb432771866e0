"""Workers of a cluster explain as one process does, also where one of them is lost on the way."""

from __future__ import annotations

import os
import signal

import joblib
import numpy as np
import pytest

import perturbxai as px

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 8))
SPACE = px.TabularSpace(X, background=10)


def model_of(before=len):
    """A model that workers get as it is, and not by the name of this module."""

    def model(rows):
        before(rows)
        return np.tanh(rows[:, :3].sum(axis=1)) + rows[:, 3] * rows[:, 4]

    return model


def explained(model, n_jobs=None, x=X[:12]):
    return px.explain(["kernel_shap", "permutation_shap"], px.Predictor(model), SPACE, x, budget=60, seed=2, n_jobs=n_jobs)


@pytest.fixture(scope="module")
def whole():
    return explained(model_of())


def assert_same(found, whole):
    for key, one in whole.items():
        np.testing.assert_array_equal(found[key].values, one.values)
        np.testing.assert_array_equal(found[key].stderr, one.stderr)
        assert [e.label for e in found[key]] == [e.label for e in one]


@pytest.fixture
def cluster():
    distributed = pytest.importorskip("distributed", reason="dask[distributed] is not installed")
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as made,
        distributed.Client(made) as client,
    ):
        yield client


def test_a_dask_cluster_finds_the_same_to_the_bit(cluster, whole):  # noqa: ARG001
    with joblib.parallel_config(backend="dask"):
        assert_same(explained(model_of()), whole)


def test_what_a_lost_dask_worker_had_is_done_by_another(cluster, whole, tmp_path):  # noqa: ARG001
    here, mark = os.getpid(), tmp_path / "killed"

    def killed_once(rows):
        if os.getpid() != here and not mark.exists() and (rows[:, 0] < X[6:12, 0].min() + 1e-9).any():
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)

    with joblib.parallel_config(backend="dask"):
        found = explained(model_of(killed_once))
    assert mark.exists()
    assert_same(found, whole)


@pytest.mark.slow
def test_ray_finds_the_same_to_the_bit(whole):
    ray = pytest.importorskip("ray", reason="ray is not installed")
    from ray.util.joblib import register_ray

    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    try:
        register_ray()
        with joblib.parallel_config(backend="ray"):
            assert_same(explained(model_of(), n_jobs=2), whole)
    finally:
        ray.shutdown()
