"""Class activation maps: identities of the papers, the layer that is found, and a network left as it was."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from costs import own_rows
from picture_nets import Deep, Flat, Pooled, Tokens, explained, picture, seeded
from torch import nn
from torch.nn import functional as F

import perturbxai as px
from perturbxai import assets

CATS = [281, 285]


@pytest.fixture(scope="module")
def cats():
    """EfficientNet-Lite0 on the cat, by every map, and the network's own activations and biases beside it."""
    net, transform = assets.efficientnet_lite0()
    predictor = px.Predictor(net, output="logit", transform=transform)
    photo = assets.photo("chelsea")
    space = px.ImageSpace(n_segments=25, fill="blur")
    found = px.baselines(["cam", "grad_cam", "cam_difference"], predictor, space, photo, outputs=CATS)
    with torch.no_grad():
        batch = torch.as_tensor(transform(photo[None].astype(np.float32))).permute(0, 3, 1, 2)
        features = net.extract_features(batch)[0].double().numpy()
    weight, bias = (t.detach().double().numpy()[CATS] for t in (net._fc.weight, net._fc.bias))
    return found, features, weight, bias


def test_cam_is_the_weighted_sum_of_the_last_map(cats):
    found, features, weight, _ = cats
    expected = np.tensordot(weight, features, axes=1)
    # two layouts of the same float32 network
    np.testing.assert_allclose(found["cam"].meta["map"], expected, atol=1e-4 * np.abs(expected).max())


def test_grad_cam_is_relu_of_cam_over_49(cats):
    found, *_ = cats
    np.testing.assert_allclose(found["grad_cam"].meta["map"], np.maximum(found["cam"].meta["map"], 0) / 49, atol=1e-6)


def test_cam_sums_to_the_logit_less_its_bias(cats):
    found, _, _, bias = cats
    cam = found["cam"]
    np.testing.assert_allclose(cam.values.sum(axis=1), cam.prediction - bias, rtol=1e-5)  # float32 sums of 1,280 terms


def test_cam_difference_sums_to_the_rise_of_the_logit(cats):
    found, *_ = cats
    difference = found["cam_difference"]
    np.testing.assert_allclose(difference.values.sum(axis=1), difference.prediction - difference.base, rtol=1e-5)


def test_the_layer_that_is_found_is_what_the_pooling_takes(cats):
    found, *_ = cats
    assert {result.meta["layer"] for result in found.values()} == {"input of _avg_pooling"}


def test_the_heat_is_the_map_enlarged_and_its_sums_are_the_values(cats):
    found, *_ = cats
    for result in found.values():
        one = result[0]
        enlarged = F.interpolate(torch.as_tensor(one.meta["map"])[None], (224, 224), mode="bilinear")[0].numpy()
        cells = 1.0 if one.method.name == "" and type(one.method) is px.GradCam else 49.0
        np.testing.assert_allclose(one.heat, enlarged / cells / 32**2, atol=1e-12)
        np.testing.assert_allclose(one.heat.sum(axis=(1, 2)), one.values.sum(axis=0), rtol=1e-9)


def test_maps_agree_with_a_gradient_through_the_whole_network():
    """An oracle without our hooks: the network cut in two by hand."""
    net = seeded(Pooled)
    x = torch.as_tensor(picture()).permute(2, 0, 1)[None]
    features = net.features(x).detach().requires_grad_(True)
    score = net.head(features.mean((2, 3)))[0, 1]
    (gradient,) = torch.autograd.grad(score, features)
    expected = torch.relu((gradient.mean((2, 3), keepdim=True) * features).sum(1)).detach().numpy()
    found = explained(["grad_cam"], net, outputs=[1])["grad_cam"]
    np.testing.assert_allclose(found.meta["map"], expected, atol=1e-6)


def test_a_score_behind_the_softmax_is_another_map():
    net = seeded(Pooled)
    features = net.features(torch.as_tensor(picture()).permute(2, 0, 1)[None]).detach().requires_grad_(True)
    probability = net.head(features.mean((2, 3))).softmax(1)[0, 1]
    (gradient,) = torch.autograd.grad(probability, features)
    expected = torch.relu((gradient.mean((2, 3), keepdim=True) * features).sum(1)).detach().numpy()
    found = explained(["grad_cam"], net, outputs=[1], score="probability")["grad_cam"]
    np.testing.assert_allclose(found.meta["map"], expected, atol=1e-7)
    assert found.meta["score"] == "probability"


