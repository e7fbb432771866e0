"""Torch modules as people have them: every method is right on each, or refuses it by name, and none hangs."""

from __future__ import annotations

import re
import threading
import warnings
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from torch import nn

import perturbxai as px

PICTURE = np.random.default_rng(0).random((16, 16, 3), dtype=np.float32)
BATCH = torch.as_tensor(np.random.default_rng(1).random((2, 3, 16, 16), dtype=np.float32))
SPACE = px.ImageSpace(segments="grid", n_segments=4, fill=0.5)
SECONDS = 120.0  # a call that takes longer hangs; the slowest, which compiles, takes 5


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.norm, self.act = nn.Conv2d(3, 6, 3, padding=1), nn.BatchNorm2d(6), nn.ReLU()
        self.second, self.pool, self.head = nn.Conv2d(6, 8, 3, stride=2, padding=1), nn.AdaptiveAvgPool2d(1), nn.Linear(8, 3)
        self.drop = nn.Dropout(0.5)

    def forward(self, x):
        x = self.act(self.norm(self.first(x)))
        x = self.act(self.second(x))
        return self.head(self.drop(torch.flatten(self.pool(x), 1)))


def plain():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        net = Net()
        with torch.no_grad():
            net.norm.running_mean.uniform_(-0.1, 0.1)
            net.norm.running_var.uniform_(0.5, 1.5)
            net.head.weight.mul_(3.0)  # scores that spread over more than the rounding of a coarse type
    return net.eval()


def training():
    return plain().train()


def compiled_in_place():
    net = plain()
    net.compile(backend="eager")
    return net


def exported(batch=None):
    shapes = {"x": {0: torch.export.Dim("n")}} if batch is None else None
    return torch.export.export(plain(), (BATCH,), dynamic_shapes=shapes).module()


def hooked():
    net, seen = plain(), []
    net.second.register_full_backward_hook(lambda *_: seen.append(1))
    net.act.register_full_backward_pre_hook(lambda *_: seen.append(1))
    net.first.register_full_backward_hook(lambda _m, came, _o: (came[0],) if came[0] is None else (-came[0],))
    net.first.register_forward_hook(lambda *_: seen.append(1))
    net.register_forward_pre_hook(lambda *_: None)
    return net


def made_in_inference():
    with torch.inference_mode():
        return plain()


def normed(norm):
    net = plain()
    norm(net.second)
    norm(net.head)
    return net


def quantised():
    from torch.ao import quantization as q

    class Cast(Net):
        def __init__(self):
            super().__init__()
            self.into, self.out = q.QuantStub(), q.DeQuantStub()

        def forward(self, x):
            return self.out(super().forward(self.into(x)))

    net = Cast()
    net.load_state_dict(plain().state_dict())
    net.eval()
    net.qconfig = q.get_default_qconfig("x86")
    prepared = q.prepare(net)
    prepared(BATCH)
    return q.convert(prepared)


def dynamically_quantised():
    return torch.ao.quantization.quantize_dynamic(plain(), {nn.Linear})


@dataclass
class Kind:
    """A module: how it is made, how far its numbers may be off, in shares of their range, what is refused."""

    maker: object
    near: float = 1e-5
    layers: str = ""  # why maps of layers and relevance are refused
    gradients: str = ""  # why all that needs a gradient is
    lrp: str = ""

    def make(self):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch calls half of these ways old
            return self.maker()


