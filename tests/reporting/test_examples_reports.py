"""Prototypes and contexts as figures, tables and pages."""

from __future__ import annotations

import html
import json
import re

import numpy as np
import pandas as pd
import pytest

import perturbxai as px

RNG = np.random.default_rng(0)
TABLE = pd.DataFrame(
    {
        "a<b>": RNG.normal(size=60),
        "town": pd.Categorical(RNG.choice(["x", "y", "<i>z"], 60)),
        "rooms": RNG.integers(1, 6, 60),
    },
    index=[f"house {i}" for i in range(60)],
)


def model(X):
    return 2.0 * X["rooms"].to_numpy(float) + (X["town"] == "x").to_numpy(float)


@pytest.fixture(scope="module")
def found():
    return px.prototypes(TABLE, 4, criticisms=2)


@pytest.fixture(scope="module")
def around():
    return px.context(model, TABLE, TABLE.iloc[:3])


@pytest.fixture(scope="module")
def pictures():
    return [np.full((6, 6, 3), float(v)) for v in (0, 4, 8, 200, 204, 208)]


def said(folder):
    """The text of a page."""
    return html.unescape(re.sub(r"<[^>]*>", "", (folder / "index.html").read_text("utf-8"))).replace(
        "\N{NO-BREAK SPACE}", " "
    )


def words_of(figure):
    return [text.get_text() for axis in figure.axes for text in axis.findobj(lambda one: hasattr(one, "get_text"))]


def test_prototypes_are_drawn_as_a_table_with_their_shares(found):
    words = words_of(px.plot(found))
    assert {"prototypes", "criticisms", "rooms", "town"} <= set(words)
    for label, part in zip(found.labels, found.share, strict=True):
        assert f"{label}\n{100 * part:.0f} %" in words
    assert any(one.endswith(("data thicker", "data thinner")) for one in words)


def test_cells_are_coloured_by_their_place_among_the_data(found):
    figure = px.plot(found)
    (image,) = figure.axes[0].get_images()
    line = [tick.get_text() for tick in figure.axes[0].get_yticklabels()].index("rooms")
    np.testing.assert_allclose(np.ma.filled(image.get_array()[line], np.nan), found.ranks[:, 2])


def test_of_many_columns_those_are_drawn_in_which_examples_differ():
    wide = pd.DataFrame({f"c{i}": RNG.normal(size=50) * (i < 3) + np.arange(50) * 1e-9 for i in range(8)})
    figure = px.plot(px.prototypes(wide, 3), top=2)
    assert len(figure.axes[0].get_yticklabels()) == 2 and "6 features more" in figure.get_suptitle()


def test_the_worth_is_drawn_beside_that_of_drawn_rows(found):
    lines = {line.get_label(): line.get_ydata() for line in px.plot(found, "worth").axes[0].get_lines()}
    np.testing.assert_allclose(lines["prototypes"], found.discrepancy)
    np.testing.assert_allclose(lines["drawn at random, on average"], found.of_a_draw / np.arange(1, 5))


def test_the_witness_is_drawn_at_all_rows_and_criticisms_are_marked(found):
    axis = px.plot(found, "witness").axes[0]
    curve = next(line for line in axis.get_lines() if len(line.get_xdata()) == 60)
    np.testing.assert_allclose(curve.get_ydata(), np.sort(found.witnesses))
    marked = [float(line.get_ydata()[0]) for line in axis.get_lines() if line.get_marker() == "o"]
    np.testing.assert_allclose(marked, found.witness)
    assert set(found.criticism_labels) <= {one.get_text() for one in axis.texts}


def test_pictures_are_drawn_as_pictures(pictures):
    shown = px.plot(px.prototypes(pictures, 2, criticisms=1))
    assert sum(len(axis.get_images()) for axis in shown.axes) == 3


def test_a_context_is_drawn_with_what_differs_in_colour(around):
    figure = px.plot(around, row=1)
    (image,) = figure.axes[0].get_images()
    shade = np.ma.filled(image.get_array(), np.nan)
    assert np.isnan(shade[:, 0]).all() and np.isfinite(shade[:, 1:]).any()
    assert {"row", "most like it", "decided otherwise"} <= set(words_of(figure))


