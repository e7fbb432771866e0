"""Effects: what `effects` returns of one column or pair. Frozen, in numbers and names, able to become a tidy table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]
LEVEL = 0.95  # the level that `critical` is kept for


@dataclass(frozen=True, eq=False)
class Effect:
    """The effect of one column, or of two together, in units of the model's output.

    names   of the columns, one or two;  outputs (K,)
    grid    an array an axis (G,): the points in the table's own values, a missing value last
    values  (G..., K);  stderr  (G..., K) from having asked these rows and not all rows like them; infinite where it cannot
            be known, rounding where there is none
    df      degrees of freedom of the pointwise interval, a number or (G..., K);  critical: the factor that makes `stderr` a
            simultaneous 95 % band over the grid, (K,) or (G..., K)
    counts  rows of the data behind it. PDP, ICE: at each level, or in each bin between two points (left-open), missing ones
            last. ALE: behind each step from a point to the next; in two dimensions behind each cell
    extrapolated  ALE: steps or cells without a row, filled from the nearest that have some; None elsewhere
    importance (K,)  standard deviation over the data of the curve; of ICE the mean of that of the rows' curves
    heterogeneity  how far the rows lie apart, which is no error: standard deviation of their curves at each point (PDP, ICE)
            or of their steps (ALE, shaped as `counts` and (K,))
    individual (rows, G..., K), rows: the curves of drawn rows and the labels of these (ICE), else None
    differences (L, L, K), differences_stderr  ALE of levels without an order: what going from the first to the second adds,
            at the rows of both; else None
    groups  the same for the rows of each value of the `by` column, on the same grid; empty without one
    method  the frozen method object;  meta: seed, drawn rows, model rows, seconds, versions, ...
    """

    names: tuple[str, ...]
    outputs: tuple[str, ...]
    grid: tuple[NDArray[Any], ...]
    values: Floats
    stderr: Floats
    critical: Floats
    df: Any
    counts: NDArray[np.int64]
    importance: Floats
    heterogeneity: Floats
    method: Any
    extrapolated: NDArray[np.bool_] | None = None
    individual: Floats | None = None
    rows: tuple[Any, ...] | None = None
    differences: Floats | None = None
    differences_stderr: Floats | None = None
    groups: Mapping[Any, Effect] = field(default_factory=dict)
    meta: dict[str, Any] = field(default_factory=dict)

    def __repr__(self) -> str:
        shape = " x ".join(str(len(axis)) for axis in self.grid)
        about = " and ".join(self.names)
        return f"<Effect {type(self.method).__name__} of {about}: {shape} points, outputs {', '.join(self.outputs)}>"

    def interval(self, level: float = LEVEL, *, simultaneous: bool = False) -> tuple[Floats, Floats]:
        """Lower and upper ends, each (G..., K): pointwise by Student's t, or simultaneous over the grid.

        What they are about is said by the method's docstring. Raises ValueError for a level outside (0, 1), or a
        simultaneous level other than the kept 0.95.
        """
        half = self._factor(level, simultaneous) * self.stderr
        return self.values - half, self.values + half

    def _factor(self, level: float, simultaneous: bool) -> Any:
        from scipy import stats

        if not 0.0 < level < 1.0:
            raise ValueError(f"level={level} must lie between 0 and 1, for example 0.95.")
        if not simultaneous:
            df = np.asarray(self.df, dtype=np.float64)
            return np.where(df > 0, stats.t.ppf(0.5 + level / 2.0, np.where(df > 0, df, 1.0)), 1.0)  # or infinite already
        if abs(level - LEVEL) > 1e-12:
            raise ValueError(
                f"level={level}: the simultaneous factor is kept for {LEVEL} only. "
                "Ask for level=0.95, or for a pointwise band."
            )
        return self.critical

    def to_frame(self) -> pd.DataFrame:
        """A tidy table: one line a point and output (and group), with the pointwise and the simultaneous 95 % band."""
        import pandas as pd

        if not self.groups:
            return self._own_frame()
        parts = {"all": self, **self.groups}
        frames = [one._own_frame() for one in parts.values()]
        for group, frame in zip(parts, frames, strict=True):
            frame.insert(0, "group", pd.Series([group] * len(frame), dtype=object))
        return pd.concat(frames, ignore_index=True)

    def _own_frame(self) -> pd.DataFrame:
        import pandas as pd

        n_points, n_outputs = int(np.prod([len(axis) for axis in self.grid])), len(self.outputs)
        places = np.meshgrid(*[np.arange(len(axis)) for axis in self.grid], indexing="ij")
        columns: dict[str, Any] = {"method": self.meta.get("name", type(self.method).__name__)}
        for number, (name, axis, place) in enumerate(zip(self.names, self.grid, places, strict=True)):
            mark = "" if len(self.grid) == 1 else ("_a", "_b")[number]
            columns[f"feature{mark}"] = name
            columns[f"at{mark}"] = np.repeat(axis[place.ravel()], n_outputs)
        low, high = self.interval()
        all_low, all_high = self.interval(simultaneous=True)
        columns["output"] = np.tile(np.array(self.outputs, dtype=object), n_points)
        columns |= {
            "value": self.values.ravel(), "stderr": self.stderr.ravel(), "low": low.ravel(), "high": high.ravel(),
            "low_simultaneous": all_low.ravel(), "high_simultaneous": all_high.ravel(),
        }  # fmt: skip
        return pd.DataFrame(columns)

    def to_csv(self, path: str | Path) -> None:
        """Write `to_frame()` as CSV."""
        self.to_frame().to_csv(path, index=False)
