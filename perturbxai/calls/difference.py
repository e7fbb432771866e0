"""difference(): two models at the same inputs, or two groups of inputs, player by player, beyond noise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import overload

from perturbxai.calls import comparable
from perturbxai.core import checks
from perturbxai.metrics import differences
from perturbxai.metrics.differences import Side
from perturbxai.results.difference import Difference
from perturbxai.results.explanation import Attribution

KEPT = ("scale", "score", "space")  # of the meta of a


@overload
def difference(
    a: Attribution, b: Attribution, *, paired: bool | None = None, names: Sequence[str] = ("a", "b"), level: float = 0.95
) -> Difference: ...
@overload
def difference(
    a: Mapping[str, Attribution],
    b: Mapping[str, Attribution],
    *,
    paired: bool | None = None,
    names: Sequence[str] = ("a", "b"),
    level: float = 0.95,
) -> dict[str, Difference]: ...  # fmt: skip
def difference(
    a: Attribution | Mapping[str, Attribution],
    b: Attribution | Mapping[str, Attribution],
    *,
    paired: bool | None = None,
    names: Sequence[str] = ("a", "b"),
    level: float = 0.95,
) -> Difference | dict[str, Difference]:
    """Which features two results of one method differ in by more than noise: two models, or two groups of inputs.

    a, b    two Attributions of one method, such as two models' at the same rows, or two parts of one: found[mask] and
            found[~mask]. Or two mappings from name to Attribution, as `explain` returns them: then a Difference for each
            name that both have. Features and outputs are matched by name
    paired  True: of the same inputs in the same order; False: two groups without a common input; None finds out which
    names   what a and b are called in words, tables and figures, such as ("before", "after")
    level   of all intervals

    For each feature and output it tells the mean value on both sides and the mean size |value|, less what noise adds to a
    size; their differences, b less a, with intervals for one feature and for all at once; and what has `moved`: the interval
    for all features of the output and both questions at once has no zero in it. Of the same inputs it also tells at each by
    how much its values differ, against their own errors (`rows_frame`).

    The error of a mean difference is what inputs show: the spread of the paired differences, or Welch's for two groups. It
    holds how inputs differ and what drawn coalitions add, which are drawn for each input anew. What all inputs share is
    added: the error of the background, and of methods that ask once for all inputs theirs. Two models on one background err
    together, as far as their values go together over the inputs (`metrics.statistics.mean_differences.together`); those of
    groups count as independent. Rows that all say the same are no proof that others would: the feature in which rows differ
    most lends its spread. A single input, or group of one, has intervals without ends.
    What else differs between the two (budget, seed, background, fill, base) is told in `notes`, and by `describe()`.

    Raises TypeError for what are no results, and ValueError for other methods or options, outputs, features, scales or kinds
    of input, for inputs of which some are common, and for several photos, whose superpixels are not the same.

    >>> import numpy as np, perturbxai as px
    >>> X = np.random.default_rng(0).normal(size=(200, 3))
    >>> before, after = (px.explain("exact_shap", lambda X, c=c: X @ [c, 1.0, 1.0], X, X[:50]) for c in (1.0, 3.0))
    >>> found = px.difference(before, after, names=("before", "after"))["exact_shap"]
    >>> found.of_sizes.moved[:, 0].tolist()
    [True, False, False]
    >>> print(found.describe().splitlines()[2])
    The other 2 cannot be told apart.
    """
    called = comparable.two_names(names)
    level = checks.share("level", level, ", for example 0.95")
    if paired is not None:
        paired = checks.flag("paired", paired)
    if isinstance(a, Attribution) and isinstance(b, Attribution):
        return _difference(a, b, paired, called, level)
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        return {name: _difference(a[name], b[name], paired, called, level, name) for name in comparable.common_names(a, b)}
    raise TypeError(
        f"difference got {type(a).__name__} and {type(b).__name__}; expected two Attributions, or two mappings from name to "
        "Attribution, as explain() returns them."
    )


def _difference(
    a: Attribution, b: Attribution, paired: bool | None, called: tuple[str, str], level: float, name: str = ""
) -> Difference:
    comparable.check(a, b, called)
    pairs = comparable.of_pairs(a, b, paired, called)
    first, second = Side.of(a, a.names, a.outputs), Side.of(b, a.names, a.outputs)
    one_background = comparable.one_background(a, b)
    return Difference(
        first.values.mean(axis=0), second.values.mean(axis=0), first.mean_size(), second.mean_size(),
        differences.of_means(first, second, pairs, one_background, level),
        differences.of_sizes(first, second, pairs, one_background, level),
        differences.of_inputs(first, second, one_background, level) if pairs else None,
        first.values, second.values, called, dict(zip(called, (a, b), strict=True)), pairs, a.names, a.outputs,
        tuple(e.label for e in a), name or str(a.meta.get("name") or type(a.method).__name__), level,
        tuple(comparable.notes(a, b, pairs, called)), {key: a.meta[key] for key in KEPT if key in a.meta},
    )  # fmt: skip
