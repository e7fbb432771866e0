"""One method's maps under several segmentations, averaged pixel by pixel."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from perturbxai.core import checks
from perturbxai.core.stopping import keeping
from perturbxai.inputs.spaces import ImageInput, ImageSpace
from perturbxai.results.explanation import Attribution, Explanation

SPENT = ("rows", "seconds", "call_rows", "call_model_seconds", "call_seconds")


def average_segmentations(results: Iterable[Attribution], spaces: Iterable[ImageSpace]) -> Attribution:
    """The mean of a method's maps of the same pictures over several segmentations, so that no single cut decides.

    results  of one method, of the same pictures and outputs, under one fill, each explained in one of the spaces
    spaces   as many, in the same order

    A superpixel's value is spread evenly over its pixels and the maps are averaged: `.heat` (K, H, W), in output units a
    pixel, keeps the mean of the totals; superpixels of a few pixels stand out in it, as do their errors. `.values` are its
    sums over the superpixels of the first space, in which it can be plotted and compared. `.stderr` is about drawn
    coalitions alone, and an upper bound: errors within a result are added as if they went together; over results they add
    in squares where each has a seed of its own, and are added where not. `spread` in `to_frame()` is the deviation of a
    value between the segmentations: what a single cut leaves to chance.
    Raises TypeError and ValueError for results that do not belong together, and for maps that do not depend on the cut.

    >>> import numpy as np, perturbxai as px
    >>> spaces = [px.ImageSpace(segments="grid", n_segments=n, fill=0) for n in (4, 16)]
    >>> model = px.Predictor(lambda rows: rows.sum(axis=(1, 2, 3)))
    >>> found = [px.explain("lime", model, space, np.ones((8, 8)), seed=n)["lime"] for n, space in enumerate(spaces)]
    >>> average_segmentations(found, spaces)[0].values.ravel().round(6).tolist()
    [16.0, 16.0, 16.0, 16.0]
    """
    results = checks.several("results", results, "Attributions, one a space", ())
    spaces = checks.several("spaces", spaces, "ImageSpaces, one a result", ())
    _check(results, spaces)
    seeds = {result.meta.get("seed") for result in results}
    apart = len(seeds) == len(results) and None not in seeds
    parts: list[Explanation] = []

    def averaged() -> Attribution:
        return Attribution(tuple(parts), results[0].meta | parts[0].meta | _spent(results))

    with keeping(lambda: averaged() if parts else None):
        for together in zip(*results, strict=True):
            inputs = [_input(space, one) for space, one in zip(spaces, together, strict=True)]
            parts.append(_average(together, inputs, apart))
    return averaged()


def _spent(results: Sequence[Attribution | Explanation]) -> dict[str, Any]:
    """What results took together, for `meta`."""
    once: Counter[str] = Counter()
    for one in results:
        once.update(one.meta.get("rows_once_a_call", {}))
    return {what: sum(one.meta.get(what, 0) for one in results) for what in SPENT} | {"rows_once_a_call": dict(once)}


def _average(together: Sequence[Explanation], inputs: Sequence[ImageInput], apart: bool) -> Explanation:
    first, labels = together[0], inputs[0].labels
    values, errors, maps = [], [], np.zeros((len(first.outputs), *labels.shape))
    for one, own in zip(together, inputs, strict=True):
        size = np.bincount(own.labels.ravel())
        pairs = labels.ravel().astype(np.int64) * len(size) + own.labels.ravel()
        shared = np.bincount(pairs, minlength=len(inputs[0].names) * len(size)).reshape(-1, len(size)) / size
        known = np.where(np.isfinite(one.stderr), one.stderr, 0.0)
        values.append(shared @ one.values)
        errors.append(np.where((shared > 0.0) @ ~np.isfinite(one.stderr), np.inf, shared @ known))
        maps += (one.values / size[:, None]).T[:, own.labels] / len(together)
    total = np.sqrt(np.sum(np.square(errors), axis=0)) if apart else np.sum(errors, axis=0)
    segments, superpixels = [one.meta.get("segments") for one in together], [own.meta["superpixels"] for own in inputs]
    return replace(
        first, values=np.mean(values, axis=0), stderr=total / len(together),
        critical=np.max([e.critical for e in together], axis=0), df=min(e.df for e in together),
        base=np.mean([e.base for e in together], axis=0), heat=maps,
        meta=first.meta | _spent(together) | {"averaged": segments, "superpixels": superpixels},
        columns={"spread": np.std(values, axis=0, ddof=1)}, stderr_background=None, interactions=None,
        interactions_stderr=None,
    )  # fmt: skip


def _check(results: list[Any], spaces: list[Any]) -> None:
    """Everything but the players, which the spaces tell."""
    for what, found, kind in (("results", results, Attribution), ("spaces", spaces, ImageSpace)):
        for one in found:
            if not isinstance(one, kind):
                raise TypeError(f"{what} holds {type(one).__name__}; expected {kind.__name__}s, as in results['lime'].")
    if len(results) != len(spaces) or len(results) < 2:
        raise ValueError(f"{len(results)} results and {len(spaces)} spaces; expected two or more, a space for each result.")
    first = results[0]
    for result in results:
        if repr(result.method) != repr(first.method) or result.outputs != first.outputs:
            raise ValueError(
                f"results are of {first.method} for {first.outputs} and of {result.method} for {result.outputs}; expected "
                "one method and the same outputs=."
            )
        if result.meta.get("fill") != first.meta.get("fill"):
            raise ValueError(
                f"results were explained under the fills {first.meta.get('fill')!r} and {result.meta.get('fill')!r}, which "
                "is no matter of segmentation; take one fill, and compare fills with px.compare."
            )
        if len(result) != len(first) or not all(
            np.array_equal(a.input, b.input) for a, b in zip(result, first, strict=True)
        ):
            raise ValueError("results are of different pictures; explain the same x in every space.")
        if any(one.heat is not None for one in result):
            raise ValueError(f"{type(result.method).__name__} draws a map of its own, which no segmentation changes.")


def _input(space: ImageSpace, one: Explanation) -> ImageInput:
    """The picture in the space that it was explained in."""
    (found,) = space.players(one.input)
    if found.names != one.names or any(one.meta.get(what, told) != told for what, told in found.meta.items()):
        raise ValueError(
            f"spaces: one gives {len(found.names)} players where its result has {len(one.names)}, or others, or fills them "
            "otherwise; give the spaces that the results were explained in, in their order."
        )
    return found
