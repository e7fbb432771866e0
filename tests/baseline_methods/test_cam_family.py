"""The CAM family: formulas of the papers, what the maps must sum to, and the same maps in other packages."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from costs import own_rows
from picture_nets import Deep, Flat, Pooled, Tokens, cut, explained, picture, seeded
from torch import nn

import perturbxai as px
from perturbxai.core import catalogue

NETS = [Pooled, Flat, Deep]
IN_A_PASS = ["grad_cam", "grad_cam_plus_plus", "xgrad_cam", "hires_cam", "layer_cam", "eigen_cam"]
WITH_A_RELU = [px.GradCam, px.GradCamPlusPlus, px.XgradCam, px.ScoreCam, px.AblationCam]


def maps(method, net, **options):
    """(K, h, w): the raw map of one method."""
    (found,) = explained([method], net, **options).values()
    return found.meta["map"]


# ------------------------------------------------------------------------------------------------ formulas, slowly


def grad_cam(a, g):
    return sum(g[k].mean() * a[k] for k in range(len(a)))


def grad_cam_plus_plus(a, g):
    total = 0.0
    for k in range(len(a)):
        weight = 0.0
        for i, j in np.ndindex(*a[k].shape):
            if g[k, i, j] > 0:
                share = g[k, i, j] ** 2 / (2 * g[k, i, j] ** 2 + a[k].sum() * g[k, i, j] ** 3)
                weight += share * g[k, i, j]
        total = total + weight * a[k]
    return total


def xgrad_cam(a, g):
    return sum((g[k] * a[k]).sum() / a[k].sum() * a[k] for k in range(len(a)) if a[k].any())


def hires_cam(a, g):
    return sum(g[k] * a[k] for k in range(len(a)))


def layer_cam(a, g):
    return sum(np.where(g[k] > 0, g[k], 0) * a[k] for k in range(len(a)))


def eigen_cam(a, g):  # noqa: ARG001
    """The projection on the leading eigenvector of the channels' covariance, found without a singular value."""
    cells = a.reshape(len(a), -1)
    cells = cells - cells.mean(axis=1, keepdims=True)
    along = np.linalg.eigh(cells @ cells.T)[1][:, -1] @ cells
    return (along * np.sign(along[np.abs(along).argmax()])).reshape(a.shape[1:])


SLOW = {f.__name__: f for f in (grad_cam, grad_cam_plus_plus, xgrad_cam, hires_cam, layer_cam, eigen_cam)}


@pytest.mark.parametrize("name", IN_A_PASS)
@pytest.mark.parametrize("make", NETS)
def test_a_map_is_the_formula_of_its_paper(make, name):
    net = seeded(make)
    activations, gradients, _ = cut(net)
    signed = {"signed": True} if name in ("grad_cam", "grad_cam_plus_plus", "xgrad_cam") else {}
    kind = {catalogue.key_of(c()): c for c in (*WITH_A_RELU, px.HiresCam, px.LayerCam, px.EigenCam)}[name]
    expected = np.stack([SLOW[name](activations, g) for g in gradients])
    # float32 in two memory formats
    np.testing.assert_allclose(maps(kind(**signed), net), expected, atol=2e-6 * max(1.0, np.abs(expected).max()))


@pytest.mark.parametrize("kind", WITH_A_RELU)
@pytest.mark.parametrize("make", NETS)
def test_a_signed_map_is_the_papers_before_its_relu(make, kind):
    net = seeded(make)
    np.testing.assert_array_equal(maps(kind(), net), np.maximum(maps(kind(signed=True), net), 0.0))


# ------------------------------------------------------------------------------------------------ identities


def test_cam_is_the_signed_grad_cam_times_the_cells():
    net = seeded(Pooled)
    np.testing.assert_allclose(maps("cam", net), maps(px.GradCam(signed=True), net) * 256, atol=1e-6)


@pytest.mark.parametrize("make", [Pooled, Flat])
def test_hires_cam_sums_to_the_logit_less_its_bias_on_a_linear_head(make):
    net = seeded(make)
    found = explained(["hires_cam"], net)["hires_cam"]
    rise = found.prediction[0] - net.head.bias.detach().numpy()
    np.testing.assert_allclose(found.meta["map"].sum(axis=(1, 2)), rise, atol=1e-6)
    np.testing.assert_allclose(found.values[0].sum(axis=0), rise, atol=1e-6)


def test_hires_cam_keeps_its_sum_at_sizes_that_are_no_multiple_of_the_map():
    found = explained(["hires_cam"], seeded(Pooled), picture(1, 33, 47))["hires_cam"]
    np.testing.assert_allclose(found.values[0].sum(axis=0), found.meta["map"].sum(axis=(1, 2)), rtol=1e-9)


