"""How networks are run: one that cannot take a layout or a mode runs as it is, and its own errors stay what they are."""

from __future__ import annotations

import functools

import numpy as np
import pytest
import torch
from samples import PICTURES, snapshot
from torch import nn

import perturbxai as px

BY_GRADIENTS = ["gradient", "integrated_gradients", "guided_backprop", "lrp", "mask_optimisation"]


class Bare(nn.Module):
    """A convolution, something done with its map, and a head that reads it all."""

    def __init__(self, shape, side=12):
        super().__init__()
        self.body, self.shape, self.head = nn.Conv2d(3, 4, 3, padding=1), shape, nn.Linear(4 * side * side, 2)

    def forward(self, x):
        return self.head(self.shape(self.body(x).relu()))


class Backwards(torch.autograd.Function):
    """Nothing, but the pass backwards looks at what comes as a row."""

    @staticmethod
    def forward(_ctx, x):
        return x.clone()

    @staticmethod
    def backward(_ctx, came):
        return came.view(-1).view(came.shape)


def _planes(x):
    assert x.is_contiguous(), "planes only"
    return x.flatten(1)


def _writes(x):
    return x.sub_(0.5).view(len(x), -1)


NEED_PLANES = {
    "view": lambda x: x.view(x.size(0), -1),
    "view as": lambda x: x.view(-1, x.shape[1] * x.shape[2] * x.shape[3]),
    "an assertion": _planes,
    "in place before": _writes,
    "strides of its own": lambda x: x.as_strided((len(x), x.shape[1] * 144), (x.shape[1] * 144, 1)),
    "by what its strides are": lambda x: x.flatten(1) * (1.0 if x.stride()[-1] == 1 else 2.0),
    "from its memory": lambda x: torch.empty(0).set_(x.untyped_storage(), x.storage_offset(), (len(x), x.shape[1] * 144)),
    "another error": lambda x: x.flatten(1) if x.stride()[-1] == 1 else [][0],
}


def seeded(make):
    with torch.random.fork_rng():
        torch.manual_seed(1)
        return make().eval()


def alone(net, pictures=PICTURES):
    with torch.no_grad():
        return net(torch.as_tensor(pictures.transpose(0, 3, 1, 2).copy())).double().numpy()


@pytest.mark.parametrize("transform", [None, lambda batch: torch.as_tensor(batch).permute(0, 3, 1, 2)], ids=["none", "view"])
@pytest.mark.parametrize("what", NEED_PLANES)
def test_a_network_that_needs_its_channels_first_runs_as_it_is_and_the_plan_says_so(what, transform):
    net = seeded(lambda: Bare(NEED_PLANES[what]))
    before, predictor = snapshot(net), px.Predictor(net, transform=transform)
    np.testing.assert_allclose(predictor(PICTURES), alone(net), rtol=0, atol=1e-6)
    assert predictor.plan["layout"] == "contiguous" and snapshot(net) == before and predictor.rows == len(PICTURES)


def test_a_network_whose_input_is_normalised_in_place_is_asked_again_with_the_input_as_it_was():
    class Inside(Bare):
        def forward(self, x):
            return super().forward(x.sub_(0.5).div_(0.25))

    net = seeded(lambda: Inside(NEED_PLANES["view"]))
    np.testing.assert_allclose(px.Predictor(net)(PICTURES), alone(net), rtol=0, atol=1e-6)


@pytest.mark.parametrize("precision", ["float64", "bfloat16"])
def test_another_precision_still_runs_its_private_copy(precision):
    net = seeded(lambda: Bare(NEED_PLANES["view"]))
    predictor = px.Predictor(net, precision=precision)
    np.testing.assert_allclose(predictor(PICTURES), alone(net), rtol=0, atol=1e-6 if precision == "float64" else 0.05)
    assert (predictor.plan["layout"], predictor.plan["precision"]) == ("contiguous", precision)


