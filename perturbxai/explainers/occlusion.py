"""Occlusion and inclusion: what a player's absence takes from everything, and what it adds to nothing."""

from typing import ClassVar

from perturbxai.core.options import options
from perturbxai.estimation.coalitions.semivalues import Alone


@options
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


@options
class Inclusion(Alone):
    """v({j}) - v(nothing): how far the output rises when one player alone is shown, in units of the output.

    The mirror of occlusion, from the P coalitions of size 1. On a table it is the same number as `pdp`; on a picture one
    superpixel is shown on the fill, which is unlike any photo. It needs P + 2 coalitions and has no error of drawn ones:
    `stderr` is rounding, and `stderr_background` on a table what the draw of the background adds. The values do not sum
    to v(N) - v(nothing).

    name  the key of the result, "inclusion" if empty
    """

    name: str = ""
    added: ClassVar[bool] = True
