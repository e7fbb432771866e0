"""Occlusion: what a player's absence takes from everything."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from perturbxai.core.options import checked
from perturbxai.estimation.coalitions.semivalues import Alone


@checked
@dataclass(frozen=True, kw_only=True)
class Occlusion(Alone):
    """v(N) - v(N without j): how far the output falls when one player alone is hidden, in units of the output.

    On a picture a superpixel shows its fill (after Zeiler & Fergus, "Visualizing and understanding convolutional
    networks", 2014, who slide a grey square); on a table a column takes the background's values. The same number as
    `ice`, from the P coalitions of size P - 1. It needs P + 2 coalitions and has no error of drawn ones: `stderr` is
    rounding, and `stderr_background` on a table what the draw of the background adds. The values do not sum to
    v(N) - v(nothing): what players share is counted for each of them or for none.

    name  the key of the result, "occlusion" if empty
    """

    name: str = ""
    added: ClassVar[bool] = False
