"""Sessions of ONNX Runtime: the numbers of the network that they were made of, here and in workers."""

from __future__ import annotations

import cloudpickle
import joblib
import numpy as np
import pytest
import torch
from samples import PICTURES, RNG, X, seeded
from torch import nn

import perturbxai as px
from perturbxai.models.device import bounded_threads
from perturbxai.models.sessions import Session

onnxruntime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
onnx = pytest.importorskip("onnx", reason="onnx is not installed")
CPU = ["CPUExecutionProvider"]


def linear(rank=2):
    """A graph of rows, or of pictures, that multiplies the last axis by 1, 2, 3 and takes means over those between."""
    helper, types = onnx.helper, onnx.TensorProto
    free = ["n", *[f"side {axis}" for axis in range(rank - 2)], 3]
    nodes = [helper.make_node("MatMul", ["rows", "slopes"], ["products"])]
    axes = list(range(1, rank - 1))
    nodes += [helper.make_node("ReduceMean", ["products", "axes"], ["found"], keepdims=0)] if axes else []
    slopes = onnx.numpy_helper.from_array(np.array([[1.0], [2.0], [3.0]], dtype=np.float32), "slopes")
    constants = [slopes] + ([helper.make_tensor("axes", types.INT64, [len(axes)], axes)] if axes else [])
    made = helper.make_tensor_value_info("found" if axes else "products", types.FLOAT, ["n", 1])
    graph = helper.make_graph(nodes, "g", [helper.make_tensor_value_info("rows", types.FLOAT, free)], [made], constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)


def session(rank=2, **settings):
    options = onnxruntime.SessionOptions()
    for name, value in settings.items():
        setattr(options, name, value)
    return onnxruntime.InferenceSession(linear(rank).SerializeToString(), options, providers=CPU)


def travelled(given):
    return cloudpickle.loads(cloudpickle.dumps(given))


def test_a_network_of_tables_gives_the_same_in_onnx_runtime_as_in_torch():
    pytest.importorskip("onnxscript", reason="onnxscript is not installed")
    net = seeded(lambda: nn.Linear(3, 8), nn.Tanh, lambda: nn.Linear(8, 2)).eval()
    exported = torch.onnx.export(net, (torch.zeros(2, 3),), dynamic_shapes=({0: "n"},), verbose=False)
    other = onnxruntime.InferenceSession(exported.model_proto.SerializeToString(), providers=CPU)
    space = px.TabularSpace(X, background=10)
    found, expected = (px.explain("kernel_shap", px.Predictor(m), space, X[:3])["kernel_shap"] for m in (other, net))
    # two runtimes that sum in float32 in another order
    np.testing.assert_allclose(found.values, expected.values, atol=1e-5 * np.ptp(expected.values))


@pytest.mark.parametrize(("rank", "rows"), [(2, X), (4, PICTURES)], ids=["table", "pictures"])
def test_a_predictor_of_a_session_travels(rank, rows):
    predictor = px.Predictor(session(rank))
    expected = rows @ [1.0, 2.0, 3.0]
    expected = expected.mean(axis=(1, 2)) if rank == 4 else expected
    for one in (predictor, travelled(predictor), travelled(travelled(predictor))):
        np.testing.assert_allclose(one(rows)[:, 0], expected, rtol=1e-4, atol=1e-5)  # float32


@pytest.mark.parametrize("backend", ["threading", "loky"])
def test_workers_explain_a_session_to_the_bit(backend):
    predictor, space = px.Predictor(session()), px.TabularSpace(X, background=10)
    expected = px.explain("kernel_shap", predictor, space, X[:5])["kernel_shap"].values
    with joblib.parallel_config(backend=backend):
        found = px.explain("kernel_shap", predictor, space, X[:5], n_jobs=2)["kernel_shap"].values
    np.testing.assert_array_equal(found, expected)


def test_settings_of_a_session_travel():
    level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    given = Session(session(intra_op_num_threads=3, graph_optimization_level=level, enable_mem_pattern=False))
    options = travelled(given).get_session_options()
    assert (options.intra_op_num_threads, options.graph_optimization_level) == (3, level)
    assert not options.enable_mem_pattern and options.enable_cpu_mem_arena


@pytest.mark.parametrize(("own", "share", "expected"), [(0, 1, 1), (0, 2, 2), (3, 1, 3), (0, None, 0)])
def test_a_worker_s_session_takes_its_share_of_the_cores_unless_told_otherwise(own, share, expected):
    packed = cloudpickle.dumps(Session(session(intra_op_num_threads=own)))
    if share is None:
        found = cloudpickle.loads(packed)
    else:
        with bounded_threads(share):
            found = cloudpickle.loads(packed)
    assert found.get_session_options().intra_op_num_threads == expected


@pytest.mark.parametrize("beside", [True, False], ids=["there", "elsewhere"])
def test_a_session_of_a_file_travels_as_bytes(beside, tmp_path):
    path = tmp_path / "model.onnx"
    onnx.save(linear(), path)
    packed = cloudpickle.dumps(px.Predictor(onnxruntime.InferenceSession(str(path), providers=CPU)))
    if not beside:  # as on another machine
        path.unlink()
    np.testing.assert_allclose(cloudpickle.loads(packed)(np.eye(3))[:, 0], [1, 2, 3])


def test_a_session_whose_weights_lie_beside_its_file_finds_them_again(tmp_path):
    path, model = tmp_path / "model.onnx", linear()
    onnx.save(model, path, save_as_external_data=True, location="weights", size_threshold=0)
    found = travelled(px.Predictor(onnxruntime.InferenceSession(str(path), providers=CPU)))
    np.testing.assert_allclose(found(np.eye(3))[:, 0], [1, 2, 3])


def test_a_session_whose_file_is_gone_cannot_travel_and_says_so(tmp_path):
    path = tmp_path / "model.onnx"
    onnx.save(linear(), path)
    given = Session(onnxruntime.InferenceSession(str(path), providers=CPU))
    path.unlink()
    with pytest.raises(TypeError, match=r"model file '.*model.onnx' is gone; make the session of bytes"):
        cloudpickle.dumps(given)


def test_a_session_that_is_asked_by_many_threads_answers_each():
    predictor = px.Predictor(session(intra_op_num_threads=1))
    rows = [RNG.normal(size=(7, 3)) for _ in range(8)]
    found = joblib.Parallel(n_jobs=4, backend="threading")(joblib.delayed(predictor._model)(one) for one in rows)
    for one, values in zip(rows, found, strict=True):
        np.testing.assert_allclose(values[:, 0], one @ [1, 2, 3], rtol=1e-4, atol=1e-5)
