"""Baselines whose batch does not fit in memory: it is halved, the size that was found is kept, and nothing else changes."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from picture_nets import Counting, Deep, Joined, Pooled, picture, seeded
from torch import nn

import perturbxai as px

ERRORS = {
    "host": MemoryError,
    "torch": lambda: torch.OutOfMemoryError("CUDA out of memory"),
    "told": lambda: RuntimeError("CUDA error: out of memory"),
}
METHODS = {
    "smooth_grad": px.SmoothGrad(n=21),
    "smooth_grad by size": px.SmoothGrad(n=10, channels="max"),
    "integrated_gradients": px.IntegratedGradients(steps=30, tol=0.1),
    "mask_optimisation": px.MaskOptimisation(steps=3, areas=tuple(np.linspace(0.05, 0.9, 11))),
    "ablation_cam": px.AblationCam(),
    "score_cam": px.ScoreCam(),
}
NETS = {"pooled": Pooled, "counting its pictures": Counting, "read past the map": Joined, "deep": Deep}
PLACES = ("at the door", "in the head", "backwards")


class Limited(torch.autograd.Function):
    """Nothing, but more than so many rows do not fit on the way back."""

    @staticmethod
    def forward(ctx, x, check):
        ctx.check = check
        return x.clone()

    @staticmethod
    def backward(ctx, slope):
        ctx.check(slope)
        return slope, None


class Narrow:
    """Room for `fits` rows somewhere in a network; failed: the sizes of the batches that had none."""

    def __init__(self, net, where, fits, error):
        self.fits, self.error, self.failed = fits, error, []
        if where == "at the door":
            net.register_forward_pre_hook(lambda _module, args: self.check(args[0]))
        elif where == "in the head":
            net.head.register_forward_pre_hook(lambda _module, args: self.check(args[0]))
        else:
            net.head.register_forward_pre_hook(lambda _module, args: (Limited.apply(args[0], self.check), *args[1:]))

    def check(self, rows):
        if len(rows) > self.fits:
            self.failed.append(len(rows))
            raise self.error()


def network(kind, seed=0):
    return seeded(lambda: NETS[kind](), seed)


def asking(net, **options):
    """In float64, so that masks that are nearly as good as others do not hang on the size of a batch."""
    return px.Predictor(net, precision="float64", **options)


def maps(predictor, methods):
    space = px.ImageSpace(segments="grid", n_segments=6, fill="mean")
    layer = "second" if isinstance(methods, (px.AblationCam, px.ScoreCam)) else None
    return px.baselines(methods, predictor, space, picture(0, 16, 16), layer=layer)


@cache
def roomy(method, kind="pooled"):
    return maps(asking(network(kind), batch_size=8), METHODS[method])


def same(found, expected):
    assert list(found) == list(expected)
    for name in expected:
        for part in ("values", "stderr"):
            np.testing.assert_allclose(getattr(found[name], part), getattr(expected[name], part), rtol=1e-7, atol=1e-9)
        if name != "ablation_cam":  # which counts pictures that went in, and one may serve many maps
            assert cost(found[name]) == cost(expected[name])


def cost(one):
    """The rows of a result, less those that told where the layer is, which a Predictor asks once."""
    return one.meta["rows"] - one.meta["rows_once_a_call"].get("where the layer is", 0)


@pytest.mark.parametrize(("where", "error"), list(zip(PLACES, ERRORS, strict=True)))
@pytest.mark.parametrize("method", METHODS)
def test_a_batch_that_does_not_fit_is_halved_and_gives_what_it_would_have_given(method, where, error):
    net = network("pooled")
    narrow = Narrow(net, where, 3, ERRORS[error])
    predictor = asking(net, batch_size=8)
    same(maps(predictor, METHODS[method]), roomy(method))
    assert len(narrow.failed) <= 2 and predictor.retried_rows == sum(narrow.failed)
    assert predictor.plan.get("batch_size_halved_to", 4) == (narrow.failed[-1] // 2 if narrow.failed else 4)


@given(
    st.sampled_from(sorted(METHODS)),
    st.sampled_from(sorted(NETS)),
    st.sampled_from(PLACES),
    st.integers(1, 9),
    st.integers(1, 30),
)
@settings(max_examples=20, deadline=None)
def test_however_much_fits_the_values_are_the_same(method, kind, where, fits, batch_size):
    net, expected = network(kind), roomy(method, kind)
    narrow = Narrow(net, where, fits, MemoryError)
    predictor = asking(net, batch_size=batch_size)
    same(maps(predictor, METHODS[method]), expected)
    # each failure halves what is tried from then on; two short cuts of ablation_cam may end at one row
    assert len(narrow.failed) <= np.log2(30) + 1
    narrow.failed.clear()
    same(maps(predictor, METHODS[method]), expected)
    assert len(narrow.failed) <= 2 * (method == "ablation_cam" and fits == 1)


@pytest.mark.parametrize("where", PLACES)
def test_the_size_that_one_method_found_is_kept_for_the_next(where):
    net = network("pooled")
    narrow = Narrow(net, where, 2, MemoryError)
    predictor = asking(net, batch_size=16)
    gradients = ["smooth_grad", "integrated_gradients", "mask_optimisation"]
    first = {}
    for name in (*gradients, "score_cam", "ablation_cam", *gradients):
        narrow.failed.clear()
        maps(predictor, METHODS[name])
        first.setdefault(bool(first), []).append((name, list(narrow.failed)))
    assert first[False] == [("smooth_grad", [16, 8, 4])]
    assert all(not failed for _, failed in first[True])
    assert predictor.plan["batch_size_halved_to"] == 2


def test_what_score_cam_found_serves_the_gradients():
    net = network("pooled")
    narrow = Narrow(net, "at the door", 3, MemoryError)
    predictor = asking(net, batch_size=16)
    maps(predictor, METHODS["score_cam"])
    assert len(narrow.failed) == 1  # a map for each channel that is not constant, in one batch
    maps(predictor, METHODS["smooth_grad"])
    assert len(narrow.failed) == 1


@pytest.mark.parametrize("where", PLACES)
@pytest.mark.parametrize("method", ["smooth_grad", "integrated_gradients", "mask_optimisation"])
def test_one_row_that_does_not_fit_raises_the_networks_own_error_at_once(method, where):
    net = network("pooled")
    narrow = Narrow(net, where, 1, MemoryError)
    predictor = asking(net, batch_size=8)
    maps(predictor, ["gradient"])  # what all need beforehand fits
    narrow.fits = 0
    with pytest.raises(MemoryError):
        maps(predictor, METHODS[method])
    assert len(narrow.failed) <= 4
    assert not any(module._forward_hooks for module in net.modules())
    assert all(parameter.requires_grad for parameter in net.parameters())


@pytest.mark.parametrize("method", ["smooth_grad", "integrated_gradients", "mask_optimisation"])
def test_another_error_is_not_tried_again(method):
    net = network("pooled")
    narrow = Narrow(net, "in the head", 1, lambda: RuntimeError("shapes differ"))
    with pytest.raises(RuntimeError, match="shapes differ"):
        maps(asking(net, batch_size=8), METHODS[method])
    assert len(narrow.failed) == 1


class Dense(nn.Module):
    def __init__(self):
        super().__init__()
        self.body, self.head = nn.Linear(4, 6), nn.Linear(6, 2)

    def forward(self, rows):
        return self.head(self.body(rows).tanh())


@pytest.mark.parametrize("where", PLACES)
@pytest.mark.parametrize(
    "method",
    ["gradient", "gradient_x_input", px.IntegratedGradients(steps=33), px.ExpectedGradients(steps=7)],
    ids=["gradient", "gradient_x_input", "integrated_gradients", "expected_gradients"],
)
def test_gradients_on_a_table_are_halved_too(method, where):
    rng = np.random.default_rng(0)
    data, x = rng.normal(size=(50, 4)), rng.normal(size=(3, 4))
    space = px.TabularSpace(data, background=20)
    (expected,) = px.baselines([method], px.Predictor(seeded(Dense), precision="float64"), space, x).values()
    net = seeded(Dense)
    narrow = Narrow(net, where, 5, MemoryError)
    predictor = px.Predictor(net, precision="float64")
    (found,) = px.baselines([method], predictor, space, x).values()
    np.testing.assert_allclose(found.values, expected.values, atol=1e-12)
    assert found.meta["rows"] == expected.meta["rows"]
    assert len(narrow.failed) <= 8
    narrow.failed.clear()
    px.baselines([method], predictor, space, x)
    assert not narrow.failed


def test_noise_is_the_same_whatever_fits():
    """A batch that is built again gets what it had: the noise is drawn once, copy by copy."""
    one, net = asking(network("pooled"), batch_size=1), network("pooled")
    Narrow(net, "backwards", 3, MemoryError)
    (found,), (expected,) = (maps(each, px.SmoothGrad(n=17)).values() for each in (asking(net, batch_size=13), one))
    np.testing.assert_allclose(found.values[0], expected.values[0], rtol=1e-9)
