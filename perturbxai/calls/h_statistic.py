"""h_statistic(): how much of what columns do they do together, on the data points themselves (Friedman's H squared)."""

from collections.abc import Sequence
from dataclasses import fields
from itertools import combinations

import numpy as np

from perturbxai.calls.arguments import AnyModel, AnySpace, asked
from perturbxai.calls.crew import asked_by
from perturbxai.calls.distinct_rows import OnceEach
from perturbxai.calls.effect_jobs import Feature, Job, at_all_points, key_of, rounds
from perturbxai.calls.effects import read_features, weighted_rows
from perturbxai.calls.grids import Drawn, draw_rows, order_by_value
from perturbxai.calls.record import FIRST_ROW, Record
from perturbxai.calls.workers import check_n_jobs
from perturbxai.core import checks
from perturbxai.core.deprecated import renamed
from perturbxai.core.stopping import keeping
from perturbxai.core.types import Data, Features, Floats, Ints, Outputs
from perturbxai.estimation.curves.partial_means import GROUPS, PartialMeans, Shared, of_column, of_pair, spread_of
from perturbxai.game.game import Game
from perturbxai.game.table_asker import TableAsker
from perturbxai.inputs.spaces import TabularSpace
from perturbxai.models.plan import Gridded
from perturbxai.results.h_statistic import HStatistic
from perturbxai.sampling.streams import Streams

LEAST_ROWS = 4
RANKINGS = ("pdp", "total")


@renamed(rows="data_rows")
def h_statistic(
    predictor: AnyModel,
    space: AnySpace,
    x: Data,
    *,
    features: Features | None = None,
    top: int = 5,
    rank: str = "pdp",
    outputs: Outputs | None = None,
    data_rows: int = 200,
    limit: int = 2_000_000,
    seed: int = 0,
    n_jobs: int | None = None,
) -> HStatistic:
    """How much columns interact: H squared of Friedman & Popescu, "Predictive learning via rule ensembles" (2008).

    On drawn rows themselves, not on a grid, which would give points without data the weight of the data.

    predictor  the model, or px.Predictor(model) with its options
    space      X or px.TabularSpace(X): the table's columns; its weights count where x is the table of the space
    x          the data (N, D)
    features   names or numbers of columns, or pairs of them in tuples; None means each column that varies. Every column is
               set against all others. Pairs are those that are named, else all of the `top` most important columns
    top        of how many columns all pairs are asked; 0 for none
    rank       what makes a column important: "pdp", the deviation over the rows of its partial dependence; "total", that of
               the model less the partial dependence on all others, so also of what a column does only together with
               others. As a share of the output's deviation, at the output where it is largest; known without further rows
    outputs    names or numbers; None means all up to 20, else the five highest at the first row drawn
    data_rows  how many rows of x are drawn, for the points and for the means over rows alike
    limit      refuse what may ask more model rows than this; the refusal tells the number, so that limit=0 is a question of
               cost: what it would be if no two questions shared a row
    seed       of the draw of rows, whatever their order in x, and of the groups behind errors
    n_jobs     workers who ask the model, each some of the rows; see `explain`

    Cost: a column, or pair, with T distinct values among the n drawn rows takes n T model rows, n squared at most, and less
    where rows are the same: each distinct row is asked once a call. What is asked of a column serves all its pairs, and its
    value against all others. Memory holds, of each column, means over 20 groups of rows at each point, not rows x points;
    and the answers that are wanted again, about 50 to 100 bytes each at one output (of rows x points as many as questions
    about different columns share; where pairs are chosen by rank, all that was asked of columns).

    Where the model has no interaction the effects cancel row by row: H squared is rounding, however few the rows. What few
    rows bring by themselves (an interaction with a third column that does not average out, a rough model) is told by `floor`
    and `threshold`: how far the means over groups of rows lie apart, as it would add up without an interaction. They cost no
    model row. What a model has learned of noise is an interaction of that model, and no question to it tells otherwise.

    Returns an HStatistic. Raises ValueError or TypeError, before the model is asked, for unknown, constant or repeated
    columns, for fewer than 4 rows, and beyond `limit`; ModelError if the model fails on the way, with what was finished
    in `partial`.

    >>> import numpy as np, perturbxai as px
    >>> X = np.array([[a, b, c] for a in (-1, 1) for b in (-1, 1) for c in (-1, 1)], dtype=float)
    >>> predictor = px.Predictor(lambda X: X[:, 0] + X[:, 1] + X[:, 0] * X[:, 1])
    >>> found = px.h_statistic(predictor, px.TabularSpace(X), X, features=[(0, 1)])
    >>> found.features, found.values[:, 0].round(3).tolist()
    (('x0', 'x1', ('x0', 'x1')), [0.333, 0.333, 0.333])
    """
    predictor, space = asked(predictor, space)
    if not isinstance(space, TabularSpace):
        raise TypeError(f"space is {type(space).__name__}; H squared is of tables: build px.TabularSpace(X) first.")
    n_rows = checks.whole("data_rows", data_rows, LEAST_ROWS)
    top, limit = checks.whole("top", top), checks.whole("limit", limit)
    checks.one_of("rank", rank, RANKINGS)
    streams, n_jobs = Streams(checks.seed(seed)), check_n_jobs(n_jobs)
    codes = space.columns.encode(x, "x")
    wanted = read_features(features, space, codes)
    codes, weight = weighted_rows(space, codes)
    drawn = draw_rows(codes, weight, n_rows, streams.of_call("rows"), order_by_value(codes, weight))
    if len(drawn.codes) < LEAST_ROWS:
        raise ValueError(
            f"x has {len(drawn.codes)} row(s) of any weight; H squared is a variance over rows, give {LEAST_ROWS}."
        )
    label = space.columns.row_labels(x, len(codes))[drawn.row[0]]
    game = Game(predictor, space, space.columns.decode(drawn.codes[:1]), outputs, label=label)
    call = _Call(game, streams, drawn, wanted, top, rank)
    call.check(limit)
    with predictor.watched("h_statistic"), asked_by(predictor, n_jobs) as n_workers:
        return call.run(n_workers)


