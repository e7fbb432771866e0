"""Extremal masks: found where the evidence is, of the area asked for, the same every time, and nothing left behind."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from costs import own_rows
from picture_nets import Pooled, picture, seeded

import perturbxai as px
from perturbxai.core import catalogue
from perturbxai.core.interpolation import between_centres

SIDE = 32
AREA = 1 / 8


class Spots(torch.nn.Module):
    """Two scores that look at a square each, and at nothing else: 8 x 8 pixels in opposite corners' middles."""

    def __init__(self):
        super().__init__()
        weight = torch.zeros(2, SIDE, SIDE)
        weight[0, 4:12, 4:12] = weight[1, 20:28, 16:24] = 1.0 / 64
        self.weight = torch.nn.Parameter(weight)
        self.squash = torch.nn.Softplus()

    def forward(self, x):
        return self.squash((x.mean(1)[:, None] * self.weight).sum((2, 3)) * 4.0)


def optimised(net=None, fill=0.0, predictor=None, outputs=None, x=None, n_segments=16, **options):
    space = px.ImageSpace(segments="grid", n_segments=n_segments, fill=fill)
    predictor = predictor or px.Predictor(net or Spots())
    x = picture() if x is None else x
    method = px.MaskOptimisation(**({"areas": (AREA,), "cells": 8, "steps": 40} | options))
    return px.baselines([method], predictor, space, x, outputs=outputs)["mask_optimisation"]


def scored(net, x, fill, masks):
    """(n, K): the scores of a picture seen through pixel masks (n, H, W), by hand."""
    shown = masks[..., None] * x + (1.0 - masks[..., None]) * fill
    with torch.no_grad():
        return net(torch.as_tensor(shown, dtype=torch.float32).permute(0, 3, 1, 2)).double().numpy()


def random_masks(count, n=200, cells=8, seed=0):
    """(n, H, W): smooth masks of as many cells, drawn."""
    ones = np.arange(cells * cells) < count
    rng = np.random.default_rng(seed)
    grid = np.array([rng.permutation(ones) for _ in range(n)]).reshape(n, cells, cells)
    weights = between_centres(cells, SIDE)
    return weights @ grid @ weights.T


# ------------------------------------------------------------------------------------------------ what it finds


def test_each_score_gets_a_mask_on_the_square_that_it_looks_at():
    found = optimised()[0]
    for k, square in enumerate([(slice(4, 12), slice(4, 12)), (slice(20, 28), slice(16, 24))]):
        heat = found.heat[k]
        inside = heat[square].sum() / heat.sum()
        # the square is 1/16 of the picture, the mask twice as large: at most half of it lies inside, by chance 1/16
        assert inside > 0.35
        assert heat[square].mean() > 0.85


def test_a_mask_keeps_more_of_the_score_than_any_of_200_random_masks_of_its_area():
    net, x = Spots(), picture()
    found = optimised(net, x=x)[0]
    masks = random_masks(round(AREA * 64))
    np.testing.assert_allclose(masks.mean(axis=(1, 2)).mean(), found.meta["reached"][0][0], atol=0.01)
    for k in range(2):
        assert found.meta["preserved"][k][0] > scored(net, x, 0.0, masks)[:, k].max()


def test_deletion_takes_more_of_the_score_than_any_of_200_random_masks_of_its_area():
    net, x = Spots(), picture()
    found = optimised(net, x=x, aim="delete")[0]
    for k in range(2):
        assert found.meta["deleted"][k][0] < scored(net, x, 0.0, 1.0 - random_masks(round(AREA * 64)))[:, k].min()


def test_it_beats_random_masks_on_a_convolutional_network_with_a_fill_that_is_a_picture():
    net, x, fill = seeded(Pooled, seed=3), picture(1), picture(2)
    found = optimised(net, x=x, fill=fill)[0]
    best = scored(net, x, fill, random_masks(round(AREA * 64))).max(axis=0)
    for k in range(3):
        assert found.meta["preserved"][k][0] > best[k]


def test_areas_and_scores_in_meta_are_those_of_the_masks():
    net, x = Spots(), picture()
    found = optimised(net, x=x, areas=(0.1, 0.25, 0.5))[0]
    meta, weights = found.meta, between_centres(8, SIDE)
    fine = weights @ meta["masks"] @ weights.T  # (K, A, H, W)
    np.testing.assert_allclose(meta["masks"].sum(axis=(2, 3)), [[6, 16, 32]] * 2)  # of 64 cells
    np.testing.assert_allclose(meta["reached"], fine.mean(axis=(2, 3)))
    np.testing.assert_allclose(found.heat, fine.mean(axis=1))
    for k in range(2):
        # float32 networks, batches of other sizes
        np.testing.assert_allclose(meta["preserved"][k], scored(net, x, 0.0, fine[k])[:, k], rtol=1e-5)
        np.testing.assert_allclose(meta["deleted"][k], scored(net, x, 0.0, 1.0 - fine[k])[:, k], rtol=1e-5)
    np.testing.assert_allclose(found.values.sum(axis=0), found.heat.sum(axis=(1, 2)))


