"""What no rule covers is refused with its layer, never explained by another method; and every network is left as it was."""

from __future__ import annotations

import builtins
from contextlib import nullcontext

import numpy as np
import pytest
import torch
from picture_nets import Pooled, Tokens, explained, picture, seeded
from samples import snapshot
from torch import nn
from torch.nn import functional as F

import perturbxai as px
from perturbxai.core import catalogue

RECTIFIED = ["deconvnet", "guided_backprop", "guided_grad_cam"]
SHARED = ["lrp", "deep_taylor"]
PASSES = {"smooth_grad": 7, "integrated_gradients": 8, "guided_grad_cam": 2, "lrp": 2, "deep_taylor": 4}
BY_PIXEL = ["gradient", "gradient_x_input", "smooth_grad", "integrated_gradients", *catalogue.BY_RULES]


class Between(nn.Module):
    """A network with something between its two convolutions, beside a ReLU."""

    def __init__(self, between):
        super().__init__()
        self.first, self.act, self.between = nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), between
        self.second, self.head = nn.Conv2d(4, 4, 3, padding=1), nn.Linear(4, 3)

    def forward(self, x):
        return self.head(self.act(self.second(self.between(self.first(x)))).mean((2, 3)))


class Called(nn.Module):
    """A module made of a function."""

    def __init__(self, run):
        super().__init__()
        self.run = run

    def forward(self, x):
        return self.run(x)


class Hidden(torch.autograd.Function):
    """A swish whose derivative is written by hand, as memory-saving networks have it."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * torch.sigmoid(x)

    @staticmethod
    def backward(ctx, came):
        (x,) = ctx.saved_tensors
        share = torch.sigmoid(x)
        return came * share * (1 + x * (1 - share))


class Mul(Hidden):
    """The same, by a name that torch's products have."""


def between(what):
    return seeded(lambda: Between(what() if isinstance(what, type) else what))


NO_RECTIFIERS = {
    "SiLU": nn.SiLU, "GELU": nn.GELU, "ELU": nn.ELU, "LeakyReLU": nn.LeakyReLU, "PReLU": nn.PReLU, "Hardswish": nn.Hardswish,
    "Mish": nn.Mish, "Tanh": nn.Tanh, "Hardtanh": nn.Hardtanh, "Softplus": nn.Softplus, "Threshold": nn.Threshold(0.1, 0.0),
    "swish": Called(lambda x: x * torch.sigmoid(x)), "hidden": Called(Hidden.apply),
    "hidden by its name": Called(Mul.apply), "times itself": Called(lambda x: x * x),
    "rectified times itself": Called(lambda x: F.relu(x) * F.relu(x)),
    "largest": Called(lambda x: torch.stack([x, torch.zeros_like(x)]).amax(0)),
    "quick gelu": Called(lambda x: x * torch.sigmoid(1.702 * x)), "hard swish": Called(lambda x: x * F.relu6(x + 3) / 6),
    "squared": Called(lambda x: x * F.relu(x)), "clamp": Called(lambda x: x.clamp(min=-1)),
    "less the rest": Called(lambda x: x - x.clamp(max=0)), "masked": Called(lambda x: x * (x > 0)),
    "where": Called(lambda x: torch.where(x > 0, x, 0.0)), "maximum": Called(lambda x: torch.maximum(x, torch.zeros(1))),
    "absolute": Called(lambda x: (x + x.abs()) / 2), "written into": Called(lambda x: x.clone().masked_fill_(x < 0, 0.0)),
}  # fmt: skip


@pytest.mark.parametrize("what", NO_RECTIFIERS)
@pytest.mark.parametrize("name", RECTIFIED)
def test_an_activation_that_is_no_rectifier_is_refused_with_its_layer(name, what):
    kind = type(NO_RECTIFIERS[what]).__name__ if isinstance(NO_RECTIFIERS[what], nn.Module) else NO_RECTIFIERS[what].__name__
    told = rf"{name}: layer 'between' \({kind}\) runs \w+, which is no rectifier .*take 'gradient'"
    with pytest.raises(ValueError, match=told):
        explained([name], between(NO_RECTIFIERS[what]))


