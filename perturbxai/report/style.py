"""How figures look: colours that the colour-blind tell apart, one look a method, text that means itself."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from io import BytesIO

# Okabe & Ito's palette for the explainers, other lines and greys for what they are compared with
LOOKS: dict[str, dict[str, Any]] = {
    "lime": {"color": "#E69F00"},
    "kernel_shap": {"color": "#0072B2"},
    "pdp": {"color": "#009E73"},
    "ice": {"color": "#CC79A7"},
    "ale": {"color": "#56B4E9"},
    "lime_tabular": {"color": "#A65E00"},
    "interactions": {"color": "#8C4A9E"},
    "exact_shap": {"color": "#003A5D"},
    "permutation_shap": {"color": "#4F93C4"},
    "sampling_shap": {"color": "#7FB0D0"},
    "partition_shap": {"color": "#1F8A99"},
    "banzhaf": {"color": "#5B4FA2"},
    "occlusion": {"color": "#A3476F"},
    "sliding_occlusion": {"color": "#C46A93"},
    "rise": {"color": "#3C8D40"},
    "rise_smooth": {"color": "#7DB46C"},
    "inclusion": {"color": "#00664B"},
    "exact": {"color": "#000000"},
    "glass_box": {"color": "#2B2B2B"},
    "gradient": {"color": "#C8102E"},
    "gradient_x_input": {"color": "#E8788A"},
    "integrated_gradients": {"color": "#8E1B2F"},
    "expected_gradients": {"color": "#B8506A"},
    "smooth_grad": {"color": "#F2545B"},
    "deconvnet": {"color": "#6B4E71"},
    "guided_backprop": {"color": "#A26BA8"},
    "guided_grad_cam": {"color": "#4A2545"},
    "lrp": {"color": "#3D5A40"},
    "deep_taylor": {"color": "#7A9E7E"},
    "cam": {"color": "#D55E00"},
    "grad_cam": {"color": "#7A2E00"},
    "cam_difference": {"color": "#B8A200"},
    "grad_cam_plus_plus": {"color": "#A84B00"},
    "xgrad_cam": {"color": "#E08040"},
    "hires_cam": {"color": "#F0A36B"},
    "layer_cam": {"color": "#5C4A00"},
    "eigen_cam": {"color": "#8C7B2A"},
    "score_cam": {"color": "#C7522A"},
    "ablation_cam": {"color": "#946B2D"},
    "mask_optimisation": {"color": "#20566B"},
    "random": {"color": "#9A9A9A"},
    "centre": {"color": "#6A6A6A"},
    "edges": {"color": "#3F3F3F"},
}
TITLES = {
    "lime": "LIME", "kernel_shap": "KernelSHAP", "pdp": "PDP", "ice": "ICE", "ale": "ALE",
    "lime_tabular": "tabular LIME", "exact": "exact Shapley", "interactions": "interactions",
    "exact_shap": "ExactSHAP", "permutation_shap": "PermutationSHAP", "sampling_shap": "SamplingSHAP",
    "partition_shap": "PartitionSHAP",
    "banzhaf": "Banzhaf", "occlusion": "occlusion", "inclusion": "inclusion",
    "sliding_occlusion": "sliding occlusion", "rise": "RISE", "rise_smooth": "smooth RISE",
    "glass_box": "glass box", "gradient": "gradient", "gradient_x_input": "gradient × input",
    "integrated_gradients": "integrated gradients", "expected_gradients": "expected gradients",
    "smooth_grad": "SmoothGrad", "deconvnet": "deconvnet", "guided_backprop": "guided backprop",
    "guided_grad_cam": "Guided Grad-CAM", "lrp": "LRP", "deep_taylor": "deep Taylor",
    "cam": "CAM", "grad_cam": "Grad-CAM", "cam_difference": "CAM difference",
    "grad_cam_plus_plus": "Grad-CAM++", "xgrad_cam": "XGrad-CAM", "hires_cam": "HiResCAM", "layer_cam": "LayerCAM",
    "eigen_cam": "Eigen-CAM", "score_cam": "Score-CAM", "ablation_cam": "Ablation-CAM",
    "mask_optimisation": "mask optimisation",
    "random": "random", "centre": "centre", "edges": "edges",
}  # fmt: skip
CONTROLS = ("random", "centre", "edges")
SPARE = ("#E69F00", "#0072B2", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#B8A200")
FONT = {"font.size": 9.0, "axes.titlesize": 9.0, "axes.labelsize": 9.0, "legend.fontsize": 8.5}
LONGEST = 28


def base_name(name: str) -> str:
    """The method in a result's name: "lime" of "lime@blur" and of "lime(kernel_width=0.5)"."""
    return re.split(r"[@(]", name, maxsplit=1)[0]


