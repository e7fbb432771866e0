"""What a method declares. A flag has its default here and is read as an attribute, so that a misspelt one is found.

A method is a frozen dataclass of options that inherits from what it is: `FromCoalitions` concludes from a table of
coalitions, `Asking` asks questions of its own, `OfCurves` is shown as a curve. What looks inside a model is declared in
`baseline_methods/kinds.py`, the originals of other packages in `peers/task.py`.
"""

import copy
from abc import ABC, abstractmethod
from collections.abc import Generator, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any, ClassVar, Protocol, Self, runtime_checkable

import numpy as np

from perturbxai.core import catalogue
from perturbxai.core.evaluations import Estimate, Evaluations, Law
from perturbxai.core.questions import Players, Question
from perturbxai.core.types import Floats

Questions = Generator[Sequence[Question], list[Floats], Estimate]
"""Asks as often as it likes, is sent the values (M, K) of each question's lines, and returns what it concludes."""


@runtime_checkable
class HasParams(Protocol):
    """What has parameters by name, as scikit-learn's estimators and our methods do."""

    def get_params(self, deep: bool = True) -> dict[str, Any]: ...

    def set_params(self, **params: Any) -> Any: ...


@dataclass(frozen=True, kw_only=True)
class Method:
    """What a result comes from: options that nobody changes."""

    @property
    def name(self) -> str:
        """The key of the result; the method's own if empty."""
        return ""

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The options by name, as of scikit-learn's estimators, with which `sklearn.base.clone` makes the same again.

        deep  an option with parameters of its own, as a surrogate has, gives them too, as "surrogate__alpha"
        """
        found: dict[str, Any] = {}
        for option in fields(self):
            value = found[option.name] = getattr(self, option.name)
            if deep and isinstance(value, HasParams) and not isinstance(value, type):
                found |= {f"{option.name}__{key}": inner for key, inner in value.get_params().items()}
        return found

    def set_params(self, **params: object) -> Self:
        """Another method of this kind with these options changed; this one, which is frozen, stays as it is.

        Raises ValueError for an option that it does not have.
        """
        own: dict[str, Any] = {option.name: getattr(self, option.name) for option in fields(self)}
        inner: dict[str, dict[str, object]] = {}
        for key, value in params.items():
            option, _, deeper = key.partition("__")
            if option not in own or (deeper and not isinstance(own[option], HasParams)):
                raise ValueError(f"{type(self).__name__} has no option {key!r}; it has {', '.join(own)}.")
            if deeper:
                inner.setdefault(option, {})[deeper] = value
            else:
                own[option] = value
        own |= {option: copy.deepcopy(own[option]).set_params(**given) for option, given in inner.items()}
        return type(self)(**own)

    @property
    def sees_fill(self) -> bool:
        """Whether the fill of a picture enters it; one that does not see any is at home under none."""
        return True

    @property
    def index(self) -> str:
        """Of interactions: how a pair is weighed."""
        return ""


class Explainer(Method):
    """What `explain` takes: a `FromCoalitions`, an `Asking`, or both.

    of_curves    options that `effects` alone reads
    all_players  it concludes about all players, also those that absence cannot change
    """

    of_curves: ClassVar[tuple[str, ...]] = ()
    all_players: ClassVar[bool] = False

    @property
    def on_cells(self) -> bool:
        """Whether coalitions may be asked on single background rows of a table (`rows=`)."""
        return False

    @property
    def off_cells(self) -> str:
        """What of its options stands in the way of that, if it is one of them: "with a ridge"."""
        return ""


class FromCoalitions(Explainer, ABC):
    """A method of coalitions by their sizes: those of a call share one table.

    law_on        the kinds of input, "table" and "image" (a photo), on which it is one; elsewhere it asks on its own
    lists_up_to   players up to which all coalitions are listed where no budget is given
    wants_spread  it reads the variance that the draw of the background brings;  wants_groups: the background in groups
    """

    law_on: ClassVar[tuple[str, ...]] = ("table", "image")
    lists_up_to: ClassVar[int] = 0
    wants_spread: ClassVar[bool] = False
    wants_groups: ClassVar[bool] = False

    @abstractmethod
    def law(self, n_players: int) -> Law:
        """Which sizes it wants, and what it weighs them by."""

    @abstractmethod
    def estimate(self, table: Evaluations) -> Estimate:
        """Values (P, K) and their errors, in the order of the table's players."""

    def wanted(self, n_players: int) -> Any:  # noqa: ARG002
        """What it makes of a game, as sums over all coalitions that are read off a process (`estimation/posterior`).

        None where it reads none: no coalitions are then chosen for it.
        """
        return None

    def arrays_held(self, n_players: int, n_coalitions: int, on_cells: bool) -> float:  # noqa: ARG002
        """Arrays (coalitions, players) of floats that the conclusion holds at once."""
        return 0.0


class Asking(Explainer, ABC):
    """A method with questions of its own.

    asks            what its budget counts;  default_budget: of those, None for as many as coalitions
    """

    asks: ClassVar[str] = "rows"
    default_budget: ClassVar[int | None] = None

    @property
    def drawn_alone(self) -> bool:
        """Whether its questions are drawn for one input, and no other will ask them."""
        return False

    def check(self, players: Players) -> None:
        """Refuse, before the model is asked, players that it cannot take. Raises ValueError."""

    @abstractmethod
    def least(self, players: Players) -> int:
        """The least budget."""

    @abstractmethod
    def ask(self, players: Players, budget: int, rng: np.random.Generator) -> Questions:
        """A generator of questions."""


class OfCurves(Method):
    """What `effects` takes: a curve of a column or of an opacity, or a surface of two columns."""

    @property
    def accumulates(self) -> bool:
        """Whether it adds up steps between neighbouring points, and asks rows near their own values alone."""
        return False

    @property
    def keeps_rows(self) -> int:
        """How many rows' own curves it keeps at most."""
        return 0

    @property
    def averages(self) -> bool:
        """Whether it is the mean of all rows' curves and no more."""
        return not (self.accumulates or self.keeps_rows)

    @property
    def differential(self) -> bool:
        """Whether it asks for derivatives in place of values."""
        return False

    @property
    def curves(self) -> str:
        """What its values are: "raw", "centred" on the data, "anchored" at the first point, or a "derivative"."""
        return "raw"

    def check_features(self, key: str, pairs: bool, levels: Sequence[str]) -> None:
        """Refuse options that do not go with what is asked. Raises ValueError.

        key: of the result;  pairs: whether pairs of columns are asked;  levels: columns without numbers
        """


def sees_fill(method: object) -> bool:
    """Whether a picture's fill enters it: by its row in the catalogue, or as it says itself where it has none."""
    row = catalogue.METHODS.get(catalogue.key_of(method))
    return row.fill_enters if row else method.sees_fill if isinstance(method, Method) else True


def unnamed(method: Any) -> Any:
    """The method's options, whatever its result is called."""
    if not is_dataclass(method) or isinstance(method, type) or "name" not in {option.name for option in fields(method)}:
        return method
    return replace(method, name="")
