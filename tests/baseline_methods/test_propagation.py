"""Deconvnet, guided backpropagation and relevance propagation beside slow ones, made of matrices."""

from __future__ import annotations

import gc

import numpy as np
import pytest
import torch
from costs import own_rows
from picture_nets import Pooled, explained, picture, seeded
from torch import nn
from torch.nn import functional as F

import perturbxai as px
from perturbxai import assets

SIDE = 8


def small(activation=nn.ReLU, bias=True, scale=1.0):
    """Two convolutions, an average, a dense layer, in float64."""
    net = seeded(
        lambda: nn.Sequential(
            nn.Conv2d(3, 5, 3, padding=1, bias=bias), activation(), nn.Conv2d(5, 6, 3, stride=2, padding=1, bias=bias),
            activation(), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(24, 3, bias=bias),
        )
    ).double()  # fmt: skip
    with torch.no_grad():
        for layer in (net[0], net[2]):
            layer.weight.mul_(scale)
    return net


def steps(net, x):
    """The layers as matrices: (kind, input (I,), weights (J, I), biases (J,), output (J,)), in order."""
    found, now = [], torch.as_tensor(x, dtype=torch.float64).permute(2, 0, 1)[None]
    for layer in net:
        after = layer(now).detach()
        if isinstance(layer, (nn.Conv2d, nn.Linear, nn.AdaptiveAvgPool2d)):
            basis = torch.eye(now.numel(), dtype=torch.float64).reshape(-1, *now.shape[1:])
            bias = layer(torch.zeros_like(now)).detach().flatten()
            weights = (layer(basis).detach().flatten(1) - bias).T.numpy()
            kind = {"Conv2d": "convolution", "Linear": "dense"}.get(type(layer).__name__, "average")
            found.append((kind, now.flatten().numpy(), weights, bias.numpy(), after.flatten().numpy()))
        elif not isinstance(layer, nn.Flatten):
            found.append(("activation", now.flatten().numpy(), None, None, after.flatten().numpy()))
        now = after
    return found


def backwards(net, x, k, through):
    """(H, W): what comes back of one score; through(number, step, came) -> what a step passes on."""
    walked = steps(net, x)
    came = np.zeros(3)
    came[k] = 1.0 if through in (plain, deconvnet, guided) else walked[-1][4][k]
    for number, step in reversed(list(enumerate(walked))):
        came = through(number, step, came)
    return came.reshape(3, *x.shape[:2]).sum(0)


def plain(_number, step, came):
    kind, before, weights, _, after = step
    return came * ((before > 0) & (before == after)) if kind == "activation" else weights.T @ came


def deconvnet(number, step, came):
    return np.maximum(came, 0.0) if step[0] == "activation" else plain(number, step, came)


def guided(number, step, came):
    return plain(number, step, np.maximum(came, 0.0)) if step[0] == "activation" else plain(number, step, came)


def heat(method, net, x=None, **options):
    x = picture(0, SIDE, SIDE) if x is None else x
    return next(iter(explained([method], net, x, **options).values()))[0].heat


# ------------------------------------------------------------------------------------------------ rectifiers


def shifted(rows):
    """Centred pixels, of both signs."""
    return np.asarray(rows) - 0.5


@pytest.mark.parametrize("activation", [nn.ReLU, nn.ReLU6])
@pytest.mark.parametrize(("name", "rule"), [("deconvnet", deconvnet), ("guided_backprop", guided)])
def test_a_rectifier_passes_back_what_its_rule_says(name, rule, activation):
    net, x = small(activation, scale=6.0), picture(0, SIDE, SIDE)
    found = heat(name, net, x, predictor={"transform": shifted})
    for k in range(3):
        expected = backwards(net, x - np.float32(0.5), k, rule)
        np.testing.assert_allclose(found[k], expected, atol=1e-12 * np.abs(expected).max())


def test_the_oracles_own_gradient_is_autograds():
    net, x = small(nn.ReLU6, scale=6.0), picture(0, SIDE, SIDE)
    np.testing.assert_allclose(backwards(net, x, 1, plain), heat("gradient", net, x)[1], atol=1e-12)


