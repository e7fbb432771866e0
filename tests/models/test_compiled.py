"""compile=True: a private copy that torch.compile made, for any number of rows; how far answers move is told."""

from __future__ import annotations

import copy
import time

import cloudpickle
import joblib
import numpy as np
import pytest
import torch
from samples import PICTURES, X, convolutional, dense, seeded, snapshot
from torch import nn

import perturbxai as px
from perturbxai.models import compilation

SOFT = nn.Softplus()


@pytest.fixture
def graphs(monkeypatch):
    """The graphs that torch found, run as they are: what is compiled is seen, and no compiler is waited for."""
    found = []
    monkeypatch.setattr(compilation, "BACKEND", lambda graph, _inputs: found.append(graph) or graph.forward)
    return found


def compiled(net, **options):
    return px.Predictor(net, compile=True, **options)


def test_a_compiled_network_is_explained_as_the_network_itself():
    net = seeded(lambda: nn.Linear(3, 8), nn.ReLU, lambda: nn.Linear(8, 2))
    before, state = snapshot(net), torch.random.get_rng_state()
    space = px.TabularSpace(X, background=10)
    plain, fast = (px.explain("kernel_shap", px.Predictor(net, compile=way), space, X[:2]) for way in (False, True))
    found, expected = fast["kernel_shap"], plain["kernel_shap"]
    np.testing.assert_allclose(found.values, expected.values, atol=1e-6 * np.ptp(expected.values))  # float32 sums
    plan = found.meta["plan"]
    assert plan["compiled"] and plan["compile_seconds"] > 0.0 and plan["precision"] == "float32"
    assert plan["moved"]["rows"] == 8 and plan["moved"]["most"] < 1e-6
    assert snapshot(net) == before and torch.equal(state, torch.random.get_rng_state())


@pytest.mark.parametrize(("make", "rows"), [(dense, X), (convolutional, PICTURES)], ids=["table", "pictures"])
def test_neither_a_last_batch_nor_a_single_row_is_compiled_anew(make, rows, graphs):
    net = make()
    predictor = compiled(net, batch_size=4)
    for n in (1, 9, 2, 7):
        # float32 sums of another number of rows
        np.testing.assert_allclose(predictor(rows[:n]), px.Predictor(net, batch_size=4)(rows[:n]), atol=1e-6)
    assert len(graphs) == 1 and predictor.rows == 19


def test_pictures_of_many_sizes_and_many_networks_are_compiled_once_each(graphs):
    # torch gives up after 8 versions of one code, whatever that calls
    predictor = compiled(convolutional())
    for side in range(12, 21):
        predictor(np.zeros((2, side, side, 3), dtype=np.float32))
    for width in range(1, 10):
        compiled(seeded(lambda width=width: nn.Linear(3, width)))(X)
    assert len(graphs) == 18


def test_the_same_rows_have_the_same_answers_whenever_they_are_asked(graphs):
    predictor = compiled(convolutional())
    first = predictor(PICTURES)
    np.testing.assert_array_equal(predictor(PICTURES), first)
    assert len(graphs) == 1


def test_what_looks_inside_gets_the_network_as_it_was_written(graphs):
    net = seeded(lambda: nn.Linear(3, 4), nn.Tanh)
    predictor = compiled(net)
    with predictor.network() as lent:
        assert type(lent._net) is nn.Sequential and type(lent._net[0]) is nn.Linear
    np.testing.assert_array_equal(predictor.gradient(X), px.Predictor(net).gradient(X))
    assert graphs == []


def test_weights_that_change_are_followed(graphs):
    net = seeded(lambda: nn.Linear(3, 1))
    predictor = compiled(net)
    before = predictor(X)
    with torch.no_grad():
        net[0].bias += 1.0
    np.testing.assert_allclose(predictor(X), before + 1.0, atol=1e-6)
    assert len(graphs) == 2


def test_compiling_is_told_apart_from_the_seconds_of_answers(monkeypatch):
    def slow(graph, _inputs):
        time.sleep(0.5)
        return graph.forward

    monkeypatch.setattr(compilation, "BACKEND", slow)
    predictor = compiled(SOFT)
    predictor(X)
    assert predictor.seconds < 0.5 <= predictor.plan["compile_seconds"]


def off_by(shift):
    """A compiler that gets every number wrong: the i-th of a batch by shift[i]."""

    def backend(graph, _inputs):
        def run(*given):
            (out,) = graph.forward(*given)
            return (out + torch.as_tensor(shift)[: len(out), None],)

        return run

    return backend


def test_how_far_answers_move_is_measured_at_the_first_rows(monkeypatch):
    monkeypatch.setattr(compilation, "BACKEND", off_by(np.linspace(0.0, 0.07, 8, dtype=np.float32)))
    predictor = compiled(SOFT, batch_size=8)
    predictor(X[:32])
    moved, plain = predictor.plan["moved"], px.Predictor(SOFT)(X[:8])
    spread = np.linalg.norm(plain - plain.mean(axis=0))
    away = np.linalg.norm(np.linspace(-0.035, 0.035, 8)) * np.sqrt(3)  # of three outputs, about their mean
    assert moved == pytest.approx({"rows": 8, "most": 0.07, "of_spread": away / spread}, rel=1e-4)


def test_a_shift_of_all_answers_moves_no_difference_between_them(monkeypatch):
    monkeypatch.setattr(compilation, "BACKEND", off_by(np.full(99, 0.5, dtype=np.float32)))
    predictor = compiled(SOFT)
    predictor(X)
    moved = predictor.plan["moved"]
    assert moved["most"] == pytest.approx(0.5) and moved["of_spread"] < 1e-6


