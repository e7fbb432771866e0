"""Several workers explain as one does: the same to the bit, with one meter, one bar, and errors that keep what came."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import warnings

import joblib
import numpy as np
import pytest

import perturbxai as px
from perturbxai.calls import packing
from perturbxai.calls.shipment import Received

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 8))
SPACE = px.TabularSpace(X, background=10)
HERE = os.getpid()


def traveller():
    """A model that workers get as it is, and not by the name of this module, which they cannot import."""

    def smooth(rows):
        return np.tanh(rows[:, :3].sum(axis=1)) + rows[:, 3] * rows[:, 4]

    return smooth


smooth = traveller()


def by_name(rows):
    return smooth(rows)


def by(n_jobs, backend, methods="kernel_shap", model=smooth, x=X[:9], space=SPACE, **options):
    predictor = px.Predictor(model, **options.pop("predictor", {}))
    with joblib.parallel_config(backend=backend):
        return px.explain(methods, predictor, space, x, n_jobs=n_jobs, **{"budget": 40, "seed": 3} | options), predictor


def assert_alike(found, other):
    assert list(found) == list(other)
    for key, one in found.items():
        for what in ("values", "stderr", "critical", "base", "prediction", "stderr_background", "interactions"):
            mine, its = getattr(one, what), getattr(other[key], what)
            assert (mine is None) == (its is None)
            np.testing.assert_array_equal(mine, its)
        assert [e.label for e in one] == [e.label for e in other[key]]


@pytest.mark.parametrize(("n_jobs", "backend"), [(2, "loky"), (-1, "loky"), (2, "threading"), (5, "threading")])
def test_values_on_tables_are_the_same_to_the_bit(n_jobs, backend):
    methods = ["kernel_shap", "lime", "permutation_shap", "pdp", "ice", "ale", "interactions", "lime_tabular"]
    assert_alike(*[by(n, backend, methods, budget=160)[0] for n in (n_jobs, 1)])


@pytest.mark.parametrize(
    "options", [{"tol": 0.05, "budget": 60}, {"design": "adaptive", "budget": 60}, {"rows": 90, "budget": None}]
)
def test_so_are_those_of_tables_that_grow_and_of_single_rows(options):
    assert_alike(by(2, "threading", **options)[0], by(1, "threading", **options)[0])


@pytest.mark.parametrize("backend", ["loky", pytest.param("threading", marks=pytest.mark.slow)])
def test_so_are_those_on_photos_of_different_sizes(backend):
    photos = [RNG.random((12 + 2 * n, 16, 3)).astype(np.float32) for n in range(5)]
    space = px.ImageSpace(segments="grid", n_segments=6, fill="mean")
    methods, model = (
        ["kernel_shap", "pdp", "rise_smooth"],
        lambda p: np.tanh(p[:, :6].mean(axis=(1, 2)) + p[:, :, 3:5, 1].max(axis=(1, 2))[:, None]),
    )
    several, one = (by(n, backend, methods, model, photos, space)[0] for n in (2, 1))
    for key in methods:
        for a, b in zip(several[key], one[key], strict=True):
            np.testing.assert_array_equal(a.values, b.values)
            np.testing.assert_array_equal(a.stderr, b.stderr)


def test_outputs_are_those_of_the_first_input_for_all():
    def many(rows):
        return rows[:, :1] * np.arange(30.0)

    x = np.array([[1.0] * 8, *[[-1.0] * 8] * 5])  # by the others the lowest would be the highest
    with pytest.warns(UserWarning, match="30 outputs"):
        found, _ = by(2, "loky", model=many, x=x)
    assert found["kernel_shap"].outputs == ("29", "28", "27", "26", "25")
    assert "highest of 30 at the first input" in found["kernel_shap"][5].meta["outputs_kept"]


def test_rows_are_those_that_the_model_was_asked_and_the_bar_shows_them():
    asked, shown = [], []
    found, predictor = by(
        2, "threading", model=lambda rows: (asked.append(len(rows)), smooth(rows))[1],
        predictor={"progress": lambda done, total: shown.append((done, total))},
    )  # fmt: skip
    assert sum(asked) == predictor.rows == found["kernel_shap"].meta["call_rows"] == shown[-1][0] == shown[-1][1]
    one, alone = by(1, "threading")
    # nothing is asked twice but v(N) of the first of each chunk, and rows that inputs of different chunks have in common
    assert alone.rows <= predictor.rows <= alone.rows + 8 + 9 * 10
    assert one["kernel_shap"].meta["rows"] <= found["kernel_shap"].meta["rows"] <= predictor.rows


@pytest.mark.usefixtures("plain_fits")
@pytest.mark.parametrize("kind", ["table", "photo"])
def test_inputs_that_are_the_same_are_asked_once(kind):
    if kind == "table":
        x, space, model = X[[3, 5, 3, 3, 7, 5, 3, 3, 5]], SPACE, smooth
    else:
        one, other = RNG.random((2, 12, 16, 3)).astype(np.float32)
        x, space = [one, other, one, one, other], px.ImageSpace(segments="grid", n_segments=6, fill="mean")
        model = lambda photos: photos[:, :6].mean(axis=(1, 2))  # noqa: E731
    several, many = by(2, "threading", model=model, x=x, space=space)
    one_by_one, few = by(1, "threading", model=model, x=x, space=space)
    assert few.rows <= many.rows <= few.rows + 4 + 2 * 10
    for a, b in zip(several["kernel_shap"], one_by_one["kernel_shap"], strict=True):
        np.testing.assert_array_equal(a.values, b.values)
        assert a.meta.keys() == b.meta.keys() and a.label == b.label


@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_clipped_logits_are_told_once_with_the_count_of_all(backend):
    from sklearn.tree import DecisionTreeClassifier

    tree = DecisionTreeClassifier(max_depth=3, random_state=0).fit(X, X[:, 0] > 0)
    told = []
    for n_jobs in (1, 2):
        with pytest.warns(UserWarning, match="model rows have a probability of 0 or 1") as caught:
            _, predictor = by(n_jobs, backend, model=tree, predictor={"output": "logit"})
        told.append([str(one.message) for one in caught])
        assert predictor.plan["logit_clipped_rows"] == predictor.rows
    assert all(len(messages) == 1 and messages[0].startswith("100.0% of") for messages in told)


def test_a_model_that_cannot_be_sent_is_told_with_a_way_out():
    class Locked:
        def __init__(self):
            self.lock = threading.Lock()

        def predict(self, rows):
            return smooth(rows)

    with pytest.raises(RuntimeError, match=r"cannot be sent to workers: TypeError: .*lock.*threading"):
        by(2, "loky", model=Locked())
    assert by(2, "threading", model=Locked())[0]["kernel_shap"].values.shape == (9, 8, 1)


def test_what_a_notebook_defines_travels():
    code = """
