"""What a network takes and what it gives: one input, pictures, any number of rows, scores and not probabilities."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch
from torch import nn

import perturbxai as px

RNG = np.random.default_rng(0)
PICTURE = RNG.random((12, 12, 3), dtype=np.float32)
X = RNG.standard_normal((60, 3))
SPACE = px.ImageSpace(segments="grid", n_segments=4, fill=0.5)


def dense(*ends, outputs=3, seed=0):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, outputs), *ends).eval()


class Called(nn.Module):
    def __init__(self, run):
        super().__init__()
        self.run = run

    def forward(self, x):
        return self.run(x)


# ------------------------------------------------------------------------------------------ probabilities already


ENDS = {
    "softmax": (dense(nn.Softmax(dim=1)), {}),
    "softmax of two": (dense(nn.Softmax(dim=1), outputs=2), {}),
    "softmax as a function": (dense(Called(lambda x: x.softmax(1))), {}),
    "exp of log softmax": (dense(nn.LogSoftmax(dim=1), Called(torch.exp)), {}),
    "half": (dense(nn.Softmax(dim=1)).half(), {}),
    "bfloat16": (dense(nn.Softmax(dim=1)).bfloat16(), {}),
    "shares": (dense(Called(lambda x: x.abs() / x.abs().sum(1, keepdim=True))), {}),
    "sigmoid of one": (dense(nn.Sigmoid(), outputs=1), {}),
    "squeezed": (dense(nn.Sigmoid(), nn.Flatten(0), outputs=1), {}),
    "many labels": (dense(nn.Sigmoid()), {"multi_label": True}),
    "scripted": (lambda: torch.jit.script(dense(nn.Sigmoid(), outputs=1)), {}),
    "compiled": (lambda: torch.compile(dense(nn.Sigmoid(), outputs=1), backend="eager"), {}),
    "written out": (dense(Called(lambda x: 1.0 / (1.0 + torch.exp(-x))), outputs=1), {}),
}


def made(net):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return net if isinstance(net, nn.Module) else net()


@pytest.mark.parametrize("what", ENDS)
def test_a_network_that_ends_in_its_own_probabilities_is_told_once(what):
    net, options = ENDS[what]
    predictor = px.Predictor(made(net), output="probability", **options)
    rows = np.random.default_rng(1).standard_normal((120, 3))
    with pytest.warns(UserWarning, match=r"look like probabilities already.*Predictor\(output='raw'\)"):
        predictor(rows)
    predictor(rows)  # a second warning would be an error
    assert predictor.rows == 240


def test_a_call_tells_too_and_the_way_out_is_silent():
    net, space = dense(nn.Softmax(dim=1)), px.TabularSpace(X, background=5)
    with pytest.warns(UserWarning, match="probabilities already"):
        px.explain("kernel_shap", px.Predictor(net, output="probability"), space, X[:1])
    found = px.explain("kernel_shap", px.Predictor(net, output="raw"), space, X[:1])["kernel_shap"]
    np.testing.assert_allclose(found.prediction.sum(), 1.0, rtol=1e-6)


def test_a_map_of_the_probability_tells_too():
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3), nn.Softmax(1))
    with pytest.warns(UserWarning, match="probabilities already"):
        px.baselines(px.SmoothGrad(n=3), px.Predictor(net), SPACE, PICTURE, score="probability")
    px.baselines(px.SmoothGrad(n=3), px.Predictor(net), SPACE, PICTURE, score="logit")


@pytest.mark.parametrize("outputs", [1, 2, 3])
@pytest.mark.parametrize("multi_label", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_scores_are_not_taken_for_probabilities(outputs, multi_label, seed):
    net = dense(outputs=outputs, seed=seed)
    with torch.no_grad():
        net[2].weight.mul_(0.02)  # of a network that was hardly trained: all scores lie between 0 and 1
        net[2].bias.fill_(0.5)
    px.Predictor(net, output="probability", multi_label=multi_label)(np.random.default_rng(seed).standard_normal((300, 3)))


@pytest.mark.parametrize("rows", [[[0.2, 0.8]], [[0.0, 1.0]]])
def test_one_row_is_a_coincidence(rows):
    px.Predictor(nn.Identity(), output="probability")(np.array(rows))


# -------------------------------------------------------------------------------------------- several inputs, video


class Two(nn.Module):
    def forward(self, picture, age):
        return picture.mean((1, 2, 3))[:, None] + age


class Keyword(nn.Module):
    def forward(self, picture, *, age):
        return picture.mean((1, 2, 3))[:, None] + age


class Without(nn.Module):
    def forward(self):
        return torch.ones(1, 1)


class Optional(nn.Module):
    def forward(self, picture, age=1.0, *, features=False):
        return picture.mean((2, 3)) + age * (1 - features)


class Any(nn.Module):
    def forward(self, *given):
        return given[0].mean((2, 3))


TWO = {
    "two": Two, "by keyword": Keyword, "none": Without, "in parallel": lambda: nn.DataParallel(Two()),
    "scripted": lambda: torch.jit.script(Two()), "compiled": lambda: torch.compile(Two(), backend="eager"),
}  # fmt: skip


@pytest.mark.parametrize("what", TWO)
def test_a_network_of_other_than_one_input_is_refused_before_it_is_asked(what):
    with pytest.raises(TypeError, match=r"forward needs (2 inputs \(picture, age\)|0 inputs).*asked with one.*Wrap it"):
        px.Predictor(made(TWO[what]))


class Myself(nn.Module):
    def forward(me, picture):
        return picture.mean((2, 3))


@pytest.mark.parametrize("make", [Optional, Any, Myself, lambda: made(lambda: torch.jit.script(Myself()))])
def test_inputs_that_may_be_left_out_are(make):
    assert px.Predictor(make())(PICTURE[None]).shape == (1, 3)


def test_a_hook_may_add_the_other_input():
    net = Two()
    net.register_forward_pre_hook(lambda _m, given: (*given, 2.0))
    np.testing.assert_allclose(px.Predictor(net)(PICTURE[None]), [[PICTURE.mean() + 2.0]], rtol=1e-6)


class Video(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.body, self.head = nn.Conv3d(channels, 4, 3, padding=1), nn.Linear(4, 2)

    def forward(self, clip):
        return self.head(self.body(clip).mean((-3, -2, -1)))


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("call", ["explain", "baselines", "predictor"])
def test_a_network_of_video_is_refused_in_words(channels, call):
    """With one channel torch takes the picture for a single volume, and gives a row too few or one shape too short."""
    calls = {
        "explain": lambda p: px.explain("kernel_shap", p, SPACE, PICTURE),
        "baselines": lambda p: px.baselines("grad_cam", p, SPACE, PICTURE),
        "predictor": lambda p: p(np.stack([PICTURE] * 2)),
    }
    with pytest.raises(ValueError, match=r"Conv3d layers, which take video or volumes .*single pictures"):
        calls[call](px.Predictor(Video(channels)))


def test_a_transform_may_make_clips_of_pictures():
    predictor = px.Predictor(Video(3), transform=lambda batch: batch.transpose(0, 3, 1, 2)[:, :, None].repeat(4, axis=2))
    assert px.explain("kernel_shap", predictor, SPACE, PICTURE)["kernel_shap"].values.shape == (1, 4, 2)


@pytest.mark.parametrize("shape", [(2, 8, 12, 12, 3), (1, 3, 8, 12, 12)])
def test_a_clip_is_no_picture(shape):
    with pytest.raises(ValueError, match=r"picture 0 has shape .*single frames"):
        px.explain("kernel_shap", px.Predictor(Video(3)), SPACE, np.zeros(shape, dtype=np.float32))


def test_an_exported_network_of_fixed_batches_is_refused_with_the_way_out():
    batch = torch.zeros(2, 3)
    net = torch.export.export(dense(), (batch,)).module()
    with pytest.raises(ValueError, match=r"exported network refuses a batch of shape \(60, 3\).*dynamic_shapes"):
        px.Predictor(net)(X)
    found = px.Predictor(torch.export.export(dense(), (batch,), dynamic_shapes=[{0: torch.export.Dim("n")}]).module())(X)
    np.testing.assert_allclose(found, px.Predictor(dense())(X), rtol=1e-5, atol=1e-6)
