"""What results have in common: the factor of an interval, a table with a line for each output, and its CSV."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, overload

import numpy as np

from perturbxai.core import checks
from perturbxai.core.csv_files import write_csv
from perturbxai.core.types import Floats, Frame

LEVEL = 0.95  # the level that `critical` is kept for
PAGE = """<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title}</title></head>
<body>{body}</body>
</html>
"""


class Tidy(ABC):
    """A result that becomes a table of one line a number, and a small page."""

    @abstractmethod
    def to_frame(self) -> Frame: ...

    @abstractmethod
    def _repr_html_(self) -> str: ...

    @overload
    def to_csv(self, path: None = None) -> str: ...
    @overload
    def to_csv(self, path: str | Path) -> None: ...
    def to_csv(self, path: str | Path | None = None) -> str | None:
        """Write `to_frame()` as CSV; without a path its text is returned.

        For spreadsheets too: text that is a formula to them begins with an apostrophe there. `px.read_csv` reads it all as
        it was, a text by `px.read_csv(io.StringIO(text))`.
        """
        return write_csv(self.to_frame(), path)

    def to_html(self, path: str | Path | None = None) -> str:
        """What a notebook shows of it as a whole page of HTML, also written to `path` if one is given.

        It needs no other file and runs nothing; every word that came from outside is escaped.
        """
        page = PAGE.format(title=type(self).__name__, body=self._repr_html_())
        if path is not None:
            Path(path).write_text(page, encoding="utf-8")
        return page


def by_line(lines: Mapping[str, Any], outputs: Sequence[str], numbers: Mapping[str, Floats]) -> Frame:
    """A line for each of n things and K outputs: what is said of the things, the output's name, and its numbers.

    lines    (n,) arrays and lists, or what stands in every line as it is: text, a Series
    numbers  (n, K), or (K,) where they are those of all things; the first is (n, K)
    """
    import pandas as pd

    shape = (-1, len(outputs))
    n_lines = len(np.reshape(next(iter(numbers.values())), shape))
    told = {k: np.repeat(one, len(outputs)) if isinstance(one, (list, np.ndarray)) else one for k, one in lines.items()}
    told["output"] = np.tile(np.array(outputs, dtype=object), n_lines)
    flat = {k: np.tile(one, n_lines) if np.ndim(one) == 1 else np.ravel(one) for k, one in numbers.items()}
    return pd.DataFrame(told | flat)


def in_one(parts: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    """Arrays by name of several parts as arrays of all of them; None where parts differ in names or dtypes, or are empty.

    pandas has rules of its own for joining such.
    """
    dtypes = [{name: one.dtype for name, one in part.items() if len(one)} for part in parts]
    if not dtypes[0] or any(other != dtypes[0] for other in dtypes):
        return None
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def text(names: Sequence[Any]) -> Any:
    """Names (n,) as a column of a table, each as it is."""
    return np.array(names, dtype=object)


def student(level: float, df: float | Floats) -> Floats:
    """The factor of an interval by Student's t, 1 where there is no degree of freedom: the error is infinite already."""
    from scipy import stats

    checks.share("level", level, ", for example 0.95")
    df = np.asarray(df, dtype=np.float64)
    if not df.ndim:
        return np.asarray(_quantile(float(level), float(df)))
    return np.where(df > 0, stats.t.ppf(0.5 + level / 2.0, np.where(df > 0, df, 1.0)), 1.0)


@lru_cache(maxsize=1024)
def _quantile(level: float, df: float) -> float:
    """The same of one df: the inputs of a call have few between them."""
    from scipy import stats

    return float(stats.t.ppf(0.5 + level / 2.0, df)) if df > 0 else 1.0


@lru_cache(maxsize=64)
def normal(level: float) -> float:
    """The factor of an interval by the normal law."""
    from scipy import stats

    return float(stats.norm.ppf(0.5 + level / 2.0))


def pointwise(level: float, df: float) -> Floats:
    """The factor of an interval of one value: of infinite degrees of freedom the normal law itself, from which t is a
    rounding away."""
    found = student(level, df)
    return found if np.isfinite(df) else np.asarray(normal(float(level)))


def factor(level: float, pointwise: Floats, simultaneous: bool, critical: Floats, shown: str) -> Floats:
    """The pointwise factor, or the one that is kept for everything at once. Raises ValueError for that at another level."""
    if not checks.flag("simultaneous", simultaneous):
        return pointwise
    if abs(level - LEVEL) > 1e-12:
        raise ValueError(
            f"level={level}: the simultaneous factor is kept for {LEVEL} only. "
            f"Ask for level={LEVEL}, or for a pointwise {shown}."
        )
    return critical