def title(name: str) -> str:
    """A result's name as people write it: "KernelSHAP @blur"."""
    base = base_name(name)
    rest = name[len(base) :]
    return text(TITLES.get(base, base) + (f" {rest}" if rest else ""))


def looks(names: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Colour and dashes of each result: a colour a method, dashes for its second and later fills."""
    found: dict[str, dict[str, Any]] = {}
    fills: list[str] = []
    spare = iter(SPARE * 20)
    strange: dict[str, str] = {}
    for name in names:
        base, _, fill = name.partition("@")
        if fill and fill not in fills:
            fills.append(fill)
        known = LOOKS.get(base_name(base))
        color = known["color"] if known else strange.setdefault(base, "") or next(spare)
        strange[base] = color
        dashes = ("-", (0, (4, 1.5)), (0, (1, 1)), (0, (5, 1, 1, 1)))[fills.index(fill) % 4 if fill else 0]
        if base_name(base) in CONTROLS:
            dashes = (0, (1, 1.6))
        found[name] = {"color": color, "linestyle": dashes}
    return found


def text(words: Any, longest: int = LONGEST) -> str:
    """Words that a figure shows as they are: no formulas, no line breaks, not endless, not hidden from a legend."""
    flat = " ".join(str(words).split())
    flat = flat if len(flat) <= longest else flat[: longest - 1] + "…"
    return flat.replace("$", r"\$") if not flat.startswith("_") else " " + flat.replace("$", r"\$")


def minus(words: str) -> str:
    """A true minus sign in place of the hyphen, as the axes have it."""
    return words.replace("-", "\N{MINUS SIGN}")


def new_figure(width: float, height: float) -> Any:
    """An empty figure of its own, known to no global state."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained", dpi=150)


def rc(function: Any) -> Any:
    """Draw with our fonts, whatever the user's settings are, and leave these as they were."""
    from functools import wraps

    @wraps(function)
    def drawn(*args: Any, **options: Any) -> Any:
        import matplotlib

        with matplotlib.rc_context():
            matplotlib.rcdefaults()
            matplotlib.rcParams.update(FONT)
            return function(*args, **options)

    return drawn


def notebook_png(figure: Any) -> None:
    """Have a notebook show this figure, which pyplot does not know of."""
    from functools import partial

    figure._repr_png_ = partial(_png, figure)


def _png(figure: Any) -> bytes:
    from io import BytesIO

    kept = BytesIO()
    save(figure, kept)
    return kept.getvalue()


@rc
def save(figure: Any, path: Path | BytesIO) -> None:
    """Write a figure as PNG, without a window system, cut to what it shows."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    FigureCanvasAgg(figure)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from", category=UserWarning)
        figure.savefig(path, format="png", dpi=150, bbox_inches="tight", metadata=dict[str, Any]())


def legend_handles(styles: Mapping[str, Mapping[str, Any]]) -> list[Any]:
    """One line a result, for a legend."""
    from matplotlib.lines import Line2D

    handles = []
    for name, style in styles.items():
        exact = base_name(name) == "exact"
        width, alpha = (4.0, 0.3) if exact else (1.4, 1.0)
        handles.append(Line2D([], [], label=title(name), linewidth=width, alpha=alpha, **style))
    return handles