@pytest.mark.parametrize("name", ["deconvnet", "guided_backprop"])
def test_neither_is_the_gradient_on_a_network_of_relu6(name):
    net = small(nn.ReLU6, scale=6.0)
    own, gradient = heat(name, net), heat("gradient", net)
    assert np.abs(own - gradient).max() > 0.1 * np.abs(gradient).max()
    assert np.corrcoef(own.ravel(), gradient.ravel())[0, 1] < 0.95


def test_neither_is_the_gradient_on_efficientnet():
    """Its activations are ReLU6, one module in two places of each block."""
    net, transform = assets.efficientnet_lite0()
    predictor = px.Predictor(net, output="logit", transform=transform)
    space = px.ImageSpace(segments="grid", n_segments=16)
    methods = ["deconvnet", "guided_backprop", "gradient"]
    found = px.baselines(methods, predictor, space, assets.photo("chelsea"), outputs=[282])
    assert np.abs(np.corrcoef([one[0].heat.ravel() for one in found.values()])[2, :2]).max() < 0.9


class Written(nn.Module):
    """The small network with its activation written in some way."""

    def __init__(self, rectify):
        super().__init__()
        self.net, self.rectify = small(), rectify

    def forward(self, x):
        x = self.rectify(self.net[0](x))
        return self.net[6](self.net[5](self.net[4](self.rectify(self.net[2](x)))))


ways = {
    "function": F.relu, "method": lambda x: x.relu(), "in place": lambda x: x.relu_(), "clamp": lambda x: x.clamp(min=0),
    "clamp_min": lambda x: torch.clamp_min(x, 0.0), "threshold": lambda x: F.threshold(x, 0.0, 0.0),
    "one module, in place": nn.ReLU(inplace=True), "hardtanh": lambda x: F.hardtanh(x, 0.0, 1e9),
}  # fmt: skip


@pytest.mark.parametrize("way", ways)
@pytest.mark.parametrize("name", ["deconvnet", "guided_backprop", "lrp", "deep_taylor"])
def test_no_way_of_writing_a_rectifier_escapes_its_rule(name, way):
    np.testing.assert_allclose(heat(name, Written(ways[way])), heat(name, small()), rtol=1e-9, atol=1e-12)


def test_the_size_of_channels_is_an_option_of_the_rectified_ones():
    for method in (px.Deconvnet, px.GuidedBackprop, px.GuidedGradCam):
        assert (heat(method(channels="max"), small()) >= 0).all()
        assert (heat(method(), small()) < 0).any()


def test_guided_grad_cam_is_guided_backpropagation_times_grad_cam_enlarged():
    net, x = seeded(Pooled), picture()
    found = explained(["guided_grad_cam", "guided_backprop", "grad_cam"], net, x)
    cells = torch.as_tensor(found["grad_cam"].meta["map"])[None]
    enlarged = F.interpolate(cells, (32, 32), mode="bilinear", align_corners=False)[0].numpy()
    one = found["guided_grad_cam"]
    np.testing.assert_allclose(one[0].heat, found["guided_backprop"][0].heat * enlarged, atol=1e-12)
    assert one.meta["layer"] == found["grad_cam"].meta["layer"]
    assert (own_rows(one), one.meta["rows_shared_with"]) == (2, ["guided_backprop", "grad_cam"])
    # v(nothing), the search for the layer, the picture there with v(N), and once guided
    assert one.meta["call_rows"] == 4


def test_guided_grad_cam_has_a_map_for_each_layer():
    found = explained(["guided_grad_cam", "guided_backprop"], seeded(Pooled), layer=["first", "act#1"])
    assert list(found) == ["guided_grad_cam(layer='first')", "guided_grad_cam(layer='act#1')", "guided_backprop"]


# ------------------------------------------------------------------------------------------------ relevance


def signs(values):
    return np.where(values >= 0, 1.0, -1.0)


def stable(values, epsilon):
    return values + epsilon * signs(values)


def divided(came, below, epsilon):
    return came / stable(below, epsilon)


