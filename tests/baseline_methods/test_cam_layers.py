"""Any layer, several layers in one pass, tokens laid out on their grid, and networks left as they were."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from picture_nets import Flat, Joined, Merged, Pooled, Tokens, explained, picture, seeded
from samples import snapshot
from torch import nn

import perturbxai as px
from perturbxai.baseline_methods.kinds import OfLayer
from perturbxai.baseline_methods.layouts import Layout, layout_of
from perturbxai.core import catalogue

LOOKING = [name for name in catalogue.MAPS if issubclass(catalogue.load(catalogue.BASELINES, name), OfLayer)]
ANYWHERE = [name for name in LOOKING if name not in ("cam", "cam_difference")]


# ------------------------------------------------------------------------------------------------ several layers


@pytest.mark.parametrize("inplace", [False, True])
@pytest.mark.parametrize("name", ANYWHERE)
def test_several_layers_in_one_call_are_each_alone(name, inplace):
    net = seeded(Pooled, inplace=inplace)
    layers = ["first", "act#0", "second", "act#1"]
    together = explained([name], net, layer=layers)
    assert list(together) == [f"{name}(layer={one!r})" for one in layers]
    for key, layer in zip(together, layers, strict=True):
        alone = explained([name], net, layer=layer)[name]
        np.testing.assert_allclose(together[key].meta["map"], alone.meta["map"], atol=1e-6)
        assert together[key].meta["layer"] == layer


def test_all_layers_are_seen_in_one_forward_pass():
    found = explained(["layer_cam", "eigen_cam"], seeded(Pooled), layer=["first", "act#0", "second", "act#1"])
    assert len(found) == 8
    # v(nothing), the search for the layers, the picture with v(N)
    assert {one.meta["call_rows"] for one in found.values()} == {3}


def test_a_layer_can_be_given_as_a_module_although_a_copy_runs():
    net = seeded(Pooled)
    found = explained(["grad_cam"], net, layer=net.second)["grad_cam"]
    assert found.meta["layer"] == "second"
    both = explained(["grad_cam"], net, layer=(net.first, "second"))
    np.testing.assert_array_equal(both["grad_cam(layer='second')"].values, found.values)


def test_controls_and_options_keep_their_names_beside_layers():
    methods = [px.GradCam(), px.GradCam(signed=True), "centre"]
    found = explained([*methods], seeded(Pooled), layer=["first", "second"])
    assert list(found) == [
        "grad_cam(signed=False, layer='first')", "grad_cam(signed=False, layer='second')",
        "grad_cam(signed=True, layer='first')", "grad_cam(signed=True, layer='second')", "centre",
    ]  # fmt: skip


def test_each_method_fails_by_name_at_a_layer_that_it_cannot_take():
    with pytest.raises(ValueError, match=r"layer='squeeze' gives \(1, 6, 1, 1\)"):
        explained(["layer_cam"], seeded(Pooled), layer=["second", "squeeze"])


# ------------------------------------------------------------------------------------------------ transformers


@pytest.fixture(scope="module")
def vit():
    """torchvision's vision transformer, small, its weights random: three blocks, a class token and 4 x 4 patches."""
    models = pytest.importorskip("torchvision.models", reason="torchvision is not installed")
    net = seeded(
        lambda: models.VisionTransformer(
            image_size=64, patch_size=16, num_layers=3, num_heads=2, hidden_dim=16, mlp_dim=32, num_classes=5
        )
    )
    with torch.random.fork_rng():
        torch.manual_seed(1)
        nn.init.normal_(net.heads.head.weight)  # torchvision starts from a head of zeros
    return net


PHOTO = picture(0, 64, 64)


@pytest.mark.parametrize("name", ANYWHERE)
def test_a_vision_transformer_is_explained_at_its_last_blocks_first_norm(vit, name):
    found = explained([name], vit, PHOTO, outputs=[0, 3])[name]
    assert found.meta["layer"] == "encoder.layers.encoder_layer_2.ln_1"
    assert found.meta["map"].shape == (2, 4, 4)
    assert np.isfinite(found.values).all()


