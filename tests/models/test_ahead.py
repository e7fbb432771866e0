"""Batches built ahead: while a device computes one the next is built, once, and what fails is left to its turn."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import torch
from samples import PICTURES, convolutional
from torch import nn

import perturbxai as px
from perturbxai.models.ahead import Ahead
from perturbxai.models.plan import Given


class Built:
    """Pictures of a pixel that say when they are built."""

    def __init__(self, n, heard, fails=()):
        self.rows, self.heard, self.fails = np.arange(n, dtype=np.float32).reshape(n, 1, 1, 1), heard, set(fails)

    def __len__(self):
        return len(self.rows)

    row_bytes = 4

    def host(self, start, stop):
        self.heard.append(("build", start, stop))
        if start in self.fails:
            self.fails.remove(start)
            raise torch.OutOfMemoryError("CUDA out of memory")
        return self.rows[start:stop]


class Tells(nn.Module):
    def __init__(self, heard, most=99):
        super().__init__()
        self.heard, self.most = heard, most

    def forward(self, x):
        self.heard.append(("ask", int(x[0]), int(x[0]) + len(x)))
        if len(x) > self.most:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return 2.0 * x.flatten(1)


def asked(n, heard, fails=(), most=99, ahead=True):
    """What a predictor answers that builds ahead as for a GPU, and what it built and asked when."""
    predictor = px.Predictor(Tells(heard, most), batch_size=4)
    predictor._ahead.works = ahead
    plan = Built(n, heard, fails)
    values = np.concatenate([values.copy() for _, _, values in predictor.run(plan)])
    np.testing.assert_array_equal(values, 2.0 * plan.rows[:, 0, 0])
    assert predictor._ahead._held is None
    return predictor


def test_the_next_batch_is_built_while_one_is_computed():
    heard = []
    asked(10, heard)
    assert heard == [("build", 0, 4), ("ask", 0, 4), ("build", 4, 8), ("ask", 4, 8), ("build", 8, 10), ("ask", 8, 10)]


def test_a_cpu_builds_no_batch_before_its_turn():
    assert not px.Predictor(convolutional())._ahead.works and not Ahead("cpu").works
    assert Ahead("cuda:1").works and Ahead(torch.device("cuda")).works


def test_a_batch_that_could_not_be_built_ahead_is_built_in_its_turn():
    heard = []
    predictor = asked(8, heard, fails=[4])
    assert heard.count(("build", 4, 8)) == 2 and predictor.retried_rows == 0


def test_what_was_built_ahead_in_another_size_is_let_go_of():
    heard = []
    predictor = asked(12, heard, most=3)
    assert heard[:4] == [("build", 0, 4), ("ask", 0, 4), ("build", 0, 2), ("ask", 0, 2)]
    assert ("build", 2, 4) in heard and predictor.plan["batch_size_halved_to"] == 2


@pytest.mark.parametrize("stop", ["error", "consumer"])
def test_nothing_is_held_once_a_request_is_over(stop):
    heard = []
    predictor = px.Predictor(Tells(heard), batch_size=4)
    predictor._ahead.works = True
    run = predictor.run(Built(12, heard))
    next(run)
    assert predictor._ahead._held is not None
    if stop == "consumer":
        run.close()
    else:
        with pytest.raises(KeyboardInterrupt):
            run.throw(KeyboardInterrupt())
    assert predictor._ahead._held is None


def test_a_model_that_fails_leaves_nothing_built():
    predictor = px.Predictor(Tells([], most=0), batch_size=4)
    predictor._ahead.works = True
    with pytest.raises(torch.OutOfMemoryError):
        list(predictor.run(Built(8, [])))
    assert predictor._ahead._held is None


def test_rows_of_another_request_are_not_taken_for_these():
    ahead = Ahead("cuda")
    ahead.device = "cpu"  # no stream here
    first, second = Given(np.zeros((4, 1))), Given(np.ones((4, 1)))

    def build(plan, start, stop):
        return plan.host(start, stop)

    ahead.prepare(first, 2, 9, build)
    np.testing.assert_array_equal(ahead.take(second, 2, 4, build), np.ones((2, 1)))
    ahead.prepare(first, 2, 9, build)
    assert ahead._held[1:3] == (2, 4)  # as far as there are rows
    np.testing.assert_array_equal(ahead.take(first, 2, 4, build), np.zeros((2, 1)))


def test_each_part_of_a_call_and_each_worker_builds_its_own():
    predictor = px.Predictor(convolutional())
    predictor._ahead._held = (Given(PICTURES), 0, 1, PICTURES[:1])
    assert predictor.apart()._ahead._held is None
    assert pickle.loads(pickle.dumps(predictor._ahead))._held is None
