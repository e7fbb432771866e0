"""Gradients by the pixels of a picture: what they say they are, complete where they must be, the same in any company."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from costs import own_rows
from picture_nets import Pooled, explained, picture, seeded
from torch import nn

import perturbxai as px
from perturbxai import assets
from perturbxai.core import catalogue

GRADIENTS = ["gradient", "gradient_x_input", "smooth_grad", "integrated_gradients"]


def smooth():
    """A network of pictures without kinks, in float64."""
    return seeded(
        lambda: nn.Sequential(
            nn.Conv2d(3, 6, 3, padding=1), nn.Tanh(), nn.Conv2d(6, 6, 3, stride=2), nn.Softplus(), nn.Flatten(),
            nn.Linear(6 * 15 * 15, 3),
        )
    ).double()  # fmt: skip


def rectified(bias=True):
    """Modules and ReLUs, in float64."""
    return seeded(
        lambda: nn.Sequential(
            nn.Conv2d(3, 6, 3, padding=1, bias=bias), nn.ReLU(), nn.Conv2d(6, 6, 3, stride=2, bias=bias), nn.ReLU(),
            nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(24, 3, bias=bias),
        )
    ).double()  # fmt: skip


def tensor(x):
    return torch.as_tensor(x, dtype=torch.float64).permute(2, 0, 1)[None]


def slope(net, x, k, at=None, probability=False):
    """(C, H, W): an oracle without our code."""
    leaf = (tensor(x) if at is None else at).clone().requires_grad_(True)
    scores = net(leaf).softmax(1) if probability else net(leaf)
    return torch.autograd.grad(scores[0, k], leaf)[0][0].numpy()


# ------------------------------------------------------------------------------------------------ gradients


@pytest.mark.parametrize("probability", [False, True])
def test_the_gradient_is_the_slope_summed_over_the_channels(probability):
    net, x = rectified(), picture()
    found = explained(["gradient"], net, x, score="probability" if probability else "logit")["gradient"][0]
    for k in range(3):
        np.testing.assert_allclose(found.heat[k], slope(net, x, k, probability=probability).sum(0), atol=1e-15)


def test_the_largest_size_among_the_channels_is_the_saliency_map():
    net, x = rectified(), picture()
    found = explained([px.Gradient(channels="max")], net, x, outputs=[1])["gradient"][0]
    np.testing.assert_allclose(found.heat[0], np.abs(slope(net, x, 1)).max(0), atol=1e-15)


@pytest.mark.parametrize("method", [*GRADIENTS, px.Gradient(channels="max"), px.SmoothGrad(channels="max")], ids=str)
def test_a_superpixels_value_is_the_sum_of_its_pixels(method):
    found = next(iter(explained([method], rectified(), n_segments=4).values()))[0]
    corners = found.heat.reshape(3, 2, 16, 2, 16).sum(axis=(2, 4)).reshape(3, 4)
    np.testing.assert_allclose(found.values, corners.T, atol=1e-12)


def test_gradient_times_input_sums_to_the_score_of_a_relu_network_without_biases():
    net, x = rectified(bias=False), picture()
    found = explained(["gradient_x_input"], net, x)["gradient_x_input"][0]
    np.testing.assert_allclose(found.heat[2], (x.transpose(2, 0, 1) * slope(net, x, 2)).sum(0), atol=1e-15)
    np.testing.assert_allclose(found.values.sum(axis=0), found.prediction, atol=1e-14)


def test_gradients_are_by_the_networks_input_whatever_the_transform_is_made_of():
    net, x = rectified(), 255.0 * picture()
    found = explained(["gradient"], net, x, predictor={"transform": lambda rows: np.asarray(rows) / 255.0})["gradient"][0]
    np.testing.assert_allclose(found.heat[0], slope(net, np.float32(x) / 255.0, 0).sum(0), atol=1e-8)
    assert found.meta["units"] == "score per unit of the network's input"


# ------------------------------------------------------------------------------------------------ smooth grad


def test_smooth_grad_is_the_mean_over_noisy_copies():
    net, x = rectified(), picture()
    found = explained([px.SmoothGrad(n=11, sigma=0.2, seed=3)], net, x, outputs=[1])["smooth_grad"][0]
    one = px.ImageSpace(segments="grid", n_segments=6).players(x)[0]
    noise = 0.2 * np.ptp(x) * np.random.default_rng([3, *one.digest]).standard_normal((11, 3, 32, 32))
    copies = np.array([slope(net, x, 1, at=tensor(x) + torch.as_tensor(part)) for part in noise])
    np.testing.assert_allclose(found.heat[0], copies.mean(axis=0).sum(axis=0), atol=1e-12)
    pooled = np.array([one.pool(copy.sum(axis=0))[0] for copy in copies])
    np.testing.assert_allclose(found.stderr[:, 0], pooled.std(axis=0, ddof=1) / np.sqrt(11), rtol=1e-9)
    assert found.df == 10


def test_smooth_grad_of_a_linear_network_is_its_gradient_with_no_error():
    net = seeded(lambda: nn.Sequential(nn.Flatten(), nn.Linear(3072, 3))).double()
    found = explained(["gradient", px.SmoothGrad(n=5)], net)
    np.testing.assert_allclose(found["smooth_grad"].values, found["gradient"].values, atol=1e-12)
    assert found["smooth_grad"].stderr.max() < 1e-12


def test_smooth_grad_does_not_depend_on_batches():
    one, other = (
        explained([px.SmoothGrad(n=7)], rectified(), predictor={"batch_size": size})["smooth_grad"] for size in (3, 7)
    )
    np.testing.assert_allclose(one.values, other.values, atol=1e-13)


def test_another_seed_is_another_noise():
    one, other = (explained([px.SmoothGrad(n=2, seed=seed)], rectified())["smooth_grad"].values for seed in (0, 1))
    assert np.abs(one - other).max() > 1e-6


def test_a_picture_without_range_is_refused_and_not_given_its_gradient():
    with pytest.raises(ValueError, match=r"smooth_grad: the network's input is the same everywhere.*take 'gradient'"):
        explained(["smooth_grad"], rectified(), np.full((32, 32, 3), 0.4, dtype=np.float32), fill=0.0)


@pytest.mark.parametrize("options", [{"n": 1}, {"n": 3, "channels": "max"}], ids=str)
def test_an_error_that_cannot_be_known_is_infinite(options):
    found = explained([px.SmoothGrad(**options)], rectified())["smooth_grad"]
    assert np.isinf(found.stderr).all()
    assert np.isfinite(found.values).all()


def test_the_interval_of_smooth_grad_covers_its_limit():
    """Twelve superpixels in ten runs, each interval of 95 %: 20 of 120 miss less than once in a hundred thousand times."""
    net = rectified()
    limit = explained([px.SmoothGrad(n=800, seed=99)], net, outputs=[0], n_segments=12)["smooth_grad"].values[0, :, 0]
    missed = 0
    for seed in range(10):
        low, high = explained([px.SmoothGrad(n=20, seed=seed)], net, outputs=[0], n_segments=12)["smooth_grad"].interval()
        missed += int(((limit < low[0, :, 0]) | (limit > high[0, :, 0])).sum())
    assert missed < 20


# ------------------------------------------------------------------------------------------------ integrated gradients


def test_integrated_gradients_of_a_smooth_network_are_the_integral_and_complete():
    net, x = smooth(), picture()
    found = explained(["integrated_gradients"], net, x, fill=0.25, outputs=[1])["integrated_gradients"][0]
    start, way = torch.full((1, 3, 32, 32), 0.25, dtype=torch.float64), tensor(x) - 0.25
    middles = (np.arange(400) + 0.5) / 400
    mean = np.mean([slope(net, x, 1, at=start + t * way) for t in middles], axis=0)
    np.testing.assert_allclose(found.heat[0], (way[0].numpy() * mean).sum(0), atol=1e-7)  # a midpoint rule's own error
    at_fill = net(start)[0, 1].item()
    np.testing.assert_allclose(found.values.sum(), found.prediction[0] - at_fill, rtol=1e-6)  # heat is summed in float32
    np.testing.assert_allclose(found.meta["baseline_prediction"], [at_fill], rtol=1e-12)
    assert found.meta["nodes"] == 48
    assert abs(found.meta["gap"][0]) < 1e-7


def test_integrated_gradients_of_a_linear_network_are_the_way_times_the_slope():
    net, x = seeded(lambda: nn.Sequential(nn.Flatten(), nn.Linear(3072, 3))).double(), picture()
    found = explained(["integrated_gradients"], net, x, fill=0.5, outputs=[2])["integrated_gradients"][0]
    weight = net[1].weight.detach().numpy()[2].reshape(3, 32, 32)
    np.testing.assert_allclose(found.heat[0], (weight * (x - 0.5).transpose(2, 0, 1)).sum(0), atol=1e-8)


class Kinked(nn.Module):
    """Rises by 400 in a hundredth of the way, and not elsewhere: even nodes miss it or count it too often."""

    def forward(self, x):
        brightness = x.mean((1, 2, 3))
        return 400.0 * ((brightness - 0.413).relu() - (brightness - 0.423).relu())[:, None]


def test_the_line_is_cut_finer_where_it_misses_most():
    x = np.ones((8, 8, 3), dtype=np.float32)
    net = Kinked().double()
    method = [px.IntegratedGradients(steps=20)]
    found = explained(method, net, x, fill=0.0, predictor={"precision": "float64"})["integrated_gradients"][0]
    np.testing.assert_allclose(found.values.sum(), 4.0, rtol=0.01)
    assert 20 < found.meta["nodes"] <= 200
    rough = explained([px.IntegratedGradients(steps=20, tol=10.0)], net, x, fill=0.0)["integrated_gradients"][0]
    assert rough.meta["nodes"] == 20
    np.testing.assert_allclose(4.0 - rough.values.sum(), rough.meta["gap"][0], atol=1e-5)
    assert abs(rough.meta["gap"][0]) > 0.4


def test_a_gap_that_is_left_is_told():
    x = np.ones((8, 8, 3), dtype=np.float32)
    with pytest.warns(UserWarning, match=r"after (36|40) nodes the values still lack .*% of the rise.*steps=4"):
        explained([px.IntegratedGradients(steps=4)], Kinked(), x, fill=0.0)


def test_the_gap_is_on_the_scale_of_the_score():
    found = explained(["integrated_gradients"], smooth(), score="probability")["integrated_gradients"][0]
    share = np.exp(found.prediction) / np.exp(found.prediction).sum()
    rise = share - np.array(found.meta["baseline_prediction"])
    np.testing.assert_allclose(found.values.sum(axis=0) + found.meta["gap"], rise, atol=1e-9)


def test_integrated_gradients_give_nothing_to_pixels_that_the_fill_shows():
    x = picture()
    x[:16] = 0.5
    found = explained(["integrated_gradients"], smooth(), x, fill=0.5)["integrated_gradients"][0]
    assert not found.heat[:, :16].any()
    assert found.heat[:, 16:].any()


@pytest.mark.slow
def test_integrated_gradients_are_complete_on_efficientnet():
    net, transform = assets.efficientnet_lite0()
    predictor = px.Predictor(net, output="logit", transform=transform)
    space = px.ImageSpace(segments="grid", n_segments=16, fill="blur")
    found = px.baselines(["integrated_gradients"], predictor, space, assets.photo("chelsea"), outputs=[282])
    one = found["integrated_gradients"][0]
    rise = one.prediction - one.base
    assert np.abs(one.values.sum(axis=0) - rise) <= 0.0101 * rise  # 1 %, and float32 scores in other batches
    np.testing.assert_allclose(one.meta["gap"], rise - one.values.sum(axis=0), atol=1e-3)


# ------------------------------------------------------------------------------------------------ calls


@pytest.mark.parametrize("name", GRADIENTS)
def test_several_pictures_are_explained_as_each_alone(name):
    pictures = [picture(1), picture(2, 40, 24)]
    together = explained([name], seeded(Pooled), pictures)[name]
    for number, one in enumerate(pictures):
        alone = explained([name], seeded(Pooled), one)[name][0]
        np.testing.assert_allclose(together[number].heat, alone.heat, atol=1e-7)  # of a float32 network


@pytest.mark.parametrize("name", GRADIENTS)
def test_several_outputs_are_explained_as_each_alone(name):
    together = explained([name], smooth(), outputs=[2, 0])[name][0].heat
    for k, output in enumerate([2, 0]):
        np.testing.assert_allclose(together[[k]], explained([name], smooth(), outputs=[output])[name][0].heat, atol=1e-9)


def test_rows_are_counted_and_the_gradient_at_the_picture_is_asked_once():
    predictor = px.Predictor(rectified())
    space = px.ImageSpace(segments="grid", n_segments=4, fill=0.0)
    found = px.baselines([*GRADIENTS, px.Gradient(channels="max", name="saliency")], predictor, space, picture())
    nodes = found["integrated_gradients"].meta["nodes"]
    ends = own_rows(found["integrated_gradients"]) - nodes
    assert {key: own_rows(one) for key, one in found.items()} == {
        "gradient": 1, "gradient_x_input": 1, "smooth_grad": 50, "integrated_gradients": nodes + ends, "saliency": 1,
    }  # fmt: skip
    assert ends >= 13  # both ends of each panel
    assert found["gradient"].meta["rows_shared_with"] == ["gradient_x_input", "saliency"]
    assert predictor.rows == found["gradient"].meta["call_rows"] == 2 + 1 + 50 + nodes + ends


def test_they_stand_beside_maps_of_a_layer_and_are_compared_under_fills():
    predictor, x = px.Predictor(seeded(Pooled)), picture()
    space = px.ImageSpace(segments="grid", n_segments=6, fill="mean")
    found = px.baselines([*GRADIENTS, "grad_cam"], predictor, space, x, outputs=[0], layer=["first", "second"])
    assert list(found) == [*GRADIENTS, "grad_cam(layer='first')", "grad_cam(layer='second')"]
    table = px.compare(found, predictor, space, fills=["mean", 0.0])
    assert set(table.summary().index) == set(found)
    frame = table.to_frame()
    fills = {key: set(frame[frame.method == key].explained_fill) for key in GRADIENTS}
    assert fills["gradient"] == fills["smooth_grad"] == {"none"}
    assert fills["integrated_gradients"] == {"mean"}


@pytest.mark.parametrize("name", GRADIENTS)
def test_results_travel_through_json(name):
    found = explained([name], rectified())[name]
    again = px.Attribution.from_json(found.to_json())
    np.testing.assert_array_equal(again.values, found.values)
    assert again.method == found.method


# ------------------------------------------------------------------------------------------------ refusals


def refused(method, error, match, net=None, **options):
    """The call is refused before the model is asked."""
    net, asked = net or rectified(), []
    net.register_forward_pre_hook(lambda *_: asked.append(1))
    with pytest.raises(error, match=match):
        explained([method], net, **options)
    assert not asked


def test_methods_of_a_background_are_refused_on_pictures():
    refused("expected_gradients", ValueError, "expected_gradients is for tables, .*'integrated_gradients'")
    refused(px.IntegratedGradients(baseline="mean"), ValueError, r"baseline='mean' is for tables.*ImageSpace\(fill=")
    refused(px.IntegratedGradients(baseline=[1.0]), ValueError, "is for tables")
    refused(px.GradientXInput(baseline="mean"), ValueError, "baseline='mean' is that of a table")


def test_a_layer_is_no_option_of_the_pixels():
    refused("gradient", ValueError, "layer='1' is for maps from inside", layer="1")


def test_smooth_grad_is_refused_on_tables():
    with pytest.raises(ValueError, match="smooth_grad is a map of a picture"):
        px.baselines("smooth_grad", px.Predictor(nn.Linear(3, 1)), px.TabularSpace(np.eye(3)), np.ones(3))


@pytest.mark.parametrize("name", GRADIENTS)
def test_a_model_without_gradients_is_refused(name):
    space, asked = px.ImageSpace(segments="grid", n_segments=4), []
    predictor = px.Predictor(lambda rows: asked.append(1) or rows.mean((1, 2, 3)))
    with pytest.raises(TypeError, match=f"{name} looks inside a torch.nn.Module, but the model is a callable"):
        px.baselines([name], predictor, space, picture())
    assert not asked


class Cut(nn.Module):
    def forward(self, x):
        return x.detach().mean((2, 3))


@pytest.mark.parametrize("name", GRADIENTS)
def test_scores_that_do_not_depend_on_the_input_are_refused(name):
    with pytest.raises(TypeError, match="do not depend on its input in a way that autograd can follow"):
        explained([name], Cut())


class Steep(nn.Module):
    """Finite scores whose slope is not."""

    def forward(self, x):
        return (x - x).abs().sqrt().sum((2, 3))


def test_a_gradient_that_is_not_finite_stops_the_call():
    with pytest.raises(px.ModelError, match="not finite"):
        explained(["gradient"], Steep())


def test_a_transform_that_is_no_picture_any_more_is_refused():
    net = seeded(lambda: nn.Linear(3072, 3))
    with pytest.raises(ValueError, match=r"input has shape \(1, 3072\).*pixels cannot be found"):
        explained(["gradient"], net, predictor={"transform": lambda rows: np.asarray(rows).reshape(len(rows), -1)})


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda: px.Gradient(channels="mean"), "channels='mean'"),
        (lambda: px.SmoothGrad(n=0), "n=0"),
        (lambda: px.SmoothGrad(n=2.5), "n=2.5"),
        (lambda: px.SmoothGrad(sigma=0.0), "sigma=0.0"),
        (lambda: px.SmoothGrad(sigma="large"), "sigma='large'"),
        (lambda: px.SmoothGrad(channels=None), "channels=None"),
        (lambda: px.SmoothGrad(seed=-1), "seed=-1 must be a whole number from 0"),
        (lambda: px.IntegratedGradients(tol=0.0), "tol=0.0"),
    ],
)
def test_options_that_mean_nothing_are_refused(make, match):
    with pytest.raises((TypeError, ValueError), match=match):  # of another kind, or no such value
        make()


def test_the_catalogue_knows_which_maps_a_fill_enters():
    assert "integrated_gradients" in catalogue.OF_THE_FILL
    assert {"gradient", "gradient_x_input", "smooth_grad"} <= set(catalogue.FILL_FREE)


# ------------------------------------------------------------------------------------------------ other packages


@pytest.mark.filterwarnings("ignore::UserWarning:captum")
def test_maps_are_captums():
    """Checked with captum 0.9.0: Saliency, InputXGradient, IntegratedGradients."""
    attr = pytest.importorskip("captum.attr", reason="captum is not installed")
    net, x = rectified(), picture()
    found = explained(["gradient", px.Gradient(channels="max", name="saliency"), "gradient_x_input"], net, x, outputs=[1])
    theirs = {
        "gradient": attr.Saliency(net).attribute(tensor(x), target=1, abs=False)[0].sum(0),
        "saliency": attr.Saliency(net).attribute(tensor(x), target=1)[0].amax(0),
        "gradient_x_input": attr.InputXGradient(net).attribute(tensor(x).requires_grad_(True), target=1)[0].sum(0),
    }
    for key, one in theirs.items():
        np.testing.assert_allclose(found[key][0].heat[0], one.detach().numpy(), atol=1e-14)
    whole = attr.IntegratedGradients(smooth()).attribute(tensor(x), 0.25, target=1, n_steps=200)[0].sum(0)
    ours = explained(["integrated_gradients"], smooth(), x, fill=0.25, outputs=[1])["integrated_gradients"][0].heat[0]
    np.testing.assert_allclose(ours, whole.detach().numpy(), atol=1e-7)


@pytest.mark.filterwarnings("ignore::UserWarning:captum")
def test_smooth_grad_is_captums_noise_tunnel_but_for_the_noise():
    """Checked with captum 0.9.0: 200 copies each, whose means differ by less than five standard errors of a difference."""
    attr = pytest.importorskip("captum.attr", reason="captum is not installed")
    net, x = rectified(), picture()
    ours = explained([px.SmoothGrad(n=200, sigma=0.1)], net, x, outputs=[1])["smooth_grad"][0]
    with torch.random.fork_rng():
        torch.manual_seed(0)
        tunnel = attr.NoiseTunnel(attr.Saliency(net))
        noisy = {"nt_samples": 200, "stdevs": 0.1 * float(np.ptp(x)), "nt_type": "smoothgrad"}
        theirs = tunnel.attribute(tensor(x), target=1, abs=False, **noisy)[0].sum(0).numpy()
    pooled = px.ImageSpace(segments="grid", n_segments=6).players(x)[0].pool(theirs)[0]
    assert (np.abs(ours.values[:, 0] - pooled) < 5 * np.sqrt(2) * ours.stderr[:, 0]).all()
    assert np.corrcoef(ours.values[:, 0], pooled)[0, 1] > 0.9
