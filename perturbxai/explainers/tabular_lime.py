"""LIME as published for tables: a linear fit to the model in the neighbourhood that LIME draws around a row."""

import hashlib
import warnings
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar
from weakref import WeakValueDictionary

import numpy as np

from perturbxai.core import checks
from perturbxai.core.deprecated import renamed
from perturbxai.core.evaluations import Estimate, once
from perturbxai.core.methods import Asking, HasParams, Questions
from perturbxai.core.options import options
from perturbxai.core.questions import Players, Question, Rows, TablePlayers
from perturbxai.core.types import Bins, Codes, Floats, Ints, Predicts, Values, Weights
from perturbxai.estimation.curves.asked_rows import beside_ends, words_of
from perturbxai.estimation.intervals import independent
from perturbxai.estimation.neighbourhood.additive import Additive
from perturbxai.estimation.neighbourhood.weighted_fit import Coding, LocalFit, fit_regressor, fit_weighted, selected
from perturbxai.estimation.survey import ROUNDING
from perturbxai.sampling import neighbourhoods
from perturbxai.sampling.laws import NARROWEST
from perturbxai.sampling.neighbourhoods import PARTS, Column, Neighbourhood

DISCRETIZERS = (*PARTS, "entropy", None)
SELECTIONS = ("none", "forward", "lasso_path", "highest_weights")
ENTROPY_ROWS, ENTROPY_DEPTH = 1000, 3  # as lime: a tree of depth 3 has at most 8 bins
FEWEST_EFFECTIVE = 5  # effective rows a slope, below which a warning is due


@dataclass(eq=False)
class _Drawn:
    """Drawn rows: codes and bins (P, n) in the players' order, the question they are, and the model's answers (n, K).

    additive: the model of the answers that the fits are adjusted by
    """

    name: str
    codes: Codes
    bins: Bins
    question: Rows
    values: Values | None = None
    additive: Additive | None = None