SCRIPT = "is a TorchScript module"
FLAT = "autograd does not pass"
KINDS = {
    "training": Kind(training),
    "compiled, eager": Kind(lambda: torch.compile(plain(), backend="eager")),
    "compiled, traced": Kind(lambda: torch.compile(plain(), backend="aot_eager")),
    "compiled in training": Kind(lambda: torch.compile(training(), backend="eager")),
    "compiled in place": Kind(compiled_in_place),
    "compiled in part": Kind(lambda: nn.Sequential(torch.compile(plain(), backend="eager"), nn.Identity())),
    "traced": Kind(lambda: torch.jit.trace(plain(), BATCH), layers=SCRIPT),
    "scripted": Kind(lambda: torch.jit.script(plain()), layers=SCRIPT),
    "scripted in training": Kind(lambda: torch.jit.script(training()), layers=SCRIPT),
    "frozen": Kind(lambda: torch.jit.freeze(torch.jit.script(plain())), layers=SCRIPT),
    "for inference": Kind(
        lambda: torch.jit.optimize_for_inference(torch.jit.script(plain())), layers=SCRIPT, gradients="made for inference"
    ),
    "exported": Kind(exported, lrp="no rule of relevance covers"),
    "exported in part": Kind(lambda: nn.Sequential(exported(), nn.Identity()), lrp="no rule of relevance covers"),
    "in parallel": Kind(lambda: nn.DataParallel(plain())),
    "compiled in parallel": Kind(lambda: torch.compile(nn.DataParallel(plain()), backend="eager")),
    "symbolic": Kind(lambda: torch.fx.symbolic_trace(plain())),
    "quantised": Kind(quantised, near=np.inf, layers="quantised layers", gradients=FLAT),
    "quantised on the way": Kind(dynamically_quantised, near=0.2, gradients=FLAT),
    "half": Kind(lambda: plain().half(), near=0.02),
    "bfloat16": Kind(lambda: plain().bfloat16(), near=0.2),
    "hooked": Kind(hooked),
    "made in inference": Kind(made_in_inference),
    "weight norm": Kind(lambda: normed(nn.utils.parametrizations.weight_norm)),
    "old weight norm": Kind(lambda: normed(nn.utils.weight_norm)),
}
OF_LAYERS = ("cam", "grad_cam", "guided_grad_cam", "lrp")
BY_VALUES = ("explain", "score_cam", "ablation_cam", "eigen_cam")
METHODS = (*BY_VALUES, *OF_LAYERS, "gradient", "integrated_gradients", "guided_backprop", "mask_optimisation")


def bounded(call):
    """What a call gives or raises, within a time: torch's compiler was once sent round in a circle."""
    found, raised = [], []

    def run():
        try:
            found.append(call())
        except BaseException as error:  # handed on below
            raised.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(SECONDS)
    assert not thread.is_alive(), f"no answer within {SECONDS} s"
    if raised:
        raise raised[0]
    return found[0]


def asked(method, net, **options):
    predictor = px.Predictor(net, output="logit", **options)
    if method == "explain":
        return px.explain("kernel_shap", predictor, SPACE, PICTURE, outputs=[1])["kernel_shap"]
    one = px.MaskOptimisation(steps=4, areas=(0.2,), cells=4) if method == "mask_optimisation" else method
    return px.baselines([one], predictor, SPACE, PICTURE, outputs=[1])[method]


@pytest.fixture(scope="module")
def truth():
    return {method: asked(method, plain()) for method in METHODS}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("method", METHODS)
def test_a_method_is_right_on_a_module_or_refuses_it_by_name(method, kind, truth):
    one = KINDS[kind]
    refused = one.lrp if method == "lrp" else ""
    refused = one.layers if method in (*OF_LAYERS, *BY_VALUES[2:], "score_cam") and one.layers else refused
    refused = one.gradients if method not in BY_VALUES and one.gradients and not refused else refused
    net = one.make()
    if refused:
        with pytest.raises((TypeError, ValueError), match=re.escape(refused)) as told:
            bounded(lambda: asked(method, net))
        assert method in str(told.value) or "no gradient" in str(told.value)
        return
    found = bounded(lambda: asked(method, net))
    expected = truth[method]
    assert np.abs(found.values - expected.values).max() <= one.near * np.ptp(expected.values)
    assert found.meta["rows"] == expected.meta["rows"]


