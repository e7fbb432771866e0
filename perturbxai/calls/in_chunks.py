"""Inputs of a call in chunks, each explained by a worker: the same questions, answers and results as in one process."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from perturbxai.calls import workers
from perturbxai.calls.concluding import Run
from perturbxai.calls.explain_call import Call
from perturbxai.calls.record import ENDS
from perturbxai.core.stopping import keep, keeping
from perturbxai.core.types import Floats
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
        game = self.call.game.part(inputs, self.call.game.predictor.apart())
        if self.base is not None:
            game.know_background(self.base)
        return self.call.about(game)


@dataclass
class Chunk:
    """Results by method of a chunk, None if there are none, and what they cost."""

    found: dict[str, Attribution] | None
    meters: Meters


def _explain(common: Common, inputs: Sequence[Input]) -> Chunk:
    call = common.of(inputs)
    try:
        return Chunk(Run(call).attributions(), call.game.predictor.meters)
    except Exception as error:
        keep(error, Chunk(getattr(error, "partial", None), call.game.predictor.meters))
        raise


class Chunks:
    """A call whose inputs are explained by several workers, but for the first, which is explained here.

    By the first it is found whether the model works at all, and how fast it is: so what fits are worth is decided once.
    """

    def __init__(self, call: Call, n_jobs: int | None) -> None:
        self.call, self.n_jobs = call, n_jobs
        self.run = Run(call)
        self.done: dict[int, dict[str, Attribution]] = {}  # by the number of a chunk's first input

    def attributions(self) -> dict[str, Attribution]:
        """By method. Whatever stops it keeps what was concluded before: `error.partial`."""
        game = self.call.game
        with keeping(lambda: self._together() or None):
            try:
                with workers.alone():
                    self.done[0] = self.run.attributions([0])
            except BaseException as error:
                self.done[0] = getattr(error, "partial", None) or {}
                raise
            _ = game.predictor.pace  # as it is now, for all workers
            starts = self._starts()
            chunks = [game.inputs[low:high] for low, high in zip(starts, [*starts[1:], len(game.inputs)], strict=True)]
            for done in workers.spread(_explain, self._common(), chunks, self.n_jobs):
                self._take(starts[done.number], done)
        return self._together()

    def _starts(self) -> list[int]:
        n_left = len(self.call.game.inputs) - 1
        n_chunks = min(n_left, workers.TASKS_A_WORKER * workers.count(self.n_jobs, n_left))
        return [1 + n_left * at // n_chunks for at in range(n_chunks)]

    def _common(self) -> Common:
        game = self.call.game
        base = game.base_values() if self.call.kind == "table" else None
        return Common(self.call.about(game.part([], game.predictor.apart())), base)

    def _take(self, start: int, done: workers.Done) -> None:
        chunk: Chunk = done.found
        if isinstance(chunk, Chunk):  # else it failed before it began
            self.call.game.predictor.account(chunk.meters)
            self.done[start] = chunk.found or {}
        if done.error is not None:
            raise done.error

    def _together(self) -> dict[str, Attribution]:
        """The results of all chunks as one, in the order of the inputs."""
        found = {}
        for key in self.call.named:
            if parts := [own[key] for _, own in sorted(self.done.items()) if key in own]:
                found[key] = self._joined(key, parts)
        return found

    def _joined(self, key: str, parts: Sequence[Attribution]) -> Attribution:
        """What is asked once a call is counted once, though each chunk may have asked it."""
        once = {what: n for part in parts for what, n in part.meta["rows_once_a_call"].items() if what != ENDS}
        ends = self.run.record.ends(*self._numbers(key))[ENDS]
        own = sum(part.meta["rows"] - sum(part.meta["rows_once_a_call"].values()) for part in parts)
        explanations: list[Explanation] = [one for part in parts for one in part]
        return self.run.record.attribution(key, explanations, own + sum(once.values()) + ends, {**once, ENDS: ends})

    def _numbers(self, key: str) -> Iterator[int]:
        for start, own in sorted(self.done.items()):
            yield from range(start, start + len(own.get(key, ())))