@renamed(surrogate="model_regressor")
@options
class TabularLime(Asking):
    """LIME as published for tables. It is not `lime`, which hides columns and is the same method on tables and photos.

    Around-the-instance concerns discretizer=None: there rows are drawn from a Gaussian around x with the data's deviations.
    With bins, rows are drawn from the whole table, column by column and independently: a bin by its frequency, in it a
    truncated normal with the bin's mean and deviation. That neighbourhood does not depend on x; only the coding does, 1
    where a row lies in x's bin. Rows are weighted by exp(-D^2 / (2 width^2)), D Euclidean on the coding (Ribeiro, Singh &
    Guestrin, "Why should I trust you?", 2016, and their package lime). For large samples the slope of a binned column is
    E[f | x's bin] - E[f | other bins] under tilted frequencies of the other columns (Garreau & von Luxburg, "Looking deeper
    into tabular LIME", 2020).

    Values are slope * (1 - frequency of x's bin), or slope * (x - mean of the column) without bins: what x's coding brings
    over the table's mean. The slopes themselves, their rules and errors stand in `to_frame()` as `coefficient`,
    `coefficient_stderr` and `rule`. The fit is adjusted by an additive model of the answers, whose slopes are known exactly
    (a mean for every bin and a line within, or a cubic): only what it leaves is regressed, so noise goes and what is
    estimated stays. Errors are the sandwich estimate with leverages (HC3); of a model_regressor the jackknife over 20.

    discretizer    "quartile", "decile", "entropy" (bins of a tree of depth 3 fitted to the model's answers at up to 1,000
                   rows of X, asked once a call), or None: Gaussian
    kernel_width   None for .75 sqrt(P), as lime
    sample_around_instance  without bins: False draws around the column means as lime does by default, where the slope can
                   have the wrong sign; warned of
    feature_selection  "none"; "forward", "lasso_path" or "highest_weights" keep `n_features` players an output and set the
                   others to 0 (columns are drawn independently, so the kept slopes do not change; errors are those of the
                   full fit)
    n_features     how many players a selection keeps
    model_regressor  a scikit-learn regressor with coef_ that takes sample_weight, as in lime, whose own is Ridge(alpha=1.0);
                   None for weighted least squares
    shared_draws   with bins: one neighbourhood and one set of answers for all explained rows. Their errors are then common
    profile        multiples of the kernel width at which the fit is read again from the same rows: `meta["profile"]`
    name           the key of the result, "lime_tabular" if empty

    budget: drawn rows an input, 5,000 by default. `meta` has the effective sample and, by output, the out-of-sample R2 of
    the linear fit (leave-one-out). Raises ValueError for groups of columns, pictures, and values that X does not have.
    """

    discretizer: str | None = "quartile"
    kernel_width: float | None = None
    sample_around_instance: bool = True
    feature_selection: str = "none"
    n_features: int = 10
    model_regressor: Predicts | None = None
    shared_draws: bool = False
    profile: tuple[float, ...] = ()
    name: str = ""
    all_players: ClassVar[bool] = True
    default_budget: ClassVar[int] = 5000

    def __post_init__(self) -> None:
        checks.one_of("discretizer", self.discretizer, DISCRETIZERS)
        checks.one_of("feature_selection", self.feature_selection, SELECTIONS)
        if self.kernel_width is not None:
            expected = f"positive, {NARROWEST} or more, or None for .75 sqrt(P)"
            checks.number("kernel_width", self.kernel_width, expected, least=NARROWEST)
        expected = "positive multiples of the kernel width, and finite: (0.5, 2), or () for none"
        multiples = checks.several("profile", self.profile, expected)
        if not all(0 < checks.as_number(multiple) < np.inf for multiple in multiples):
            raise ValueError(f"profile={checks.as_given(self.profile)} must hold {expected}.")
        object.__setattr__(self, "profile", tuple(one if type(one) is int else float(one) for one in multiples))
        checks.whole("n_features", self.n_features, 1)
        if self.shared_draws and self.discretizer is None:
            raise ValueError("shared_draws=True needs bins: without a discretizer every row has its own neighbourhood.")
        ours = self.model_regressor
        if ours is not None and (isinstance(ours, type) or not (hasattr(ours, "fit") and isinstance(ours, HasParams))):
            given = f"the class {ours.__name__}" if isinstance(ours, type) else type(ours).__name__
            raise TypeError(f"model_regressor is {given}; expected a scikit-learn regressor, such as Ridge(), or None.")

    def check(self, players: Players) -> None:
        """Refuse, before any model call, inputs for which the neighbourhood is not defined."""
        if not isinstance(players, TablePlayers):
            raise ValueError("lime_tabular draws rows of a table; for pictures take 'lime', which hides superpixels.")
        for name, columns in zip(players.names, players.columns, strict=True):
            if len(columns) != 1:
                raise ValueError(f"lime_tabular: the player {name!r} has {len(columns)} columns; it needs one, ungroup it.")
            d, code = columns[0], float(players.codes[columns[0]])
            if players.levels[d] is None and not np.isnan(code):
                continue
            if players.levels[d] is None and self.discretizer is None:
                raise ValueError(f"lime_tabular: {name!r} is missing at x, around which nothing can be drawn; take bins.")
            if (None if np.isnan(code) else code) not in _seen(players, d):
                raise ValueError(f"lime_tabular: the value of {name!r} at x is in no row of X, so no neighbour has it.")
        if self.discretizer is None and not self.sample_around_instance:
            warnings.warn(
                "lime_tabular draws around the column means, as lime does by default: slopes there can have the wrong sign "
                "at x; sample_around_instance=True draws around x",
                stacklevel=5,
            )

    def least(self, players: Players) -> int:
        return players.n_players + 2

    def ask(self, players: Players, budget: int, rng: np.random.Generator) -> Questions:
        assert isinstance(players, TablePlayers)  # else `check` has refused it
        hood = yield from self._hood(players)
        x = players.codes[[of[0] for of in players.columns]]
        drawn = self._drawn(hood, players, x, budget, rng)
        if drawn.values is None:
            (values,) = yield [drawn.question]
            if drawn.values is None:  # another input or method of the call may have been first
                drawn.values = values
                drawn.additive = Additive.of(hood, drawn.codes, drawn.bins, self._around(hood, x), values)
        coding = Coding.of(hood, x, drawn.codes, drawn.bins)
        found = self.conclude(hood, x, coding, drawn)
        named = zip(hood.columns, players.names, x.tolist(), strict=True)
        found.columns["rule"] = np.array([column.rule(name, code) for column, name, code in named], dtype=object)
        if coding.unknown.any():
            rare = [rule for rule, unknown in zip(found.columns["rule"], coding.unknown, strict=True) if unknown]
            found.notes["undrawn"] = rare
            warnings.warn(
                f"lime_tabular: of {budget} drawn rows none parts {', '.join(rare)} from its opposite, so its coefficient "
                "is not known (0, with an infinite error); ask for a larger budget",
                stacklevel=2,
            )
        labelled = players.common.get((self._drawing, "labelled"))
        counted = {} if labelled is None else {"rows of X for entropy bins": beside_ends(labelled[2], players)}
        if self.shared_draws or counted:
            found.notes["rows_once_a_call"] = {drawn.name: budget} | counted
        if self.shared_draws:
            found.notes["errors_in_common"] = True
        return found

    def _drawn(self, hood: Neighbourhood, players: TablePlayers, x: Floats, budget: int, rng: np.random.Generator) -> _Drawn:
        """The neighbourhood of a row: one for all rows, or for all methods of the call that draw alike around this one."""
        if self.shared_draws:
            kept, name, rng = players.common, "shared neighbourhood", players.stream()
        else:
            # held by the generators that read it, so that no more are kept than a block of inputs needs
            kept = players.common.setdefault((self._drawing, "drawn"), WeakValueDictionary())
            name = f"drawn around {hashlib.sha256((x + 0.0).tobytes()).hexdigest()[:16]}"
        key = (self._drawing, budget, name)
        found: _Drawn | None = kept.get(key)
        if found is None:
            codes, bins = hood.draw(self._around(hood, x), budget, rng)
            found = kept[key] = _Drawn(name, codes, bins, _question(players, hood, codes))
        return found

    @property
    def drawn_alone(self) -> bool:
        """True if every row has draws of its own."""
        return not self.shared_draws

    @property
    def _drawing(self) -> tuple[Any, ...]:
        return ("lime_tabular", self.discretizer, self.sample_around_instance)

    def _hood(self, players: TablePlayers) -> Generator[Sequence[Question], list[Floats], Neighbourhood]:
        """How the table's columns are drawn, learnt once a call."""
        key = (self._drawing, "columns")
        labels = None
        if self.discretizer == "entropy" and key not in players.common:
            rows, question, _ = once(players.common, (self._drawing, "labelled"), lambda: _labelled(players))
            (answers,) = yield [question]
            labels = rows, answers
        if key not in players.common:
            players.common[key] = Neighbourhood.of([self._column(players, of[0], labels) for of in players.columns])
        found: Neighbourhood = players.common[key]
        return found

    def _column(self, players: TablePlayers, d: int, labels: tuple[Ints, Values] | None) -> Column:
        counted = players.data_weights > 0
        values, weight = players.data[counted, d], players.data_weights[counted]
        levels, whole = players.levels[d], bool(players.whole_numbers[d])
        if levels is not None:
            return neighbourhoods.level_column(values, weight, levels)
        if self.discretizer is None:
            return neighbourhoods.gaussian_column(values, weight, whole)
        if labels is not None:
            edges = _entropy_edges(players.data[labels[0], d], labels[1], players.data_weights[labels[0]])
        else:
            edges = neighbourhoods.quantile_edges(values, weight, self.discretizer)
        return neighbourhoods.binned_column(values, weight, edges, whole)

    def _around(self, hood: Neighbourhood, x: Floats) -> Floats:
        return x if self.sample_around_instance else hood.mean

    def conclude(self, hood: Neighbourhood, x: Floats, coding: Coding, drawn: _Drawn) -> Estimate:
        """What the answers at drawn rows say of the row x (P,), in codes, as which the rows are coded."""
        assert drawn.values is not None
        values, additive = drawn.values, drawn.additive
        width = float(self.kernel_width or 0.75 * np.sqrt(len(x)))

        def fit(at: float, errors: bool = True) -> LocalFit:
            if self.model_regressor is not None:
                return fit_regressor(self.model_regressor, coding.design.T, coding.weight(at), values)
            assert additive is not None
            known = additive.slopes(coding.own, x, self._around(hood, x), at)[coding.live]
            return fit_weighted(
                coding.design, coding.weight(at), values, known, additive.residual, additive.n_terms, errors=errors
            )

        found = fit(width)
        if found.effective < FEWEST_EFFECTIVE * (coding.live.sum() + 1):
            warnings.warn(
                f"effective sample {found.effective:.0f} of {len(values)} drawn rows for {coding.live.sum() + 1} "
                "coefficients; take a wider kernel or a larger budget",
                stacklevel=2,
            )
        estimate = self._estimate(hood, coding, found, values, width)
        if self.profile:
            widths = [multiple * width for multiple in self.profile]
            estimate.notes["profile"] = [_read(coding, at, fit(at, errors=False)) for at in widths]
        return estimate

    def _estimate(self, hood: Neighbourhood, coding: Coding, fit: LocalFit, values: Values, width: float) -> Estimate:
        n_players, n_outputs = len(coding.live), values.shape[1]
        slopes, errors = np.zeros((2, n_players, n_outputs))
        slopes[coding.live], errors[coding.live] = fit.slopes, fit.stderr
        errors[coding.unknown] = np.inf
        notes: dict[str, Any] = {
            "kernel_width": width, "effective_sample": fit.effective, "r2": fit.r2.tolist(), "drawn_rows": len(values),
        }  # fmt: skip
        if self.feature_selection != "none":
            kept = np.zeros_like(slopes, dtype=bool)
            kept[coding.live] = selected(
                self.feature_selection, self.n_features, coding.design.T, coding.weight(width), values,
                fit.slopes * coding.lift[coding.live, None],
            )  # fmt: skip
            notes["selected"] = [np.flatnonzero(kept[:, k]).tolist() for k in range(n_outputs)]
            slopes = np.where(kept, slopes, 0.0)
        floor = ROUNDING * np.abs(values).max(axis=0, initial=0.0)
        lift, unit = coding.lift[:, None], hood.unit[:, None]
        shown = {"coefficient": slopes / unit, "coefficient_stderr": errors / unit}
        stderr = np.maximum(errors * np.abs(lift), floor) if fit.df > 0 else np.full_like(errors, np.inf)
        return independent(slopes * lift, stderr, fit.df, notes=notes, columns=shown)


