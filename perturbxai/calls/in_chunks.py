"""Inputs of a call in chunks, each explained by a worker: the same questions, answers and results as in one process."""

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import pairwise

from perturbxai.calls import workers
from perturbxai.calls.concluding import Run
from perturbxai.calls.explain_call import Call
from perturbxai.calls.record import ENDS
from perturbxai.calls.sent_once import hold
from perturbxai.core.stopping import keep, keeping, note
from perturbxai.core.types import Floats, TellsRows
from perturbxai.inputs.spaces import Input
from perturbxai.models.meters import Meters
from perturbxai.results.explanation import Attribution, Explanation


@dataclass(frozen=True)
class Common:
    """What all chunks need: the call without its inputs, and what the model said of a table's background rows, (B, K)."""

    call: Call
    base: Floats | None

    def of(self, inputs: Sequence[Input]) -> Call:
        """The call about some inputs, with meters of its own."""
        return self.call.about(self.call.game.part(inputs, self.call.game.predictor.apart()))

    def explained(self, call: Call) -> dict[str, Attribution]:
        if self.base is not None:
            call.game.know_background(self.base)
        return Run(call).attributions()


@dataclass
class Chunk:
    """Results by method of a chunk, None if there are none, and what they cost."""

    found: dict[str, Attribution] | None
    meters: Meters


def _explain(common: Common, inputs: Sequence[Input]) -> Chunk:
    call = common.of(inputs)
    try:
        return Chunk(_telling(common.explained(call), None), call.game.predictor.meters)
    except Exception as error:
        keep(error, Chunk(_telling(getattr(error, "partial", None) or {}, None), call.game.predictor.meters))
        note(error, f"while a worker explained {inputs[0].label!r}" + f" to {inputs[-1].label!r}" * (len(inputs) > 1))
        raise


def _telling(found: Mapping[str, Attribution], teller: TellsRows | None) -> dict[str, Attribution]:
    """Results by method whose rows are told by this: by nothing while they travel, for who sent the rows has what tells."""
    return {
        key: Attribution(tuple(replace(one, teller=teller) for one in part), part.meta) for key, part in found.items()
    }  # fmt: skip


class Chunks:
    """A call whose inputs are explained by several workers, but for the first, of which they only ask the model.

    By that it is found whether the model works at all, and how fast it is, so that what fits are worth is decided once.
    Inputs that are the same go together.
    """

    numbered = "number in the call"  # in the meta of an input while it is away

    def __init__(self, call: Call, n_jobs: int | None) -> None:
        self.call, self.n_jobs = call, n_jobs
        self.run = Run(call)
        self.done: dict[str, dict[int, Explanation]] = {key: {} for key in call.named}  # by the number of the input
        self.own: Counter[str] = Counter()  # rows of a method that are not asked once a call
        self.once: dict[str, dict[str, int]] = {key: {} for key in call.named}

    def attributions(self) -> dict[str, Attribution]:
        """By method. Whatever stops it keeps what was concluded before: `error.partial`."""
        here, *groups = self.groups()
        with keeping(lambda: self._together() or None):
            self._explain_here(here)
            chunks = [self._away([number for group in some for number in group]) for some in self._cut(groups)]
            if chunks:
                with closing(workers.spread(_explain, self._common(), chunks, self.n_jobs)) as coming:
                    for done in coming:
                        self._take(done)
        return self._together()

    def groups(self) -> list[list[int]]:
        """Numbers of inputs, those that are the same together."""
        alike: dict[int, list[int]] = {}
        for number, first in enumerate(self.call.game.first_alike):
            alike.setdefault(first, []).append(number)
        return list(alike.values())

    def _explain_here(self, numbers: Sequence[int]) -> None:
        found: dict[str, Attribution] | None = None
        try:
            found = self.run.attributions(numbers)
        except BaseException as error:
            found = getattr(error, "partial", None)
            raise
        finally:
            for key, part in (found or {}).items():
                self._note(key, part, numbers)

    def _cut(self, groups: Sequence[list[int]]) -> list[Sequence[list[int]]]:
        """Runs of groups, a few for each worker."""
        n_chunks = min(len(groups), workers.TASKS_A_WORKER * workers.how_many(self.n_jobs, len(groups)))
        bounds = [len(groups) * at // n_chunks for at in range(n_chunks + 1)] if n_chunks else [0]
        return [groups[low:high] for low, high in pairwise(bounds)]

    def _away(self, numbers: Sequence[int]) -> list[Input]:
        """Inputs as they travel."""
        inputs = self.call.game.inputs
        return [replace(inputs[number], meta=inputs[number].meta | {self.numbered: number}) for number in numbers]

    def _common(self) -> Common:
        game = self.call.game
        hold(game.space)
        hold(*game.predictor.lasting)
        base = game.base_values() if self.call.kind == "table" else None
        return Common(self.call.about(game.part([], game.predictor.apart())), base)

    def _take(self, done: workers.Done) -> None:
        chunk = done.found
        if isinstance(chunk, Chunk):  # else it failed before it began
            self.call.game.predictor.account(chunk.meters)
            for key, part in _telling(chunk.found or {}, self.run.record.teller).items():
                self._note(key, part, [one.meta.pop(self.numbered) for one in part])
        if done.error is not None:
            raise done.error

    def _note(self, key: str, part: Attribution, numbers: Sequence[int]) -> None:
        self.done[key].update(zip(numbers, part, strict=False))
        once = part.meta["rows_once_a_call"]
        self.own[key] += part.meta["rows"] - sum(once.values())
        self.once[key] |= {what: n for what, n in once.items() if what != ENDS}

    def _together(self) -> dict[str, Attribution]:
        """The results of all chunks as one, in the order of the inputs. What is asked once a call is counted once, though
        each chunk may have asked it."""
        found = {}
        for key, by_number in self.done.items():
            if numbers := sorted(by_number):
                once = self.once[key] | {ENDS: self.run.record.ends(*numbers)[ENDS]}
                parts = [by_number[number] for number in numbers]
                found[key] = self.run.record.attribution(key, parts, self.own[key] + sum(once.values()), once)
        return found
