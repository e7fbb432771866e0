"""A network is left as it was found, and lent with everything restored."""

from __future__ import annotations

from contextlib import contextmanager, nullcontext

import numpy as np
import pandas as pd
import pytest
import torch
from samples import PICTURES, X, convolutional, curved, dense, snapshot
from torch import nn

import perturbxai as px

# ------------------------------------------------------------------------------------------------ left as found


@pytest.mark.parametrize("options", [{}, {"precision": "float64"}, {"precision": "bfloat16"}, {"device": "cpu"}], ids=str)
@pytest.mark.parametrize(("make", "rows"), [(dense, X), (convolutional, PICTURES)], ids=["dense", "convolutional"])
def test_a_network_is_left_as_it_was_found(make, rows, options):
    net = make()
    before = snapshot(net)
    px.Predictor(net, **options)(rows)
    assert snapshot(net) == before


@pytest.mark.parametrize(("make", "rows"), [(dense, X), (convolutional, PICTURES)], ids=["dense", "convolutional"])
def test_a_network_is_left_as_it_was_found_after_a_failure(make, rows):
    net = make()
    net[-1].register_forward_hook(lambda *_: 1 / 0)
    before = snapshot(net)
    with pytest.raises(ZeroDivisionError):
        px.Predictor(net)(rows)
    assert snapshot(net) == before


def test_a_network_in_training_mode_answers_as_it_would_in_eval_mode():
    net = dense()
    found = px.Predictor(net)(X)
    with torch.no_grad():
        truth = net.eval()(torch.as_tensor(X, dtype=torch.float32)).double().numpy()
    assert (found == truth).all() and (px.Predictor(net)(X) == found).all()


def test_parameters_stay_trainable_when_the_caller_is_in_inference_mode():
    net = dense()
    before = snapshot(net)
    with torch.inference_mode():
        px.Predictor(net)(X)
    assert snapshot(net) == before
    net(torch.as_tensor(X, dtype=torch.float32)).sum().backward()
    assert net[0].weight.grad is not None


def _spoil(rows):
    values = curved(np.asarray(rows))
    rows[:] = 0.0
    return values


class Spoiler(nn.Module):
    def forward(self, rows):
        total = rows.flatten(1).sum(dim=1)
        rows.zero_()
        return total


@pytest.mark.parametrize("batch_size", [None, 7, 60])
@pytest.mark.parametrize("model", [_spoil, Spoiler()], ids=["function", "network"])
@pytest.mark.parametrize("kind", ["float64", "float32", "frame"])
def test_a_model_that_writes_into_its_input_does_not_reach_the_users_array(model, kind, batch_size):
    if model is _spoil and kind == "frame":

        def model(rows):
            rows.iloc[:] = 0.0
            return rows.sum(axis=1)

    rows = pd.DataFrame(X.copy()) if kind == "frame" else X.astype(kind)
    px.Predictor(model, batch_size=batch_size)(rows)
    assert (np.asarray(rows) == X.astype(np.asarray(rows).dtype)).all()


@pytest.mark.parametrize("device", [None, "cpu"])
def test_neither_a_lent_network_nor_a_transform_reaches_the_users_picture(device):
    def transform(batch):
        batch *= 2.0
        return batch

    rows = PICTURES[:1].copy()
    predictor = px.Predictor(Spoiler(), device=device, transform=transform)
    with predictor.network() as net:
        net(predictor.tensor(rows))
    predictor(rows)
    assert (rows == PICTURES[:1]).all()


def test_an_array_that_may_not_be_written_to_is_explained_without_a_warning():
    rows = X.astype(np.float32)
    rows.setflags(write=False)
    assert px.Predictor(dense())(rows).shape == (60, 2)
    assert px.Predictor(dense()).tensor(rows).shape == (60, 3)


# ------------------------------------------------------------------------------------------------ lending


@contextmanager
def lent(net, **options):
    predictor = px.Predictor(net, **options)
    with predictor.network() as inside:
        yield predictor, inside


@pytest.mark.parametrize("make", [dense, convolutional])
def test_a_lent_network_is_in_eval_mode_and_its_parameters_want_no_gradient(make):
    with lent(make()) as (_, net):
        assert not any(m.training for m in net.modules())
        assert not any(p.requires_grad for p in net.parameters())


@pytest.mark.parametrize("fails", [False, True])
@pytest.mark.parametrize("options", [{}, {"precision": "float64"}], ids=str)
@pytest.mark.parametrize(("make", "rows"), [(dense, X), (convolutional, PICTURES)], ids=["dense", "convolutional"])
def test_a_lent_network_comes_back_as_it_was(make, rows, options, fails):
    found = make()
    before = snapshot(found)
    failure = pytest.raises(RuntimeError, match="in the middle") if fails else nullcontext()
    with failure, lent(found, **options) as (p, net):
        batch = p.tensor(rows).requires_grad_()
        assert torch.autograd.grad(net(batch).sum(), batch)[0].any()
        if fails:
            raise RuntimeError("in the middle")
    assert snapshot(found) == before


def test_the_private_copy_is_lent_without_a_trace_too():
    predictor = px.Predictor(convolutional())
    for _ in range(2):
        with predictor.network() as net:
            net(predictor.tensor(PICTURES))
        assert not net._forward_pre_hooks
    assert predictor.rows == 18


def test_passes_of_a_lent_network_are_rows_of_the_meter():
    with lent(dense()) as (predictor, net):
        net(predictor.tensor(X))
        net(input=predictor.tensor(X[:5]))
    assert predictor.rows == 65


def test_values_that_are_asked_while_a_network_is_lent_are_counted_once(clock):
    net = dense()
    net.register_forward_pre_hook(lambda *_: setattr(clock, "now", clock.now + 2.0))
    with lent(net) as (predictor, inside):
        inside(predictor.tensor(X[:5]))
        predictor(X)
    assert (predictor.rows, predictor.seconds) == (65, 4.0)


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
@pytest.mark.parametrize(("make", "rows"), [(dense, X), (convolutional, PICTURES)], ids=["dense", "convolutional"])
def test_gradients_are_there_whatever_mode_the_caller_is_in(make, rows, mode):
    predictor = px.Predictor(make())
    with mode():
        predictor(rows)
        with predictor.network() as net:
            batch = predictor.tensor(rows).requires_grad_()
            assert torch.autograd.grad(net(batch).sum(), batch)[0].any()


def test_only_a_network_can_be_lent():
    predictor = px.Predictor(curved)
    with pytest.raises(TypeError, match="the model is a callable, but gradient baselines need"), predictor.network():
        pass
    with pytest.raises(TypeError, match="the model is a callable; only a torch"):
        predictor.tensor(X)