def _seen(players: TablePlayers, d: int) -> set[float | None]:
    """The codes of a column that rows of X have, None for missing values; looked for once a call."""
    return once(
        players.common, ("lime_tabular", "seen", d),
        lambda: {None if np.isnan(v) else v for v in np.unique(players.data[players.data_weights > 0, d]).tolist()},
    )  # fmt: skip


def _labelled(players: TablePlayers) -> tuple[Ints, Rows, set[int]]:
    """Numbers of the rows of X whose answers the entropy bins are fitted to, the question that they are, and their words."""
    there = np.flatnonzero(players.data_weights)
    rows = np.sort(players.stream().choice(there, min(ENTROPY_ROWS, len(there)), replace=False))
    return rows, Rows(players.data[rows]), words_of(players.data[rows])


def _read(coding: Coding, width: float, fit: LocalFit) -> dict[str, Any]:
    """What a profile tells of another kernel width: the values (P, K), and what they are worth."""
    values = np.zeros((len(coding.live), fit.slopes.shape[1]))
    values[coding.live] = fit.slopes * coding.lift[coding.live, None]
    return {"kernel_width": width, "values": values, "effective_sample": fit.effective, "r2": fit.r2.tolist()}


def _question(players: TablePlayers, hood: Neighbourhood, codes: Codes) -> Rows:
    """Drawn columns (P, n), in the players' order, as rows of the table. Rows with a drawn number are like no others."""
    order, found = [of[0] for of in players.columns], codes
    if order != sorted(order):
        found = np.empty_like(codes)
        found[order] = codes
    # a missing value comes again, and so does the one value of a bin
    drawn = hood.live & ((hood.placed > 0) | (hood.share == 0)).all(axis=1)
    return Rows(found.T, fresh=bool((drawn & (players.numeric & ~players.whole_numbers)[order]).any()))


def _entropy_edges(values: Floats, answers: Values, weight: Weights) -> Floats:
    """Inner edges of a tree of depth 3 on one column: of the likeliest class by entropy, of one output by squared error."""
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

    there = ~np.isnan(values)
    if not there.any():
        return np.zeros(0)
    if answers.shape[1] > 1:
        tree = DecisionTreeClassifier(criterion="entropy", max_depth=ENTROPY_DEPTH, random_state=0)
        target = answers.argmax(axis=1)
    else:
        tree, target = DecisionTreeRegressor(max_depth=ENTROPY_DEPTH, random_state=0), answers[:, 0]
    grown = tree.fit(values[there, None], target[there], sample_weight=weight[there]).tree_
    return np.unique(grown.threshold[grown.children_left != grown.children_right])
