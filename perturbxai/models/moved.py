"""How far the answers of a faster plan lie from those of the network as it is."""

from typing import Any

import numpy as np

from perturbxai.core.types import Floats

ROWS = 8  # that are also asked of the network as it is


class Moved:
    """Answers of a faster plan beside those of the network as it is, at the first rows that are asked."""

    def __init__(self) -> None:
        self._pairs: list[tuple[Floats, Floats]] = []

    @property
    def wanted(self) -> int:
        """Rows that are still to be compared."""
        return ROWS - sum(len(plain) for _, plain in self._pairs)

    def note(self, fast: Floats, plain: Floats) -> None:
        """Take note of answers (n, K) to the same rows."""
        self._pairs.append((fast[: len(plain)].copy(), plain.copy()))

    @property
    def told(self) -> dict[str, Any]:
        """rows: compared;  most: the farthest that an output moved, in its units;  of_spread: how far differences between
        rows moved, as a share of those differences (root mean squares over rows and outputs). Of two rows up."""
        if not self._pairs:
            return {}
        fast, plain = map(np.concatenate, zip(*self._pairs, strict=True))
        apart = fast - plain
        found: dict[str, Any] = {"rows": len(plain), "most": float(np.abs(apart).max())}
        spread = float(np.linalg.norm(plain - plain.mean(axis=0)))
        return found | ({"of_spread": float(np.linalg.norm(apart - apart.mean(axis=0))) / spread} if spread > 0.0 else {})
