"""Inputs of a call one after the other, each a step that may have been done before a run was stopped."""

from collections.abc import Sequence
from functools import cached_property

from perturbxai.calls.concluding import Run
from perturbxai.calls.crew import asked_by
from perturbxai.calls.explain import prepared
from perturbxai.calls.explain_call import Call
from perturbxai.calls.in_chunks import Chunks
from perturbxai.calls.steps import Found, Step, a_step, name_of
from perturbxai.core.methods import Explainer
from perturbxai.core.stopping import keeping
from perturbxai.core.types import Floats, Inputs, Outputs
from perturbxai.inputs.spaces import Input, Space
from perturbxai.models.predictor import Predictor


class InTurn(Chunks):
    """A call whose inputs are explained in groups: each picture by itself, rows of a table by the hundred.

    Inputs that are the same go together. Values are those of one call, but that a network's answers hang on its batches.
    """

    numbered = "number in turn"  # beside that of chunks, into which a group may be cut

    def __init__(self, call: Call, n_jobs: int | None, n_workers: int) -> None:
        super().__init__(call, n_jobs)
        self.n_workers = n_workers

    def attributions_by(self, step: Step) -> Found:
        """By method. Whatever stops it keeps what was concluded before: `error.partial`."""
        groups, at_once = self.groups(), a_step(self.call.game.space)
        with keeping(lambda: self._together() or None):
            for start in range(0, len(groups), at_once):
                inputs = self._away([number for group in groups[start : start + at_once] for number in group])
                found: Found | None = None
                try:
                    found = step(self._name(inputs), lambda inputs=inputs: self._explained(inputs))  # type: ignore[misc]
                except BaseException as error:
                    found = getattr(error, "partial", None)
                    raise
                finally:
                    for key, part in (found or {}).items():
                        self._note(key, part, [one.meta.pop(self.numbered) for one in part])
        return self._together()

    def _explained(self, inputs: Sequence[Input]) -> Found:
        game = self.call.game
        call = self.call.about(game.part(inputs, game.predictor))
        if self.call.kind == "table":
            call.game.know_background(self._base)
        spread = len(inputs) > 2 * self.n_workers > 2
        return (Chunks(call, self.n_jobs) if spread else Run(call)).attributions()

    def _name(self, inputs: Sequence[Input]) -> str:
        return name_of([one.meta[self.numbered] for one in inputs], inputs)

    @cached_property
    def _base(self) -> Floats:
        """What the model says of a table's background rows, asked once a call."""
        return self.call.game.base_values()


def explain_in_turn(
    methods: Sequence[str | Explainer], predictor: Predictor, space: Space, x: Inputs, step: Step, *,
    outputs: Outputs | None, budget: int | None, seed: int, n_jobs: int | None,
) -> Found:  # fmt: skip
    """As `explain`, by steps. Raises as it does."""
    call = prepared(
        methods, predictor, space, x, outputs=outputs, budget=budget, rows=None, tol=None, design="drawn", seed=seed
    )  # fmt: skip
    with predictor.watched("explain"), asked_by(predictor, n_jobs) as n_workers:
        return InTurn(call, n_jobs, n_workers).attributions_by(step)