class Sided(nn.Module):
    """Its last map is 1 x 1 on small pictures, which lies the same either way, and larger on large ones."""

    def __init__(self):
        super().__init__()
        self.body = nn.Conv2d(3, 4, 12, stride=12)

    def forward(self, x):
        x = self.body(x)
        return x.view(len(x), -1)[:, :2]


def test_a_layout_that_was_fine_for_small_pictures_is_given_up_at_a_larger_one():
    net, large = seeded(Sided), np.tile(PICTURES, (1, 2, 2, 1))
    predictor = px.Predictor(net)
    predictor(PICTURES)
    assert predictor.plan["layout"] == "channels_last"
    np.testing.assert_allclose(predictor(large), alone(net, large), rtol=0, atol=1e-6)
    assert predictor.plan["layout"] == "contiguous"


OWN = [RuntimeError("no view of this"), RuntimeError("no grad"), KeyError("lost"), ZeroDivisionError(), ValueError("own")]


@pytest.mark.parametrize("error", OWN, ids=repr)
def test_an_error_of_the_networks_own_stays_what_it_is(error):
    def fail(_):
        raise error

    predictor = px.Predictor(seeded(lambda: Bare(fail)))
    with pytest.raises(type(error)) as told:
        predictor(PICTURES)
    assert told.value is error and predictor.plan["layout"] == "channels_last" and predictor.rows == 0


def test_the_error_of_the_layout_does_not_hide_that_of_the_network():
    def fail(x):
        x.view(len(x), -1)
        raise KeyError("the network's own")

    with pytest.raises(KeyError, match="the network's own"):
        px.Predictor(seeded(lambda: Bare(fail)))(PICTURES)


@pytest.mark.parametrize("name", [*BY_GRADIENTS, "grad_cam"])
def test_every_baseline_takes_a_network_that_needs_its_channels_first(name):
    """LeNet's view(): the same network with flatten() is the oracle."""
    method = px.MaskOptimisation(steps=3, areas=(0.2,), cells=3) if name == "mask_optimisation" else name
    space = px.ImageSpace(segments="grid", n_segments=4, fill=0.5)

    def values(shape):
        found = px.baselines([method], px.Predictor(seeded(lambda: Bare(shape))), space, PICTURES[0], outputs=[1])
        return found[name].values

    np.testing.assert_allclose(values(NEED_PLANES["view"]), values(lambda x: x.flatten(1)), rtol=1e-4, atol=1e-6)


def test_a_pass_backwards_that_needs_its_channels_first_gets_them():
    def smoothed(between):
        weight = torch.full((4, 4, 3, 3), 0.1)
        return seeded(lambda: Bare(lambda x: nn.functional.conv2d(between(x), weight, padding=1).flatten(1)))

    predictor, plain = px.Predictor(smoothed(Backwards.apply)), px.Predictor(smoothed(lambda x: x))
    space = px.ImageSpace(segments="grid", n_segments=4, fill=0.5)
    found, truth = (px.baselines("gradient", p, space, PICTURES[0])["gradient"] for p in (predictor, plain))
    np.testing.assert_allclose(found.values, truth.values, rtol=1e-4, atol=1e-7)
    assert found.meta["plan"]["layout"] == "contiguous"


# ------------------------------------------------------------------------------------------- networks that keep gradients


def _hooks(x):
    x.register_hook(lambda _: None)  # as tutorials of Grad-CAM write it
    return x


def _forces(x):
    with torch.enable_grad():
        own = x.detach().clone().requires_grad_(True)
        return torch.autograd.grad((own**3).sum(), own)[0]


@pytest.mark.parametrize("inside", [_hooks, _forces])
@pytest.mark.parametrize("layout", ["flatten", "view"])
def test_a_network_that_keeps_gradients_itself_is_run_with_them(inside, layout):
    shape = {"flatten": lambda x: x.flatten(1), "view": lambda x: x.view(len(x), -1)}[layout]
    net = seeded(lambda: Bare(lambda x: shape(inside(x))))
    predictor = px.Predictor(net)
    before = snapshot(net)
    truth = net(torch.as_tensor(PICTURES.transpose(0, 3, 1, 2).copy())).detach().double().numpy()
    np.testing.assert_allclose(predictor(PICTURES), truth, rtol=0, atol=1e-5)
    assert predictor.plan["gradients"] == "kept" and predictor.plan["layout"] == "contiguous" and snapshot(net) == before