def relevance(rule, first=None, *, dense="epsilon", epsilon=1e-6, gamma=0.25, alpha=1.0, box=None):
    """A slow rule for each layer, from the products p_ji = w_ji x_i."""

    def through(number, step, came):
        kind, x, w, b, z = step
        if kind == "activation":
            return came
        p = w * x
        name = first if number == 0 and first else {"average": "epsilon", "dense": dense}.get(kind, rule)
        eps = epsilon if name == "epsilon" and kind != "average" else min(epsilon, 1e-6)
        if name == "epsilon":
            return p.T @ divided(came, z, eps)
        if name == "gamma":
            more = np.where(signs(z)[:, None] * p > 0, p * (1 + gamma), p)
            return more.T @ divided(came, more.sum(1) + b * np.where(signs(z) * b > 0, 1 + gamma, 1.0), eps)
        if name == "alpha_beta":
            up, down = np.maximum(p, 0), np.minimum(p, 0)
            passed = alpha * up.T @ divided(came, up.sum(1) + np.maximum(b, 0), eps)
            return passed - (alpha - 1) * down.T @ divided(came, down.sum(1) + np.minimum(b, 0), eps)
        if name == "flat":
            reach = (w != 0).astype(float)
            return reach.T @ divided(came, reach.sum(1), eps)
        low, high = box
        q = p - low * np.maximum(w, 0) - high * np.minimum(w, 0)
        return q.T @ divided(came, q.sum(1), eps)

    return through


RULES = {
    "epsilon": (px.Lrp(rule="epsilon", first=None, epsilon=1e-3), relevance("epsilon", epsilon=1e-3)),
    "gamma": (px.Lrp(rule="gamma", gamma=0.4, first=None), relevance("gamma", gamma=0.4)),
    "z plus": (px.Lrp(first=None), relevance("alpha_beta")),
    "alpha 2 beta 1": (px.Lrp(alpha=2.0, first=None), relevance("alpha_beta", alpha=2.0)),
    "flat": (px.Lrp(), relevance("alpha_beta", "flat")),
    "box": (px.Lrp(first="box", rule="gamma"), relevance("gamma", "box", box=(-0.5, 0.5))),
    "wide box": (px.Lrp(first="box", box=(-1, 3)), relevance("alpha_beta", "box", box=(-1.5, 2.5))),
    "deep taylor": (px.DeepTaylor(), relevance("alpha_beta", "box", dense="alpha_beta", box=(-0.5, 0.5))),
}  # fmt: skip


@pytest.mark.parametrize("activation", [nn.ReLU, nn.ReLU6])
@pytest.mark.parametrize("case", RULES)
def test_relevance_is_shared_out_as_the_rule_says(case, activation):
    method, rule = RULES[case]
    net, x = small(activation, scale=3.0), picture(0, SIDE, SIDE)
    found = heat(method, net, x, predictor={"transform": shifted})
    for k in range(3):
        expected = backwards(net, x - np.float32(0.5), k, rule)
        np.testing.assert_allclose(found[k], expected, rtol=1e-9, atol=1e-10 * np.abs(expected).max())


@pytest.mark.parametrize("case", ["epsilon", "gamma", "z plus", "flat", "box", "deep taylor"])
def test_relevance_is_conserved_on_a_relu_network_without_biases(case):
    method, _ = RULES[case]
    net = small(bias=False, scale=3.0)
    found = next(iter(explained([method], net, picture(0, SIDE, SIDE)).values()))[0]
    # epsilon is beside outputs of about 1; units without any positive part are rare and pass nothing
    np.testing.assert_allclose(found.values.sum(axis=0), found.prediction, rtol=2e-2 if case == "epsilon" else 1e-3)
    np.testing.assert_allclose(found.meta["gap"], found.prediction - found.values.sum(axis=0), atol=1e-12)


def test_relevance_with_a_small_epsilon_is_gradient_times_input_on_a_relu_network_without_biases():
    net = small(bias=False)
    found = explained([px.Lrp(rule="epsilon", first=None, epsilon=1e-12), "gradient_x_input"], net, picture(0, SIDE, SIDE))
    product = found["gradient_x_input"][0].heat
    np.testing.assert_allclose(found["lrp"][0].heat, product, atol=1e-8 * np.abs(product).max())


def test_deep_taylor_shares_a_positive_score_out_without_negative_parts():
    net = small(bias=False)
    with torch.no_grad():
        net[6].weight.abs_()
    found = explained(["deep_taylor"], net, picture(0, SIDE, SIDE))["deep_taylor"][0]
    assert (found.prediction > 0).all()
    assert (found.heat >= 0).all()


