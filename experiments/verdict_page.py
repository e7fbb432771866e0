"""The page of the verdict: differences with intervals, ranks, fills and cuts, costs, seeds, random weights, and photos."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from as_comparison import as_comparison
from photos import Photo
from verdict_crossed import crossed, differences

import perturbxai as px
from perturbxai.calls.describing_versus import of_versus
from perturbxai.reporting.html.markup import Html, element
from perturbxai.reporting.style import TITLES, save, titles

JUDGE, AGAINST, OUTPUT = "faithfulness", "grad_cam", "logit"
MAIN = ("slic", "blur")
CAMS = ("cam", "grad_cam", "grad_cam_plus_plus", "xgrad_cam", "hires_cam", "layer_cam", "eigen_cam", "cam_difference")
SHOWN = 3  # photos at which the CAM wins, and at which it loses
STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; color: #1c1c1c; }
img { max-width: 100%; } table { border-collapse: collapse; margin: 1rem 0; display: block; overflow-x: auto; }
th, td { padding: .2rem .7rem; border-bottom: 1px solid #ddd; text-align: left; } td.n { text-align: right; }
figure { margin: 1rem 0; } figcaption, .note { color: #555; font-size: .9rem; }
"""


def write(folder: Path, paths: Sequence[Path], photos: Sequence[Photo], network: str) -> None:
    """verdict.html, and the tables behind it as CSV files, of the cells that were measured. network: its title"""
    lines = pd.concat([read(path) for path in paths if path.exists()])
    main = lines[(lines.what == "scores") & (lines.cut == MAIN[0]) & (lines.cell_fill == MAIN[1])]
    versus = compared(main, OUTPUT).versus(AGAINST, metric=JUDGE)
    parts = [
        *head(lines, main, versus, network), *fills(main, folder), *cuts(lines, folder), *costs(main, folder),
        *defaults(lines, main, folder), *seeds(lines, folder),
        *weights(lines, folder), *examples(folder, main, photos),
    ]  # fmt: skip
    versus.to_csv(folder / "versus.csv")
    page = element("html", element("head", element("meta", charset="utf-8"), element("title", "The verdict"),
        element("style", Html(STYLE))), element("body", *parts), lang="en")  # fmt: skip
    (folder / "verdict.html").write_text(f"<!DOCTYPE html>\n{page}\n", encoding="utf-8")


def read(path: Path) -> pd.DataFrame:
    """The lines of a cell, and which it was."""
    what, _, cut, fill = path.stem.split("-")
    found = pd.read_csv(path)
    return found.assign(what=what, cut=cut, cell_fill=fill, row=found.photo)


def compared(lines: pd.DataFrame, output: str) -> px.Comparison:
    """Scores of many photos as one comparison, a photo an input."""
    return as_comparison(lines[lines.output == output])


def head(lines: pd.DataFrame, main: pd.DataFrame, versus: px.Versus, network: str) -> list[Html]:
    n, sure = main.photo.nunique(), main.drop_duplicates("photo").probability_of_class
    settled = (
        f"{network}, {n} photos; the network's likeliest class of each (probability {sure.min():.2f} to "
        f"{sure.max():.2f}, median {sure.median():.2f}), as its logit. Score: faithfulness within sizes on 200 coalitions "
        "that no method asked, "
        "under the two fills that the maps were not made with. Tested: LIME, KernelSHAP, PDP, ICE and ALE against "
        "Grad-CAM, settled before; everything else is exploratory."
    )
    told = [line for line in of_versus(versus, titles(versus.results)) if not line.startswith("Not tested")]
    n_crossed = crossed(lines[lines.what == "scores"]).photo.nunique()
    return [
        element("h1", "Are perturbation explanations better than class activation maps?"), element("p", settled),
        element("h2", "Against Grad-CAM"), sentences(told),
        picture(px.plot(versus), "Mean difference to Grad-CAM by method, 95 % intervals over photos; above 0 is better."),
        table(versus.to_frame()[[
            "method", "difference", "low", "high", "p_holm", "rank_biserial", "win_rate", "detectable",
        ]]),
        element("h2", "All methods"), picture(px.plot(versus, kind="ranks"), "Mean ranks over photos, best on the left."),
        *([element("p", f"{n_crossed} photos were also explained under each fill on each cut, below.", class_="note")]
          if n_crossed else []),
    ]  # fmt: skip