@pytest.mark.parametrize("inplace", [False, True])
def test_functions_and_squeezing_do_not_hide_the_last_map(inplace):
    found = explained(["cam"], seeded(Pooled, inplace=inplace))["cam"]
    assert found.meta["layer"] == "input of mean()"
    assert found.meta["map"].shape == (3, 16, 16)
    np.testing.assert_allclose(found.values.sum(axis=1), found.meta["map"].mean(axis=(1, 2))[None], rtol=1e-9)


def test_a_layer_that_runs_twice_is_named_with_its_call():
    net = seeded(Pooled)
    first, second = (explained(["grad_cam"], net, layer=f"act#{call}")["grad_cam"].meta["map"] for call in (0, 1))
    assert first.shape == (3, 32, 32)
    assert second.shape == (3, 16, 16)
    with pytest.raises(ValueError, match=r"'act' runs 2 time.*'act#0' to 'act#1'"):
        explained(["grad_cam"], net, layer="act")


@pytest.mark.parametrize("inplace", [False, True])
def test_a_layer_before_an_activation_that_works_in_place_is_seen_as_it_was(inplace):
    net = seeded(Pooled, inplace=inplace)
    found = explained(["grad_cam"], net, layer="second", outputs=[0])["grad_cam"]
    other = explained(["grad_cam"], seeded(Pooled), layer="second", outputs=[0])["grad_cam"]
    np.testing.assert_array_equal(found.meta["map"], other.meta["map"])


def test_the_input_of_a_module_is_a_place():
    net = seeded(Pooled)
    np.testing.assert_array_equal(
        explained(["grad_cam"], net, layer="input of second")["grad_cam"].meta["map"],
        explained(["grad_cam"], net, layer="act#0")["grad_cam"].meta["map"],
    )


@pytest.mark.parametrize(("height", "width"), [(33, 47), (40, 24), (31, 32)])
def test_totals_are_kept_at_sizes_that_are_no_multiple_of_the_map(height, width):
    found = explained(["cam", "cam_difference"], seeded(Pooled), picture(1, height, width))
    cam, difference = found["cam"], found["cam_difference"]
    np.testing.assert_allclose(cam.values.sum(axis=1), cam.meta["map"].mean(axis=(1, 2))[None], rtol=1e-9)
    np.testing.assert_allclose(difference.values.sum(axis=1), difference.prediction - difference.base, atol=1e-6)


def test_several_pictures_are_explained_as_each_alone():
    pictures = [picture(1), picture(2, 40, 24)]
    together = explained(["cam", "grad_cam", "cam_difference"], seeded(Pooled), pictures)
    for number, one in enumerate(pictures):
        alone = explained(["cam", "grad_cam", "cam_difference"], seeded(Pooled), one)
        for name, result in alone.items():
            np.testing.assert_array_equal(together[name][number].values, result[0].values)


def test_outputs_are_the_five_highest_of_many():
    with pytest.warns(UserWarning, match="the model has 30 outputs"):
        found = explained(["grad_cam"], seeded(Pooled, classes=30))["grad_cam"]
    assert found.outputs == tuple(str(k) for k in np.argsort(-found_scores(seeded(Pooled, classes=30)))[:5])


def found_scores(net):
    return px.Predictor(net)(picture()[None])[0]


def test_an_empty_grad_cam_is_said_to_be_empty():
    net = seeded(Pooled)
    with torch.no_grad():
        net.head.weight[0] = -net.head.weight[0].abs()  # nothing speaks for the first class
    assert explained(["grad_cam"], net, outputs=[0, 1])["grad_cam"].meta["empty_maps"] == ["0"]


# ------------------------------------------------------------------------------------------------ refusals


@pytest.mark.parametrize("make", [Flat, Deep])
def test_cam_refuses_a_head_that_is_not_linear_in_the_pooled_map(make):
    with pytest.raises(ValueError, match="not linear in the mean of this map"):
        explained(["cam"], seeded(make))
    assert explained(["grad_cam"], seeded(make))["grad_cam"].meta["map"].shape[0] == 3


def test_a_transformer_without_norms_is_explained_at_its_last_tokens():
    net = seeded(Tokens, norms=False)
    found = explained(["cam"], net)["cam"]
    assert found.meta["layer"] == "block.2"
    assert found.meta["map"].shape == (3, 4, 4)
    np.testing.assert_allclose(found.values[0].sum(axis=0), found.prediction[0] - net.head.bias.detach().numpy(), atol=1e-6)


def test_a_network_without_convolutions_has_no_map():
    with pytest.raises(ValueError, match="no map"):
        explained(["grad_cam"], seeded(lambda: nn.Sequential(nn.Flatten(), nn.Linear(32 * 32 * 3, 2))))


