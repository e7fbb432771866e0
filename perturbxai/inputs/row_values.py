"""What rows of a table have at each player, in the table's own terms, from their codes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from perturbxai.core.types import Codes, Objects
from perturbxai.core.wording import own_value


@dataclass(frozen=True, eq=False)
class RowValues:
    """Tells what coded rows have at each player: a column's value, or "a = 1, b = x" of a group.

    All rows of a call share one, so that nothing is decoded before somebody asks. It knows how columns are coded, no row.

    codecs (D,), names (D,): of the columns;  columns_of (P,): numbers of each player's columns
    """

    codecs: Sequence[Any]
    names: Sequence[str]
    columns_of: Sequence[Sequence[int]]

    def tell(self, codes: Codes) -> Objects:
        """(n, P) of rows (n, D); see `TellsRows`."""
        found = np.empty((len(codes), len(self.columns_of)), dtype=object)
        for player, columns in enumerate(self.columns_of):
            values = [self.codecs[d].tell(np.ascontiguousarray(codes[:, d])) for d in columns]
            if len(columns) == 1:
                found[:, player] = values[0]
                continue
            told = [[f"{self.names[d]} = {own_value(one)}" for one in own] for d, own in zip(columns, values, strict=True)]
            found[:, player] = [", ".join(parts) for parts in zip(*told, strict=True)]
        return found