def test_the_class_token_is_dropped_and_the_patches_are_laid_out_in_rows(vit):
    kept = []
    handle = vit.encoder.layers[2].ln_1.register_forward_hook(lambda _m, _g, out: kept.append(out))
    scores = vit(torch.as_tensor(PHOTO).permute(2, 0, 1)[None])[0]
    handle.remove()
    (gradient,) = torch.autograd.grad(scores[3], kept[0])
    product = (gradient * kept[0])[0].sum(dim=1).detach().numpy()
    found = explained(["hires_cam"], vit, PHOTO, outputs=[3])["hires_cam"].meta["map"]
    np.testing.assert_allclose(found[0], [[product[1 + 4 * i + j] for j in range(4)] for i in range(4)], atol=1e-6)


@pytest.mark.parametrize("layer", ["encoder.ln", "encoder.layers.encoder_layer_2"])
def test_a_layer_whose_patches_no_score_reads_is_refused_by_gradients_alone(vit, layer):
    with pytest.raises(ValueError, match=rf"layer='{layer}': no score reads the 4 x 4 patches.*class token"):
        explained(["grad_cam"], vit, PHOTO, layer=layer)
    assert explained(["eigen_cam"], vit, PHOTO, layer=layer)["eigen_cam"].meta["map"].any()


def test_probabilities_find_the_same_norm_although_they_sum_to_one(vit):
    found = explained(["grad_cam"], vit, PHOTO, score="probability")["grad_cam"]
    assert found.meta["layer"] == "encoder.layers.encoder_layer_2.ln_1"


def test_a_transformer_that_averages_its_tokens_is_explained_at_its_last_norm():
    net = seeded(Tokens)
    found = explained(["cam", "hires_cam"], net)
    assert found["cam"].meta["layer"] == "block.norm2"
    rise = found["cam"].prediction[0] - net.head.bias.detach().numpy()
    for one in found.values():
        np.testing.assert_allclose(one.values[0].sum(axis=0), rise, atol=1e-6)


def test_tokens_lie_where_their_patches_were_on_pictures_that_are_not_square():
    net, x = seeded(Tokens), picture(2, 32, 48)
    patches, laid = (explained(["eigen_cam"], net, x, layer=name)["eigen_cam"].meta["map"] for name in ("patches", "laid"))
    assert patches.shape == (3, 4, 6)
    np.testing.assert_allclose(patches, laid, atol=1e-6)


def test_tokens_that_were_merged_are_refused():
    with pytest.raises(ValueError, match=r"layer='merged'.*cannot be told.*last map is 4 x 4"):
        explained(["eigen_cam"], seeded(Merged), layer="merged")


def test_the_outputs_of_windowed_attention_with_their_channels_last_are_maps():
    models = pytest.importorskip("torchvision.models", reason="torchvision is not installed")
    net = seeded(lambda: models.SwinTransformer([4, 4], 8, [1, 1], [1, 1], [2, 2], mlp_ratio=1.0, num_classes=3))
    found = explained(["grad_cam", "ablation_cam"], net, PHOTO, layer=["features.1", "features.3"])
    assert [one.meta["map"].shape for one in found.values()] == [(3, 16, 16), (3, 8, 8)] * 2


BATCH = torch.zeros(1, 3, 64, 64)


@pytest.mark.parametrize(
    ("shape", "patches", "expected"),
    [
        ((1, 8, 16, 16), None, Layout("first", (16, 16))),
        ((1, 16, 16, 8), None, Layout("last", (16, 16))),
        ((1, 17, 8), (4, 4), Layout("tokens", (4, 4), 1)),
        ((1, 18, 8), (4, 4), Layout("tokens", (4, 4), 2)),
        ((1, 16, 8), None, Layout("tokens", (4, 4), 0)),
        ((1, 197, 8), None, Layout("tokens", (14, 14), 1)),
    ],
)
def test_a_layout_is_told_from_shapes_and_what_it_reads_it_writes(shape, patches, expected):
    found = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    layout = layout_of(found, BATCH, "x", patches)
    assert layout == expected
    maps = layout.read(found)
    assert tuple(maps.shape) == (1, 8, *expected.grid)
    assert torch.equal(layout.write(maps, found), found)
    two = layout.write(torch.cat([maps, 2 * maps]), found)
    assert torch.equal(layout.read(two)[1], 2 * maps[0])


