"""Which pixels the values of an explained picture belong to."""

import numpy as np

from perturbxai.core.types import Labels
from perturbxai.core.versions import versions
from perturbxai.inputs.segments import make_segments
from perturbxai.inputs.spaces import ImageSpace, Space
from perturbxai.results.explanation import Explanation


def superpixels(e: Explanation, space: Space | None) -> Labels | None:
    """The label map (H, W) that the values belong to, or None where the method's own map is to be drawn.

    space  of the call; None: a picture that was cut by name, with the same version of scikit-image, is cut anew
    Raises TypeError for a space of another kind, ValueError where the superpixels cannot be told.
    """
    labels = None
    # by name and with the same library a picture is cut as it was
    alike = e.meta.get("versions", {}).get("scikit-image") == versions().get("scikit-image")
    if space is not None:
        if not isinstance(space, ImageSpace):
            raise TypeError(f"space is {type(space).__name__}; expected the ImageSpace that the picture was explained in.")
        labels = space.players(e.input)[0].labels
    elif alike and e.meta.get("segments") not in (None, "function", "label map"):
        labels = make_segments(e.meta["segments"], e.input.astype(np.float32, copy=False), e.meta["n_segments"])
    if labels is not None and int(labels.max()) + 1 == len(e.names):
        return np.asarray(labels, dtype=np.int32)
    if space is None and e.heat is not None:
        return None
    raise ValueError(
        f"the superpixels of this picture ({e.meta.get('segments', 'unknown')}, {len(e.names)} of them) cannot be told from "
        "the result; give space=, the ImageSpace that it was explained in."
    )
