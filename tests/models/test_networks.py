"""Networks as (n, K) numbers: scales, names, what the model is given, private copies."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from answering import FRAME, PICTURES, Constant, X, answers
from torch import nn

import perturbxai as px

# ------------------------------------------------------------------------------------------------ scales of networks


SCORES = np.array([[2.0, -1.0, 0.5], [0.0, 700.0, -700.0]])


@pytest.mark.parametrize("scale", ["raw", "logit"])
def test_the_raw_and_logit_scales_are_the_network_as_it_is(scale):
    assert (answers(Constant(torch.tensor(SCORES)), SCORES, output=scale)[0] == SCORES).all()


def test_the_probability_of_several_outputs_is_their_softmax():
    found = answers(Constant(torch.tensor(SCORES)), SCORES, output="probability")[0]
    np.testing.assert_allclose(found[0], np.exp(SCORES[0]) / np.exp(SCORES[0]).sum(), rtol=1e-15)
    assert found[1].tolist() == [np.exp(-700.0), 1.0, 0.0]


@pytest.mark.parametrize(("columns", "options"), [(1, {}), (3, {"multi_label": True})])
def test_the_probability_of_one_output_or_of_many_labels_is_a_sigmoid(columns, options):
    given = SCORES[:, :columns]
    found = answers(Constant(torch.tensor(given)), given, output="probability", **options)[0]
    np.testing.assert_allclose(found, np.exp(-np.logaddexp(0.0, -given)), rtol=1e-14, atol=1e-16)


@pytest.mark.parametrize("shape", [(60,), (60, 1)])
def test_one_output_may_come_with_or_without_its_axis(shape):
    found, names = answers(Constant(lambda rows: rows[:, 0].reshape(shape)))
    assert (found[:, 0] == X[:, 0].astype(np.float32)).all() and names == ("prediction",)


@pytest.mark.parametrize(
    ("given", "match"),
    [
        ((torch.ones(60), torch.ones(60)), r"returned a tuple of 2; say which is explained.*Predictor\(select=0\)"),
        ({"logits": torch.ones(60)}, r"returned a dict with the keys 'logits'; say which.*Predictor\(select='logits'\)"),
        ([torch.ones(60)], r"returned list; expected a tensor.*select=\.\.\..*wrap its forward"),
        (None, r"returned NoneType; expected a tensor.*wrap its forward"),
    ],
)
def test_a_network_that_returns_no_tensor_is_refused_with_the_way_out(given, match):
    with pytest.raises(TypeError, match=match):
        answers(Constant(given))


def test_a_network_that_squeezes_a_single_row_away_is_refused_with_the_cause():
    with pytest.raises(ValueError, match=r"the network returned shape \(\).*also for a single row.*squeeze\(\)"):
        answers(Constant(lambda rows: rows[:, 0].squeeze()), X[:1])


@pytest.mark.parametrize(("score", "function"), [("logit", nn.Identity()), ("probability", nn.Softmax(dim=1))])
def test_scores_for_gradients_are_on_the_scale_that_was_asked(score, function):
    given = torch.tensor(SCORES, requires_grad=True)
    found = px.Predictor(nn.Identity()).network_model().differentiable(given, score)
    torch.testing.assert_close(found, function(given))
    assert found.requires_grad


@pytest.mark.parametrize("options", [{}, {"multi_label": True}])
def test_the_gradients_scale_agrees_with_that_of_values(options):
    predictor = px.Predictor(nn.Identity(), output="probability", precision="float64", **options)
    found = predictor.network_model().differentiable(torch.tensor(SCORES), "probability").numpy()
    np.testing.assert_allclose(found, predictor(SCORES), rtol=1e-14, atol=1e-16)


# ------------------------------------------------------------------------------------------------ what a network gets


def small(seed=0, dtype=torch.float32):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        layers = [nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(16, 2)]
        return nn.Sequential(*layers).to(dtype).eval()


def on_channels_first(net, rows):
    with torch.no_grad():
        return net(torch.as_tensor(rows.transpose(0, 3, 1, 2))).double().numpy()


def close(found, truth):
    """To 1e-5 of the range: a float32 network in another memory layout sums in another order."""
    np.testing.assert_allclose(found, truth, rtol=0, atol=1e-5 * np.ptp(truth))


TRANSFORMS = {
    "none": (None, None),
    "array": (lambda batch: batch.transpose(0, 3, 1, 2), None),
    "array, channels last": (lambda batch: batch * 1.0, None),
    "tensor": (lambda batch: torch.as_tensor(batch).permute(0, 3, 1, 2), None),
    "device": (None, "cpu"),
    "device, tensors": (lambda batch: batch.permute(0, 3, 1, 2).contiguous(), "cpu"),
}


@pytest.mark.parametrize("transform", TRANSFORMS)
def test_a_network_gets_pictures_with_their_channels_first(transform):
    function, device = TRANSFORMS[transform]
    net = small()
    predictor = px.Predictor(net, transform=function, device=device)
    close(predictor(PICTURES), on_channels_first(net, PICTURES))
    close(net(predictor.tensor(PICTURES)).detach().numpy(), on_channels_first(net, PICTURES))


@pytest.mark.parametrize("fill", ["blur", 0.5])
def test_the_device_path_equals_the_host_path(fill):
    found = []
    for device in (None, "cpu"):
        predictor = px.Predictor(small(), device=device, batch_size=8)
        space = px.ImageSpace(segments="grid", n_segments=9, fill=fill)
        result = px.explain(["kernel_shap", "pdp"], predictor, space, PICTURES[0], budget=42)
        found.append([*result["kernel_shap"].values, *result["pdp"].values])
        assert predictor.plan["rows_built"] == ("host" if device is None else "device")
    hard, soft = zip(*found, strict=True)
    assert (hard[0] == hard[1]).all()
    np.testing.assert_allclose(*soft, rtol=0, atol=1e-6 * np.ptp(soft[0]))  # blends round differently


@pytest.mark.parametrize("device", [None, "cpu"])
@pytest.mark.parametrize("as_frame", [False, True])
def test_a_float64_network_gets_tables_in_full_precision(as_frame, device):
    net = nn.Linear(3, 2).double()
    found = px.Predictor(net, device=device)(pd.DataFrame(X) if as_frame else X)
    assert (found == net(torch.as_tensor(X)).detach().numpy()).all()
    space = px.TabularSpace(pd.DataFrame(X) if as_frame else X, background=3)
    explained = px.explain("kernel_shap", px.Predictor(net, device=device), space, X[:1])["kernel_shap"]
    np.testing.assert_allclose(explained.prediction, found[:1], rtol=1e-14)  # one row and sixty take different BLAS paths


def test_a_network_gets_flags_whole_and_nullable_numbers_of_a_frame_as_numbers():
    frame = pd.DataFrame({"a": pd.array([1, None], dtype="Int64"), "b": [True, False], "c": [2, 3]})
    found, _ = answers(Constant(lambda rows: rows.nan_to_num(nan=-1.0)), frame)
    assert found.tolist() == [[1.0, 1.0, 2.0], [-1.0, 0.0, 3.0]]


@pytest.mark.parametrize("rows", [FRAME, FRAME.to_numpy()], ids=["frame", "array"])
def test_words_are_refused_by_a_network_with_the_way_out(rows):
    with pytest.raises(TypeError, match=r"a network takes numbers, but not all .*encode them"):
        answers(nn.Linear(4, 1), rows)


def test_objects_that_are_numbers_reach_a_network():
    net = nn.Linear(3, 1)
    assert (answers(net, X.astype(object))[0] == answers(net)[0]).all()


BAD_TRANSFORMS = {
    "another size": (lambda batch: batch[:, :8], r"transform changed the size: pictures of 12 x 12.*px\.fit"),
    "fewer rows": (lambda batch: batch[1:], r"transform made shape \(4, 12, 12, 3\) of a batch of .*the number of rows"),
    "nothing": (lambda _: None, r"transform made shape \(\)"),
}


@pytest.mark.parametrize("model", [small(), lambda batch: batch.mean(axis=(1, 2, 3))], ids=["network", "function"])
@pytest.mark.parametrize("what", BAD_TRANSFORMS)
def test_a_transform_that_changes_size_or_rows_is_refused(what, model):
    transform, message = BAD_TRANSFORMS[what]
    with pytest.raises(ValueError, match=message):
        px.Predictor(model, transform=transform)(PICTURES)


def test_a_transform_may_make_a_vector_of_each_picture():
    found, _ = answers(nn.Identity(), PICTURES, transform=lambda batch: batch.reshape(len(batch), -1)[:, :4])
    assert (found == PICTURES.reshape(5, -1)[:, :4]).all()


def test_a_transform_may_give_an_array_that_must_not_be_written_to():
    def transform(batch):
        found = batch.transpose(0, 3, 1, 2).copy()
        found.setflags(write=False)
        return found

    net = small()
    close(px.Predictor(net, transform=transform)(PICTURES), on_channels_first(net, PICTURES))


# ------------------------------------------------------------------------------------------------ precision and copies


@pytest.mark.parametrize("transform", ["none", "array", "device, tensors"])
def test_a_convolutional_network_runs_with_its_channels_last_as_the_plan_says(transform):
    net, seen = small(), []

    def look(layer, given):
        seen.append([t.is_contiguous(memory_format=torch.channels_last) for t in (layer.weight, given[0])])

    net[0].register_forward_pre_hook(look)
    function, device = TRANSFORMS[transform]
    predictor = px.Predictor(net, transform=function, device=device)
    predictor(PICTURES)
    assert seen == [[True, True]] and predictor.plan["layout"] == "channels_last"
    assert net[0].weight.is_contiguous()


@pytest.mark.parametrize(("precision", "dtype"), [("float64", torch.float64), ("bfloat16", torch.bfloat16)])
def test_a_network_runs_in_the_precision_that_was_asked(precision, dtype):
    net, seen = nn.Sequential(nn.Linear(3, 2)), []
    net[0].register_forward_hook(lambda layer, given, out: seen.append((layer.weight.dtype, given[0].dtype, out.dtype)))
    found, _ = answers(net, precision=precision)
    truth = torch.as_tensor(X) @ net[0].weight.double().T + net[0].bias.double()
    assert seen[0] == (dtype, dtype, dtype) and net[0].weight.dtype == torch.float32
    tolerance = 1e-14 if precision == "float64" else 2.0**-5  # of size 1, rounded to 8 bits at each step
    np.testing.assert_allclose(found, truth.detach().numpy(), rtol=0, atol=tolerance)


def test_a_network_of_several_precisions_keeps_them_unless_one_is_asked():
    net = small(dtype=torch.float64)
    net[4].float()
    net.insert(4, Constant(lambda rows: rows.float()))
    assert px.Predictor(net)(PICTURES).shape == (5, 2)
    assert px.Predictor(net, device="cpu")(PICTURES).shape == (5, 2)


def test_a_network_without_parameters_takes_the_precision_of_its_buffers():
    net = nn.BatchNorm1d(3, affine=False).double()
    assert px.Predictor(net).plan["precision"] == "float64"
    assert (answers(net.eval())[0] == net(torch.as_tensor(X)).numpy()).all()


def retrained(net):
    optimiser = torch.optim.SGD(net.parameters(), lr=1.0)
    net(torch.as_tensor(PICTURES.transpose(0, 3, 1, 2))).sum().backward()
    optimiser.step()


CHANGES = {
    "a step of training": retrained,
    "a write through data": lambda net: net[0].weight.data.mul_(-2.0),
    "another array": lambda net: setattr(net[4].weight, "data", net[4].weight.data.flip(0)),
    "another layer": lambda net: net.__setitem__(4, nn.Linear(16, 2)),
    "another function": lambda net: net.__setitem__(1, nn.Tanh()),
    "a setting": lambda net: setattr(net[2], "output_size", 1) or net.__setitem__(4, nn.Linear(4, 2)),
    "a setting of two numbers": lambda net: setattr(net[0], "stride", (2, 2)),
    "loaded weights": lambda net: net.load_state_dict(small(seed=5).state_dict()),
    "a hook": lambda net: net.register_forward_hook(lambda _m, _given, out: -out),
}


@pytest.mark.parametrize("change", CHANGES)
def test_the_private_copy_is_made_anew_when_the_users_network_changes(change):
    net = small()
    predictor = px.Predictor(net)
    before = predictor(PICTURES)
    CHANGES[change](net)
    truth = on_channels_first(net, PICTURES)
    assert np.abs(truth - before).max() > 1e-3
    close(predictor(PICTURES), truth)
    with predictor.network() as inside:
        close(inside(predictor.tensor(PICTURES)).detach().numpy(), truth)


def test_the_private_copy_is_kept_while_nothing_changes():
    predictor = px.Predictor(small())
    predictor(PICTURES)
    first = predictor._model.passes.module()
    predictor(PICTURES)
    assert predictor._model.passes.module() is first


class Keeps(nn.Module):
    """A network that keeps what a forward pass made, as many that are looked into do."""

    def __init__(self):
        super().__init__()
        self.body, self.head = nn.Conv2d(3, 4, 3), nn.Linear(4, 2)
        self.register_buffer("grid", torch.ones(1, 1, 1, 1, 2))

    def forward(self, batch):
        self.kept = self.body(batch)
        return self.head(self.kept.mean((2, 3))) * self.grid.flatten()


def test_a_network_that_kept_a_map_of_a_training_pass_or_has_buffers_of_five_axes_can_be_run():
    net = Keeps()
    net(torch.as_tensor(PICTURES.transpose(0, 3, 1, 2)))
    kept = net.kept
    found = px.Predictor(net)(PICTURES)
    close(found, on_channels_first(net, PICTURES))
    assert kept.grad_fn is not None


class Uncopyable(Keeps):
    def __deepcopy__(self, memo):
        raise TypeError("no copies")


def test_a_network_that_cannot_be_copied_runs_in_its_own_layout_and_the_plan_says_so():
    predictor = px.Predictor(Uncopyable())
    close(predictor(PICTURES), on_channels_first(predictor._model.model, PICTURES))
    assert predictor.plan["layout"] == "contiguous"


def test_a_network_that_cannot_be_copied_has_no_other_precision():
    with pytest.raises(RuntimeError, match=r"runs a private copy, but the network cannot be copied \(no copies\)"):
        px.Predictor(Uncopyable(), precision="float64")(PICTURES)


def test_a_network_made_in_inference_mode_can_be_run():
    with torch.inference_mode():
        net, table = small(), nn.Linear(3, 2)
    assert px.Predictor(net)(PICTURES).shape == (5, 2)
    assert px.Predictor(table)(X).shape == (60, 2)


@pytest.mark.parametrize("options", [{}, {"precision": "float64"}], ids=str)
@pytest.mark.filterwarnings("ignore:.*torch.jit:FutureWarning", "ignore:.*torch.jit:DeprecationWarning")
def test_traced_and_compiled_networks_answer_as_the_network_itself(options):
    net = small()
    truth = px.Predictor(net, **options)(PICTURES)
    traced = torch.jit.trace(net, torch.ones(2, 3, 12, 12))
    for model in (traced, torch.compile(net, backend="eager")):
        close(px.Predictor(model, **options)(PICTURES), truth)
