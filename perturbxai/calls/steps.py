"""Steps: what a call finds of some of its inputs, which may have been found before the run was stopped."""

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from perturbxai.core.types import Floats
from perturbxai.inputs.spaces import Input, Space, TabularSpace
from perturbxai.results.explanation import Attribution

Found = dict[str, Attribution]
Kept = TypeVar("Kept", Attribution, Floats)
ROWS_A_STEP = 100  # of a table, which share batches


class Step(Protocol):
    """What is found under a name, by the work that is given or before: results by method, or answers of the model."""

    def __call__(self, name: str, work: Callable[[], dict[str, Kept]], /) -> dict[str, Kept]: ...


def straight(name: str, work: Callable[[], dict[str, Kept]], /) -> dict[str, Kept]:  # noqa: ARG001
    """A step that nothing was found of before."""
    return work()


def called(head: str, step: Step) -> Step:
    """The same step under names that begin so."""

    def under(name: str, work: Callable[[], dict[str, Kept]], /) -> dict[str, Kept]:
        return step(f"{head} {name}", work)

    return under


def a_step(space: Space) -> int:
    """How many inputs are a step: a picture, or rows of a table that share batches."""
    return ROWS_A_STEP if isinstance(space, TabularSpace) else 1


def how_many(space: Space, n_inputs: int) -> int:
    """Steps of so many inputs."""
    return -(-n_inputs // a_step(space))


def name_of(numbers: Sequence[int], inputs: Sequence[Input]) -> str:
    """What inputs are known by: the numbers in the call and the streams of the first and the last."""
    ends = zip((numbers[0], numbers[-1]), (inputs[0], inputs[-1]), strict=True)
    return "-".join(f"{number}.{one.digest[0]:08x}{one.digest[1]:08x}" for number, one in ends)