@pytest.mark.parametrize("name", ["lrp", "deep_taylor"])
def test_the_first_layer_is_told_its_bounds_behind_the_transform(name):
    """The same picture in 0..255, its bounds found by its values."""
    method = px.Lrp(first="box") if name == "lrp" else px.DeepTaylor()
    x = np.round(255 * picture(0, SIDE, SIDE))
    assert x.max() > 1
    found = explained([method], small(), x, predictor={"transform": lambda rows: np.asarray(rows) / 255.0 - 0.5})[name][0]
    same = explained([method], small(), np.float32(x / 255.0), predictor={"transform": shifted})[name][0]
    np.testing.assert_allclose(found.heat, same.heat, rtol=1e-4, atol=1e-9)  # float32 pictures
    assert (found.meta["box"], same.meta["box"]) == ((0.0, 255.0), (0.0, 1.0))


# ------------------------------------------------------------------------------------------------ how a network is written


class Awkward(nn.Module):
    """Batch norms, a padding of its own, a sum, functions, an activation again and in place, a layer that runs twice."""

    def __init__(self):
        super().__init__()
        self.pad, self.first, self.norm = nn.ZeroPad2d(1), nn.Conv2d(3, 5, 3, bias=False), nn.BatchNorm2d(5)
        self.act = nn.ReLU6(inplace=True)
        self.again, self.other = nn.Conv2d(5, 5, 3, padding=1), nn.BatchNorm2d(5)
        self.head = nn.Linear(5, 3)

    def forward(self, x):
        x = self.act(self.norm(self.first(self.pad(x))))
        y = F.relu(self.other(self.again(x)))
        out = self.again(y)
        out += x
        x = out
        return self.head(F.dropout(torch.flatten(x.mean((2, 3)), 1), 0.5, self.training))


class Plain(nn.Module):
    """The same function, of modules that run once, batch norms merged, the sum a module."""

    def __init__(self, other):
        super().__init__()
        first, again = nn.Conv2d(3, 5, 3, padding=1), nn.Conv2d(5, 5, 3, padding=1)
        for layer, source, norm in ((first, other.first, other.norm), (again, other.again, other.other)):
            scale = norm.weight / (norm.running_var + norm.eps).sqrt()
            bias = torch.zeros(5) if source.bias is None else source.bias
            layer.weight.data = (source.weight * scale[:, None, None, None]).detach()
            layer.bias.data = ((bias - norm.running_mean) * scale + norm.bias).detach()
        self.first, self.again, self.last, self.head = first, again, other.again, other.head
        self.acts = nn.ModuleList([nn.ReLU6(), nn.ReLU()])
        self.pool = nn.AdaptiveAvgPool2d(1)

    def forward(self, x):
        x = self.acts[0](self.first(x))
        y = self.acts[1](self.again(x))
        both = torch.stack([x, self.last(y)], dim=-1)
        return self.head(torch.flatten(self.pool(self.joined(both)), 1))

    def joined(self, both):
        return both.sum(dim=-1)


def awkward():
    net = seeded(Awkward)
    with torch.random.fork_rng():
        torch.manual_seed(1)
        for norm in (net.norm, net.other):
            for part in (norm.weight, norm.bias, norm.running_mean):
                nn.init.normal_(part)
            nn.init.uniform_(norm.running_var, 0.5, 2.0)
    return net.double()


LRP = [px.Lrp(), px.Lrp(rule="gamma"), px.Lrp(alpha=2.0, first="box"), px.Lrp(rule="epsilon", first=None), px.DeepTaylor()]


@pytest.mark.parametrize("method", LRP, ids=str)
def test_a_network_is_explained_by_what_it_computes_and_not_by_how_it_is_written(method):
    net = awkward()
    other = Plain(net).double().eval()
    np.testing.assert_allclose(heat(method, net), heat(method, other), rtol=1e-6, atol=1e-9)


class Named(Awkward):
    """Inputs given by name, and calls that do nothing to what they get."""

    def forward(self, x):
        first, again = self.first, self.again
        x = F.conv2d(input=self.pad(x), weight=first.weight, bias=None).contiguous()
        x = F.relu6(input=self.norm(F.dropout(x, 0.5, self.training)))
        y = F.relu(self.other(F.conv2d(x, again.weight, bias=again.bias, padding=1).to(x.dtype)))
        return self.head(torch.mean(input=self.again(y) + x, dim=(2, 3)))


