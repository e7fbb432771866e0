"""One call of explain(): what each method asks of each input, in blocks of inputs."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import Any, Self

import numpy as np

from perturbxai.calls import purse
from perturbxai.calls.adaptive import Adaptive
from perturbxai.calls.arguments import default_budget
from perturbxai.calls.work import Work
from perturbxai.core import catalogue, returned
from perturbxai.core.evaluations import Design, Estimate, Evaluations, Law, once
from perturbxai.core.methods import Asking, Explainer, FromCoalitions
from perturbxai.core.questions import Players, TablePlayers
from perturbxai.core.types import Ints
from perturbxai.game.game import MANY_OUTPUTS, Game
from perturbxai.inputs.background import row_controls
from perturbxai.inputs.spaces import ImageInput, Input, TabularSpace
from perturbxai.models.device import check_room
from perturbxai.sampling.coalitions import check_cells, least_budget
from perturbxai.sampling.streams import Streams

ROWS_AT_ONCE = 1 << 18  # model rows of a block of inputs: enough for full batches, few enough to hold their tables
DRAWN_AT_ONCE = 1 << 15  # the same where all are drawn for one input: two full batches, so that they are still in the cache


@dataclass
class Call:
    """What a call of explain() asks of each input: methods of coalitions one table together, others questions of their own.

    asked_budget, asked_rows, tol, design  as `explain` has them, None where nobody said
    """

    named: Mapping[str, Explainer]
    game: Game
    seed: int
    asked_budget: int | None
    asked_rows: int | None = None
    tol: float | None = None
    design: str = "drawn"

    def __post_init__(self) -> None:
        self.kind = "table" if isinstance(self.game.space, TabularSpace) else "image"
        self.streams = Streams(self.seed)
        self.common: dict[Any, Any] = {}
        self._laws: dict[int, dict[str, Law]] = {}
        named = self.named.items()
        self.by_law = {k: m for k, m in named if isinstance(m, FromCoalitions) and self.kind in m.law_on}
        self.asking = {k: m for k, m in named if isinstance(m, Asking) and k not in self.by_law}
        wanted = {key: method.wanted for key, method in self.by_law.items()}
        self.adaptive = Adaptive(self.streams, wanted) if self.design == "adaptive" else None
        self.numbers = dict.fromkeys(self.by_law, 0) | {key: number for number, key in enumerate(self.asking, 1)}

    @property
    def on_cells(self) -> bool:
        """True if coalitions are asked on single background rows; where there is one, a row is a coalition."""
        return self.asked_rows is not None and len(self.game.table.background) > 1

    def budget(self, n_players: int, method: Asking | None = None) -> int:
        """Coalitions an input, or what a method with questions of its own may ask."""
        if self.asked_rows is not None:
            return self.asked_rows
        if self.asked_budget is not None:
            return self.asked_budget
        if method is not None and method.default_budget is not None:
            return method.default_budget
        plain = default_budget(self.game.space, n_players)
        whole = 0 if method is not None else max((m.lists_up_to for m in self.by_law.values()), default=0)
        return max(plain, 2**n_players) if n_players <= whole else plain

    def laws(self, n_active: int) -> dict[str, Law]:
        def told() -> dict[str, Law]:
            return {key: returned.law(key, method.law(n_active), n_active) for key, method in self.by_law.items()}

        return once(self._laws, n_active, told)

    def estimate(self, key: str, table: Evaluations) -> Estimate:
        """What a method of coalitions concludes."""
        found = self.by_law[key].estimate(table)
        return returned.estimate(key, found, table.design.n_players, len(table.full))

    def players(self, number: int, method: Asking) -> Players:
        """What a generator may know of an input: its active players, or all if it asks for them."""
        one, affordable = self.game.inputs[number], partial(purse.affordable_of, self.game)
        if isinstance(one, ImageInput):
            names = tuple(one.names[p] for p in one.active)
            return Players(
                self.kind, names, self.common, lambda: self.streams.of_call("rows"), everyone=one.names,
                regions=one.regions, labels=one.labels, affordable=affordable,
            )  # fmt: skip
        space, chosen = self.game.table, looked_at(one, method)
        columns = tuple(space.columns_of[p] for p in chosen)
        return TablePlayers(
            self.kind, tuple(one.names[p] for p in chosen), self.common, lambda: self.streams.of_call("rows"), one.names,
            data=space.codes, data_weights=space.weights, background=space.background,
            background_weights=space.background_weights, codes=one.codes, columns=columns, numeric=space.columns.numeric,
            whole_numbers=space.columns.whole_numbers, levels=space.columns.levels, ordered=space.columns.ordered,
            missing_codes=space.columns.missing_codes, owner=space.player_of_column,
            drawn=space.meta["choose"] != "all", affordable=affordable,
        )  # fmt: skip

    def check(self) -> None:
        """Everything that can be known without the model."""
        for key in self.named:
            if key not in self.numbers:
                raise ValueError(f"{key} takes no {self.kind}: its law is of others, and it asks no questions of its own.")
        if self.tol is not None and self.asking:
            raise ValueError(
                f"tol={self.tol} stops tables of coalitions, but {', '.join(self.asking)} asks questions of its own; "
                "give it a call without tol."
            )
        if self.adaptive is not None:
            self.adaptive.check(self.game, self.budget)
        for sizes in dict.fromkeys((len(one.active), self.budget(len(one.names))) for one in self.game.inputs):
            self._check_table(*sizes)
        for number, one in enumerate(self.game.inputs):
            for key, method in self.asking.items():
                players = self.players(number, method)
                method.check(players)
                budget, least = self.budget(len(one.names), method), method.least(players)
                if budget < least:
                    raise ValueError(
                        f"budget={budget} is below the {least} {method.asks} that {key} needs at "
                        f"{players.n_players} players. Ask for budget={least} or more, or for fewer players."
                    )

    def check_outputs(self) -> None:
        """What the first row of the model tells."""
        if self.adaptive is not None:
            self.adaptive.check_outputs(len(self.game.outputs))

    def _check_table(self, n_active: int, budget: int) -> None:
        """Whether the budget holds what the methods of coalitions need, and the machine what they conclude from."""
        laws = list(self.laws(n_active).values())
        if self.on_cells:
            n_base = len(self.game.table.background)
            check_cells(laws, n_active, budget - 1, n_base)
            check_room(self.by_law, n_active, min(budget, 2**n_active * n_base), on_cells=True)
            return
        least = least_budget(laws, n_active) if laws else 0
        if budget < least:
            what = "budget" if self.asked_rows is None else "rows"  # on one background row they are the same
            shown = least if least < 2**50 else f"2^{least.bit_length() - 1}"
            raise ValueError(
                f"{what}={budget} is below the {shown} coalitions that {', '.join(self.by_law)} need together at "
                f"{n_active} players. Ask for {what}={shown} or more, or merge players into groups."
                + "".join(law.remedy for law in laws)
            )
        check_room(self.by_law, n_active, min(budget, 2**n_active), on_cells=False)

    def about(self, game: Game) -> Self:
        """The same call about the inputs of another game."""
        return replace(self, game=game)

    def blocks(self, numbers: Sequence[int]) -> Iterator[Sequence[int]]:
        """These numbers of inputs, so many together that their rows fill batches and their tables do not pile up."""
        widest = max(len(one.names) for one in self.game.inputs)
        per_line = len(self.game.table.background) if self.kind == "table" and not self.on_cells else 1
        rows = self.budget(widest) * per_line if self.by_law else per_line
        for method in self.asking.values():
            rows += self.budget(widest, method) * (per_line if method.asks == "coalitions" else 1)
        drawn = self.kind == "table" and not self.by_law and all(m.drawn_alone for m in self.asking.values())
        # answers of many outputs are held as well as rows
        step = max(1, (DRAWN_AT_ONCE if drawn else ROWS_AT_ONCE) // max(1, rows * max(1, len(self.game.outputs) // 4)))
        for start in range(0, len(numbers), step):
            yield numbers[start : start + step]

    def work(self, number: int) -> Work:
        """What is asked of one input."""
        one = self.game.inputs[number]
        n_active = len(one.active)
        work = Work(number, n_active, self.streams.order(n_active, one.digest), numbers=self.numbers)
        if self.by_law:
            if self.on_cells:
                self._give_cells(work, one)
            else:
                work.stages = self._stages(n_active, self.budget(len(one.names)), None)
            work.adaptive = self.adaptive is not None
            work.wants_spread = any(m.wants_spread for m in self.by_law.values())
            few = len(self.game.outputs) <= MANY_OUTPUTS
            work.wants_groups = few and any(m.wants_groups for m in self.by_law.values())
        for key, method in self.asking.items():
            rng = self.streams.of_input(one.digest, catalogue.key_of(method))
            budget = self.budget(len(one.names), method)
            asked = method.ask(self.players(number, method), budget, rng)
            work.generators[key] = returned.conversation(key, asked, n_active, budget)
        return work

    def _give_cells(self, work: Work, one: Input) -> None:
        """The design of a table of cells, or the list of all coalitions where the rows hold it."""
        space, n_base = self.game.table, len(self.game.table.background)
        work.stages = self._stages(work.n_active, self.budget(len(one.names)) - 1, n_base)
        if work.stages[-1].base is None:
            return
        work.bases = self.streams.bases(n_base, one.digest)
        columns = [space.columns_of[p] for p in one.active]
        work.controls = once(
            self.common, ("row controls", tuple(one.active.tolist())),
            lambda: row_controls(space.background, space.background_weights, columns, space.columns.numeric),
        )  # fmt: skip

    def _stages(self, n_active: int, budget: int, n_base: int | None) -> list[Design]:
        """The design that everything is asked of at once; with a tolerance, the designs that grow into it."""
        laws = self.laws(n_active)
        portfolio = tuple(laws), list(laws.values())
        if self.adaptive is not None:
            totals = self.adaptive.totals(n_active, budget, least_budget(portfolio[1], n_active), self.tol is not None)
            return self.streams.stages(*portfolio, n_active, budget, None, totals)
        if self.tol is None:
            return [self.streams.design(*portfolio, n_active, budget, n_base)]
        return self.streams.stages(*portfolio, n_active, budget, n_base)

    @property
    def more(self) -> Callable[[Work], bool]:
        """What `drive` takes."""
        return Work.next_stage if self.tol is None and self.adaptive is None else self._more

    def _more(self, work: Work) -> bool:
        """Whether an interval of a method is wider than the tolerance, for any output, and there is more to ask."""
        of = cache(lambda key: self.estimate(key, work.table))
        if self.tol is not None and all(within(of(key), self.tol) for key in self.by_law):
            return False
        one = self.game.inputs[work.number]
        if self.adaptive is not None:
            least = least_budget(list(self.laws(work.n_active).values()), work.n_active)
            work.choice = self.adaptive.choice(work, self.budget(len(one.names)), least, one.digest, map(of, self.by_law))
        return work.choice is not None or work.next_stage()


def looked_at(one: Input, method: Explainer) -> Ints:
    """Numbers of the players that a method concludes about; the others, whose absence changes nothing, get 0."""
    return np.arange(len(one.names)) if method.all_players else one.active


def within(estimate: Estimate, tol: float) -> bool:
    """Whether, for every output, the widest half of a simultaneous 95 % interval is at most tol times the values' range."""
    half = estimate.critical * estimate.stderr.max(axis=0, initial=0.0)
    return bool((half <= tol * np.ptp(estimate.values, axis=0)).all()) if len(estimate.values) else True
