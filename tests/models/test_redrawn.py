"""Predictor.randomised: weights are drawn anew at their own scale, and the user's network stays as it is."""

from __future__ import annotations

import numpy as np
import pytest

import perturbxai as px

torch = pytest.importorskip("torch")


def network(seed=0):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return torch.nn.Sequential(
            torch.nn.Conv2d(3, 40, 3), torch.nn.BatchNorm2d(40), torch.nn.ReLU(), torch.nn.Conv2d(40, 50, 3),
            torch.nn.ReLU(), torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), torch.nn.Linear(50, 4),
        )  # fmt: skip


ROWS = np.random.default_rng(0).uniform(size=(5, 9, 9, 3)).astype(np.float32)


def test_layers_are_those_with_weights_as_they_were_built():
    assert px.Predictor(network()).layers == ("0", "1", "3", "7")


def test_weights_keep_their_mean_and_deviation_and_nothing_else():
    net = network()
    predictor = px.Predictor(net)
    again = predictor.randomised(predictor.layers, np.random.default_rng(0))
    for (name, old), (_, new) in zip(net.named_parameters(), again._model.model.named_parameters(), strict=True):
        if old.numel() > 1000:
            assert float(new.detach().std()) == pytest.approx(float(old.detach().std()), rel=0.05), name
            assert abs(float(torch.corrcoef(torch.stack([old.detach().ravel(), new.detach().ravel()]))[0, 1])) < 0.1
    for (_, old), (_, new) in zip(net.named_buffers(), again._model.model.named_buffers(), strict=True):
        assert torch.equal(old, new)


def test_only_the_layers_that_are_named_change():
    net = network()
    again = px.Predictor(net).randomised(["7", "3"], np.random.default_rng(0))._model.model
    changed = {name.partition(".")[0] for (name, old), new in zip(net.named_parameters(), again.parameters(), strict=True)
               if not torch.equal(old, new)}  # fmt: skip
    assert changed == {"3", "7"}


def test_what_was_drawn_first_stays_as_more_is_drawn():
    predictor = px.Predictor(network())
    one, two = (predictor.randomised(layers, np.random.default_rng(5))._model.model for layers in (["7"], ["7", "3"]))
    assert torch.equal(one[7].weight, two[7].weight) and not torch.equal(one[3].weight, two[3].weight)


def test_the_user_s_network_and_all_random_states_stay_as_they_are():
    net = network().train()
    before = {name: one.clone() for name, one in net.state_dict().items()}
    states = torch.random.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    predictor = px.Predictor(net)
    answers = predictor(ROWS)
    again = predictor.randomised(predictor.layers, np.random.default_rng(0))
    assert not np.allclose(again(ROWS), answers)
    np.testing.assert_array_equal(predictor(ROWS), answers)
    assert net.training and all(torch.equal(one, before[name]) for name, one in net.state_dict().items())
    assert torch.equal(torch.random.get_rng_state(), states[0]) and (np.random.get_state()[1] == states[1]).all()  # noqa: NPY002


def test_it_is_asked_as_the_other_is_and_its_meters_begin_at_nothing():
    predictor = px.Predictor(
        network(), output="probability", outputs=["a", "b", "c", "d"], transform=lambda x: x - 0.5, batch_size=2,
    )  # fmt: skip
    predictor(ROWS)
    again = predictor.randomised(predictor.layers, np.random.default_rng(0))
    assert again.rows == 0 and again.outputs == predictor.outputs and again.output == "probability"
    found = again(ROWS)
    np.testing.assert_allclose(found.sum(axis=1), 1.0, atol=1e-6)
    assert again.rows == 5 and predictor.rows == 5 and again.plan["batch_size"] == 2


def test_a_deep_network_still_tells_pictures_apart():
    pytest.importorskip("efficientnet_lite_pytorch", reason='the network comes with pip install "perturbxai[quickstart]"')
    from perturbxai import assets

    net, transform = assets.efficientnet_lite0()
    predictor = px.Predictor(net, transform=transform, batch_size=8)
    photos = np.stack([assets.photo(name) for name in ("chelsea", "coffee", "rocket")])
    again = predictor.randomised(predictor.layers, np.random.default_rng(0))
    assert again(photos).std(axis=0).mean() > 0.1 * predictor(photos).std(axis=0).mean()


WRONG = {
    "an unknown layer": (
        {"layers": ["9"]},
        ValueError,
        r"layers: '9' holds no weights of its own; those that do are 0, 1, 3, 7",
    ),
    "a layer without weights": ({"layers": "2"}, ValueError, "layers: '2' holds no weights"),
    "a number": ({"layers": [3]}, ValueError, "layers: 3 holds no weights"),
    "no name": ({"layers": 3}, TypeError, "layers"),
    "a seed": ({"layers": ["0"], "rng": 0}, TypeError, "rng is int; expected a numpy Generator"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_what_cannot_be_drawn_is_refused(kind):
    given, error, words = WRONG[kind]
    with pytest.raises(error, match=words):
        px.Predictor(network()).randomised(**{"rng": np.random.default_rng(0)} | given)


def test_other_models_have_no_layers():
    predictor = px.Predictor(lambda X: X.sum(axis=1))
    for ask in (lambda: predictor.layers, lambda: predictor.randomised(["0"], np.random.default_rng(0))):
        with pytest.raises(TypeError, match="the model is a callable, whose weights cannot be drawn anew"):
            ask()
    with pytest.raises(TypeError, match="no weights of floating point"):
        px.Predictor(torch.nn.Flatten()).layers  # noqa: B018