@pytest.mark.parametrize("method", LRP, ids=str)
def test_what_does_nothing_changes_no_relevance(method):
    net = awkward()
    other = Named()
    other.load_state_dict(net.state_dict())
    np.testing.assert_allclose(heat(method, other.double().eval()), heat(method, net), rtol=1e-9, atol=1e-12)


def test_a_norm_before_the_first_layer_shares_by_what_each_part_adds():
    """Its shift takes a part: what is left to a pixel is the pixel times its own slope."""
    net = seeded(
        lambda: nn.Sequential(
            nn.BatchNorm2d(3), nn.Conv2d(3, 4, 3, bias=False), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
            nn.Linear(4, 3, bias=False),
        )
    ).double()  # fmt: skip
    with torch.no_grad():
        for part, values in (("weight", [1.5, 0.5, -1.0]), ("bias", [0.3, -0.2, 0.5]), ("running_mean", [0.1, 0.5, 0.2])):
            getattr(net[0], part).copy_(torch.tensor(values))
    found = explained([px.Lrp(rule="epsilon", first=None, epsilon=1e-12), "gradient_x_input"], net, picture(0, SIDE, SIDE))
    product = found["gradient_x_input"][0]
    np.testing.assert_allclose(found["lrp"][0].heat, product.heat, atol=1e-8 * np.abs(product.heat).max())
    assert np.abs(found["lrp"][0].meta["gap"]).max() > 0.01


@pytest.mark.parametrize("name", ["deconvnet", "guided_backprop"])
def test_rectified_gradients_too(name):
    net = awkward()
    np.testing.assert_allclose(heat(name, net), heat(name, Plain(net).double().eval()), rtol=1e-6, atol=1e-9)


class Rectified(torch.autograd.Function):
    """A rectifier up to `most`, with a derivative of one's own."""

    @staticmethod
    def forward(ctx, x, most, rule):
        ctx.save_for_backward(x)
        ctx.most, ctx.rule = most, rule
        return x.clamp(0, most)

    @staticmethod
    def backward(ctx, came):
        (x,) = ctx.saved_tensors
        came = came.clamp(min=0)
        return came if ctx.rule == "deconvnet" else came * ((x > 0) & (x < ctx.most)), None, None


class Branching(nn.Module):
    """A norm before any layer, depth by depth, dilated, joined, a residual whose layer runs twice; a tuple with a dict."""

    rule = ""

    def __init__(self, channels):
        super().__init__()
        self.norm, self.first = nn.BatchNorm2d(channels), nn.Conv2d(channels, 6, 3, padding=1)
        self.act = nn.ReLU(inplace=True)
        self.deep, self.wide = nn.Conv2d(6, 6, 3, padding=1, groups=6), nn.Conv2d(6, 6, 3, padding=2, dilation=2)
        self.between, self.again = nn.BatchNorm2d(12), nn.Conv2d(12, 12, 3, padding=1)
        self.side, self.head = nn.Linear(12, 2), nn.Linear(12, 3)

    def relu(self, x):
        return Rectified.apply(x, np.inf, self.rule) if self.rule else self.act(x)

    def relu6(self, x):
        return Rectified.apply(x, 6.0, self.rule) if self.rule else F.relu6(x)

    def forward(self, x):
        x = self.relu6(self.first(self.norm(x)))
        x = torch.cat([self.relu(self.deep(x)), self.relu6(self.wide(x))], dim=1)
        x = self.again(self.relu(self.between(x))) + x
        x = F.max_pool2d(self.relu(self.again(x)), 2).mean((2, 3))
        return self.side(x), {"logits": self.head(x)}


def logits(given):
    return given[1]["logits"]