def fills(main: pd.DataFrame, folder: Path) -> list[Html]:
    """Every method's mean score by scored fill and output."""
    own = main[main.metric == JUDGE]
    found = own.groupby(["method", "output", "scored_fill"], sort=False).value.mean().unstack(["output", "scored_fill"])
    found.columns = pd.Index([", ".join(map(str, head)) for head in found.columns])
    found = found.sort_values(found.columns[1], ascending=False).reset_index()
    found.to_csv(folder / "by_fill.csv", index=False)
    note = (
        f"Maps were made under {MAIN[1]}: under it they play at home. CAMs and gradients know no fill. The same map of the "
        "logit stands for the probability where a method has none of its own."
    )
    return [element("h2", "By fill, and of the probability"), element("p", note, class_="note"), table(found)]


def cuts(lines: pd.DataFrame, folder: Path) -> list[Html]:
    """Photos that were explained under every fill on every cut: mean away scores."""
    scores = lines[(lines.what == "scores") & (lines.metric == JUDGE) & (lines.output == OUTPUT)]
    own = crossed(scores[~scores.home.astype(bool)])
    if own.empty:
        return []
    found = own.groupby(["method", "cut"], sort=False).value.mean().unstack("cut")
    found = found.sort_values(found.columns[0], ascending=False).reset_index()
    found.to_csv(folder / "by_cut.csv", index=False)
    note = (
        f"{own.photo.nunique()} photos, each fill's maps scored under the other two. Cells are those of the layer that the "
        "CAM is made of, so that a CAM loses nothing to the cut."
    )
    apart = differences(own, AGAINST)
    apart.to_csv(folder / "crossed.csv", index=False)
    lead = "Explainers less Grad-CAM under the same fills, by the cut and by the fill that they were explained under."
    shown = apart[["method", *(name for name in apart if name != "method")]]
    return [
        element("h2", "By cut"), element("p", note, class_="note"), table(found), element("p", lead, class_="note"),
        table(shown),
    ]  # fmt: skip


def costs(main: pd.DataFrame, folder: Path) -> list[Html]:
    """What an explanation of a photo takes."""
    own = main[main.metric == JUDGE].drop_duplicates(["photo", "method"])
    found = own.groupby("method", sort=False)[["rows", "seconds"]].mean().reset_index()
    found.to_csv(folder / "costs.csv", index=False)
    note = "Model rows a photo, and the model's seconds on one core; LIME, KernelSHAP, ICE and RISE read one table together."
    return [element("h2", "What they cost"), element("p", note, class_="note"), table(found)]


def defaults(lines: pd.DataFrame, main: pd.DataFrame, folder: Path) -> list[Html]:
    """What each method's own budget buys beyond equal rows, at the same photos."""
    own = lines[(lines.what == "defaults") & (lines.metric == JUDGE) & (lines.output == OUTPUT) & ~lines.home.astype(bool)]
    if own.empty:
        return []
    equal = main[(main.metric == JUDGE) & (main.output == OUTPUT) & ~main.home.astype(bool) & main.photo.isin(own.photo)]
    means = [one.groupby("method", sort=False)[["rows", "value"]].mean() for one in (equal, own)]
    found = means[1].join(means[0], lsuffix=" by default", rsuffix=" of equal rows").reset_index()
    found.to_csv(folder / "defaults.csv", index=False)
    note = (
        f"Rows and mean faithfulness away at {own.photo.nunique()} photos, by each method's own default and by equal rows."
    )
    return [element("h2", "At each method's default"), element("p", note, class_="note"), table(found)]


def seeds(lines: pd.DataFrame, folder: Path) -> list[Html]:
    own = lines[lines.what == "seeds"]
    if own.empty:
        return []
    found = compared(own, OUTPUT).seed_spread()
    found.to_csv(folder / "seeds.csv", index=False)
    note = (
        f"Five seeds at {own.photo.nunique()} photos, all by as many rows: how far a score spreads between seeds of one "
        "photo beside how far between photos. ICC is the share that lies between photos."
    )
    shown = found[["method", "mean", "sd_inputs", "sd_seeds", "icc", "icc_low", "icc_high"]]
    return [element("h2", "How much is the seed"), element("p", note, class_="note"), table(shown)]


