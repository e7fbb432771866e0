"""importance(): the size of a feature's values over rows, or of its curve over the data, with errors, noise taken off."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeGuard, overload

import numpy as np
from numpy.typing import ArrayLike

from perturbxai.core.methods import Method
from perturbxai.core.types import Floats, Frame
from perturbxai.core.wording import by_output, count, leading, word
from perturbxai.results import describing, notebook
from perturbxai.results.cohorts import By, cohorts
from perturbxai.results.effect import Effect
from perturbxai.results.explanation import Attribution
from perturbxai.results.taking import TAKEN_OF, Players, leaders, player_numbers
from perturbxai.results.tidy import Tidy, by_line, student, text

UNSEEN = 3.0  # of n rows that are all alike as many as 3 / n of all rows may be others, with 95 %
ROUNDING = 1e-12
ABOUT = (
    "seed",
    "scale",
    "outputs_kept",
    "plan",
    "versions",
    TAKEN_OF,
)  # what is true of a whole call, its meta tells here too


@dataclass(frozen=True, eq=False)
class Importance(Tidy):
    """Global importance by one method, in units of the model's output; every array is (P, K).

    values     mean of |value| over the explained rows; of effects the standard deviation of the curve over the data (of ICE
               the mean of that of the rows' curves)
    corrected  `values` less `bias`, never below 0
    bias       how much too large `values` are because noise makes every |value| larger: about .8 stderr where a feature does
               nothing, 0 where it does much; NaN where errors are not known. It is estimated from the values, which finds
               40 % of it for a feature that does nothing, and nearly all of it for others
    stderr_rows      standard error from having these rows and not all rows; infinite for a single row. Rows that all say the
                     same are no proof that others would: the feature in which rows differ most lends its spread
    stderr_estimate  standard error that comes from `stderr` of the values (0 for effects). Rows count as independent, or,
                     where one set of answers serves all rows (`common_errors`), as wrong together: an upper bound
    names (P,), outputs (K,), n_rows, name of the result;  method: its object, None if unknown
    meta       of the call that it was read from: seed, scale, which of many outputs were kept, plan, versions; `of` is
               "curves" where these were effects, `cohort` the name of the group where there are several
    """

    values: Floats
    corrected: Floats
    bias: Floats
    stderr_rows: Floats
    stderr_estimate: Floats
    names: tuple[str, ...]
    outputs: tuple[str, ...]
    n_rows: int
    name: str
    common_errors: bool
    method: Method | None = None
    meta: dict[str, Any] = field(default_factory=dict)

    def __repr__(self) -> str:
        head = f"Importance of {count(len(self.names), 'feature')} by {word(self.name)}, over {count(self.n_rows, 'row')}"
        told = f"{head}: corrected ± standard error"
        return by_output(told, self.outputs, lambda k: leading(self.names, self.corrected[:, k], self.stderr[:, k]))

    def _repr_html_(self) -> str:
        told = [count(len(self.names), "feature"), f"over {count(self.n_rows, 'row')}", "corrected, 95 % intervals"]
        ends = (self.corrected, *self.interval())
        return notebook.bars(f"Importance by {self.name}", told, self.outputs, self.names, ends)

    @property
    def stderr(self) -> Floats:
        """(P, K): both errors together."""
        return np.asarray(np.hypot(self.stderr_rows, self.stderr_estimate))

    def interval(self, level: float = 0.95) -> tuple[Floats, Floats]:
        """Ends (P, K) around `corrected`, for the importance over all rows like these, by Student's t; never below 0."""
        half = student(level, max(self.n_rows - 1, 1)) * self.stderr
        return np.maximum(self.corrected - half, 0.0), np.asarray(self.corrected + half)

    def only(self, features: Players) -> Importance:
        """The same of some features, by name or number, in the order given.

        Raises KeyError for a name that is not there, IndexError for a number, ValueError for none or one twice.
        """
        chosen = player_numbers(self.names, features)
        arrays = ("values", "corrected", "bias", "stderr_rows", "stderr_estimate")
        names = tuple(self.names[p] for p in chosen)
        meta = self.meta | {TAKEN_OF: self.meta.get(TAKEN_OF, len(self.names))}
        return replace(self, names=names, meta=meta, **{what: getattr(self, what)[chosen] for what in arrays})

    def top(self, n: int = 5, *, output: str | int | None = None) -> Importance:
        """The n features with the largest corrected importance, the largest first.

        output  name or number of the output that decides; None for all, each on the scale of its own largest
        """
        return self.only(leaders(self.corrected[None], self.outputs, n, output))

    def describe(self, *, output: str | int | None = None) -> str:
        """What matters in words, a sentence a line. output: name or number of one; None for the first few."""
        return describing.told([describing.of_importance(self, k) for k in describing.chosen(self.outputs, output)])

    def to_frame(self) -> Frame:
        """A tidy table: one line a feature and output, with the 95 % interval."""
        names = ("corrected", "bias", "stderr_rows", "stderr_estimate", "stderr")
        low, high = self.interval()
        numbers = {"importance": self.values} | {name: getattr(self, name) for name in names} | {"low": low, "high": high}
        return by_line({"method": self.name, "feature": text(self.names)}, self.outputs, numbers)


@overload
def importance(results: Attribution | Mapping[Any, Effect], *, by: None = None) -> Importance: ...
@overload
def importance(results: Attribution, *, by: By) -> dict[str, Importance]: ...
@overload
def importance(
    results: Mapping[str, Attribution] | Mapping[str, Mapping[Any, Effect]], *, by: None = None
) -> dict[str, Importance]: ...
def importance(results: object, *, by: By | None = None) -> Importance | dict[str, Importance]:
    """How much each feature moves the output: over explained rows the mean of |value|, over curves their deviation.

    results  an Attribution of several rows of a table; the effects of one method, a mapping from column to Effect, whose
             pairs are left out; or a mapping from name to one of these, as explain() and effects() return it
    by       of one Attribution: the name of a feature, or a label of each row. Then there is an importance for each group of
             rows, by its name: {"sex = f": ..., "sex = m": ...}

    Returns an `Importance`, or a mapping from name to one. It has no sign and ranks features over all rows, never the
    players of one input. Its errors are kept apart, because more rows mend one and a larger budget the other. Of effects
    the error is that of the curve (PDP, ALE) and of where the rows lie along it, linearised. Draw it with `px.plot(found)`.
    Raises TypeError for what is neither, ValueError for pictures, whose superpixels are not the same features, and for
    effects of pairs alone.

    >>> import numpy as np, perturbxai as px
    >>> X = np.random.default_rng(0).normal(size=(200, 2))
    >>> predictor = px.Predictor(lambda X: 3 * X[:, 0] + X[:, 1])
    >>> found = px.importance(px.explain(["kernel_shap"], predictor, px.TabularSpace(X), X[:50])["kernel_shap"])
    >>> found.values.shape, bool(found.values[0, 0] > 2 * found.values[1, 0])
    ((2, 1), True)
    >>> found = px.importance(px.effects("ale", predictor, px.TabularSpace(X), X))
    >>> bool(found["ale"].values[0, 0] > 2 * found["ale"].values[1, 0])
    True
    """
    if by is not None:
        if not isinstance(results, Attribution):
            raise TypeError(
                f"importance: by= groups the rows of one Attribution, and {type(results).__name__} came; take one."
            )
        groups = {key: _importance(one) for key, one in cohorts(results, by).items()}
        return {key: replace(one, meta=one.meta | {"cohort": key}) for key, one in groups.items()}
    if isinstance(results, Attribution):
        return _importance(results)
    if _are_effects(results):
        return _of_effects(results)
    if not isinstance(results, Mapping) or not all(isinstance(r, Attribution) or _are_effects(r) for r in results.values()):
        raise TypeError(
            f"importance got {type(results).__name__}; expected an Attribution, or a mapping: from column to Effect, or "
            "from name to Attribution or to such a mapping, as explain() and effects() return it."
        )
    return {
        str(name): _importance(one, str(name)) if isinstance(one, Attribution) else _of_effects(one, str(name))
        for name, one in results.items()
    }


def _are_effects(results: object) -> TypeGuard[Mapping[Any, Effect]]:
    return isinstance(results, Mapping) and bool(results) and all(isinstance(one, Effect) for one in results.values())


def _of_effects(effects: Mapping[Any, Effect], name: str = "") -> Importance:
    if any(one.superpixel is not None for one in effects.values()):
        raise ValueError(
            "importance: a photo has no data over which a curve of opacity varies; its superpixels have values with a sign, "
            "effect.superpixel.rise."
        )
    single = [one for one in effects.values() if len(one.names) == 1]
    if not single:
        raise ValueError("importance: these effects are all of pairs, whose surfaces are no feature's; give single columns.")
    values, error, bias = (
        np.array([getattr(one, what) for one in single], dtype=np.float64)
        for what in ("importance", "importance_stderr", "importance_bias")
    )
    n_rows = int(single[0].meta["drawn_rows"])
    # a curve that is flat for all rows may not be for few others
    error = np.where(values <= ROUNDING * values.max(axis=0), np.maximum(error, UNSEEN * values.max(axis=0) / n_rows), error)
    return Importance(
        values, np.maximum(values - bias, 0.0), bias, error, np.zeros_like(error), tuple(one.names[0] for one in single),
        single[0].outputs, n_rows, name or str(single[0].meta["name"]), True,
        single[0].method, _about(single[0]) | {"of": "curves"},
    )  # fmt: skip


def _importance(result: Attribution, name: str = "") -> Importance:
    if any(np.ndim(one) > 1 for one in result.inputs):
        raise ValueError(
            "importance: superpixels of different pictures are not the same features, so there is no mean over pictures; "
            "look at them one by one, with px.plot(result, row=...)."
        )
    values, stderr = result.values, result.stderr  # (N, P, K)
    n_rows, size = len(values), np.abs(values)
    mean, spread = folded(values, stderr)
    bias = np.asarray((mean - size).mean(axis=0))
    common = bool(result.meta.get("errors_in_common"))
    # |mean of correlated errors| is at most the mean of their deviations
    noise = np.sqrt(spread).mean(axis=0) if common else np.sqrt(spread.sum(axis=0)) / n_rows
    if n_rows > 1:
        # the spread that is seen over rows holds the errors' own, which is taken off where it is known
        own = spread.mean(axis=0)
        varied = size.var(axis=0, ddof=1)
        between = np.sqrt(np.maximum(varied - np.where(np.isfinite(own), own, 0.0), 0.0) / n_rows)
        alike = np.ptp(size, axis=0) <= ROUNDING * size.max(axis=(0, 1))
        between = np.where(alike, UNSEEN * np.sqrt(varied.max(axis=0)) / n_rows, between)
        between[_never_absent(result)] = 0.0
    else:
        between = np.full(values.shape[1:], np.inf)
    bias = np.where(np.isfinite(bias), bias, np.nan)
    corrected = np.maximum(size.mean(axis=0) - bias, 0.0)
    return Importance(
        size.mean(axis=0), corrected, bias, between, noise, result.names, result.outputs, n_rows,
        name or str(result.meta.get("name") or type(result.method).__name__), common, result.method,
        _about(result),
    )  # fmt: skip


def _never_absent(result: Attribution) -> list[bool]:
    """(P,): which features absence changes for no row, as that of a column with a single value: no row would show more."""
    merged = set.intersection(*(set(map(str, e.meta.get("merged", ()))) for e in result))
    return [name in merged for name in result.names]


def _about(result: Attribution | Effect) -> dict[str, Any]:
    return {what: result.meta[what] for what in ABOUT if what in result.meta}


def folded(value: ArrayLike, stderr: ArrayLike) -> tuple[Floats, Floats]:
    """Mean and variance of |value + error| for a normal error of this deviation; infinite where it is not known."""
    from scipy import stats

    value, stderr = np.asarray(value, dtype=np.float64), np.asarray(stderr, dtype=np.float64)
    unknown = ~np.isfinite(stderr)
    scale = np.where(unknown, 1.0, np.maximum(stderr, np.finfo(np.float64).tiny))
    z = np.abs(value) / np.maximum(scale, 1e-20 * np.abs(value))  # whose square is still a number where there is no error
    mean = np.abs(value) + 2.0 * scale * (stats.norm.pdf(z) - z * stats.norm.sf(z))
    variance = np.maximum(scale**2 + value**2 - mean**2, 0.0)
    # far from zero nothing is folded; there the difference above is rounding of squares
    variance = np.where(z > 6.0, scale**2, variance)
    return np.where(unknown, np.inf, mean), np.where(unknown, np.inf, variance)
