"""What every result tells of the call that it came from: the keys of `meta` that all verbs share, spelt here alone."""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from perturbxai.core.methods import Method
from perturbxai.core.types import Floats, Ints, TellsRows
from perturbxai.core.versions import versions
from perturbxai.game.game import Game
from perturbxai.inputs.spaces import Input, TabularSpace
from perturbxai.results.explanation import Attribution, Explanation

ENDS = "v(nothing) and v(N)"
NOTHING = "v(nothing)"  # where v(N) comes along with what a method asks for itself
FIRST_ROW = "the first row"  # of effects: it tells how many outputs there are
NORMAL_95 = 1.959963984540054


@dataclass
class Record:
    """One call of a verb, from its beginning: what it has asked, and what its results say of it. The keys are documented
    at `Attribution`.

    apart     model rows and seconds that results tell as theirs alone (`own_rows`, `own_seconds`)
    versions  of the packages
    """

    game: Game
    seed: int | None = None
    apart: tuple[int, float] = (0, 0.0)
    versions: dict[str, str] = field(default_factory=versions)

    def __post_init__(self) -> None:
        predictor = self.game.predictor
        self._began = time.perf_counter(), predictor.rows, predictor.seconds

    @property
    def rows(self) -> int:
        """Model rows since the call began."""
        return self.game.predictor.rows - self._began[1]

    @property
    def teller(self) -> TellsRows | None:
        """What tells the values of explained rows; None for pictures."""
        return self.game.space.row_values if isinstance(self.game.space, TabularSpace) else None

    def ends(self, *numbers: int) -> dict[str, int]:
        """The rows of v(nothing) and v(N) of these inputs, as `rows_once_a_call` has them."""
        return {ENDS: len(self.game.ends_names(*numbers))}

    def meta(
        self, one: Input, rows: int, once: Mapping[str, int], *, budget: int | None = None, looked_at: Ints | None = None,
        shared_with: Iterable[str] = (),
    ) -> dict[str, Any]:  # fmt: skip
        """What a result is known to be when it is concluded, with what its input tells of the space; `close` tells the rest.

        rows: all that are behind it;  once: which of these are asked once a call
        looked_at: the players that it is about; the others, which absence cannot change, are told as merged. None of all
        """
        seen = set(range(len(one.names)) if looked_at is None else looked_at.tolist())
        merged = [name for p, name in enumerate(one.names) if p not in seen]
        return {
            "seed": self.seed, "budget": budget, **self.game.about_outputs, "rows": rows, "rows_once_a_call": dict(once),
            "rows_shared_with": list(shared_with), "merged": merged, **one.meta,
        }  # fmt: skip

    def close(self, metas: Iterable[dict[str, Any]]) -> None:
        """Tell results what is known when the call ends, or is stopped: how the model was run, and what it all took."""
        predictor = self.game.predictor
        began, _, seconds_before = self._began
        rows, seconds = self.rows, predictor.seconds - seconds_before
        a_row = (seconds - self.apart[1]) / max(rows - self.apart[0], 1)
        of_call = {
            "plan": predictor.plan, "versions": self.versions, "call_rows": rows, "call_model_seconds": seconds,
            "call_seconds": time.perf_counter() - began,
        }  # fmt: skip
        for meta in metas:
            own_rows, own_seconds = meta.get("own_rows", 0), meta.get("own_seconds", 0.0)
            meta |= of_call | {"seconds": (meta["rows"] - own_rows) * a_row + own_seconds}

    def explanation(
        self, one: Input, method: Method, ends: tuple[Floats, Floats], meta: dict[str, Any], *, values: Floats,
        stderr: Floats, critical: float | Floats = NORMAL_95, df: float = np.inf, **more: Any,
    ) -> Explanation:  # fmt: skip
        """What a method says of one input, with all that the game and the input know.

        ends: v(nothing) and v(N), (K,) each;  more: further fields of the Explanation
        """
        base, prediction = (end.copy() for end in ends)  # a view would keep an input's whole table alive
        return Explanation(
            values, stderr, np.full(len(base), critical), df, base, prediction, one.names, self.game.outputs, one.label,
            one.source, method, meta, teller=self.teller, **more,
        )  # fmt: skip

    def attribution(
        self, name: str, parts: Sequence[Explanation], rows: int, once: Mapping[str, int], **notes: object
    ) -> Attribution:
        """The results of all inputs as one, its meta that of the first but for what is about all."""
        meta = parts[0].meta | {"name": name, "rows": rows, "rows_once_a_call": dict(once)} | notes
        self.close([*(one.meta for one in parts), meta])
        return Attribution(tuple(parts), meta)