@pytest.mark.parametrize(
    ("shape", "patches", "told"),
    [
        ((1, 5), None, "expected a map"),
        ((2, 8, 16, 16), None, "expected a map"),
        ((1, 8, 1, 1), None, "of several cells"),
        ((1, 8, 16, 3), None, "not those of a picture of 64 x 64"),
        ((1, 15, 8), (4, 4), "its 15 tokens lie.*cannot be told"),
        ((1, 20, 8), (4, 4), "its 20 tokens lie.*cannot be told"),
        ((1, 18, 8), None, "no map was cut into patches"),
        ((17, 1, 8), (4, 4), "expected a map"),
    ],
)
def test_a_layout_that_cannot_be_told_is_refused(shape, patches, told):
    with pytest.raises(ValueError, match=told):
        layout_of(torch.zeros(shape), BATCH, "x", patches)


# ------------------------------------------------------------------------------------------------ devices


@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=pytest.mark.cuda)])
@pytest.mark.parametrize("name", LOOKING)
def test_a_map_is_the_same_where_rows_are_built_on_the_device(name, device):
    host, there = (explained([name], seeded(Pooled), predictor={"device": one})[name] for one in (None, device))
    np.testing.assert_allclose(there.meta["map"], host.meta["map"], atol=1e-5)  # float32 networks


# ------------------------------------------------------------------------------------------------ left as found


def used(make):
    """A network in training, with a parameter that is frozen, one that holds a gradient, and channels last."""
    net = seeded(make).train().to(memory_format=torch.channels_last)
    net.head.bias.requires_grad_(False)
    net.head.weight.grad = torch.ones_like(net.head.weight)
    return net


@pytest.mark.parametrize("precision", [None, "float64"])
@pytest.mark.parametrize("name", LOOKING)
def test_a_network_is_left_as_it_was_found_by_every_map(name, precision):
    net = used(Pooled)
    before, random = snapshot(net), torch.random.get_rng_state()
    explained([name], net, predictor={"precision": precision})
    assert snapshot(net) == before
    assert torch.equal(torch.random.get_rng_state(), random)


@pytest.mark.parametrize("make", [Tokens, Joined])
@pytest.mark.parametrize("name", ANYWHERE)
def test_what_runs_is_left_as_it_was_found_at_several_layers_and_tokens(name, make):
    predictor = px.Predictor(used(make))
    before = snapshot(predictor._model.model), snapshot(predictor._model.passes.module())
    space = px.ImageSpace(segments="grid", n_segments=4, fill=0)
    layer = None if make is Tokens else ["second", "act#1"]
    px.baselines([name], predictor, space, picture(), layer=layer)
    assert (snapshot(predictor._model.model), snapshot(predictor._model.passes.module())) == before


class Failing(Pooled):
    """Answers so many passes, then raises in the middle of each."""

    left = 0

    def features(self, x):
        found = super().features(x)
        type(self).left -= 1
        if self.left < 0:
            raise RuntimeError("the network broke")
        return found


@pytest.mark.parametrize("name", LOOKING)
def test_nothing_remains_of_any_map_when_the_network_raises_half_way(name):
    space = px.ImageSpace(segments="grid", n_segments=4, fill=0)
    Failing.left = 1000
    px.baselines([name], px.Predictor(seeded(Failing), batch_size=1), space, picture())
    for passes in range(1000 - Failing.left):
        Failing.left = passes
        predictor = px.Predictor(used(Failing), batch_size=1)
        before = snapshot(predictor._model.model), snapshot(predictor._model.passes.module())
        with pytest.raises(RuntimeError, match="the network broke"):
            px.baselines([name], predictor, space, picture())
        assert (snapshot(predictor._model.model), snapshot(predictor._model.passes.module())) == before


@pytest.mark.parametrize(("make", "first"), [(Flat, "body"), (Joined, "first")])
def test_a_network_that_writes_into_its_input_is_seen_as_it_answers(make, first):
    class Writing(make):
        def forward(self, x):
            return super().forward(x.mul_(0.5))

    net, same = seeded(Writing), seeded(make)
    with torch.no_grad():
        getattr(same, first).weight.mul_(0.5)
    for name in ("hires_cam", "ablation_cam"):
        layer = "act#2" if make is Joined else None  # whose maps do not pass through one
        ours, expected = (explained([name], one, layer=layer)[name].meta["map"] for one in (net, same))
        np.testing.assert_allclose(ours, expected, atol=1e-5)
