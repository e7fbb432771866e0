"""to_shap(): our results as objects of shap, for its plots."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from perturbxai.core import checks
from perturbxai.core.types import Floats
from perturbxai.inputs.spaces import ImageSpace, Space, TabularSpace
from perturbxai.peers.packages import load_shap
from perturbxai.results.explanation import Attribution, Explanation
from perturbxai.results.superpixels import labels_of
from perturbxai.results.taking import TAKEN_OF


def to_shap(result: Attribution | Explanation, output: str | int | None = None, *, space: Space | None = None) -> Any:
    """A `shap.Explanation` of a result, which shap's own plots draw (waterfall, bar, beeswarm, heatmap, scatter).

    result  an Attribution whose inputs have the same players, or one of its parts: `to_shap(result[0])` for one row
    output  the name or number of one output; None for all. With several outputs, plots take one: `found[:, :, "cat"]`
    space   the table's space: then categories, dates and truth values show as such (`display_data`), and a group of
            columns as how many it has. Without one, data are the codes (numbers are their own), and none where columns are
            in groups. Of photos their ImageSpace: then the explanation is what `shap.image_plot` draws, values (N, H, W, C)
            or (N, H, W, C, K) that spread each superpixel's evenly over its pixels and channels (or a method's own map), and
            data the photos in 0..1. `from_shap` reads these as they were

    values (N, P) or, of several outputs, (N, P, K); base_values (N,) or (N, K); data (N, P), None for pictures; for a single
    row without the first axis. Where all errors are finite they are error_std, and the 95 % intervals the bounds.
    Raises ImportError if shap is not there, TypeError for what is no result, ValueError for an unknown output and for
    pictures that differ in their number of superpixels (take `result[i]`).
    """
    if not isinstance(result, (Attribution, Explanation)):
        raise TypeError(f"result is {type(result).__name__}; expected an Attribution (explain(...)[name]) or one row.")
    if space is not None and not isinstance(space, (TabularSpace, ImageSpace)):
        raise TypeError(f"space is {type(space).__name__}; expected the space of the result, or None.")
    shap = load_shap()
    parts = list(result) if isinstance(result, Attribution) else [result]
    if len({e.names for e in parts}) > 1 and not (space is not None and np.ndim(parts[0].input) > 1):
        counts = [len(e.names) for e in parts]
        raise ValueError(f"result: the inputs have different players ({counts}); take them one by one: to_shap(result[i]).")
    first, chosen = parts[0], _column(parts[0].outputs, output)
    if np.ndim(first.input) > 1 and space is not None:
        return _of_pixels(shap, parts, chosen, space, alone=isinstance(result, Explanation))
    data, shown = _data(parts, space)
    low, high = zip(*(e.interval() for e in parts), strict=True)
    arrays: dict[str, Any] = {"values": [e.values for e in parts], "error_std": [e.stderr for e in parts]}
    arrays |= {"lower_bounds": low, "upper_bounds": high}
    found: dict[str, Any] = {key: np.stack(each)[:, :, chosen] for key, each in arrays.items()}
    if not all(np.isfinite(array).all() for array in found.values()):
        found = {"values": found["values"]}
    found |= {"base_values": np.stack([e.base for e in parts])[:, chosen], "data": data, "display_data": shown}
    if isinstance(result, Explanation):
        found = {key: None if array is None else array[0] for key, array in found.items()}
    else:
        found["instance_names"] = [str(e.label) for e in parts]
    if isinstance(chosen, list):
        found["output_names"] = list(first.outputs)
    return shap.Explanation(feature_names=list(first.names), **found)


def _of_pixels(shap: Any, parts: Sequence[Explanation], chosen: int | list[int], space: Space, alone: bool) -> Any:
    """Photos as shap's image plot takes them. Raises ValueError for photos that differ in size."""
    sizes = {np.shape(e.input) for e in parts}
    if len(sizes) > 1:
        raise ValueError(
            f"result: the photos have different sizes {sorted(sizes)}; take them one by one: to_shap(result[i])."
        )
    (height, width, n_channels), outputs = sizes.pop(), parts[0].outputs
    values = np.zeros((len(parts), height, width, n_channels, len(outputs)))
    for own, e in zip(values, parts, strict=True):
        labels = labels_of(e, space)
        size = np.bincount(labels[labels >= 0], minlength=len(e.names))
        share = np.vstack([e.values / np.maximum(size, 1)[:, None], np.zeros(len(outputs))])  # -1, not taken, is nothing
        of_pixels = share[labels] if e.heat is None else np.moveaxis(e.heat, 0, -1)
        own[:] = of_pixels[:, :, None] / n_channels
    several = {"output_names": list(outputs)} if isinstance(chosen, list) else {}
    found = {
        "values": values[..., chosen], "base_values": np.stack([e.base for e in parts])[:, chosen],
        "data": np.stack([_as_light(e.input) for e in parts]),
    }  # fmt: skip
    return shap.Explanation(**({key: array[0] for key, array in found.items()} if alone else found), **several)


def _as_light(picture: ArrayLike) -> Floats:
    """A photo in 0..1, as image plots take it: 0..255 by 255, other units by their own range."""
    values = np.asarray(picture, dtype=np.float64)
    low, high = float(values.min()), float(values.max())
    if low >= 0.0 and high <= 255.0:
        return values / (255.0 if high > 1.0 else 1.0)
    return np.asarray((values - low) / (high - low))


def _column(outputs: Sequence[str], output: object) -> int | list[int]:
    """A number of an output, or all in a list where there are several."""
    if output is None:
        return 0 if len(outputs) == 1 else list(range(len(outputs)))
    if isinstance(output, str) and output in outputs:
        return list(outputs).index(output)
    if checks.is_whole(output) and 0 <= output < len(outputs):
        return int(output)
    raise ValueError(f"output={output!r} is none of the result's outputs {tuple(outputs)}, nor a number of them.")


def _data(parts: Sequence[Explanation], space: Space | None) -> tuple[Any, Any]:
    """(N, P) numbers, and what to show of them where that is no number; None for pictures and groups of unknown columns."""
    first, n_players = parts[0], len(parts[0].names)
    if np.ndim(first.input) != 1:
        return None, None
    if TAKEN_OF in first.meta:
        return _own_data(parts)
    codes = np.stack([e.input for e in parts], dtype=np.float64)
    if not isinstance(space, TabularSpace):
        return (codes, None) if codes.shape[1] == n_players else (None, None)
    if space.names != first.names:
        raise ValueError(f"space has the players {space.names}, but result {first.names}; pass the space of the result.")
    table = space.columns.plain(codes)
    data, shown, plain = np.full((len(parts), n_players), np.nan), np.empty((len(parts), n_players), dtype=object), True
    for p, (d, *others) in enumerate(space.columns_of):
        if others:
            shown[:, p], plain = f"{1 + len(others)} columns", False
            continue
        values = np.asarray(table.iloc[:, d] if hasattr(table, "iloc") else table[:, d], dtype=object)
        data[:, p], shown[:, p] = codes[:, d], values
        plain = plain and all(map(checks.is_number, values))
    return data, None if plain else shown


def _own_data(parts: Sequence[Explanation]) -> tuple[Any, Any]:
    """The same of rows of which some features were taken, from what the rows have there."""
    told = [e.feature_values for e in parts]
    if any(own is None for own in told):
        return None, None
    shown = np.stack([own for own in told if own is not None])
    data = np.array([[checks.as_number(one) for one in own] for own in shown], dtype=np.float64)
    return data, None if all(map(checks.is_number, shown.ravel())) else shown