@pytest.mark.parametrize("kind", KINDS)
def test_values_are_those_of_the_module_asked_by_hand(kind):
    """The oracle calls the module itself, without the Predictor's knowledge of torch."""
    net, own = KINDS[kind].make(), KINDS[kind].make()
    if "training" in kind:
        own.eval()

    def by_hand(rows):
        with torch.no_grad():
            batch = torch.as_tensor(rows.transpose(0, 3, 1, 2).copy())
            halves = {"half": torch.float16, "bfloat16": torch.bfloat16}
            return own(batch.to(halves.get(kind, torch.float32))).double().numpy()

    found, expected = (px.explain("kernel_shap", p, SPACE, PICTURE) for p in (px.Predictor(net), px.Predictor(by_hand)))
    values, truth = found["kernel_shap"].values, expected["kernel_shap"].values
    near = 1e-5 if KINDS[kind].near < 1e-2 or KINDS[kind].near == np.inf else KINDS[kind].near
    assert np.abs(values - truth).max() <= near * np.ptp(truth)


@pytest.mark.parametrize("kind", KINDS)
def test_a_module_is_left_as_it_was(kind):
    net = KINDS[kind].make()

    def state():
        return [(getattr(m, "training", None), *(len(vars(m).get(name) or ()) for name in HOOKS)) for m in net.modules()], [
            (p.requires_grad, p.detach().clone()) for p in (*net.parameters(), *net.buffers())
        ]

    modes, numbers = state()
    for method in ("explain", "gradient", "grad_cam", "lrp"):
        with suppress(TypeError, ValueError):  # refused by name, as above
            bounded(lambda method=method: asked(method, net))
    found = state()
    assert found[0] == modes
    assert all(flag == other and torch.equal(one, two) for (flag, one), (other, two) in zip(numbers, found[1], strict=True))


HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")


def test_a_users_backward_hooks_are_not_called():
    net, seen = plain(), []
    net.second.register_full_backward_hook(lambda *_: seen.append(1))
    for method in ("gradient", "integrated_gradients", "guided_backprop", "lrp", "grad_cam"):
        asked(method, net)
    assert not seen


@pytest.mark.parametrize("kind", ["compiled, eager", "in parallel", "compiled in parallel"])
@pytest.mark.parametrize("layer", ["second", "act#1"])
def test_layers_of_a_wrapped_module_have_the_names_that_they_were_given(kind, layer):
    def found(net):
        return px.baselines("grad_cam", px.Predictor(net, output="logit"), SPACE, PICTURE, layer=layer)["grad_cam"]

    one, other = found(KINDS[kind].make()), found(plain())
    assert one.meta["layer"] == other.meta["layer"] == layer
    np.testing.assert_allclose(one.values, other.values, rtol=1e-4, atol=1e-7)


def test_a_wrappers_own_hook_is_part_of_the_network():
    net = torch.compile(plain(), backend="eager")
    net.register_forward_hook(lambda _m, _given, out: -out)
    np.testing.assert_allclose(asked("gradient", net).values, -asked("gradient", plain()).values, rtol=1e-4, atol=1e-7)
    np.testing.assert_allclose(asked("explain", net).values, -asked("explain", plain()).values, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
@pytest.mark.parametrize("method", METHODS)
def test_a_method_does_not_depend_on_the_mode_of_its_caller(method, mode, truth):
    with mode():
        found = asked(method, plain())
    assert (found.values == truth[method].values).all()


@pytest.mark.parametrize("kind", ["scripted", "traced", "exported", "compiled, eager"])
def test_the_gradients_of_a_table_are_those_of_the_plain_module(kind):
    def dense():
        with torch.random.fork_rng():
            torch.manual_seed(0)
            return nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 2)).eval()

    rows = np.random.default_rng(0).standard_normal((6, 4))
    batch = torch.as_tensor(rows, dtype=torch.float32)
    make = {
        "scripted": torch.jit.script, "traced": lambda net: torch.jit.trace(net, batch),
        "exported": lambda net: torch.export.export(net, (batch,), dynamic_shapes=[{0: torch.export.Dim("n")}]).module(),
        "compiled, eager": lambda net: torch.compile(net, backend="eager"),
    }  # fmt: skip
    predictor = px.Predictor(Kind(lambda: make[kind](dense())).make())
    np.testing.assert_allclose(predictor.gradient(rows), px.Predictor(dense()).gradient(rows), rtol=1e-5, atol=1e-7)
    assert predictor.rows == len(rows)
