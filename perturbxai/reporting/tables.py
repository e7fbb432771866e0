"""Results as tidy tables: one line a fact, a column a name."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from perturbxai.calls.comparison import Comparison
from perturbxai.core import checks
from perturbxai.core.types import Frame
from perturbxai.metrics.faithfulness import mean_curves
from perturbxai.metrics.metric import CURVES
from perturbxai.reporting.curves.view import Found
from perturbxai.results.context import Context
from perturbxai.results.difference import Difference
from perturbxai.results.explanation import Attribution

COMPARED = ("scores", "agreement", "costs", "fill_spread", "curves")


def as_results(anything: object) -> tuple[dict[str, Attribution], Comparison | None]:
    """(name -> Attribution, the Comparison or None) of whatever a report may be asked of.

    Raises TypeError for what holds no Attribution, ValueError for an empty mapping.
    """
    if isinstance(anything, Attribution):
        name = anything.meta.get("name") or type(anything.method).__name__
        return _of_the_same_inputs({str(name): anything}), None
    compared: Any = anything if all(hasattr(anything, name) for name in (*COMPARED, "results", "summary")) else None
    results = anything if compared is None else compared.results
    if not isinstance(results, Mapping) or not all(isinstance(one, Attribution) for one in results.values()):
        raise TypeError(
            f"report got {type(anything).__name__}; expected a Comparison, an Attribution, or a mapping from name to "
            "Attribution, as explain(), baselines() and compare() return them, or what effects() returned."
        )
    if not results:
        raise ValueError("report got an empty mapping; give at least one Attribution.")
    return _of_the_same_inputs({str(name): one for name, one in results.items()}), compared


def _of_the_same_inputs(results: dict[str, Attribution]) -> dict[str, Attribution]:
    if empty := [name for name, one in results.items() if not len(one)]:
        raise ValueError(f"report got {empty[0]!r} with no explained input in it; give at least one.")
    (first, one), *others = results.items()
    labels = [e.label for e in one]
    for name, other in others:
        if [e.label for e in other] != labels:
            raise ValueError(
                f"report got {first!r} of {len(one)} inputs and {name!r} of {len(other)}, which are not the same ones; "
                "give results of the same inputs, or a report each."
            )
    return results


def as_targets(targets: Sequence[object] | ArrayLike | None, results: Mapping[str, Attribution]) -> tuple[object, ...]:
    """What each of the N explained rows really is, in their order; nothing where that is not told.

    Raises ValueError for targets of photos, of another number of rows, and of several columns.
    """
    if targets is None:
        return ()
    first = next(iter(results.values()))
    if np.ndim(first[0].input) != 1:
        raise ValueError("targets= are of the rows of a table, and these are photos; leave them out.")
    found = np.asarray(targets, dtype=object)
    if found.shape != (len(first),):
        came = repr(targets) if found.ndim == 0 else f"the shape {found.shape}"
        raise ValueError(
            f"targets= has {came}; expected a value for each of the {len(first)} explained rows, in their order."
        )
    return tuple(None if checks.is_missing(one) else one for one in found)


def as_context(context: object, results: Mapping[str, Attribution]) -> Context:
    """A Context of these very inputs. Raises TypeError for anything else, ValueError for one of others."""
    if not isinstance(context, Context):
        raise TypeError(f"context is {type(context).__name__}; expected what px.context(predictor, space, x) returns.")
    first = next(iter(results.values()))
    same = len(first) == len(context) and all(
        np.array_equal(np.asarray(e.input, dtype=np.float64), np.asarray(one, dtype=np.float64), equal_nan=True)
        for e, one in zip(first, context.inputs, strict=True)
    )
    if not same:
        raise ValueError(
            f"context is of {len(context)} {context.what}s that are not the {len(first)} explained ones, in their order; "
            "make it of the same x."
        )
    return context


def tables(results: Mapping[str, Attribution], compared: Comparison | None = None) -> dict[str, Frame]:
    """Every table of a report by its file's name: attributions, and with a Comparison its scores, curves and the rest."""
    import pandas as pd

    found = {"attributions": attributions(results)}
    pairs = {name: one for name, one in results.items() if one.explanations[0].interactions is not None}
    if pairs:  # one line a method, row, pair of features and output
        frames = [one.interactions_frame().assign(method=name) for name, one in pairs.items()]
        found["interactions"] = pd.concat(frames, ignore_index=True)
    if compared is not None:
        found |= {name: getattr(compared, name) for name in COMPARED}
        if len(next(iter(results.values()))) > 1 and compared.curves.curve.isin(CURVES).any():
            found["mean_curves"] = pd.DataFrame(mean_curves(compared.curves))
        if compared.call.get("seeds", 1) > 1:
            found["seed_spread"] = compared.seed_spread()
        found["summary"] = compared.summary().rename_axis("method").reset_index()
    return found


def attributions(results: Mapping[str, Attribution]) -> Frame:
    """One line a method, row, feature and output: value, standard error and both 95 % intervals."""
    import pandas as pd

    frames = []
    for name, result in results.items():
        ends = [one.interval(simultaneous=True) for one in result]
        low, high = (np.concatenate([end.ravel() for end in side]) for side in zip(*ends, strict=True))
        frames.append(result.to_frame().assign(method=name, low_simultaneous=low, high_simultaneous=high))
    return pd.concat(frames, ignore_index=True)


def of_effects(found: Found) -> dict[str, Frame]:
    """Of curves and of surfaces one line a method, column or pair, point and output (and group), with both 95 % bands."""
    import pandas as pd

    frames = [effect.to_frame() for methods in found.values() for effect in methods.values()]
    curves = [frame for frame in frames if "feature" in frame]
    surfaces = [frame for frame in frames if "feature" not in frame]
    regions = [
        effect.regions.to_frame().assign(method=name, feature=" x ".join(names))
        for names, methods in found.items()
        for name, effect in methods.items()
        if effect.regions is not None
    ]
    named = {"effects": curves, "effects_of_pairs": surfaces, "regions": regions}
    return {name: pd.concat(parts, ignore_index=True) for name, parts in named.items() if parts}


def as_differences(anything: object) -> dict[str, Difference] | None:
    """name -> Difference of one, or of a mapping to several; None for all else."""
    if isinstance(anything, Difference):
        return {anything.name: anything}
    if isinstance(anything, Mapping) and anything and all(isinstance(one, Difference) for one in anything.values()):
        return {str(name): one for name, one in anything.items()}
    return None


def of_differences(found: Mapping[str, Difference]) -> dict[str, Frame]:
    """One line a method, feature and output; of the same inputs also one a row."""
    import pandas as pd

    frames = {"difference": [one.to_frame() for one in found.values()]}
    frames["difference_rows"] = [one.rows_frame() for one in found.values() if one.paired]
    return {name: pd.concat(parts, ignore_index=True) for name, parts in frames.items() if parts}