import numpy as np
import perturbxai as px

scale = 2.0

class Model:
    def predict(self, rows):
        assert px.__name__ == "perturbxai"
        return scale * rows.sum(axis=1)

rng = np.random.default_rng(0)
space = px.TabularSpace(rng.normal(size=(20, 3)))
found = px.explain("kernel_shap", px.Predictor(Model()), space, np.ones((4, 3)), n_jobs=2)
print(found["kernel_shap"].values.shape)
"""
    done = subprocess.run([sys.executable], input=code, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "(4, 3, 1)"


def test_warnings_of_workers_are_raised_by_the_call():
    smooth, here = traveller(), HERE

    def warns(rows):
        if os.getpid() != here:
            warnings.warn("rows are odd", UserWarning, stacklevel=1)
        return smooth(rows)

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        by(2, "loky", model=warns)
    assert [str(one.message) for one in caught if one.category is UserWarning] == ["rows are odd"]  # once, as of one process


def failing(how):
    """A model that fails where the first column is far below 0."""
    smooth, here = traveller(), HERE

    class Odd(Exception):
        """An error that cannot be unpickled."""

        def __init__(self, one, two):
            super().__init__(f"{one} and {two}")

    def model(rows):
        if not (rows[:, 0] < -50).any():
            return smooth(rows)
        if how == "lost":
            raise LookupError("no such place")
        if how == "odd":
            raise Odd("salt", "pepper")
        if os.getpid() != here:
            os._exit(9)
        return smooth(rows)

    return model


def caught_of(backend, how, error, match):
    """The error of a model that fails at the seventh input, whose parts are those of one process."""
    x = X[:9].copy()
    x[6, 0] = -100.0
    with pytest.raises(error, match=match) as caught:
        by(2, backend, model=failing(how), x=x)
    kept = caught.value.partial["kernel_shap"]
    labels = [one.label for one in kept]
    assert labels == sorted(labels) and labels[0] == 0 and 6 not in labels
    whole, _ = by(1, backend)
    for one in kept:
        np.testing.assert_array_equal(one.values, whole["kernel_shap"][one.label].values)
    return caught.value


# an error stops processes, which the next call has to start again: the one that cannot travel stands for all
@pytest.mark.parametrize("backend", [pytest.param("loky", marks=pytest.mark.slow), "threading"])
def test_an_error_of_a_worker_is_the_models_own_and_keeps_what_came(backend):
    error = caught_of(backend, "lost", LookupError, "no such place")
    assert any("while a worker explained" in told for told in error.__notes__)


def test_an_error_at_the_first_input_is_raised_before_any_worker_begins():
    x = X[:9].copy()
    x[0, 0] = -100.0
    with pytest.raises(LookupError, match="no such place"):
        by(2, "loky", model=failing("lost"), x=x)


def test_an_error_that_cannot_travel_is_told_and_keeps_what_came():
    caught_of("loky", "odd", px.ModelError, "Odd: salt and pepper")


def test_a_worker_that_dies_leaves_what_came_before():
    x = X[:9].copy()
    x[8, 0] = -100.0
    with pytest.raises(Exception, match="worker process managed by the executor was unexpectedly terminated") as caught:
        by(2, "loky", model=failing("dies"), x=x)
    labels = [one.label for one in caught.value.partial["kernel_shap"]]
    assert labels[0] == 0 and 8 not in labels


def test_an_interruption_stops_the_workers_and_keeps_what_came():
    def stop(done, _total):
        if done > 600:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as caught:
        by(2, "loky", predictor={"progress": stop})
    assert 1 <= len(caught.value.partial["kernel_shap"]) < 9


def test_a_model_that_workers_cannot_import_is_told_with_ways_out():
    with pytest.raises(RuntimeError, match=r"a worker could not rebuild the model .*: ModuleNotFoundError: .*threading"):
        by(2, "loky", model=by_name)  # by the name of this module


@pytest.mark.parametrize("n_jobs", [0, 1.5, "2", True])
def test_numbers_of_workers_that_are_none_are_refused(n_jobs):
    with pytest.raises(ValueError, match=r"n_jobs=.* must be a whole number of workers"):
        px.explain("kernel_shap", px.Predictor(smooth), SPACE, X[:3], n_jobs=n_jobs)


def test_large_arrays_travel_beside_the_rest_and_come_back_as_they_were():
    given = {"large": RNG.normal(size=(400, 400)), "small": RNG.normal(size=3), "function": lambda a: a + 1}
    parts = packing.pack(given)
    assert [part.nbytes for part in parts[1:]] == [given["large"].nbytes]
    received = Received(b"this one", parts, [])
    assert received.given is Received(b"this one", parts, []).given  # unpacked once
    assert received.given is not Received(b"another", parts, []).given
    received = Received(b"this one", parts, [])
    np.testing.assert_array_equal(received.given["large"], given["large"])
    assert received.given["function"](1) == 2
