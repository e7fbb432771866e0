"""A strip: one picture, and side by side the maps of several layers or methods, a line an output."""

from collections.abc import Mapping

import numpy as np

from perturbxai.core.types import Floats, Outputs
from perturbxai.inputs.spaces import Space
from perturbxai.reporting.lettering import number, text, texts
from perturbxai.reporting.photo import draw_photo, grey, painted
from perturbxai.reporting.style import left_out, new_figure, rc, title
from perturbxai.reporting.types import Figure
from perturbxai.reporting.values.superpixels import superpixels
from perturbxai.reporting.values.view import panels_of, row_number
from perturbxai.results.explanation import Attribution, Explanation

WIDTH = 1.9  # inches a panel
SHOWN = 0.995  # of a map's pixels, beyond which the colours do not grow
LONGEST = 24  # of a layer's name over its panel


@rc
def strip(
    named: Mapping[str, Attribution], row: int | str | None, output: Outputs | None, space: Space | None = None
) -> Figure:
    """A Figure of what each layer looks at: the photo, then the map of every result, each in units of its own largest value.

    named  name -> Attribution, of baselines(..., layer=[...]) or of several methods: where these have no map by the pixel,
           the values of superpixels are painted on them
    row, output, space  as in `plot`
    Raises ValueError for rows of a table, for results of other pictures or outputs, and where superpixels cannot be told.
    """
    firsts = {name: result[row_number(result, row) or 0] for name, result in named.items()}
    first = next(iter(firsts.values()))
    for name, e in firsts.items():
        if np.ndim(e.input) != 3:
            raise ValueError(f"kind='strip' shows maps of a picture, and {name} is of a row of a table; take kind='bars'.")
        if e.outputs != first.outputs or not np.array_equal(e.input, first.input):
            raise ValueError(f"{name} and {next(iter(firsts))} differ in picture or outputs; draw results of one call.")
    outputs, n_left_out = panels_of(first.outputs, output, first.prediction, None)
    heads = {name: _head(name, e) for name, e in firsts.items()}
    methods = list(dict.fromkeys(heads.values()))
    height, width = first.input.shape[:2]
    figure = new_figure(WIDTH * (len(firsts) + 1) + 0.2, (WIDTH * height / width + 0.55) * len(outputs) + 0.4)
    axes = figure.subplots(len(outputs), len(firsts) + 1, squeeze=False)
    photo, pixels = grey(first.input), np.arange(height * width, dtype=np.int32).reshape(height, width)
    own = {name: None if e.heat is not None else superpixels(e, space) for name, e in firsts.items()}
    cuts = {name: pixels if labels is None else labels for name, labels in own.items()}
    for line, k in zip(axes, outputs, strict=True):
        draw_photo(line[0], first.input)
        line[0].set_title(f"{texts(first.outputs)[k]}\n{number(first.prediction[k])}", fontweight="bold")
        for axis, (name, e) in zip(line[1:], firsts.items(), strict=True):
            values = e.values[:, k] if e.heat is None else _seen(e, e.heat[k].ravel())
            axis.imshow(painted(photo, cuts[name], values))
            axis.set_title(_about(heads[name], e, k, len(methods) > 1))
    for axis in axes.flat:
        axis.set_axis_off()
    about = f"{text(methods[0])}, " if len(methods) == 1 else ""
    by = "by its own largest value (of single pixels by all but one in 200)"
    figure.suptitle(f"{about}red for, blue against, each map {by}{left_out(n_left_out)}", fontsize=9)
    return figure


def _seen(e: Explanation, values: Floats) -> Floats:
    """A map's values, of one that was not enlarged from a coarse grid without the few pixels beside which nothing shows."""
    if e.meta.get("map") is not None:
        return values
    most = np.quantile(np.abs(values), SHOWN)
    return np.clip(values, -most, most) if most > 0 else values


def _head(name: str, e: Explanation) -> str:
    """What a result is called, less what tells its layer, which stands below."""
    shown = title(name, e)
    return shown.partition(" (")[0] if e.meta.get("layer") is not None and shown != name else shown


def _about(method: str, e: Explanation, k: int, with_method: bool) -> str:
    """What stands over a map: the method where there are several, the layer, and how many cells it has."""
    head = text(method) if with_method else ""
    cells = e.meta.get("map")
    if cells is None:
        return f"{head or text(method)}\n"
    grid = " × ".join(map(str, np.shape(cells)[1:]))
    layer = _ending(str(e.meta.get("layer", "")))
    if not np.asarray(e.heat)[k].any():
        grid += ", empty"
    return f"{head}, {grid}\n{layer}" if head else f"{layer}\n{grid}"


def _ending(layer: str) -> str:
    """A layer's name, from its end where it is long: there the layers differ."""
    return text(layer if len(layer) <= LONGEST else "…" + layer[1 - LONGEST :])