@pytest.mark.parametrize("name", [*BY_GRADIENTS, "cam", "ablation_cam"])
def test_baselines_of_a_network_that_hooks_its_own_map_are_those_without_the_hook(name):
    class Pooled(nn.Module):
        def __init__(self, inside):
            super().__init__()
            self.body, self.inside, self.head = nn.Conv2d(3, 4, 3), inside, nn.Linear(4, 2)

        def forward(self, x):
            return self.head(self.inside(self.body(x).relu()).mean((2, 3)))

    method = px.MaskOptimisation(steps=3, areas=(0.2,), cells=3) if name == "mask_optimisation" else name
    space = px.ImageSpace(segments="grid", n_segments=4, fill=0.5)

    def values(inside):
        found = px.baselines([method], px.Predictor(seeded(lambda: Pooled(inside))), space, PICTURES[0], outputs=[1])
        return found[name].values

    found, truth = values(_hooks), values(lambda x: x)
    np.testing.assert_allclose(found, truth, rtol=1e-4, atol=1e-6)


class Closing(nn.Module):
    """A network that reaches its own layers through a function that deepcopy leaves as it is."""

    def __init__(self, how):
        super().__init__()
        self.body, self.norm, self.drop, self.head = nn.Conv2d(3, 6, 3), nn.BatchNorm2d(6), nn.Dropout(), nn.Linear(6, 3)
        self.step = self.through_self
        if how == "lambda":
            self.step = lambda x: self.drop(self.norm(self.body(x)).relu())
        elif how == "partial":
            self.step = functools.partial(lambda x, scale: scale * self.through_self(x), scale=1.0)
        elif how == "compiled":
            self.step = torch.compile(self.through_self, backend="eager")
        elif how == "in a list":
            self.step = [lambda x: self.through_self(x)].__getitem__(0)
        elif how == "forward":
            own = self.forward
            self.forward = lambda x: own(x)
        elif how == "hook":
            self.head.register_forward_hook(lambda _head, _given, found: found + self.norm(self.body(PLAIN)).sum())

    def through_self(self, x):
        return self.drop(self.norm(self.body(x)).relu())

    def forward(self, x):
        return self.head(self.step(x).mean((2, 3)))


PLAIN = torch.full((1, 3, 3, 3), 0.5)
CLOSING = ["lambda", "partial", "compiled", "in a list", "forward", "hook"]


@pytest.mark.parametrize("mode", [True, False], ids=["train", "eval"])
@pytest.mark.parametrize("how", [*CLOSING, "method"])
def test_a_network_that_no_copy_can_be_made_of_runs_as_it_is_and_stays_as_it_was(how, mode):
    net, expected = seeded(lambda: Closing(how)).train(mode), alone(seeded(lambda: Closing(how)))
    before, predictor = snapshot(net), px.Predictor(net, output="logit")
    for _ in range(2):
        np.testing.assert_allclose(predictor(PICTURES), expected, rtol=0, atol=1e-5)
    assert snapshot(net) == before and net.training is mode
    assert predictor.plan["layout"] == ("channels_last" if how == "method" else "contiguous")
    assert predictor.rows == 2 * len(PICTURES)


@pytest.mark.parametrize("how", CLOSING)
def test_another_precision_of_a_network_that_no_copy_can_be_made_of_is_refused_by_name(how):
    net = seeded(lambda: Closing(how))
    before = snapshot(net)
    with pytest.raises(RuntimeError, match=r"runs parts of the original .*leave precision, device and compile out"):
        px.Predictor(net, precision="float64")(PICTURES)
    assert snapshot(net) == before
