"""The interactive photo, and beside it the map of each output."""

from base64 import b64encode
from io import BytesIO

import numpy as np

from perturbxai.core.types import Floats, Labels
from perturbxai.reporting.interactive import words
from perturbxai.reporting.interactive.canvas import BAR, Record, canvas, colour_bar, listed, places
from perturbxai.reporting.interactive.colours import signed
from perturbxai.reporting.lettering import number
from perturbxai.reporting.photo import as_shown, grey, painted, shown
from perturbxai.reporting.types import Interactive
from perturbxai.reporting.values.one_row import map_of, map_title
from perturbxai.reporting.values.superpixels import superpixels
from perturbxai.reporting.values.view import View
from perturbxai.results.explanation import Explanation

SIDE = 300  # pixels of a photo's longer side
CELLS = 112  # places of a photo's longer side that tell what lies under the mouse
LABEL = "value, as a share of the map's largest"


def figure(view: View) -> Interactive:
    """Under the mouse are the superpixel, its value with the 95 % error, and the output."""
    e, labels = view.one, superpixels(view.one, view.space)
    heads = ["\nphoto", *(map_title(e, k) for k in view.outputs)]
    height, width = e.input.shape[:2]
    scale = SIDE / max(height, width)
    made = canvas(
        heads,
        view.about,
        width=width * scale / 90.3,
        height=(height * scale + 105) / 105,
        beside=BAR,
        below=20 + 18 * bool(as_shown(e.input)),
    )
    made.update_layout(coloraxis={
        "colorscale": signed(), "cmin": -1.0, "cmax": 1.0, "colorbar": colour_bar(LABEL, ([-1.0, 1.0], ["against", "for"])),
    })  # fmt: skip
    first, *maps = places((1, len(heads)))
    _picture(made, first, shown(e.input))
    for at, k in zip(maps, view.outputs, strict=True):
        cut, values = map_of(e, k, labels)
        _picture(made, at, painted(grey(e.input), cut, values))
        _under_the_mouse(made, at, e, k, cut, values, by_player=labels is not None)
    hidden = {"visible": False, "constrain": "domain"}
    made.update_xaxes(range=[-0.5, width - 0.5], **hidden)
    made.update_yaxes(range=[height - 0.5, -0.5], **hidden)
    for n in range(len(heads)):  # pixels are squares
        made.update_yaxes(scaleanchor=f"x{n + 1 if n else ''}", row=1, col=n + 1)
    if says := as_shown(e.input):
        made.add_annotation(
            text=words.label(says), x=0.0, y=0.0, xref="x domain", yref="y domain", yanchor="top", showarrow=False
        )
    return made


def _picture(made: Interactive, at: Record, pixels: Floats) -> None:
    """A picture (H, W, 3) in 0..1, as a PNG within the figure."""
    from PIL import Image

    kept = BytesIO()
    Image.fromarray((255.0 * pixels).round().astype(np.uint8)).save(kept, "PNG")
    made.add_image(source="data:image/png;base64," + b64encode(kept.getvalue()).decode(), hoverinfo="skip", **at)


def _under_the_mouse(
    made: Interactive, at: Record, e: Explanation, k: int, cut: Labels, values: Floats, by_player: bool
) -> None:
    """A map that is not seen, with words; of a large photo at some of its pixels."""
    step = -(-max(cut.shape) // CELLS)
    rows, columns = (np.arange(step // 2, n, step) for n in cut.shape)
    seen = cut[np.ix_(rows, columns)]
    largest = float(np.abs(values).max()) or 1.0
    if by_player:
        (low, high), last = e.interval(), f"<br>of the output {words.label(map_title(e, k).split(chr(10))[0])}"
        amounts = words.amounts(values, low[:, k], high[:, k])
        told = [f"{words.told(name)}<br>{amount}{last}" for name, amount in zip(e.names, amounts, strict=True)]
        text = [[told[player] for player in line] for line in seen]
    else:
        text = [[f"{number(value, 4, sign=True)}" for value in line] for line in values[seen]]
    made.add_heatmap(
        z=[listed(line) for line in values[seen] / largest], x=columns.tolist(), y=rows.tolist(), opacity=0.0,
        coloraxis="coloraxis", hovertext=text, hoverinfo="text", **at,
    )  # fmt: skip
