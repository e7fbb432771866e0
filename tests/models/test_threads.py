"""Threads that explain one torch module, or modules that share a part, wait for each other and get their own answers."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from samples import PICTURES, X, convolutional, dense, snapshot
from torch import nn

import perturbxai as px
from perturbxai.models.lending import alone, lent, settled


class Slow(nn.Module):
    """Hands over to other threads in the middle of a pass."""

    @torch.compiler.disable
    def forward(self, x):
        threading.Event().wait(0.002)
        return x


def shared():
    """A network in training mode, whose answers and statistics tell in which mode it ran."""
    net = dense()
    net.train()
    return nn.Sequential(net[:3], Slow(), net[3:]).train()


def at_once(*calls):
    """Each call in a thread of its own, all started together."""
    start = threading.Barrier(len(calls))

    def run(call):
        start.wait()
        return call()

    with ThreadPoolExecutor(len(calls)) as pool:
        return [future.result(timeout=60) for future in [pool.submit(run, call) for call in calls]]


PARTS = {
    "one module": lambda net: net,
    "a module around it": lambda net: nn.Sequential(net, nn.Identity()),
    "one in parallel": nn.DataParallel,
    "compiled": lambda net: torch.compile(net, backend="eager"),
}


@pytest.mark.parametrize("other", PARTS)
def test_threads_that_share_a_module_in_training_get_the_answers_of_eval_mode(other):
    net = shared()
    before, truth = snapshot(net), px.Predictor(shared())(X)
    predictors = [px.Predictor(net), px.Predictor(PARTS[other](net)), px.Predictor(net), px.Predictor(PARTS[other](net))]
    found = at_once(*(lambda p=p: [p(X) for _ in range(10)] for p in predictors))
    for answers in found:
        np.testing.assert_allclose(answers, [truth] * 10, rtol=0, atol=1e-6)
    assert snapshot(net) == before


def test_threads_that_share_a_predictor_get_its_answers():
    net = shared()
    before, predictor = snapshot(net), px.Predictor(net)
    truth = px.Predictor(shared())(X)
    for answers in at_once(*(lambda: [predictor(X) for _ in range(10)] for _ in range(4))):
        np.testing.assert_allclose(answers, [truth] * 10, rtol=0, atol=1e-6)
    assert snapshot(net) == before


@pytest.mark.parametrize("view", [False, True], ids=["a private copy", "the module itself"])
def test_values_and_looks_inside_may_be_asked_at_once(view):
    """Hooks of one thread's look are no part of another's pass, on a shared copy as on the user's own module."""
    net = convolutional()
    net[4] = nn.Identity() if view else nn.Flatten()
    if view:
        net[3].register_forward_hook(lambda _m, _given, out: out.view(len(out), -1))
    net.insert(3, Slow())
    before, predictor = snapshot(net), px.Predictor(net)
    space = px.ImageSpace(segments="grid", n_segments=4, fill=0.5)

    def explained():
        return px.explain("kernel_shap", predictor, space, PICTURES[0])["kernel_shap"].values

    def seen():
        found = px.baselines(["grad_cam", "gradient", "guided_backprop", "lrp"], predictor, space, PICTURES[0])
        return np.stack([one.values for one in found.values()])

    calls = [explained, seen, seen, explained]
    truth = [call() for call in calls]
    for one, other in zip(at_once(*calls), truth, strict=True):
        assert (one == other).all()
    assert snapshot(net) == before


def test_gradients_of_tables_may_be_asked_at_once():
    net = shared()
    before, truth = snapshot(net), px.Predictor(shared()).gradient(X)
    for found in at_once(*(lambda: px.Predictor(net).gradient(X) for _ in range(4))):
        np.testing.assert_allclose(found, truth, rtol=0, atol=1e-6)
    assert snapshot(net) == before


def test_a_failure_in_one_thread_leaves_the_module_to_the_others():
    net = shared()
    before, predictor = snapshot(net), px.Predictor(net)

    def fails():
        with pytest.raises(ZeroDivisionError), predictor.network():
            raise ZeroDivisionError
        return predictor(X)

    assert all((found == px.Predictor(shared())(X)).all() for found in at_once(fails, fails, fails))
    assert snapshot(net) == before


def test_one_thread_may_come_again_and_the_mode_comes_back_with_the_last_exit():
    net = shared()
    with lent(net), settled(net):
        with lent(net):
            assert not any(m.training for m in net.modules())
        assert not any(m.training for m in net.modules()) and not any(p.requires_grad for p in net.parameters())
    assert all(m.training for m in net.modules())


def test_modules_that_share_parts_in_a_ring_do_not_wait_for_each_other_for_ever():
    parts = [nn.Linear(3, 3) for _ in range(3)]
    pairs = [nn.Sequential(parts[i], Slow(), parts[(i + 1) % 3]) for i in range(3)]
    rows = X[:2]
    at_once(*(lambda net=net: [px.Predictor(net)(rows) for _ in range(20)] for net in pairs))


def test_what_is_taken_alone_is_free_afterwards():
    things = [object(), object()]
    with alone(things), alone(things[:1]):
        pass
    assert at_once(lambda: [None for _ in range(1)], lambda: _taken(things))[1]


def _taken(things):
    with alone(things):
        return True