@pytest.mark.parametrize("score", ["logit", "probability"])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", ["deconvnet", "guided_backprop"])
def test_rules_hold_in_a_network_of_branches_beside_hand_written_derivatives(name, channels, layout, score):
    net = seeded(lambda: Branching(channels)).double().to(memory_format=layout)
    x = picture(0, 12, 10)[:, :, :channels]
    options = {"select": logits, "multi_label": True}
    found = heat(name, net, x[:, :, 0] if channels == 1 else x, predictor=options, score=score)
    net.rule = name
    leaf = torch.as_tensor(x, dtype=torch.float64).permute(2, 0, 1)[None].requires_grad_(True)
    scores = logits(net(leaf))[0]
    for k, one in enumerate(scores.sigmoid() if score == "probability" else scores):
        expected = torch.autograd.grad(one, leaf, retain_graph=True)[0][0].sum(0).numpy()
        np.testing.assert_allclose(found[k], expected, atol=1e-12 * np.abs(expected).max())


class Branches(nn.Module):
    """A sum of a map and a map without parameters between, whose parts can be told by hand."""

    def __init__(self):
        super().__init__()
        self.first, self.head = nn.Conv2d(3, 3, 1, bias=False), nn.Linear(3, 2, bias=False)

    def forward(self, x):
        return self.head((x + self.first(x)).mean((2, 3)))


def test_a_sum_is_shared_by_what_each_part_adds():
    net, x = seeded(Branches).double(), picture(0, SIDE, SIDE)
    found = heat(px.Lrp(rule="epsilon", first=None, epsilon=1e-12), net, x)
    weight = np.eye(3) + net.first.weight.detach().numpy()[:, :, 0, 0]
    each = net.head.weight.detach().numpy() @ weight / SIDE**2  # (K, C)
    np.testing.assert_allclose(found, np.einsum("kc,hwc->khw", each, x.astype(np.float64)), atol=1e-9)


@pytest.mark.parametrize("norm", [True, False])
def test_operations_without_weights_share_by_what_they_add(norm):
    """An input that is scaled inside, a norm that stands alone, padding, joining, enlarging and a largest value."""

    class Handed(nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("scale", torch.tensor([2.0, 3.0, 4.0])[:, None, None])
            self.norm = nn.BatchNorm2d(3, affine=False) if norm else nn.Identity()
            self.first, self.head = nn.Conv2d(3, 4, 3, padding=1, padding_mode="reflect"), nn.Linear(8, 2)

        def forward(self, x):
            x = F.avg_pool2d(self.norm(x * self.scale / 2), 2)
            x = F.max_pool2d(torch.cat([self.first(x), self.first(x.flip(3))], dim=1), 2)
            return self.head(F.interpolate(x, scale_factor=2.0, mode="bilinear").transpose(1, 2).amax((1, 3)))

    net = seeded(Handed).double()
    for module in net.modules():
        if getattr(module, "bias", None) is not None:
            nn.init.zeros_(module.bias)
    found = explained([px.Lrp(rule="epsilon", first=None, epsilon=1e-12), "gradient_x_input"], net, picture(0, SIDE, SIDE))
    # every operation is linear where it is: relevance is then gradient times input, however it is cut into steps
    np.testing.assert_allclose(found["lrp"][0].heat, found["gradient_x_input"][0].heat, atol=1e-8)


def test_maps_are_zennits_own_on_a_network_of_modules():
    """Checked with zennit 0.5.1, whose composites hook modules; ours tie its rules to what runs."""
    composites = pytest.importorskip("zennit.composites", reason="zennit is not installed")
    net = small(scale=2.0)
    x = torch.as_tensor(picture(0, SIDE, SIDE), dtype=torch.float64).permute(2, 0, 1)[None].requires_grad_(True)
    theirs = {
        composites.EpsilonPlusFlat(): px.Lrp(), composites.EpsilonAlpha2Beta1Flat(): px.Lrp(alpha=2.0),
        composites.EpsilonPlus(): px.Lrp(first=None), composites.GuidedBackprop(): px.GuidedBackprop(),
        composites.DeconvNet(): px.Deconvnet(), composites.EpsilonGammaBox(0.0, 1.0): px.Lrp(rule="gamma", first="box"),
    }  # fmt: skip
    for composite, method in theirs.items():
        with composite.context(net) as hooked:
            scores = hooked(x)
            start = 1.0 if isinstance(method, (px.GuidedBackprop, px.Deconvnet)) else scores[0, 1].detach()
            (found,) = torch.autograd.grad(scores[0, 1], x, torch.as_tensor(start, dtype=torch.float64))
        np.testing.assert_allclose(heat(method, net, outputs=[1])[0], found[0].sum(0).numpy(), rtol=1e-9, atol=1e-12)


@pytest.mark.filterwarnings("ignore::UserWarning:captum")
def test_rectified_gradients_are_captums():
    """Checked with captum 0.9.0, which hooks modules of ReLU."""
    attr = pytest.importorskip("captum.attr", reason="captum is not installed")
    net = small(scale=2.0)
    x = torch.as_tensor(picture(0, SIDE, SIDE), dtype=torch.float64).permute(2, 0, 1)[None].requires_grad_(True)
    for name, theirs in (("deconvnet", attr.Deconvolution), ("guided_backprop", attr.GuidedBackprop)):
        found = theirs(net).attribute(x, target=1)[0].sum(0).detach().numpy()
        np.testing.assert_allclose(heat(name, net, outputs=[1])[0], found, atol=1e-12)


# ------------------------------------------------------------------------------------------------ calls

METHODS = ["deconvnet", "guided_backprop", "guided_grad_cam", "lrp", "deep_taylor"]


def normal(classes=3):
    """A network that all of them take, of several sizes of pictures."""
    return seeded(
        lambda: nn.Sequential(
            nn.Conv2d(3, 6, 3, padding=1), nn.BatchNorm2d(6), nn.ReLU6(), nn.Conv2d(6, 6, 3, stride=2), nn.ReLU(),
            nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, classes),
        )
    )  # fmt: skip


