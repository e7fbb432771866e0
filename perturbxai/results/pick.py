"""submodular_pick(): a few explained rows that together show the most of what matters (SP-LIME)."""

import warnings
from dataclasses import dataclass

import numpy as np

from perturbxai.core import checks
from perturbxai.core.deprecated import renamed
from perturbxai.core.outputs import select_outputs
from perturbxai.core.types import Bools, Floats, Frame, Ints
from perturbxai.core.wording import count, listed, word
from perturbxai.results import describing, notebook
from perturbxai.results.explanation import Attribution
from perturbxai.results.tidy import Tidy

ROUNDING = 8 * np.finfo(np.float64).eps  # a value that is no more than this part of its row's largest is none
TIE = 1e-12  # of all importance: gains that differ by less are sums of the same numbers, in another order
SHOWN = 10  # features that an explanation shows at most, as lime's


@renamed(rows="numbers")
@dataclass(frozen=True, eq=False)
class Pick(Tidy):
    """Rows that were picked, in order, and what each of them adds.

    numbers     (n,) which rows of the result these are;  picked: the Attribution of these rows, in that order
    gained      (n,) what each row adds: the share of the summed `importance` of the components that it is the first to show
    importance  (C,) of each component: the square root of the sum of its |values| over all rows
    components  (C,) names of what rows show: features, or rules
    shows       (n, C) bool: which components each picked row shows
    """

    numbers: Ints
    picked: Attribution
    gained: Floats
    importance: Floats
    components: tuple[str, ...]
    shows: Bools

    def __repr__(self) -> str:
        adds = zip(self.picked, self.gained, strict=True)
        picks = [f"{word(one.label, 24)} (adds {100 * share:.0f} %)" for one, share in adds]
        share = f"{100 * self.gained.sum():.0f} % of all importance"
        return f"<Pick of {count(len(self.picked), 'row')} that show {share}: {listed(picks, 5, 50)}>"

    def _repr_html_(self) -> str:
        return notebook.table("Pick", [count(len(self.picked), "row")], self.to_frame())

    def describe(self) -> str:
        """Which rows were picked and what each adds in words, a sentence a line."""
        return "\n".join(describing.of_pick(self))

    @property
    def coverage(self) -> Floats:
        """(n,): the share of all importance that the rows up to each show together."""
        return np.asarray(np.cumsum(self.gained))

    def to_frame(self) -> Frame:
        """A line for each pick: its row's label and number, what it adds, and the components that it is the first to show,
        the most important one first."""
        import pandas as pd

        before: Ints = np.cumsum(self.shows, axis=0) - self.shows
        by_importance = np.argsort(-self.importance, kind="stable")
        new = self.shows & (before == 0)
        first = [", ".join(self.components[c] for c in by_importance if line[c]) for line in new]
        labels = pd.Series([one.label for one in self.picked], dtype=object)  # a label may be a tuple
        columns = {"row": labels, "number": self.numbers, "gained": self.gained, "coverage": self.coverage}
        return pd.DataFrame(columns | {"first to show": first})