def test_what_has_no_slope_gives_an_even_mask():
    class Blank(Spots):
        def forward(self, x):
            return super().forward(x)[:, :1] * 0.0

    np.testing.assert_allclose(optimised(Blank())[0].heat, AREA)


def test_a_picture_that_is_not_square_has_fewer_cells_on_its_shorter_side():
    found = optimised(seeded(Pooled), x=picture(height=32, width=48), cells=12)[0]
    assert found.meta["masks"].shape == (3, 1, 8, 12) and found.heat.shape == (3, 32, 48)


def test_the_space_s_fill_enters_the_map():
    x = picture()
    one, other = (optimised(seeded(Pooled), x=x, fill=fill).heat for fill in (0.0, "mean"))
    assert not np.allclose(one, other)
    assert "mask_optimisation" not in catalogue.FILL_FREE


# ------------------------------------------------------------------------------------------------ what it costs and leaves


def test_rows_are_counted_as_the_docstring_says():
    predictor = px.Predictor(Spots())
    found = optimised(predictor=predictor, areas=(0.1, 0.3), steps=7)
    assert own_rows(found) == 1 + 2 * (7 + 2) * 2  # a row that tells how many scores there are
    assert predictor.rows == found.meta["call_rows"] == own_rows(found) + 2  # and the ends of the game


def test_an_output_gets_the_same_mask_alone_or_in_company_and_every_time():
    net, x = seeded(Pooled), picture()
    both, again, alone = (optimised(net, x=x, outputs=outputs).heat[0] for outputs in ([0, 2], [0, 2], [2]))
    np.testing.assert_array_equal(both, again)
    np.testing.assert_array_equal(both[1], alone[0])


def test_a_batch_of_one_gives_the_mask_of_a_batch_of_many():
    heats = [optimised(predictor=px.Predictor(Spots().double(), batch_size=n), areas=(0.1, 0.2, 0.4)).heat for n in (1, 8)]
    np.testing.assert_allclose(*heats, atol=1e-9)


def test_no_random_number_is_drawn():
    torch_state, numpy_state = torch.random.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    optimised(steps=3)
    assert torch.equal(torch.random.get_rng_state(), torch_state)
    np.testing.assert_array_equal(np.random.get_state()[1], numpy_state)  # noqa: NPY002


class Failing(Spots):
    """Raises at the fifth pass."""

    passes = 0

    def forward(self, x):
        self.passes += 1
        if self.passes == 5:
            raise RuntimeError("half-way")
        return super().forward(x)


@pytest.mark.parametrize("make", [Spots, Failing])
def test_the_network_is_left_as_it_was_also_if_it_raises(make):
    net = make().train()
    net.weight.grad = torch.ones_like(net.weight)
    before = net.weight.detach().clone()
    if make is Failing:
        with pytest.raises(RuntimeError, match="half-way"):
            optimised(net, steps=5)
    else:
        optimised(net, steps=5)
    assert net.training and net.weight.requires_grad
    assert torch.equal(net.weight.detach(), before) and torch.equal(net.weight.grad, torch.ones_like(before))
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in net.modules())
    assert torch.is_grad_enabled()


# ------------------------------------------------------------------------------------------------ refused


def test_a_model_that_is_no_network_is_refused_before_it_is_asked():
    predictor = px.Predictor(lambda pictures: pictures.mean(axis=(1, 2)))
    with pytest.raises(TypeError, match=r"mask_optimisation looks inside a torch.nn.Module, but the model is a callable"):
        optimised(predictor=predictor)
    assert predictor.rows == 0


def test_a_network_through_which_no_gradient_comes_is_refused():
    class Cut(Spots):
        def forward(self, x):
            return super().forward(x.detach())

    with pytest.raises(TypeError, match="do not depend on its input"):
        optimised(Cut())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"areas": ()}, r"areas=\(\) must hold different shares"),
        ({"areas": (0.1, 0.1)}, "must hold different shares"),
        ({"areas": (0.0,)}, "above 0 and below 1"),
        ({"areas": 0.1}, r"areas=0\.1 must hold"),
        ({"steps": 0}, "steps=0 must be a whole number from 1 up"),
        ({"cells": 1}, "cells=1 must be a whole number from 2 up"),
        ({"aim": "keep"}, "aim='keep' is not known"),
    ],
    ids=str,
)
def test_options_that_mean_nothing_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        px.MaskOptimisation(**options)


def test_the_result_travels_as_json():
    found = optimised(steps=2)
    again = px.Attribution.from_json(found.to_json())
    assert again.method == found.method
    np.testing.assert_array_equal(again[0].meta["masks"], found[0].meta["masks"])