SCALE = torch.tensor([1.0, 2.0, 3.0, 4.0])[:, None, None]
CONSTANTS = {
    "kept": lambda: SCALE, "made": lambda: torch.tensor([1.0, 2.0, 3.0, 4.0]).view(4, 1, 1),
    "of an array": lambda: torch.as_tensor(SCALE.numpy()), "computed": lambda: torch.arange(1.0, 5.0)[:, None, None].clone(),
}  # fmt: skip


@pytest.mark.parametrize("how", CONSTANTS)
@pytest.mark.parametrize("name", [*RECTIFIED, *SHARED])
def test_a_constant_that_is_no_buffer_is_one_all_the_same(name, how):
    """The oracle is the network whose constant is registered."""

    class Scaled(nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("scale", SCALE)

        def forward(self, x):
            return (x - 0.1) / self.scale

    truth = explained([name], between(Scaled))[name].values
    found = explained([name], between(Called(lambda x: (x - 0.1) / CONSTANTS[how]())))[name].values
    np.testing.assert_allclose(found, truth, rtol=1e-6, atol=1e-9)


class Normalised(nn.Module):
    """A network that gets the picture as it is and normalises it itself."""

    def __init__(self, how):
        super().__init__()
        self.how, self.net = how, between(nn.ReLU)

    def forward(self, x):
        return self.net(self.how(x))


MEAN, STD = torch.tensor([0.4, 0.5, 0.6]), torch.tensor([0.2, 0.25, 0.3])
NUMBERS = [0.4, 0.5, 0.6], [0.2, 0.25, 0.3]


def _of_torchvision(version):
    transforms = pytest.importorskip(f"torchvision.transforms{version}", reason="torchvision is not installed")
    return transforms.Normalize(*NUMBERS)


INSIDE = {
    "inline": lambda x: (x - torch.tensor(NUMBERS[0]).view(1, 3, 1, 1)) / torch.tensor(NUMBERS[1]).view(1, 3, 1, 1),
    "global": lambda x: (x - MEAN[None, :, None, None]) / STD[None, :, None, None],
    "in place": lambda x: x.sub_(MEAN[:, None, None]).div_(STD[:, None, None]),
    "torchvision's function": lambda x: _of_torchvision("").forward(x),
    "torchvision's module": "",
    "its second version": ".v2",
}


@pytest.mark.parametrize("how", INSIDE)
@pytest.mark.parametrize("name", [*RECTIFIED, *SHARED, "gradient", "integrated_gradients", "cam", "grad_cam"])
def test_a_network_that_normalises_inside_is_explained_however_it_is_written(name, how):
    class Registered(nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("mean", MEAN[:, None, None])
            self.register_buffer("std", STD[:, None, None])

        def forward(self, x):
            return (x - self.mean) / self.std

    method = px.IntegratedGradients(steps=8) if name == "integrated_gradients" else name
    truth = explained([method], Normalised(Registered()))[name].values
    own = _of_torchvision(INSIDE[how]) if isinstance(INSIDE[how], str) else INSIDE[how]
    found = explained([method], Normalised(own))[name].values
    np.testing.assert_allclose(found, truth, rtol=1e-4, atol=1e-6 * np.abs(truth).max())


MADE_OF_THE_PICTURE = {
    "compared": lambda x: x * (x > 0), "detached": lambda x: x * (x.detach() > 0).float(),
    "written": lambda x: x * torch.zeros_like(x).masked_fill_(x > 0, 1.0),
    "by index": lambda x: x * _by_index(x), "by numpy": lambda x: x * torch.as_tensor((x.detach().numpy() > 0).astype("f4")),
    "by Python": lambda x: x * torch.tensor((x > 0).tolist()), "signed": lambda x: x * torch.sign(x).detach().clamp(min=0),
}  # fmt: skip


def _by_index(x):
    mask = torch.zeros(x.shape)
    mask[x > 0] = 1.0
    return mask


@pytest.mark.parametrize("what", MADE_OF_THE_PICTURE)
@pytest.mark.parametrize("name", [*RECTIFIED, *SHARED])
def test_a_factor_that_is_made_of_the_picture_behind_autograd_is_no_constant(name, what):
    with pytest.raises(ValueError, match=rf"{name}: layer 'between' .*made of the picture"):
        explained([name], between(Called(MADE_OF_THE_PICTURE[what])))


class Mixed(nn.Module):
    """A network that runs in bfloat16 where torch thinks that is enough."""

    def __init__(self):
        super().__init__()
        self.net = between(nn.ReLU)

    def forward(self, x):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            return self.net(x)


@pytest.mark.parametrize("name", [*RECTIFIED, *SHARED, "gradient", "cam", "grad_cam"])
def test_a_network_under_autocast_is_explained_within_its_type_or_refused_in_words(name):
    if name in SHARED:
        with pytest.raises(ValueError, match=rf"{name}: .*runs under autocast.*leave torch.autocast out"):
            explained([name], Mixed())
        return
    found, truth = (explained([name], net)[name].values for net in (Mixed(), between(nn.ReLU)))
    np.testing.assert_allclose(found, truth, rtol=0, atol=0.05 * np.abs(truth).max())


DRAWING = {
    "dropout": lambda x: F.dropout(x, 0.3),
    "of channels": lambda x: F.dropout2d(x, 0.3),
    "alpha": lambda x: F.alpha_dropout(x, 0.3, training=True),
    "noise": lambda x: x + torch.randn_like(x),
    "stochastic depth": lambda x: x * torch.bernoulli(torch.tensor(0.5)),
}


@pytest.mark.parametrize("what", DRAWING)
@pytest.mark.parametrize("name", [*BY_PIXEL, "cam", "grad_cam", "ablation_cam", "eigen_cam", "mask_optimisation"])
@pytest.mark.filterwarnings("ignore:the network draws random numbers")
def test_a_network_that_draws_random_numbers_is_refused_by_the_layer_that_draws(name, what):
    net = between(Called(DRAWING[what]))
    with pytest.raises(ValueError, match=r"the network draws random numbers as it runs.*\(\w+\(\) in layer 'between'\)"):
        explained([name], net)


@pytest.mark.parametrize("what", DRAWING)
def test_values_of_a_network_that_draws_random_numbers_come_with_a_warning_once(what):
    predictor = px.Predictor(between(Called(DRAWING[what])))
    with pytest.warns(UserWarning, match=r"draws random numbers as it runs.*in layer 'between'.*as noisy as it is"):
        predictor(picture()[None])
    predictor(picture()[None])  # a warning would be an error
    assert predictor.rows == 2


@pytest.mark.parametrize("norm", [nn.GroupNorm(2, 4), nn.InstanceNorm2d(4), nn.LayerNorm(32)], ids=str)
@pytest.mark.parametrize("name", RECTIFIED)
def test_norms_of_a_picture_keep_their_own_derivative(name, norm):
    assert np.isfinite(explained([name], between(norm))[name].values).all()


@pytest.mark.parametrize("name", RECTIFIED)
def test_a_network_without_rectifiers_is_refused(name):
    net = seeded(lambda: nn.Sequential(nn.Conv2d(3, 4, 3), nn.AvgPool2d(2), nn.AdaptiveAvgPool2d(1), nn.Flatten()))
    with pytest.raises(ValueError, match=f"{name}: the network has no rectifier"):
        explained([name], net)


@pytest.mark.parametrize("name", RECTIFIED)
def test_a_gate_keeps_its_own_derivative(name):
    """Squeeze and excitation: the oracle is autograd with the ReLU written as its rule."""
    rule = {"deconvnet": lambda _, came: came.clamp(min=0)}.get(name, lambda x, came: came.clamp(min=0) * (x > 0))

    class Ruled(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x.relu()

        @staticmethod
        def backward(ctx, came):
            return rule(*ctx.saved_tensors, came)

    net = seeded(Pooled).double()
    found = explained([name, "grad_cam"], net, outputs=[1])
    net.act = Called(Ruled.apply)
    leaf = torch.as_tensor(picture(), dtype=torch.float64).permute(2, 0, 1)[None].requires_grad_(True)
    expected = torch.autograd.grad(net(leaf)[0, 1], leaf)[0][0].sum(0).numpy()
    if name == "guided_grad_cam":
        cells = torch.as_tensor(found["grad_cam"].meta["map"])[None]
        expected = expected * F.interpolate(cells, (32, 32), mode="bilinear")[0, 0].numpy()
    np.testing.assert_allclose(found[name][0].heat[0], expected, atol=1e-12)


class Scripted(nn.Module):
    """A part into which no function of torch can be seen, once it is scripted."""

    def forward(self, x):
        return F.silu(x)


WITHOUT_A_RULE = {
    "GroupNorm": nn.GroupNorm(2, 4), "InstanceNorm2d": nn.InstanceNorm2d(4), "Sigmoid": nn.Sigmoid, "Softplus": nn.Softplus,
    "square": Called(torch.square), "product": Called(lambda x: x * x.mean((2, 3), keepdim=True)),
    "hidden": Called(Hidden.apply),
    "masked": Called(lambda x: x * (x > 0)), "over": Called(lambda x: torch.div(torch.ones(1), x + 10.0)),
    "normalize": Called(F.normalize), "clamp": Called(lambda x: x.clamp(min=0.5)), "LPPool2d": nn.LPPool2d(2, 2),
    "written into": Called(lambda x: x.clone().masked_fill_(x < 0, 0.0)),
}  # fmt: skip


@pytest.mark.parametrize("what", WITHOUT_A_RULE)
@pytest.mark.parametrize("name", SHARED)
def test_an_operation_without_a_rule_of_relevance_is_refused_with_its_layer(name, what):
    kind = type(WITHOUT_A_RULE[what]).__name__ if isinstance(WITHOUT_A_RULE[what], nn.Module) else what
    told = rf"{name}: layer 'between' \({kind}\) runs .*no rule of relevance covers.*; take 'integrated"
    with pytest.raises(ValueError, match=told):
        explained([name], between(WITHOUT_A_RULE[what]))


@pytest.mark.parametrize("name", SHARED)
def test_a_product_of_two_maps_is_refused(name):
    with pytest.raises(ValueError, match=rf"{name}: the network itself \(Gated\) runs mul\(\) \(Mul\) on 2 tensor"):
        explained([name], seeded(lambda: Gated()))


class Gated(Pooled):
    """Gated without a sigmoid, which would be refused before."""

    def features(self, x):
        x = self.act(self.second(self.act(self.first(x))))
        return x.mul(self.act(self.squeeze(F.adaptive_avg_pool2d(x, 1))))


def test_a_transformer_is_refused():
    with pytest.raises(ValueError, match=r"lrp: layer 'block\.\w+"):
        explained(["lrp"], seeded(Tokens))


@pytest.mark.filterwarnings("ignore:.*torch.jit.script.* is deprecated")
def test_a_scripted_part_does_not_hide_what_it_runs():
    part = torch.jit.script(Scripted())
    for name in ("lrp", "guided_backprop"):
        with pytest.raises(ValueError, match=f"{name}: .* runs SiluBackward0"):
            explained([name], between(part))


class Moody(Between):
    """Another network at each pass."""

    passes = 0

    def forward(self, x):
        type(self).passes += 1
        x = self.first(x)
        return self.head((x.relu() if self.passes % 2 else x).mean((2, 3)))


def test_a_network_that_does_not_do_the_same_twice_is_refused():
    with pytest.raises(ValueError, match=r"lrp: the network does not run the same operations twice"):
        explained(["lrp"], seeded(lambda: Moody(nn.Identity())))


class Reread(nn.Module):
    """Works in place and reads what it overwrote by its old name."""

    def __init__(self):
        super().__init__()
        self.first, self.head = nn.Conv2d(3, 4, 3), nn.Linear(4, 3)

    def forward(self, x):
        x = self.first(x)
        F.relu(x, inplace=True)
        return self.head(x.mean((2, 3)))


def test_a_network_that_reads_again_what_it_overwrote_is_refused():
    with pytest.raises(ValueError, match=r"lrp: .*give other scores than the network.*inplace=False"):
        explained(["lrp"], seeded(Reread))


@pytest.mark.parametrize("name", SHARED)
def test_relevance_starts_at_a_score_and_not_at_a_probability(name):
    net, asked = between(nn.ReLU), []
    net.register_forward_pre_hook(lambda *_: asked.append(1))
    with pytest.raises(ValueError, match=f"{name}: score='probability' is no sum"):
        explained([name], net, score="probability")
    assert not asked


@pytest.mark.parametrize("method", [px.Lrp(first="box"), px.DeepTaylor()], ids=str)
def test_a_picture_beyond_its_bounds_is_refused(method):
    with pytest.raises(ValueError, match=r"box: the picture's values run from -1 to .*box=\(low, high\)"):
        explained([method], between(nn.ReLU), np.linspace(-1, 1, 3072, dtype=np.float32).reshape(32, 32, 3))


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda: px.Lrp(rule="z_plus"), "rule='z_plus'"), (lambda: px.Lrp(alpha=0.5), "alpha=0.5 must be .* from 1 up"),
        (lambda: px.Lrp(gamma=-1.0), "gamma=-1.0"), (lambda: px.Lrp(epsilon=0.0), "epsilon=0.0 must be a number above 0"),
        (lambda: px.Lrp(epsilon="small"), "epsilon='small'"), (lambda: px.Lrp(first="zbox"), "first='zbox'"),
        (lambda: px.Lrp(gamma=0.5), "gamma=0.5 is an option of rule='gamma', but rule='alpha_beta'"),
        (lambda: px.Lrp(rule="gamma", alpha=2.0), "alpha=2.0 is an option of rule='alpha_beta'"),
        (lambda: px.Lrp(box=(0.0, 1.0)), r"box=\(0.0, 1.0\) is an option of first='box', but first='flat'"),
        (lambda: px.Lrp(box=(1.0, 0.0)), r"box=\(1.0, 0.0\) is no range"), (lambda: px.DeepTaylor(box=3), "box=3 is no"),
        (lambda: px.Deconvnet(channels="all"), "channels='all'"), (lambda: px.GuidedBackprop(channels=1), "channels=1"),
        (lambda: px.GuidedGradCam(channels=""), "channels=''"),
    ],
)  # fmt: skip
def test_options_that_mean_nothing_are_refused(make, match):
    with pytest.raises((TypeError, ValueError), match=match):  # of another kind, or no such value
        make()


