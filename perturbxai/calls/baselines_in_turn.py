"""Inputs of a call of baselines() one after the other, each a step that may have been done before a run was stopped."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress

from perturbxai.baseline_methods.kinds import Baseline
from perturbxai.calls.baselines import Layers, prepared, run_here
from perturbxai.calls.baselines_call import LAID_ASIDE, SEARCHED, BaselinesCall
from perturbxai.calls.crew import asked_by
from perturbxai.calls.record import ENDS, NOTHING, Record
from perturbxai.calls.steps import Found, Step, a_step, name_of
from perturbxai.calls.workers import TASKS_A_WORKER
from perturbxai.core.stopping import keeping
from perturbxai.core.types import Inputs, Outputs
from perturbxai.inputs.spaces import ImageSpace, Space
from perturbxai.models.predictor import Predictor
from perturbxai.results.explanation import Attribution, Explanation

Parts = dict[str, Explanation]  # what the methods say of an input


class BaselinesInTurn:
    """A call of baselines() whose inputs are explained in groups: each picture by itself, rows of a table by the hundred.

    Each is asked in batches of its own, so that what is said of it hangs on no other. What workers share, some pictures for
    each at once, is kept picture by picture as well.
    """

    def __init__(self, call: BaselinesCall, step: Step, n_jobs: int | None, n_workers: int) -> None:
        self.call, self.step, self.n_jobs = call, step, n_jobs
        self.game = call.record.game
        self.pictures = isinstance(self.game.space, ImageSpace)
        self.at_once = TASKS_A_WORKER * n_workers if self.pictures and n_workers > 1 else 1  # groups
        self.ahead: dict[int, Parts] = {}  # by the number of the input: found, and not kept yet

    def run(self) -> None:
        """Explain all inputs. Whatever stops it leaves in the call what was found before."""
        self.call.found = [{} for _ in self.game.inputs]
        own = [number for number, first in enumerate(self.call.first_alike) if first == number]
        size = a_step(self.game.space)
        groups = [own[at : at + size] for at in range(0, len(own), size)]
        for at, numbers in enumerate(groups):
            coming = [number for group in groups[at : at + self.at_once] for number in group]
            name = name_of(numbers, [self.game.inputs[number] for number in numbers])
            found = self.step(name, lambda numbers=numbers, coming=coming: self._found(numbers, coming))  # type: ignore[misc]
            for place, number in enumerate(numbers):
                self._take(number, {key: result[place] for key, result in found.items()})

    def _found(self, numbers: Sequence[int], coming: Sequence[int]) -> Found:
        """By method what it says of these inputs, for which those that come next are looked at too."""
        if numbers[0] not in self.ahead:
            self.ahead = self._explained(coming)
        parts = [self.ahead.pop(number) for number in numbers]
        return {key: Attribution(tuple(part[key] for part in parts)) for key in self.call.placed}

    def _explained(self, numbers: Sequence[int]) -> dict[int, Parts]:
        part = self._part(numbers)
        game = part.record.game
        for at in range(len(numbers)) if self.pictures and len(numbers) > 1 else ():
            with suppress(Exception):  # the call asks again, and tells. Alone: as where there is one worker
                game.ask_nothing([at], users=1) if part.looks else game.ends_of([at], users=1)
        try:
            run_here(part, self.n_jobs)
        except BaseException:
            for number, found in zip(numbers, part.found, strict=False):
                self._take(number, found)
            raise
        return dict(zip(numbers, part.found, strict=True))

    def _part(self, numbers: Sequence[int]) -> BaselinesCall:
        """The call about some inputs."""
        call = self.call
        game = self.game.part([self.game.inputs[number] for number in numbers], self.game.predictor)
        if not self.pictures:
            game.know_background(self.game.base_values())
        for at, number in enumerate(numbers) if self.pictures else ():
            if self.game.knows_ends(number)[0]:  # from another picture, which the fill makes the same
                game.know_ends(at, (self.game.known_ends(number)[0], None))
        return BaselinesCall(call.placed, Record(game, versions=call.record.versions), call.inside.about(game))

    def _take(self, number: int, found: Parts) -> None:
        """Enter in the call what was found of an input, as if it had been found there."""
        if not found:
            return
        one = next(iter(found.values()))
        if self.pictures:
            self.game.know_ends(number, (one.base, one.prediction))
        self._recall(number, [part.meta["rows_once_a_call"] for part in found.values()])
        rows, seconds = self._asked_apart(found)
        asked = self.call.inside.asked
        self.call.inside.asked = asked[0] + rows, asked[1] + seconds
        self.call.take(number, found)
        explained = [at for at, there in enumerate(self.call.found) if there]
        self.call.n_ends = self.call.record.ends(*explained)[ENDS]

    def _recall(self, number: int, once: Iterable[Mapping[str, int]]) -> None:
        """Take note of what was asked once. Where the maps are is looked for again if a run before this one found it."""
        inside, told = self.call.inside, {what: n for own in once for what, n in own.items()}
        if NOTHING in told:
            inside.came_along.add(number)
        self.call.lost = max(self.call.lost, told.get(LAID_ASIDE, 0))
        if self.call.looks:
            picture = self.game.pictures[number].picture
            inside.places(picture)
            inside.searched.pop(picture.shape, None)
            if SEARCHED in told:
                inside.searched[picture.shape] = told[SEARCHED]

    def _asked_apart(self, found: Parts) -> tuple[int, float]:
        """Rows and model seconds that methods asked for themselves, those that share what they ask once."""
        by = {self.call.placed[key][0].shares or key: one.meta for key, one in found.items() if "own_rows" in one.meta}
        return sum(meta["own_rows"] for meta in by.values()), sum(meta["own_seconds"] for meta in by.values())


def baselines_in_turn(
    methods: str | Baseline | Sequence[str | Baseline], predictor: Predictor, space: Space, x: Inputs, step: Step, *,
    outputs: Outputs | None, layer: Layers | None = None, score: str = "logit", n_jobs: int | None = None,
) -> Found:  # fmt: skip
    """As `baselines`, by steps. Raises as it does."""
    call, n_jobs = prepared(methods, predictor, space, x, outputs=outputs, layer=layer, score=score, n_jobs=n_jobs)
    kept = keeping(lambda: call.attributions() or None)
    with kept, predictor.watched("baselines"), asked_by(predictor, n_jobs) as n_workers:
        if outputs is None:
            call.record.game.learn()  # the first input says which
        BaselinesInTurn(call, step, n_jobs, n_workers).run()
    return call.attributions()
