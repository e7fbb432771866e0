"""Photos of a call of baselines() that workers share: results and counts are those of one process."""

from __future__ import annotations

import joblib
import numpy as np
import pytest

import perturbxai as px
from perturbxai.calls import crew

torch = pytest.importorskip("torch")
RNG = np.random.default_rng(0)
SIZES = [(12, 16), (12, 16), (16, 12), (12, 16), (20, 20), (12, 16)]
PHOTOS = [RNG.random((*size, 3)).astype(np.float32) for size in SIZES]
PHOTOS.insert(2, PHOTOS[0])  # one comes twice
SPACE = px.ImageSpace(segments="grid", n_segments=6, fill="mean")
METHODS = ["grad_cam", "cam_difference", "score_cam", "gradient", "smooth_grad", "random", "centre"]
TIMED = {"seconds", "call_seconds", "call_model_seconds", "own_seconds", "call_rows", "map"}


class Net(torch.nn.Module):
    """A small network, which a worker gets as it is; it fails at photos that are bright in a corner."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.features = torch.nn.Sequential(torch.nn.Conv2d(3, 5, 3, stride=2), torch.nn.ReLU())
        self.head = torch.nn.Linear(5, 3)

    def forward(self, photos):
        if (photos[:, :, 0, 0] > 50).any():
            raise LookupError("no such place")
        return self.head(self.features(photos).mean(dim=(2, 3)))


@pytest.fixture(autouse=True, scope="module")
def _sent_as_it_is():
    cloudpickle = pytest.importorskip("cloudpickle")
    import sys

    cloudpickle.register_pickle_by_value(sys.modules[__name__])
    yield
    cloudpickle.unregister_pickle_by_value(sys.modules[__name__])


def explained(n_jobs, backend="threading", photos=PHOTOS, space=SPACE, methods=METHODS, **options):
    predictor = px.Predictor(Net(), batch_size=4)
    with joblib.parallel_config(backend=backend):
        return px.baselines(methods, predictor, space, photos, n_jobs=n_jobs, **options), predictor


def assert_same(found, other):
    assert list(found) == list(other)
    for key, one in found.items():
        for mine, its in zip(one, other[key], strict=True):
            for what in ("values", "stderr", "base", "prediction", "heat"):
                np.testing.assert_array_equal(getattr(mine, what), getattr(its, what))
            assert (mine.label, mine.names) == (its.label, its.names)
            assert {k: v for k, v in mine.meta.items() if k not in TIMED} == {
                k: v for k, v in its.meta.items() if k not in TIMED
            }
        assert {k: v for k, v in one.meta.items() if k not in TIMED} == {
            k: v for k, v in other[key].meta.items() if k not in TIMED
        }


@pytest.fixture(scope="module")
def whole():
    return explained(1)


@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_results_and_counts_are_the_same_to_the_bit(whole, backend):
    found, predictor = explained(2, backend)
    assert_same(found, whole[0])
    assert predictor.rows == whole[1].rows


def test_a_fill_that_photos_share_is_counted_once_though_chunks_look_at_it_again():
    space = SPACE.with_fill(0)
    (one, alone), (found, predictor) = (explained(n_jobs, space=space, methods=["cam_difference"]) for n_jobs in (1, 2))
    assert_same(found, one)
    assert found["cam_difference"].meta["call_rows"] == predictor.rows > alone.rows


def test_where_the_maps_are_is_found_once_a_predictor():
    predictor = px.Predictor(Net(), batch_size=4)
    with joblib.parallel_config(backend="threading", n_jobs=2):
        once = [px.baselines("grad_cam", predictor, SPACE, PHOTOS)["grad_cam"].meta["rows_once_a_call"] for _ in range(2)]
    assert once[0]["where the layer is"] == 3 and "where the layer is" not in once[1]


def test_a_layer_that_is_named_and_outputs_that_are_kept_are_those_of_one_process():
    options = {"layer": ["features.0", "features.1"], "outputs": [2, 0], "methods": ["grad_cam", "layer_cam"]}
    assert_same(explained(2, **options)[0], explained(1, **options)[0])


def test_a_photo_at_which_the_network_fails_leaves_the_others_that_came(whole):
    photos = [photo.copy() for photo in PHOTOS]
    photos[4][0, 0] = 100.0
    with pytest.raises(LookupError, match="no such place") as caught:
        explained(2, photos=photos, methods=["grad_cam", "random"])
    assert any("while a worker explained 4" in told for told in caught.value.__notes__)
    kept = caught.value.partial["grad_cam"]
    assert 4 not in [one.label for one in kept] and len(kept) > 0
    for one in kept:
        np.testing.assert_array_equal(one.values, whole[0]["grad_cam"][one.label].values)
    assert kept.meta["rows"] >= len(kept)


def test_a_network_that_fails_at_what_is_asked_of_all_goes_on_photo_by_photo_here():
    photos = [photo.copy() for photo in PHOTOS]
    photos[4][:] = 100.0  # so that its fill is too
    kept = []
    for n_jobs in (1, 2):
        with pytest.raises(LookupError, match="no such place") as caught:
            explained(n_jobs, photos=photos, methods=["grad_cam", "random"])
        kept.append(caught.value.partial)
    assert len(kept[0]["grad_cam"]) == 4
    assert_same(*kept)


def test_rows_of_a_table_are_those_of_one_process(monkeypatch):
    monkeypatch.setattr(crew, "SECONDS_A_PART", 1e-12)
    monkeypatch.setattr(crew, "FEW", 0)
    torch.manual_seed(0)
    X = RNG.normal(size=(50, 4))
    net, space = (
        torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.Tanh(), torch.nn.Linear(8, 2)).double(),
        px.TabularSpace(X),
    )
    found = []
    for n_jobs in (1, 2):
        predictor = px.Predictor(net, batch_size=8)
        with joblib.parallel_config(backend="threading"):
            found.append(px.baselines(["gradient", "expected_gradients"], predictor, space, X[:5], n_jobs=n_jobs))
    assert_same(*found)


def test_numbers_of_workers_that_are_none_are_refused_before_the_network_is_asked():
    predictor = px.Predictor(Net())
    with pytest.raises(ValueError, match="n_jobs=0 must be a whole number of workers"):
        px.baselines("grad_cam", predictor, SPACE, PHOTOS, n_jobs=0)
    assert predictor.rows == 0