@pytest.mark.parametrize("name", catalogue.BY_RULES)
def test_without_zennit_the_way_to_it_is_told_before_the_model_is_asked(name, monkeypatch):
    real, asked = builtins.__import__, []

    def absent(module, *rest):
        if module.startswith("zennit"):
            raise ImportError(module)
        return real(module, *rest)

    net = between(nn.ReLU)
    net.register_forward_pre_hook(lambda *_: asked.append(1))
    monkeypatch.setattr(builtins, "__import__", absent)
    with pytest.raises(ImportError, match=r'pip install "perturbxai\[propagation\]"'):
        explained([name], net)
    assert not asked


@pytest.mark.parametrize("name", catalogue.BY_RULES)
def test_pictures_only(name):
    with pytest.raises(ValueError, match=f"{name} is a map of a picture, but the space is a table"):
        px.baselines([name], px.Predictor(nn.Linear(3, 1)), px.TabularSpace(np.eye(3)), np.ones(3))


# ------------------------------------------------------------------------------------------------ left as found


class Failing(nn.Module):
    """Convolutions, a batch norm and functions; answers so many passes, then raises in the middle of one."""

    left = 10**6

    def __init__(self):
        super().__init__()
        self.first, self.norm, self.act = nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(inplace=True)
        self.second, self.head = nn.Conv2d(4, 4, 3, bias=False), nn.Linear(4, 3)

    def forward(self, x):
        x = self.act(self.norm(self.first(x)))
        type(self).left -= 1
        if self.left < 0:
            raise RuntimeError("the network broke")
        return self.head(self.act(self.second(x)).mean((2, 3)))


