"""Batches built ahead: while a GPU computes one, the next is built on the host and copied beside it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from perturbxai.models.plan import Plan
from perturbxai.models.torch_types import Where

Build = Callable[[Plan, int, int], Any]


class Ahead:
    """The next batch of a plan, built on a stream of its own while the device computes the present one.

    A CPU computes when it is told to, so that nothing is built ahead for it. Who asks waits for the whole device after each
    batch: what was built meanwhile is there then, and what it was built from is no longer in use.
    """

    def __init__(self, device: Where | None) -> None:
        self.device = device
        self.works = str(device).startswith("cuda")
        self._held: tuple[Plan, int, int, Any] | None = None
        self._stream: Any = None
        self._built: Any = None  # when the present batch, and what it shares with the next, was on the device

    def __reduce__(self) -> tuple[Any, ...]:
        return Ahead, (self.device,)

    def take(self, plan: Plan, start: int, stop: int, build: Build) -> Any:
        """Rows start..stop: those that were built ahead, if they are these, or built now."""
        held, self._held = self._held, None
        if held is not None and held[0] is plan and held[1:3] == (start, stop):
            return held[3]
        del held  # a smaller batch may need its memory
        rows = build(plan, start, stop)
        self._mark()
        return rows

    def prepare(self, plan: Plan, start: int, stop: int, build: Build) -> None:
        """Build rows start..stop, as far as the plan has them, beside what runs.

        What fails is left to its turn: there it is built again, and halved or raised as any batch.
        """
        if start >= (stop := min(stop, len(plan))):
            return
        try:
            with self._beside():
                self._held = (plan, start, stop, build(plan, start, stop))
        except Exception:
            self._held = None

    def drop(self) -> None:
        """Let go of what was built ahead."""
        self._held = None

    def _mark(self) -> None:
        if self.works and str(self.device).startswith("cuda"):  # pragma: no cover - needs a GPU
            import torch

            self._built = torch.cuda.current_stream(self.device).record_event()

    @contextmanager
    def _beside(self) -> Iterator[None]:
        """A stream of its own, that begins when the present batch was built and waits for nothing else."""
        if self._built is None:
            yield
            return
        import torch  # pragma: no cover - needs a GPU

        self._stream = self._stream or torch.cuda.Stream(self.device)
        self._stream.wait_event(self._built)
        with torch.cuda.stream(self._stream):
            yield
