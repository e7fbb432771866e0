"""Whatever stops a call keeps what was computed: the exception stays the very one that came, and carries `partial`."""

import functools
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import suppress
from types import TracebackType
from typing import Any, Generic, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class ModelError(ValueError):
    """The model gave something that cannot be explained.

    partial  what was computed before;  row: the number of the row in its request, where one row is at fault
    """

    def __init__(self, message: str, partial: Any = None, row: int | None = None) -> None:
        super().__init__(message)
        self.partial, self.row = partial, row


def loop_ended(error: BaseException) -> ModelError:
    """What to raise for a StopIteration or GeneratorExit of the model's own, by which Python ends loops in silence."""
    return ModelError(
        f"the model raised {type(error).__name__}, which Python takes for the end of a loop, so that no call could tell "
        "that it failed. Catch it in the model: next(iterator, None) gives None at the end."
    )


class keeping:
    """A context: an exception of any kind that leaves it, Ctrl-C included, carries what `partial()` gives.

    partial  what was computed until then, or None for nothing. It may ask no model. If it fails itself nothing is kept, and
             a note on the exception says so; a Ctrl-C while it is put together leaves in place of what came before

    >>> try:
    ...     with keeping(lambda: [1, 2]):
    ...         raise KeyError("a")
    ... except KeyError as error:
    ...     print(error.partial)
    [1, 2]
    """

    def __init__(self, partial: Callable[[], Any]) -> None:
        self.partial = partial

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None) -> None:
        if error is None or isinstance(error, GeneratorExit):
            return
        found = None
        try:
            found = self.partial()
        except Exception as another:
            note(error, f"what was computed before could not be put together: {type(another).__name__}: {another}")
        keep(error, found)


class beside:
    """A context for one of several calls: what it kept when it was stopped stands with what those before it found.

    done  a mapping, which may grow;  name, each: what a key is called there, and what is made of its value
    """

    def __init__(
        self, done: Mapping[str, Any], name: Callable[[str], str] = str, each: Callable[[Any], Any] = lambda one: one
    ) -> None:
        self.done, self.name, self.each = done, name, each

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None) -> None:
        kept = getattr(error, "partial", None)
        if error is not None and (kept is None or isinstance(kept, Mapping)):
            more = {self.name(key): self.each(one) for key, one in (kept or {}).items()}
            keep(error, {**self.done, **more} or None)


def keep(error: BaseException, partial: object) -> None:
    """Give an exception its `partial`, even if its class takes no attributes; else a note says that it is lost."""
    for give in (setattr, object.__setattr__):
        with suppress(Exception):
            give(error, "partial", partial)
            if error.partial is partial:  # type: ignore[attr-defined]
                return
    note(error, f"what was computed before is lost: a {type(error).__name__} takes no attribute `partial`.")


def note(error: BaseException, text: str) -> None:
    """A note on an exception, whatever its class says to that."""
    try:
        error.add_note(text)
    except Exception:
        with suppress(Exception):
            object.__setattr__(error, "__notes__", [*getattr(error, "__notes__", ()), text])


class _Context(Generic[T]):
    def __init__(self, steps: Generator[T, None, None]) -> None:
        self.steps = steps

    def __enter__(self) -> T:
        return next(self.steps)

    def __exit__(self, _kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None) -> None:
        if error is None:
            next(self.steps, None)
            return
        try:
            self.steps.throw(error)
        except BaseException as out:
            # of a StopIteration a generator makes a RuntimeError of its own; at its end it raises another
            own = isinstance(error, StopIteration) and out.__cause__ is error
            if out is not error and not own and not isinstance(out, StopIteration):
                raise


def context(make: Callable[P, Iterator[T]]) -> Callable[P, _Context[T]]:
    """contextlib.contextmanager for what a user's model may raise into, which swallows nothing.

    Exceptions whose class forbids to set attributes (frozen dataclasses) come out as they are, where contextlib would set
    their traceback and fail.
    """

    @functools.wraps(make)
    def made(*given: P.args, **named: P.kwargs) -> _Context[T]:
        return _Context(make(*given, **named))  # type: ignore[arg-type]

    return made