def found():
    """A network in a mixture of modes and flags, with a gradient and a hook of its own, and what must remain of it."""
    Failing.left = 10**6
    net = seeded(Failing).train()
    net.norm.eval()
    net.head.bias.requires_grad_(False)
    net.first.weight.grad = torch.ones_like(net.first.weight)
    net.second.register_forward_hook(lambda _m, _a, out: out)
    return net


@pytest.mark.parametrize("precision", [None, "float64"])
@pytest.mark.parametrize("name", BY_PIXEL)
def test_the_network_is_left_as_it_was_found(name, precision):
    net = found()
    before, random, mode = snapshot(net), torch.random.get_rng_state(), torch.is_grad_enabled()
    explained([name], net, predictor={"precision": precision})
    assert snapshot(net) == before
    assert torch.equal(torch.random.get_rng_state(), random)
    assert torch.is_grad_enabled() == mode


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("name", BY_PIXEL)
def test_a_layout_is_left_as_it_was_found(name, layout):
    net = found().to(memory_format=layout)
    before = snapshot(net)
    explained([name], net)
    assert snapshot(net) == before


@pytest.mark.parametrize("passes", [2, 3, 4])
@pytest.mark.parametrize("name", BY_PIXEL)
def test_nothing_remains_when_the_network_raises(name, passes):
    """It raises at the first pass from inside, at the second and at a later one, where there is one."""
    net = found()
    predictor = px.Predictor(net)
    inside = predictor.network_model().passes.module()
    before = snapshot(net), snapshot(inside)
    Failing.left = passes
    options = {"fill": 0.5} if name == "integrated_gradients" else {}
    space = px.ImageSpace(segments="grid", n_segments=4, **options)
    broke = pytest.raises(RuntimeError, match="broke") if passes < 2 + PASSES.get(name, 1) else nullcontext()
    with broke:
        px.baselines([name], predictor, space, picture())
    assert (snapshot(net), snapshot(inside)) == before


@pytest.mark.parametrize("name", catalogue.BY_RULES)
def test_nothing_remains_when_a_rule_is_missing(name):
    net = between(nn.GroupNorm(2, 4)) if name in SHARED else between(nn.SiLU)
    before = snapshot(net)
    with pytest.raises(ValueError, match="layer 'between'"):
        explained([name], net)
    assert snapshot(net) == before


@pytest.mark.parametrize("name", BY_PIXEL)
def test_the_users_picture_is_left_as_it_was_found(name):
    class Writing(nn.Module):
        """Writes into its input."""

        def __init__(self):
            super().__init__()
            self.net = between(nn.ReLU)

        def forward(self, x):
            return self.net(x.mul_(0.5))

    x = picture()
    kept = x.copy()
    one = explained([name], Writing(), x)[name]
    np.testing.assert_array_equal(x, kept)
    assert np.abs(one.values).max() > 0
