"""Interactive figures in a real browser: names stay text, the mouse tells, the legend hides, and nothing is asked for."""

from __future__ import annotations

from html import unescape
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

import perturbxai as px

pytest.importorskip("plotly")
pytest_plugins = ("browsing",)
pytestmark = pytest.mark.browser
HOSTILE = ('<a href="javascript:x">x</a>', "<b>bold</b>", "$x^2$", "%{x}", "a & b &lt;", "_under<br>line", r"\$cash\$")
LEVELS = ("<i>yes</i>", "$no$")


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A page with bars of two methods and a scatter, whose names are all hostile."""
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(30, len(HOSTILE))), columns=list(HOSTILE))
    X[HOSTILE[1]] = rng.choice(LEVELS, 30)
    X.index = [f"<i>row</i> %{{y}} {n}" for n in range(30)]

    def model(rows):
        numbers = rows.drop(columns=HOSTILE[1]).to_numpy()
        return numbers @ np.arange(1.0, 7.0) + 9.0 * numbers[:, 0] * (rows[HOSTILE[1]] == LEVELS[0]).to_numpy()

    predictor, space = px.Predictor(model, outputs=["<u>out</u>"]), px.TabularSpace(X, background=10)
    found = px.explain(["kernel_shap", "lime"], predictor, space, X, budget=60, seed=0)
    bars = px.plot(found, "bars", interactive=True)
    cloud = px.plot(found["kernel_shap"], "scatter", feature=HOSTILE[0], interactive=True)
    path = tmp_path_factory.mktemp("interactive") / "page.html"
    # as in a notebook that has MathJax, which plotly asks to set what it takes for a formula
    ask = "new Proxy({version: '3.0'}, {get: (own, key) => own[key] ?? (window.typeset = String(key), undefined)})"
    typeset = f"<script>window.MathJax = {ask}</script>"
    more = cloud.to_html(full_html=False, include_plotlyjs=False)
    path.write_text(
        bars.to_html(include_plotlyjs=True).replace("<body>", f"<body>{typeset}").replace("</body>", more + "</body>")
    )
    return path


@pytest.fixture(scope="module")
def seen(browser, written):
    """The page, opened once, for plotly takes seconds."""
    found = SimpleNamespace(page=browser.new_page(viewport={"width": 1100, "height": 900}), said=[], asked=[])
    found.page.set_default_timeout(10_000)
    found.page.on("console", lambda message: found.said.append(message.text))
    found.page.on("pageerror", lambda error: found.said.append(str(error)))
    found.page.on("request", lambda request: found.asked.append(request.url))
    found.page.goto(written.as_uri())
    found.page.locator(".plotly-graph-div").last.locator(".legend").wait_for()
    yield found
    found.page.close()


def shown(page, query="text"):
    """Words of drawn texts; a line of several is several."""
    return [words.strip() for words in page.locator(query).all_text_contents()]


def test_hostile_names_are_shown_as_they_are(seen, written, artefacts):
    page = seen.page
    words = shown(page)
    whole = {name for name in HOSTILE if len(name) < 22}  # the longer one is cut to make room for what the row has
    assert whole < {one.rpartition(" = ")[0] for one in words} and set(LEVELS) < set(words) and "<u>out</u>" in words
    assert any(one.startswith("row <i>row</i> %{y} 0;") for one in words)
    assert page.locator("svg a, svg b, img").count() == 0 and page.evaluate("typeof window.typeset") == "undefined"
    assert seen.said == [] and seen.asked == [written.as_uri()]
    page.screenshot(path=artefacts / "interactive.png", full_page=True)


def test_the_mouse_tells_and_the_legend_hides(seen):
    page = seen.page
    first, second = page.locator(".plotly-graph-div").all()
    point = second.locator(".scatterlayer .point").first.bounding_box()
    page.mouse.move(point["x"] + point["width"] / 2, point["y"] + point["height"] / 2)
    label = second.locator(".hoverlayer .hovertext")
    label.wait_for()
    told = label.locator("tspan.line").all_text_contents()
    assert told[0].startswith(f"{HOSTILE[0]} = ") and told[2].startswith(f"{HOSTILE[1]} = ")
    assert told[-1].startswith("row <i>row</i> %{y} ") and unescape(told[0]) == told[0]
    before = first.locator(".barlayer .point").count()
    first.locator(".legendtoggle").last.click()
    page.wait_for_function(f"document.querySelectorAll('.barlayer .point').length == {len(HOSTILE)}")  # of both before
    assert before == 2 * len(HOSTILE)