@renamed(by="components")
def submodular_pick(
    result: Attribution,
    n: int,
    *,
    output: str | int | None = None,
    n_features: int | None = None,
    components: str = "feature",
) -> Pick:
    """A few of the explained rows that together show as much as possible of what matters over all of them.

    The submodular pick of Ribeiro, Singh & Guestrin, "Why should I trust you?" (2016): with W_ij the size of component j in
    the explanation of row i, a component's importance is I_j = sqrt(sum_i W_ij), and rows are added one at a time, each the
    one that adds most to the summed importance of the components with W_ij > 0 in some picked row. That reaches at
    least 1 - 1/e of what the best n rows could. Of rows that add alike (as all do once everything is shown) the one
    with the largest sum_j W_ij goes first, then the one that comes first.

    result      an Attribution of several rows of a table, by any method
    n           how many rows to pick
    output      name or number; None sums the sizes over all outputs
    n_features  how many components a row shows, those of the largest size; None for a third of the features, 10 at most.
                Few methods give a feature the value 0, and a row that shows all features would be enough
    components  what a row shows: "feature"; with lime_tabular also "rule", so that "3.2 < age <= 5" and "age > 5" are two,
                as in lime

    Nothing here is random: to explain a sample of a large table, draw it with a generator of your own.
    Raises TypeError for what is no Attribution; ValueError for pictures, whose superpixels are not the same features, for
    more rows than there are, and for an unknown output or option. Warns if all is shown before the last pick.

    >>> import numpy as np, perturbxai as px
    >>> X = np.random.default_rng(0).normal(size=(200, 6))
    >>> rows = np.random.default_rng(1).choice(200, 30, replace=False)
    >>> predictor = px.Predictor(lambda X: np.where(X[:, 0] > 0, X[:, 1], X[:, 2]))
    >>> found = px.explain(["kernel_shap"], predictor, px.TabularSpace(X, background=20), X[rows])["kernel_shap"]
    >>> pick = px.submodular_pick(found, 2)
    >>> len(pick.picked), bool(pick.coverage[-1] > 0.9)
    (2, True)
    """
    _check(result, n, n_features, components)
    size = np.abs(result.values)
    column = None if output is None else int(select_outputs([output], result.outputs)[0])
    sizes = size.sum(axis=2) if column is None else size[:, :, column].copy()  # (N, P)
    sizes[sizes <= ROUNDING * sizes.max(axis=1, keepdims=True)] = 0.0
    count = min(SHOWN, -(-sizes.shape[1] // 3)) if n_features is None else n_features
    hidden = np.argsort(-sizes, axis=1, kind="stable")[:, count:]
    np.put_along_axis(sizes, hidden, 0.0, axis=1)
    names = result.names
    if components == "rule":
        sizes, names = _by_rule(result, sizes)
    importance = np.sqrt(sizes.sum(axis=0))
    rows, gained = greedy(sizes, importance, int(n))
    total = importance.sum()
    if gained[-1] <= TIE * total:
        warnings.warn(
            f"the first {int((gained > TIE * total).sum())} of {n} picks show all that the {len(sizes)} rows show, and the "
            "others add nothing; take fewer n_features"
            + ("" if components == "rule" else ", or with lime_tabular components='rule'"),
            stacklevel=3,  # past `renamed`
        )
    picked = Attribution(tuple(result[int(row)] for row in rows), result.meta)
    return Pick(rows, picked, gained / max(total, 1e-300), importance, names, sizes[rows] > 0)


def greedy(sizes: Floats, importance: Floats, n: int) -> tuple[Ints, Floats]:
    """Numbers (n,) of the rows that are picked one after the other, and the importance (n,) that each adds.

    sizes (N, C), not negative;  importance (C,)
    """
    shows, weight = sizes > 0, sizes.sum(axis=1)
    left, uncovered = np.ones(len(sizes), dtype=bool), np.ones(len(importance), dtype=bool)
    rows, gained = np.empty(n, dtype=np.int64), np.empty(n)
    for step in range(n):
        gain = np.where(left, (shows & uncovered) @ importance, -1.0)
        alike = np.flatnonzero(left & (gain >= gain.max() - TIE * importance.sum()))
        best = int(alike[np.argmax(weight[alike])])
        rows[step], gained[step] = best, gain[best]
        left[best] = False
        uncovered &= ~shows[best]
    return rows, gained


def _check(result: object, n: object, n_features: object, components: object) -> None:
    """Refuse what cannot be picked from."""
    if not isinstance(result, Attribution):
        raise TypeError(
            f"submodular_pick got {type(result).__name__}; expected an Attribution, one method's result of explain()."
        )
    if any(np.ndim(one) > 1 for one in result.inputs):
        raise ValueError("submodular_pick: superpixels of different pictures are not the same features; explain a table.")
    checks.whole("n", n, 1, most=len(result), of="rows", way=f" to the {len(result)} that are explained")
    if n_features is not None:
        checks.whole("n_features", n_features, 1, way=", or None")
    checks.one_of("components", components, ("feature", "rule"))
    if components == "rule" and any("rule" not in one.columns for one in result):
        raise ValueError('components="rule" needs rules, which lime_tabular alone gives; explain with it, or leave it out.')


def _by_rule(result: Attribution, sizes: Floats) -> tuple[Floats, tuple[str, ...]]:
    """Sizes (N, C) with a column for each rule that some row shows, and the rules."""
    row, feature = np.nonzero(sizes)
    rules = np.array([one.columns["rule"] for one in result], dtype=object)[row, feature]
    number = {rule: at for at, rule in enumerate(dict.fromkeys(rules.tolist()))}
    found = np.zeros((len(sizes), len(number)))
    found[row, [number[rule] for rule in rules]] = sizes[row, feature]
    return found, tuple(number)