@pytest.mark.parametrize(("precision", "told"), [("bfloat16", True), ("float32", False), ("float64", False), (None, False)])
def test_a_coarser_precision_tells_how_far_it_moves_answers(precision, told):
    net = seeded(lambda: nn.Linear(3, 2))
    predictor = px.Predictor(net, precision=precision)
    found = predictor(X)
    assert ("moved" in predictor.plan) == told
    if told:
        apart = np.abs(found - px.Predictor(net)(X))[:8].max()
        assert predictor.plan["moved"]["most"] == pytest.approx(apart) and apart > 1e-4


def test_a_network_that_writes_into_its_input_is_compared_at_the_rows_that_were_asked():
    net = seeded(lambda: nn.ReLU(inplace=True), lambda: nn.Linear(3, 2)).bfloat16().float()  # weights without rounding
    predictor = px.Predictor(net, precision="bfloat16")
    predictor(np.round(8 * X) / 8)
    assert predictor.plan["moved"]["most"] < 2.0**-5


def test_a_single_row_has_no_spread_to_tell_of():
    predictor = px.Predictor(seeded(lambda: nn.Linear(3, 2)), precision="bfloat16")
    predictor(X[:1])
    assert set(predictor.plan["moved"]) == {"rows", "most"}


# ------------------------------------------------------------------------------------------------ workers


def test_a_predictor_that_compiled_travels_and_compiles_there(graphs):
    predictor = compiled(seeded(lambda: nn.Linear(3, 2)))
    found = predictor(X)
    for other in (cloudpickle.loads(cloudpickle.dumps(predictor)), copy.deepcopy(predictor)):
        np.testing.assert_array_equal(other(X), found)
        assert other.plan["moved"] == predictor.plan["moved"]
    assert len(graphs) == 3


@pytest.mark.parametrize("backend", ["threading", pytest.param("loky", marks=pytest.mark.slow)])
def test_workers_compile_what_they_are_handed(backend, request):
    if backend == "threading":
        request.getfixturevalue("graphs")
    net, space = seeded(lambda: nn.Linear(3, 2)), px.TabularSpace(X, background=10)
    expected = px.explain("kernel_shap", compiled(net), space, X[:6])["kernel_shap"]
    with joblib.parallel_config(backend=backend):
        found = px.explain("kernel_shap", compiled(net), space, X[:6], n_jobs=2)["kernel_shap"]
    np.testing.assert_allclose(found.values, expected.values, atol=1e-6)


# ------------------------------------------------------------------------------------------------ refusals


class Branches(nn.Module):
    def forward(self, x):
        return x if x.sum() > 0 else -x


class RowByRow(nn.Module):
    def forward(self, x):
        return torch.stack([row.exp() for row in x])


class Slopes(nn.Module):
    """A network that takes a derivative on the way."""

    def forward(self, x):
        return torch.autograd.grad(x.pow(3).sum(), x)[0]


@pytest.mark.parametrize(
    ("net", "told"),
    [
        (Branches(), r"cannot compile the network \(.*Leave compile out.*torch\.compile\(net\)"),
        (RowByRow(), r"depend on the number of rows, as a loop over them does\)\. Leave compile out"),
        (Slopes(), "runs only where gradients are kept .* Leave compile out"),
    ],
    ids=["branches", "row by row", "gradients"],
)
@pytest.mark.usefixtures("graphs")
def test_a_network_that_cannot_be_compiled_is_refused_with_the_way_out(net, told):
    with pytest.raises(RuntimeError, match=f"compile=True, but .*{told}"):
        compiled(net)(X)


REFUSED = {
    "a script": (lambda: torch.jit.script(SOFT), {}, "is of TorchScript"),
    "compiled": (lambda: torch.compile(SOFT, backend="eager"), {}, "is compiled already; leave compile out"),
    "compiled in part": (lambda: nn.Sequential(torch.compile(SOFT, backend="eager")), {}, "or a part of it, is compiled"),
    "a function": (lambda: np.sin, {}, r"compile=True is for a torch\.nn\.Module"),
    "a word": (lambda: SOFT, {"compile": "yes"}, "compile='yes' must be True or False"),
}


@pytest.mark.filterwarnings("ignore:.*torch.jit.script")
@pytest.mark.parametrize("case", REFUSED)
def test_what_is_not_to_be_compiled_is_refused_when_the_predictor_is_made(case):
    make, options, told = REFUSED[case]
    with pytest.raises(ValueError, match=told):
        px.Predictor(make(), **{"compile": True} | options)


def test_without_a_compiler_the_predictor_is_not_made(monkeypatch):
    monkeypatch.setenv("CXX", "no-such-compiler -O2")
    with pytest.raises(ValueError, match=r"needs a C\+\+ compiler, but 'no-such-compiler -O2' is not there: install.*CXX"):
        compiled(SOFT)


def test_a_gpu_needs_triton(monkeypatch):
    monkeypatch.setattr(compilation.importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(ValueError, match="compile=True on cuda:0 needs the package triton; install it"):
        compilation.check_compiles(SOFT, torch.device("cuda:0"))


def test_batches_that_do_not_fit_once_compiled_are_halved(monkeypatch):
    def backend(graph, _inputs):
        def run(*given):
            (batch,) = (one for one in given if isinstance(one, torch.Tensor))
            if len(batch) > 4:
                raise torch.OutOfMemoryError("CUDA out of memory")
            return graph.forward(*given)

        return run

    monkeypatch.setattr(compilation, "BACKEND", backend)
    predictor = compiled(SOFT, batch_size=16)
    np.testing.assert_allclose(predictor(X), px.Predictor(SOFT)(X), rtol=1e-6)
    assert predictor.plan["batch_size_halved_to"] == 4 and predictor.retried_rows == 16 + 8
