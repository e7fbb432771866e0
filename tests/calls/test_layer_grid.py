"""layer_grid(): the cells of a layer's map, laid on the picture where its heat map is."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from picture_nets import Pooled, Tokens, picture, seeded
from torch.nn import functional as F

import perturbxai as px


def pooled(net, labels, x, **options):
    space = px.ImageSpace(segments=labels, fill=0.0)
    return px.baselines(["hires_cam"], px.Predictor(net), space, x, **options), space


@pytest.mark.parametrize(("height", "width"), [(32, 32), (30, 44), (33, 47)])
def test_cells_are_where_torch_puts_the_nearest(height, width):
    net, x = seeded(Pooled), picture(height=height, width=width)
    labels = px.layer_grid(px.Predictor(net), x)
    with torch.no_grad():
        grid = net.features(torch.as_tensor(x).permute(2, 0, 1)[None]).shape[2:]
    cells = torch.arange(grid.numel(), dtype=torch.float64).reshape(1, 1, *grid)
    nearest = F.interpolate(cells, size=(height, width), mode="nearest-exact")[0, 0].numpy()
    np.testing.assert_array_equal(labels, nearest)
    assert labels.dtype == np.int32


def test_a_map_drawn_with_the_nearest_sums_to_its_cells_exactly():
    net, x = seeded(Pooled), picture()
    labels = px.layer_grid(px.Predictor(net), x)
    found, space = pooled(net, labels, x)
    cells = found["hires_cam"].meta["map"]  # (K, h, w)
    share = cells[0].size / labels.size
    drawn = cells.reshape(len(cells), -1)[:, labels] * share
    np.testing.assert_array_equal(space.pool(drawn, x), cells.reshape(len(cells), -1))  # powers of two: no rounding


def test_the_values_of_a_map_on_its_own_cells_are_the_cells_but_for_an_eighth_to_each_side():
    net, x = seeded(Pooled), picture(height=64, width=64)
    labels = px.layer_grid(px.Predictor(net), x, layer="act#0")
    # a map of 64 cells a side on 64 pixels has nothing between its cells
    found, _ = pooled(net, labels, x, layer="act#0", outputs=[0])
    np.testing.assert_allclose(found["hires_cam"].values[0, :, 0], found["hires_cam"].meta["map"].ravel(), atol=1e-15)
    coarse = torch.nn.Sequential(torch.nn.AvgPool2d(16), torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten())
    found, _ = pooled(coarse, px.layer_grid(px.Predictor(coarse), x), x, outputs=[0])
    cells = found["hires_cam"].meta["map"][0]  # 4 x 4
    side = 0.75 * np.eye(4) + 0.125 * (np.eye(4, k=1) + np.eye(4, k=-1))
    side[0, 0] = side[3, 3] = 0.875  # flat beyond the outermost centres
    np.testing.assert_allclose(found["hires_cam"].values[0, :, 0], (side @ cells @ side.T).ravel(), rtol=1e-6)


def test_a_transformers_cells_are_its_patches():
    net, x = seeded(Tokens), picture()
    labels = px.layer_grid(px.Predictor(net), x)
    np.testing.assert_array_equal(labels, np.kron(np.arange(16).reshape(4, 4), np.ones((8, 8))))


def test_a_named_layer_has_its_own_cells():
    net, x = seeded(Pooled), picture()
    counts = {str(layer): px.layer_grid(px.Predictor(net), x, layer).max() + 1 for layer in (None, "first", net.second)}
    assert list(counts.values()) == [16 * 16, 32 * 32, 16 * 16]


def test_the_grid_costs_three_passes_and_leaves_the_network_as_it_was():
    net = seeded(Pooled).train()
    net.first.weight.requires_grad_(False)
    flags = [p.requires_grad for p in net.parameters()]
    predictor = px.Predictor(net)
    state = torch.random.get_rng_state()
    px.layer_grid(predictor, picture())
    assert predictor.rows == 3
    assert net.training and [p.requires_grad for p in net.parameters()] == flags
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in net.modules())
    assert torch.equal(torch.random.get_rng_state(), state)


def test_the_grid_of_a_network_of_many_classes_has_no_word_about_outputs():
    net = seeded(Pooled, classes=30)  # a warning is an error here
    assert px.layer_grid(px.Predictor(net), picture()).max() + 1 == 256


def test_a_map_on_the_cells_of_its_layer_is_scored_like_any_other():
    net, x = seeded(Pooled), picture()
    space = px.ImageSpace(segments=px.layer_grid(px.Predictor(net), x, "second"), fill="blur")
    predictor = px.Predictor(net)
    maps = px.baselines(["cam"], predictor, space, x, outputs=[0])
    assert maps["cam"].values.shape == (1, 256, 1)
    assert px.compare(maps, predictor, space, metrics=["faithfulness"]).scores.value.notna().all()


def test_what_has_no_layer_is_refused_before_it_is_asked():
    with pytest.raises(TypeError, match=r"layer_grid looks inside a torch.nn.Module, but the model is a callable"):
        px.layer_grid(px.Predictor(lambda pictures: pictures.mean(axis=(1, 2))), picture())
    with pytest.raises(TypeError, match="predictor is str; expected the model"):
        px.layer_grid("pooled", picture())
    predictor = px.Predictor(seeded(Pooled))
    with pytest.raises(ValueError, match="image holds 2 pictures"):
        px.layer_grid(predictor, np.stack([picture(), picture(1)]))
    with pytest.raises(ValueError, match="layer names 2 layers"):
        px.layer_grid(predictor, picture(), ["first", "second"])
    assert predictor.rows == 0
    with pytest.raises(ValueError, match="layer='third' is no module"):
        px.layer_grid(predictor, picture(), "third")


def test_a_map_finer_than_the_picture_has_no_cells_on_it():
    net = torch.nn.Sequential(torch.nn.Upsample(scale_factor=2), torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten())
    with pytest.raises(ValueError, match="layer has 64 cells along 32 pixels"):
        px.layer_grid(px.Predictor(net), picture())
