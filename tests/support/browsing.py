"""A browser, and reports to open in it."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import perturbxai as px
from perturbxai.reporting import report as writing

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
HOSTILE = (
    "</script><img src=x onerror=\"window.hacked='img'\">",
    "\"'><svg onload=\"window.hacked='svg'\">",
    "two\nlines\x00\u202e!",
    "العمر بالسنوات",
    "a column of the laboratory with a name that goes on and on and on, measured twice",
)


@pytest.fixture(scope="session")
def browser():
    """Chromium. Tests are skipped, with the reason, without it or without what drives it."""
    missing = [what for what in ("playwright", "axe_playwright_python") if find_spec(what) is None]
    missing += [] if CHROMIUM else ["chromium"]
    if missing:
        pytest.skip(f"{', '.join(missing)} not installed")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        # in a container there is no sandbox to be had; the pages are our own
        opened = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        opened.close()


@dataclass
class Opened:
    """A page that is open, and what it complained of or asked for."""

    page: object
    said: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)


@pytest.fixture
def look(browser):
    """Opens a report: look(path, width=1280, dark=False, script=True)."""
    contexts = []

    def opened(path, width=1280, height=900, dark=False, script=True):
        context = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if dark else "light",
            java_script_enabled=script,
            reduced_motion="reduce",
        )
        contexts.append(context)
        found = Opened(context.new_page())
        found.page.set_default_timeout(10_000)
        found.page.on("console", lambda message: found.said.append(message.text))
        found.page.on("pageerror", lambda error: found.said.append(str(error)))
        found.page.on("request", lambda request: found.asked.append(request.url))
        found.page.goto(path.as_uri())
        return found

    yield opened
    for context in contexts:
        context.close()


@pytest.fixture(scope="session")
def artefacts(tmp_path_factory):
    """Where screenshots are kept: the folder that ARTEFACTS names, else one that goes."""
    folder = Path(os.environ["ARTEFACTS"]) if os.environ.get("ARTEFACTS") else tmp_path_factory.mktemp("shots")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def reports(browser, tmp_path_factory):  # noqa: ARG001 - without a browser none is made
    """Name -> index.html of small reports, without their PNG files."""
    folder = tmp_path_factory.mktemp("reports")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(writing.drawing, "figures", lambda *_: iter(()))
        patch.setattr(writing.drawing, "of_effects", lambda *_: iter(()))
        made = {"table": _table(), "photo": _photo(), "effects": _effects()}
        return {
            name: px.report(one, folder / name, about={"model": HOSTILE[0]}) / "index.html" for name, one in made.items()
        }


def _rows(n=40):
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(n, len(HOSTILE))), columns=list(HOSTILE))
    X.iloc[3, 1] = np.nan
    X.index = [f"<i>row</i> {number}" for number in range(n)]
    return X


def _predict(rows):
    values = np.nan_to_num(rows.to_numpy())
    return values @ np.arange(15.0).reshape(5, 3) / 10.0 + values[:, :1] * values[:, 1:2]


def _table():
    X = _rows()
    predictor = px.Predictor(_predict, outputs=["<b>first</b>", "b\"'", "third"])
    space = px.TabularSpace(X)
    found = px.explain(["lime", "kernel_shap", "interactions"], predictor, space, X[:9], seed=0)
    return px.compare(found, predictor, space, seed=0)


def _photo():
    photo = np.random.default_rng(0).uniform(0, 255, (60, 80, 3)).astype(np.float32)
    predictor = px.Predictor(
        lambda p: np.stack([p[:, :30].mean((1, 2, 3)), p[:, 30:].mean((1, 2, 3))], axis=1), outputs=["up", "down"]
    )
    space = px.ImageSpace(segments="grid", n_segments=12, fill="mean")
    found = {}
    for fill in ("mean", "blur"):
        own = px.explain(["lime", "kernel_shap"], predictor, space.with_fill(fill), photo, budget=60, seed=0)
        found |= {f"{name}@{fill}": one for name, one in own.items()}
    return px.compare(found, predictor, space, fills=["mean", "blur"], seed=0)


def _effects():
    X = _rows()
    predictor = px.Predictor(lambda rows: _predict(rows)[:, 0])
    return px.effects(["pdp", "ice", "ale"], predictor, px.TabularSpace(X), X, features=[*HOSTILE[2:], HOSTILE[3:]], grid=6)