@pytest.mark.parametrize("name", METHODS)
def test_several_pictures_are_explained_as_each_alone(name):
    pictures = [picture(1), picture(2, 40, 24)]
    together = explained([name], normal(), pictures)[name]
    for number, one in enumerate(pictures):
        np.testing.assert_array_equal(together[number].heat, explained([name], normal(), one)[name][0].heat)


@pytest.mark.parametrize("name", METHODS)
def test_several_outputs_are_explained_as_each_alone(name):
    together = explained([name], normal(), outputs=[2, 0])[name][0].heat
    for k, output in enumerate([2, 0]):
        alone = explained([name], normal(), outputs=[output])[name][0].heat[0]
        np.testing.assert_allclose(together[k], alone, atol=1e-7 * np.abs(alone).max())


@pytest.mark.parametrize("name", METHODS)
def test_a_superpixels_value_is_the_sum_of_its_pixels(name):
    found = explained([name], normal(), n_segments=4)[name][0]
    corners = found.heat.reshape(3, 2, 16, 2, 16).sum(axis=(2, 4)).reshape(3, 4)
    np.testing.assert_allclose(found.values, corners.T, rtol=1e-9, atol=1e-12)
    assert (found.meta["pool"], found.meta["score"]) == ("sum", "logit")


@pytest.mark.parametrize("method", [px.Lrp(first="box", box=(0, 1)), px.DeepTaylor(box=(0, 2)), *METHODS[:3]], ids=str)
def test_results_travel_through_json(method):
    found = next(iter(explained([method], normal()).values()))
    again = px.Attribution.from_json(found.to_json())
    np.testing.assert_array_equal(again.values, found.values)
    assert again.method == found.method


@pytest.mark.parametrize("precision", ["float64", "bfloat16"])
@pytest.mark.parametrize("name", METHODS)
def test_other_precisions_run_a_private_copy(name, precision):
    found = explained([name], normal(), predictor={"precision": precision})[name][0].heat
    whole = explained([name], normal())[name][0].heat
    assert np.corrcoef(found.ravel(), whole.ravel())[0, 1] > (0.9999 if precision == "float64" else 0.9)


@pytest.mark.parametrize("method", ["lrp", "deep_taylor"])
def test_nothing_of_a_pass_outlives_it(method):
    net = nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1),
        nn.Flatten(), nn.Linear(4, 2),
    ).eval()  # fmt: skip
    predictor, space = px.Predictor(net), px.ImageSpace(segments="grid", n_segments=4, fill=0.0)
    held = []
    for one in np.random.default_rng(0).uniform(size=(3, 12, 12, 3)):
        px.baselines(method, predictor, space, one, outputs=[0])
        gc.collect()
        held.append(sum(issubclass(type(held_one), torch.Tensor) for held_one in gc.get_objects()))
    assert held[0] == held[1] == held[2]