class _Call:
    """One call: first the columns, then the pairs.

    place, points  by column: the number of each drawn row's value (n,), and the distinct values (T,)
    """

    def __init__(
        self, game: Game, streams: Streams, drawn: Drawn, wanted: Sequence[Feature], top: int, rank: str
    ) -> None:  # fmt: skip
        self.game, self.space = game, game.table
        self.streams, self.drawn, self.rank = streams, drawn, rank
        n_rows = len(drawn.codes)
        self.group = streams.of_call("groups of rows").permutation(n_rows) % min(GROUPS, n_rows)
        self.columns = list(dict.fromkeys(c for feature in wanted for c in feature))
        pairs: dict[frozenset[int], Feature] = {}
        for feature in wanted:
            if len(feature) == 2:
                pairs.setdefault(frozenset(feature), feature)  # once, whichever of its columns is named first
        self.named = list(pairs.values())
        self.top = 0 if self.named else min(top, len(self.columns))
        distinct = {c: np.unique(drawn.codes[:, c], return_inverse=True) for c in self.columns}
        self.points = {c: points for c, (points, _) in distinct.items()}
        self.place = {c: place for c, (_, place) in distinct.items()}
        self.found: dict[Feature, Shared] = {}
        self.tables: dict[int, PartialMeans] = {}
        self.importance: dict[int, Floats] = {}
        self.share: dict[int, float] = {}
        self.record = Record(game, streams.seed)

    def check(self, limit: int) -> None:
        """Refuse what may cost more model rows than the limit; of pairs that are not known yet, the dearest."""
        n_rows = len(self.drawn.codes)
        sizes = [len(self.points[c]) for c in self.columns]
        of_pairs = [len(self._where(pair)[1]) for pair in self.named]
        if self.top:
            most = np.sort(sizes)[::-1][: self.top]
            of_pairs = np.minimum(np.outer(most, most), n_rows)[np.triu_indices(self.top, 1)].tolist()
        self.cost = cost = 1 + n_rows * (sum(sizes) + sum(of_pairs))
        if cost > limit:
            raise ValueError(
                f"h_statistic would ask up to {cost:,} model rows, more than limit={limit:,}: "
                f"for {len(sizes)} column(s) and {len(of_pairs)} pair(s), each of {n_rows} drawn rows at the values of all. "
                "Take fewer data_rows= (the cost falls with their square), features= or top=, or raise limit=."
            )

    def run(self, n_workers: int) -> HStatistic:
        """Ask, gather, conclude. Whatever stops it: finished columns and pairs are in the exception's `partial`."""
        with keeping(lambda: self._result() if self.found else None):
            asker = self.game.learn()
            assert isinstance(asker, TableAsker)
            once = OnceEach(asker, self.drawn, self.cost, n_workers)
            alone: list[Feature] = [(c,) for c in self.columns]
            once.expect(None if self.top > 1 else [self._piece(one) for one in (*alone, *self.named)])
            self._ask(alone, once)
            if self.top > 1:
                leading = sorted(self.columns, key=lambda c: -self.share[c])[: self.top]
                self.named = list(combinations([c for c in self.columns if c in leading], 2))
                once.expect([self._piece(one) for one in self.named])
            self._ask(self.named, once)
        return self._result()

    def _ask(self, features: Sequence[Feature], once: OnceEach) -> None:
        for jobs in rounds(self._job(feature, len(once.columns)) for feature in features):
            try:
                once.run(jobs)
            finally:
                for job in jobs:
                    if job.done and job.piece is not None:
                        self._conclude(tuple(job.piece.columns.tolist()), job.tables[None])

    def _where(self, feature: Feature) -> tuple[Ints, Floats]:
        """The point that each drawn row stands at (n,), and the distinct points (T, C)."""
        if len(feature) == 1:
            return self.place[feature[0]], self.points[feature[0]][:, None]
        a, b = feature
        both, place = np.unique(self.place[a] * len(self.points[b]) + self.place[b], return_inverse=True)
        first, second = np.divmod(both, len(self.points[b]))
        return place, np.stack([self.points[a][first], self.points[b][second]], axis=1)

    def _piece(self, feature: Feature) -> Gridded:
        return at_all_points(self.drawn, np.array(feature), self._where(feature)[1])

    def _job(self, feature: Feature, n_outputs: int) -> Job:
        place, points = self._where(feature)
        table = PartialMeans(place, self.drawn.weight, self.group, len(points), n_outputs, len(feature) == 1)
        return Job(key_of(feature, self.space), (), self._piece(feature), True, {None: table}, {})

    def _conclude(self, feature: Feature, table: PartialMeans) -> None:
        rng = self.streams.of_call("noise of h")  # the same for all, so that none depends on what else is asked
        if len(feature) == 2:
            a, b = (self.tables[c] for c in feature)
            self.found[feature] = of_pair(table, a, b, rng)
            return
        (c,) = feature
        self.found[feature] = of_column(table, rng)
        alone = table.mean_at_rows() if self.rank == "pdp" else table.own - table.mean_of_others()
        self.importance[c] = np.sqrt(spread_of(alone, table.weight))
        spread = self.found[feature].spread
        self.share[c] = float((self.importance[c] / np.where(spread > 0, spread, np.inf)).max())
        self.tables[c] = table.without_others()

    def _result(self) -> HStatistic:
        meta = self.record.meta(self.game.inputs[0], self.record.rows, {FIRST_ROW: 1}) | {
            "name": "h_statistic", "drawn_rows": len(self.drawn.codes), "rank": self.rank,
            "groups": int(self.group.max()) + 1,
        }  # fmt: skip
        self.record.close([meta])
        features = sorted(self.found, key=len)
        n_outputs = len(self.game.outputs)

        def stacked(parts: Sequence[Floats]) -> Floats:
            return np.array(parts).reshape(-1, n_outputs)

        arrays = {f.name: stacked([getattr(self.found[one], f.name) for one in features]) for f in fields(Shared)}
        importance = stacked([self.importance[c] for c in self.columns if c in self.importance])
        return HStatistic(
            tuple(key_of(one, self.space) for one in features), self.game.outputs, importance=importance, meta=meta, **arrays
        )  # fmt: skip