def test_hires_cam_is_the_signed_grad_cam_on_a_pooled_network_and_not_on_a_flattened_one():
    pooled, flat = seeded(Pooled), seeded(Flat)
    np.testing.assert_allclose(maps("hires_cam", pooled), maps(px.GradCam(signed=True), pooled), atol=1e-6)
    assert np.abs(maps("hires_cam", flat) - maps(px.GradCam(signed=True), flat)).max() > 0.01


@pytest.mark.parametrize("make", NETS)
def test_the_signed_xgrad_cam_sums_to_gradient_times_activation(make):
    net = seeded(make)
    activations, gradients, _ = cut(net)
    expected = (gradients * activations).sum(axis=(1, 2, 3))
    np.testing.assert_allclose(maps(px.XgradCam(signed=True), net).sum(axis=(1, 2)), expected, atol=1e-6)


@pytest.mark.parametrize("make", NETS)
def test_layer_cam_is_not_negative_where_the_activations_are_not(make):
    assert maps("layer_cam", seeded(make)).min() >= 0


def test_layer_cam_keeps_the_sign_of_activations_before_their_relu():
    assert maps("layer_cam", seeded(Tokens), layer="patches").min() < -0.001


def test_layer_cam_of_a_score_less_that_of_its_opposite_is_hires_cam():
    net = seeded(Flat)
    with torch.no_grad():
        net.head.weight[1] = -net.head.weight[0]
    found = maps("layer_cam", net)
    np.testing.assert_allclose(found[0] - found[1], maps("hires_cam", net)[0], atol=1e-6)


@pytest.mark.parametrize("seed", range(5))
def test_eigen_cam_reaches_further_up_than_down_and_is_one_map_for_all_outputs(seed):
    found = maps("eigen_cam", seeded(Flat, seed))
    assert found[0].max() > -found[0].min()
    assert (found == found[0]).all()


def test_eigen_cam_does_not_turn_with_the_sign_of_the_activations():
    net, turned = seeded(Flat), seeded(Flat)
    with torch.no_grad():
        turned.body.weight.neg_()
        turned.body.bias.neg_()
    np.testing.assert_allclose(maps("eigen_cam", net, layer="body"), maps("eigen_cam", turned, layer="body"), atol=1e-5)


def test_eigen_cam_of_a_map_without_structure_is_zero():
    net = seeded(Flat)
    with torch.no_grad():
        net.body.weight.zero_()
    found = explained(["eigen_cam"], net)["eigen_cam"]
    assert not found.meta["map"].any()
    assert found.meta["empty_maps"] == ["0", "1", "2"]


def test_grad_cam_plus_plus_has_no_number_beside_small_gradients():
    """A constant of 1e-6 beside g^2 would leave a thousandth of this map."""
    net = seeded(Flat)
    with torch.no_grad():
        net.head.weight.mul_(1e-5)
    activations, gradients, _ = cut(net)
    expected = np.stack([grad_cam_plus_plus(activations, g) for g in gradients])
    found = maps(px.GradCamPlusPlus(signed=True), net)
    np.testing.assert_allclose(found, expected, atol=1e-5 * np.abs(expected).max())


def test_channels_whose_activations_cancel_make_no_endless_weight():
    """Before a ReLU a channel's sum may be zero, by which XGrad-CAM divides."""

    class Cancelling(nn.Module):
        def __init__(self):
            super().__init__()
            self.place = nn.Identity()

        def forward(self, x):
            halves = torch.cat([x[..., :16] * 0 + 1, x[..., 16:] * 0 - 1], dim=3)
            return (self.place(torch.cat([halves, x], dim=1)) * x[:, :1]).flatten(1).sum(1, keepdim=True)

    net, x = Cancelling(), torch.as_tensor(picture()).permute(2, 0, 1)[None]
    gradient = x[0, :1].double().numpy()  # of the halves and of the picture's own channels alike
    expected = xgrad_cam(x[0].double().numpy(), np.repeat(gradient, 3, axis=0))
    np.testing.assert_allclose(maps("xgrad_cam", net, layer="place")[0], expected, atol=1e-5)


# ------------------------------------------------------------------------------------------------ calls


@pytest.mark.parametrize("name", [*IN_A_PASS, "score_cam", "ablation_cam"])
def test_several_pictures_are_explained_as_each_alone(name):
    pictures = [picture(1), picture(2, 40, 24)]
    together = explained([name], seeded(Pooled), pictures)[name]
    for number, one in enumerate(pictures):
        alone = explained([name], seeded(Pooled), one)[name][0].values
        # the bare fills of all pictures are asked in one batch of a float32 network
        np.testing.assert_allclose(together[number].values, alone, atol=1e-7)