def weights(lines: pd.DataFrame, folder: Path) -> list[Html]:
    own = lines[(lines.what == "weights") & (lines.output == OUTPUT)]
    if own.empty:
        return []
    found = own.groupby(["method", "metric"], sort=False).value.mean().unstack("metric").reset_index()
    found = found.sort_values("still_alike").rename(
        columns={"still_alike": "rank correlation with random weights", "emprt": "rise of entropy"}
    )
    found.to_csv(folder / "weights.csv", index=False)
    note = (
        f"All weights of the network drawn anew, at {own.photo.nunique()} photos: a map that stays as it was (correlation "
        "near 1) says nothing of the network. Changing is necessary, and no proof: noise changes too."
    )
    return [element("h2", "With random weights"), element("p", note, class_="note"), table(found)]


def examples(folder: Path, main: pd.DataFrame, photos: Sequence[Photo]) -> list[Html]:
    """Photos at which Grad-CAM wins most over KernelSHAP, and at which it loses most."""
    own = main[(main.metric == JUDGE) & (main.output == OUTPUT) & ~main.home.astype(bool)]
    by_photo = own.groupby(["photo", "method"]).value.mean().unstack()
    behind = (by_photo[AGAINST] - by_photo["kernel_shap"]).sort_values()
    known = {photo.name: (number, photo) for number, photo in enumerate(photos)}
    parts: list[Html] = [element("h2", "Where the CAM wins, and where it loses")]
    for said, names in (("wins", behind.index[::-1][:SHOWN]), ("loses", behind.index[:SHOWN])):
        for name in names:
            number, photo = known[name]
            caption = (
                f"Grad-CAM {said} at {name}: {by_photo[AGAINST][name]:.2f} against {by_photo['kernel_shap'][name]:.2f}."
            )
            parts.append(picture(maps_figure(folder / "maps" / f"{number:02}.npz", photo), caption))
    note = "Photos of ImageNet are other people's, and not shown: their maps stand alone."
    return [*parts, element("p", note, class_="note")]


def maps_figure(path: Path, photo: Photo) -> Any:
    """The photo, where it may be shown, and two maps by the superpixel, each over its largest absolute value."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.0, 3.2), layout="constrained")
    axes = figure.subplots(1, 3)
    axes[0].imshow(photo.picture if photo.shown else np.full_like(photo.picture, 235))
    axes[0].set_title(photo.name if photo.shown else f"{photo.name} (not shown)")
    with np.load(path) as held:
        labels = held["labels"]
        for axis, name in zip(axes[1:], (AGAINST, "kernel_shap"), strict=True):
            values = held[name]
            axis.imshow((values / max(np.abs(values).max(), 1e-12))[labels], cmap="RdBu_r", vmin=-1, vmax=1)
            axis.set_title(TITLES[name])
    for axis in axes:
        axis.set_axis_off()
    return figure


def picture(figure: Any, caption: str) -> Html:
    held = BytesIO()
    save(figure, held)
    source = f"data:image/png;base64,{base64.b64encode(held.getvalue()).decode('ascii')}"
    return element("figure", element("img", src=source, alt=caption), element("figcaption", caption))


def sentences(lines: Iterable[str]) -> Html:
    return element("ul", *(element("li", line) for line in lines))


def table(frame: pd.DataFrame) -> Html:
    """Methods by their titles, numbers to three places."""
    rows = []
    for line in frame.to_numpy(dtype=object).tolist():
        cells = [TITLES.get(str(one), one) if n == 0 else one for n, one in enumerate(line)]
        rows.append(element("tr", *(element("td", told(one), class_="n" if n else None) for n, one in enumerate(cells))))
    heads = element("tr", *(element("th", str(column).replace("_", " ")) for column in frame.columns))
    return element("table", element("thead", heads), element("tbody", *rows))


def told(value: Any) -> str:
    if isinstance(value, (bool, np.bool_)):
        return "yes" if value else "no"
    if not isinstance(value, (int, float)):
        return str(value)
    if not np.isfinite(value):
        return "–"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3f}"
