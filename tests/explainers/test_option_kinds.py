"""Whatever an option is given is refused in our own words before the model is asked, or gives values."""

from dataclasses import fields
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest

import perturbxai as px
from perturbxai.core import catalogue

COUNTED = {"exact_shap": 32, "lime_tabular": 200, "rise_smooth": 30, "ale": None, "sliding_occlusion": None}
OF_PICTURES = ("rise_smooth", "sliding_occlusion")
ODD = [
    np.nan, np.inf, -np.inf, -1, 0, 1e300, 1e200, 1e-200, 5e-324, 2**70, -(2**70), 10**400, 10**5000, True, np.True_,
    np.uint8(2), np.int64(3), np.float32(0.5), np.float64(2.0), Fraction(1, 2), 1j, np.timedelta64(2, "s"),
    np.array(2), np.array([0.5, 2.0]), np.array([[1, 2], [3, 4]]), np.array(["none"]), np.ma.masked, pd.Series([1, 2]),
    [1, 2], [[1], [1, 2]], [np.inf], (1e200,), (2**70,), {}, {"a": 1}, set(), "", "x", b"x", None, pd.NA,
    np.datetime64("NaT", "s"), object, object(),
]  # fmt: skip


def cases():
    for key in catalogue.EXPLAINERS:
        method = catalogue.load(catalogue.EXPLAINERS, key, "method")
        for option in fields(method):
            yield pytest.param(key, method, option.name, id=f"{key}-{option.name}")


@pytest.mark.parametrize(("key", "method", "option"), list(cases()))
def test_an_option_is_refused_by_name_or_gives_values(key, method, option):
    asked = []

    def model(x):
        asked.append(len(x))
        return x[:, 0] * x[:, 1] + x[:, 2] if x.ndim == 2 else x.mean(axis=(1, 2, 3))

    X = np.random.default_rng(0).normal(size=(30, 5))
    space, x, budget = px.TabularSpace(X, background=5), X[:1], COUNTED.get(key, 62)
    if key in OF_PICTURES:
        space, x = px.ImageSpace(segments="grid", n_segments=4, fill=0), np.ones((8, 8, 3), dtype=np.float32)
    for odd in ODD:
        asked.clear()
        found = outcome(method, {option: odd}, px.Predictor(model), space, x, budget)
        if isinstance(found, Exception):
            assert type(found) in (TypeError, ValueError)
            assert option in str(found)
            assert not asked
        else:
            assert np.isfinite(found.values).all()


def outcome(method, options, predictor, space, x, budget):
    """The error, or the result of a method that is its twin's equal and can be shown."""
    try:
        made = method(**options)
        assert made == method(**options)
        assert hash(made) == hash(method(**options))
        assert repr(made)
        return next(iter(px.explain(made, predictor, space, x, budget=budget).values()))
    except (TypeError, ValueError) as error:
        return error


@pytest.mark.parametrize("number", [np.float32(0.5), np.float64(0.5), Fraction(1, 2), np.longdouble(0.5)], ids=repr)
def test_numbers_are_kept_as_pythons_own(number):
    assert repr(px.Rise(p=number)) == repr(px.Rise(p=0.5))
    assert type(px.Rise(p=number).p) is float


def test_multiples_of_a_profile_are_kept_as_a_tuple_of_numbers():
    for given in ([0.5, 2], np.array([0.5, 2]), pd.Series([0.5, 2.0]), (one for one in (0.5, 2))):
        assert px.TabularLime(profile=given) == px.TabularLime(profile=(0.5, 2))


WIDE = [px.Lime, px.TabularLime, lambda **width: px.TabularLime(discretizer=None, **width)]


@pytest.mark.parametrize("width", [np.inf, 1e200])
@pytest.mark.parametrize("method", WIDE, ids=["lime", "lime_tabular", "without bins"])
def test_of_an_infinite_width_all_weigh_alike(method, width):
    X = np.random.default_rng(0).normal(size=(60, 4))
    predictor, space = px.Predictor(lambda rows: np.tanh(rows @ [1.0, 2.0, -1.0, 0.5])), px.TabularSpace(X, background=10)
    found = [px.explain(method(kernel_width=one), predictor, space, X[:1], budget=400) for one in (width, 1e6)]
    infinite, wide = (next(iter(one.values())) for one in found)
    np.testing.assert_allclose(infinite.values, wide.values, rtol=1e-9)


@pytest.mark.parametrize("width", [5e-324, 1e-70, 1e-10, 10**20, 1e300, np.inf])
def test_widths_beyond_what_floats_tell_apart_are_widths(width):
    X = np.random.default_rng(0).normal(size=(30, 5))
    predictor, space = px.Predictor(lambda rows: rows @ [1.0, 2.0, 0.0, -1.0, 0.5]), px.TabularSpace(X, background=5)
    (found,) = px.explain(px.Lime(kernel_width=width), predictor, space, X[:1], budget=32).values()
    np.testing.assert_allclose(found.values[0, :, 0], (X[0] - space.background.mean(axis=0)) * [1, 2, 0, -1, 0.5], atol=1e-9)
    assert px.Attribution.from_json(found.to_json()).explanations[0].method == px.Lime(kernel_width=width)


def test_a_class_is_no_regressor():
    from sklearn.linear_model import Ridge

    with pytest.raises(TypeError, match=r"model_regressor is the class Ridge; expected a scikit-learn regressor"):
        px.TabularLime(model_regressor=Ridge)