@pytest.mark.parametrize("name", [*IN_A_PASS, "score_cam", "ablation_cam"])
def test_several_outputs_are_explained_as_each_alone(name):
    together = explained([name], seeded(Deep), outputs=[2, 0])[name].values[0]
    for k, output in enumerate([2, 0]):
        alone = explained([name], seeded(Deep), outputs=[output])[name].values[0]
        np.testing.assert_allclose(together[:, [k]], alone, atol=1e-9)


@pytest.mark.parametrize("name", IN_A_PASS)
def test_a_map_of_one_pass_costs_one_pass(name):
    found = explained([name], seeded(Pooled))[name]
    # v(nothing), which tells the outputs' names, the search for the layer, the picture with v(N)
    assert (own_rows(found), found.meta["call_rows"]) == (1, 3)


def test_a_map_that_reads_no_gradient_needs_none():
    class Counted(Pooled):
        def forward(self, x):
            with torch.no_grad():
                return super().forward(x)

    assert maps("eigen_cam", seeded(Counted)).any()
    with pytest.raises(ValueError, match="the score does not depend on it"):
        maps("layer_cam", seeded(Counted))


# ------------------------------------------------------------------------------------------------ other packages


def plain(channels=5, classes=3):
    """Modules only, for packages that hook a module; a positive bias keeps the scores above zero."""
    net = nn.Sequential(
        nn.Conv2d(3, channels, 3, padding=1), nn.ReLU(), nn.Conv2d(channels, channels, 3, padding=1), nn.ReLU(),
        nn.AdaptiveAvgPool2d(4), nn.Flatten(), nn.Linear(16 * channels, classes),
    )  # fmt: skip
    with torch.no_grad():
        net[6].weight.mul_(1e4)  # grad-cam's 1e-6 beside g^2 is then nothing
        net[6].bias.fill_(5e3)
    return net


THEIRS = {
    "GradCAM": px.GradCam(signed=True),
    "GradCAMPlusPlus": px.GradCamPlusPlus(signed=True),
    "XGradCAM": px.XgradCam(signed=True),
    "HiResCAM": px.HiresCam(),
    "LayerCAM": px.LayerCam(),
    "ScoreCAM": px.ScoreCam(signed=True),
    "AblationCAM": px.AblationCam(signed=True),
    "EigenCAM": px.EigenCam(),
}


@pytest.mark.parametrize("theirs", THEIRS)
def test_a_raw_map_is_grad_cams_before_it_is_scaled(theirs):
    """Checked with grad-cam 1.5.7. At a layer of the picture's size no map is enlarged, which they do in another way."""
    package = pytest.importorskip("pytorch_grad_cam", reason="grad-cam is not installed")
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    net = seeded(plain)
    ours = maps(THEIRS[theirs], net, layer="3", fill=0, outputs=[1])[0]
    x = torch.as_tensor(picture()).permute(2, 0, 1)[None]
    with getattr(package, theirs)(net, [net[3]]) as cam:
        target = [ClassifierOutputTarget(1)]
        cam(x, target)
        kept = cam.activations_and_grads
        gradients = kept.gradients[0].numpy() if kept.gradients else None
        found = cam.get_cam_image(x, net[3], target, kept.activations[0].numpy(), gradients, False)[0]
    if theirs == "EigenCAM":  # theirs has no sign of its own
        found = found * np.sign((found * ours).sum())
    np.testing.assert_allclose(ours, found, atol=1e-5 * np.abs(found).max())  # float32 throughout on their side


@pytest.mark.parametrize(("theirs", "method"), [("LayerGradCam", px.GradCam(signed=True)), ("product", px.HiresCam())])
def test_a_raw_map_is_captums(theirs, method):
    """Checked with captum 0.9.0."""
    attr = pytest.importorskip("captum.attr", reason="captum is not installed")
    net = seeded(plain)
    x = torch.as_tensor(picture()).permute(2, 0, 1)[None]
    if theirs == "product":
        found = attr.LayerGradientXActivation(net, net[3]).attribute(x, target=1).sum(dim=1)[0]
    else:
        found = attr.LayerGradCam(net, net[3]).attribute(x, target=1)[0, 0]
    found = found.detach().numpy()
    np.testing.assert_allclose(maps(method, net, layer="3", outputs=[1])[0], found, atol=1e-5 * np.abs(found).max())