@pytest.mark.parametrize(
    ("layer", "error", "told"),
    [
        ("layer9", ValueError, "no module of the network; its parts are 'first', 'act'"),
        ("head", ValueError, r"gives \(1, 3\); expected a map"),
        ("squeeze", ValueError, "of several cells"),
        ("act#2", ValueError, "'act' runs 2 time"),
        (3, TypeError, "layer is int; give its name as named_modules"),
        (nn.ReLU(), ValueError, "layer is a ReLU that is no part of the network"),
        ([], ValueError, "layer is an empty list"),
        (["head", "head"], ValueError, "'head' comes twice"),
    ],
)
def test_a_layer_that_gives_no_map_is_refused(layer, error, told):
    with pytest.raises(error, match=told):
        explained(["grad_cam"], seeded(Pooled), layer=layer)


def test_what_can_be_known_without_the_model_is_refused_before_it_runs():
    net, asked = seeded(Pooled), []
    net.register_forward_pre_hook(lambda *_: asked.append(1))
    table = px.TabularSpace(np.zeros((1, 3)))
    with pytest.raises(ValueError, match="score='loss' is not known"):
        explained(["grad_cam"], net, score="loss")
    with pytest.raises(ValueError, match="cam: score='probability'"):
        explained(["cam"], net, score="probability")
    with pytest.raises(ValueError, match="'eigen' is not a known method"):
        explained(["eigen"], net)
    with pytest.raises(ValueError, match="grad_cam is a map of a picture"):
        px.baselines(["grad_cam"], px.Predictor(net), table, np.ones(3))
    with pytest.raises(ValueError, match="layer='act' is for maps"):
        explained(["centre"], net, layer="act")
    assert not asked


def test_a_model_without_an_inside_is_refused():
    space = px.ImageSpace(segments="grid", n_segments=4)
    with pytest.raises(TypeError, match=r"grad_cam looks inside a torch.nn.Module, but the model is a callable"):
        px.baselines(["grad_cam"], px.Predictor(lambda x: x.mean((1, 2, 3))), space, picture())


def test_scores_that_are_not_finite_stop_the_call():
    net = seeded(Pooled)
    with torch.no_grad():
        net.head.bias[1] = float("nan")
    with pytest.raises(px.ModelError, match="nan"):
        explained(["grad_cam"], net)


# ------------------------------------------------------------------------------------------------ left as found


def state(net):
    """Everything of a network that a baseline could disturb."""
    kinds = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
    hooks = [(name, [len(getattr(m, kind)) for kind in kinds]) for name, m in net.named_modules()]
    modes = [(name, m.training) for name, m in net.named_modules()]
    flags = [(name, p.requires_grad, p.grad is None, p._version) for name, p in net.named_parameters()]
    return hooks, modes, flags


@pytest.mark.parametrize(("methods", "layer"), [(["cam", "grad_cam", "cam_difference"], None), (["grad_cam"], "act#1")])
def test_the_network_is_left_as_it_was_found(methods, layer):
    net = seeded(Pooled).train()
    net.head.weight.requires_grad_(False)
    before, random = state(net), torch.random.get_rng_state()
    explained(methods, net, layer=layer)
    assert state(net) == before
    assert torch.equal(torch.random.get_rng_state(), random)


class Failing(Pooled):
    """Answers so many passes, then raises in the middle of one."""

    left = 0

    def features(self, x):
        type(self).left -= 1
        if self.left < 0:
            raise RuntimeError("the network broke")
        return super().features(x)


@pytest.mark.parametrize("passes", [0, 1, 2, 3])
def test_no_hook_remains_when_the_network_raises(passes):
    Failing.left = passes
    predictor = px.Predictor(seeded(Failing))
    inside = predictor._model.passes.module()
    before = state(predictor._model.model), state(inside)
    with pytest.raises(RuntimeError, match="broke"):
        px.baselines(["cam", "grad_cam"], predictor, px.ImageSpace(segments="grid", n_segments=4), picture())
    assert (state(predictor._model.model), state(inside)) == before


def test_passes_are_metered_and_no_method_pays_twice():
    predictor = px.Predictor(seeded(Pooled))
    space = px.ImageSpace(segments="grid", n_segments=4)
    found = px.baselines(["cam", "grad_cam", "cam_difference"], predictor, space, picture())
    # v(nothing), which tells the outputs' names, the search for the layer, picture, fill, and the trial of the head
    assert predictor.rows == found["cam"].meta["call_rows"] == 5
    assert [own_rows(found[name]) for name in found] == [2, 1, 3]