@pytest.mark.parametrize(
    ("of", "arguments", "match"),
    [
        ("found", {"kind": "bars"}, "kind='bars'"),
        ("found", {"row": 1}, "row=1: a Prototypes is drawn whole"),
        ("found", {"output": 0}, "output=0"),
        ("around", {"kind": "bars"}, "kind='bars': a Context"),
        ("around", {"row": 3}, "row=3 must be a whole number of an input from 0 up to 2"),
        ("around", {"feature": "rooms"}, "feature='rooms'"),
        ("found", {"interactive": True}, "has no interactive figure"),
    ],
)
def test_what_cannot_be_drawn_is_refused_in_words(of, arguments, match, request):
    if arguments.get("interactive"):
        pytest.importorskip("plotly")
    with pytest.raises(ValueError, match=match):
        px.plot(request.getfixturevalue(of), **arguments)


def test_a_report_of_prototypes_has_a_table_figures_and_a_page(found, tmp_path):
    folder = px.report(found, tmp_path / "r", about={"data": "houses"})
    assert {one.name for one in folder.iterdir()} == {
        "index.html", "manifest.json", "prototypes.csv", "prototypes.png", "witness.png", "worth.png",
    }  # fmt: skip
    text = said(folder)
    assert all(sentence in text for sentence in found.describe().splitlines()) and "houses" in text
    assert "a<b>" in text and "<i>z" not in (folder / "index.html").read_text("utf-8")
    written = px.read_csv(folder / "prototypes.csv")
    assert written.row.tolist() == [*found.labels, *found.criticism_labels]
    np.testing.assert_allclose(written.share[:4], found.share)


def test_a_report_of_a_context_has_each_row_beside_its_neighbours(around, tmp_path):
    folder = px.report(around, tmp_path / "r")
    text = said(folder)
    for i in range(3):
        assert all(sentence in text for sentence in around.describe(i).splitlines())
    assert len(px.read_csv(folder / "context.csv")) == len(around.to_frame())


def test_a_report_of_results_has_their_context_row_by_row(around, tmp_path):
    results = px.explain("kernel_shap", model, TABLE, TABLE.iloc[:3])
    folder = px.report(results, tmp_path / "r", context=around)
    text = said(folder)
    assert text.count("Rows like it") == 3 and around.describe(1).splitlines()[1] in text
    names = {file["name"] for file in json.loads((folder / "manifest.json").read_text("utf-8"))["files"]}
    assert "context.csv" in names
    assert "Rows like it" not in said(px.report(results, tmp_path / "s"))


def test_a_report_of_photos_has_theirs_as_pictures(pictures, tmp_path):
    def bright(batch):
        return np.asarray(batch).mean(axis=(1, 2, 3)) / 255

    space = px.ImageSpace(segments="grid", n_segments=4, fill=0)
    around = px.context(bright, space, pictures[:2], data=pictures, n=2)
    results = px.explain("kernel_shap", bright, space, [one + np.eye(6)[..., None] for one in pictures[:2]])
    with pytest.raises(ValueError, match="context is of 2 pictures that are not the 2 explained ones"):
        px.report(results, tmp_path / "r", context=around)
    results = px.explain("kernel_shap", bright, px.ImageSpace(segments="grid", n_segments=4, fill=99), pictures[:2])
    folder = px.report(results, tmp_path / "r", context=around)
    assert {"context.csv", "context_0.png", "context_1.png"} <= {one.name for one in folder.iterdir()}
    assert "What is most like it" in said(folder)


@pytest.mark.parametrize(
    ("what", "error"), [("rows", ValueError), ("word", TypeError), ("effects", ValueError), ("own", ValueError)]
)
def test_contexts_of_others_are_refused(what, error, around, found, tmp_path):
    given = px.explain("kernel_shap", model, TABLE, TABLE.iloc[3:5])
    context, anything = around, given
    if what == "word":
        context = "near"
    elif what == "effects":
        anything = px.effects("pdp", model, TABLE, TABLE, features="rooms")
    elif what == "own":
        anything = found
    with pytest.raises(error, match="context"):
        px.report(anything, tmp_path / "r", context=context)
    assert not (tmp_path / "r" / "index.html").exists()
