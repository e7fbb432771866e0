"""Probabilities as a page counts them: per cent, and percentage points between them, in words and charts alike."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from perturbxai.core import catalogue
from perturbxai.reporting.curves.view import Found
from perturbxai.reporting.html.numbers import number
from perturbxai.reporting.lettering import minus
from perturbxai.results.amounts import NEAR, PER_CENT, Unit
from perturbxai.results.effect import Effect, Superpixel
from perturbxai.results.explanation import Attribution, Explanation

OF_OUTPUTS = ("base", "prediction")
OF_EXPLANATION = (*OF_OUTPUTS, "values", "stderr", "stderr_background", "heat", "interactions", "interactions_stderr")
OF_EFFECT = (
    "values", "stderr", "importance", "heterogeneity", "individual", "differences", "differences_stderr",
    "importance_stderr", "importance_bias", "reach_stderr",
)  # fmt: skip
OF_REGION, OF_REGIONS = ("heterogeneity",), ("heterogeneity", "left")
OF_SUPERPIXEL = ("rise", "stderr", "climb_stderr")


def in_per_cent(results: Mapping[str, Attribution]) -> dict[str, Attribution]:
    """Results whose outputs are probabilities times a hundred, others as they are."""
    return {
        name: replace(one, explanations=tuple(map(_explanation, one)), meta=one.meta | _scale(one.method))
        if _is_probability(one.meta)
        else one
        for name, one in results.items()
    }


def curves_in_per_cent(found: Found) -> Found:
    """The same of effects."""
    return {names: {name: _effect(one) for name, one in methods.items()} for names, methods in found.items()}


def points(meta: Mapping[str, Any]) -> str:
    """What is added behind the name of an axis along which changes of an output lie."""
    return ", percentage points" if meta.get("scale") == PER_CENT and not Unit.of(meta).parts else ""


def per_cent(meta: Mapping[str, Any]) -> str:
    """What is added behind an output in figures."""
    return "\N{NO-BREAK SPACE}%" if meta.get("scale") == PER_CENT else ""


def output_of(value: float, meta: Mapping[str, Any]) -> str:
    """An output in figures; of per cent nothing closer to none or all than anybody reads.

    >>> output_of(83.123, {"scale": PER_CENT}), output_of(1e-6, {"scale": PER_CENT}), output_of(221.0, {"scale": "raw"})
    ('83.1', '< 0.01', '221')
    """
    if meta.get("scale") != PER_CENT:
        return number(value)
    near = 100 * NEAR
    if 0 < value < near or 100 - near < value < 100:
        return f"< {near:g}" if value < near else f"> {100 - near:g}"
    return number(value) if value < 99 else minus(f"{value:.4g}")


def _is_probability(meta: Mapping[str, Any]) -> bool:
    return meta.get("scale") == "probability"


def _explanation(e: Explanation) -> Explanation:
    meta = e.meta | _scale(e.method)
    names = OF_OUTPUTS if Unit.of(meta).parts else OF_EXPLANATION  # a map of logits stays one
    return replace(e, **_times(e, names), meta=meta)


def _scale(method: object) -> dict[str, str]:
    """What the meta says then; what a control gives is in no unit of the model's."""
    return {"scale": PER_CENT} | ({"score": "none"} if catalogue.key_of(method) in catalogue.CONTROLS else {})


def _effect(effect: Effect) -> Effect:
    if not _is_probability(effect.meta):
        return effect
    inner = None if effect.superpixel is None else _superpixel(effect.superpixel)
    groups = {group: _effect(one) for group, one in effect.groups.items()}
    meta, regions = dict(effect.meta) | {"scale": PER_CENT}, effect.regions
    if regions is not None:
        parts = tuple(replace(one, **_times(one, OF_REGION)) for one in regions.regions)
        regions = replace(regions, **_times(regions, OF_REGIONS), regions=parts)
    return replace(effect, **_times(effect, OF_EFFECT), superpixel=inner, groups=groups, regions=regions, meta=meta)


def _superpixel(one: Superpixel) -> Superpixel:
    return replace(one, **_times(one, OF_SUPERPIXEL))


def _times(one: object, names: tuple[str, ...]) -> dict[str, Any]:
    found = {name: getattr(one, name) for name in names}
    return {name: None if value is None else 100.0 * np.asarray(value) for name, value in found.items()}
