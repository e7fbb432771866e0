"""What docs/ shows runs, page by page and from the top, and every link of it and of the README leads somewhere."""

from __future__ import annotations

import shlex
import subprocess
import sys

import pages
import pytest

import perturbxai as px
from perturbxai import assets
from perturbxai.command import cli

OF_THEIR_OWN = ("recipes", "scale", "plans", "extending")  # tests/house/test_NAME.py runs these, and asks more of them
# photos shows the README's photo, which has a test there; the others are run whenever the site is built
SLOW = ("photos", "reading-figures", "error-bars", "fills-and-backgrounds", "comparing")
PAGES = {page.relative_to(pages.DOCS).with_suffix("").as_posix(): page.read_text("utf-8") for page in pages.pages()}
WITH_CODE = [
    pytest.param(name, marks=[pytest.mark.slow] if name in SLOW or name.startswith("methods/") else [])
    for name, text in PAGES.items()
    if pages.blocks(text) and name not in OF_THEIR_OWN and not name.startswith("coming-from/")
]


@pytest.mark.parametrize("name", WITH_CODE)
def test_what_a_page_shows_runs_from_the_top(name, tmp_path, monkeypatch):
    code = pages.blocks(PAGES[name])
    for package, needs in (("torch", "import torch"), ("efficientnet_lite_pytorch", "assets."), ("zennit", "px.Lrp")):
        if any(needs in block for block in code):
            pytest.importorskip(package, reason=f"{package} is not installed")
    photo = assets.photo
    monkeypatch.setattr(assets, "photo", lambda name, size=96: photo(name, size=size))  # five times as fast as 224
    monkeypatch.chdir(tmp_path)
    plt = pytest.importorskip("matplotlib.pyplot")
    names: dict[str, object] = {}
    try:
        for number, block in enumerate(code):
            exec(compile(block, f"docs/{name}.md, block {number + 1}", "exec"), names)
    finally:
        plt.close("all")


def test_the_five_minutes_of_the_shell_are_as_the_page_says(tmp_path, monkeypatch, capsys):
    make, explain = (shlex.split(line) for line in pages.blocks(PAGES["start"], "sh")[1].splitlines())
    monkeypatch.chdir(tmp_path)
    subprocess.run([sys.executable, *make[1:]], check=True)
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", lambda address, *_: opened.append(address) or True)
    assert cli.main(explain[1:]) == 0
    (page,) = opened
    assert page.endswith("results/explain/table/index.html")
    (told,) = pages.blocks(PAGES["start"], "text")
    assert told in capsys.readouterr().err
    lines = px.read_csv(tmp_path / "results" / "explain" / "table" / "attributions.csv").query("method == 'kernel_shap'")
    sizes = lines.value.abs().groupby(lines.feature).mean().nlargest(3)
    assert sizes.to_dict() == pytest.approx({"s5": 27.7, "bmi": 24.9, "bp": 11.6}, abs=0.2)  # as the picture shows


def test_pages_with_tests_of_their_own_have_them():
    for name in OF_THEIR_OWN:
        assert name in PAGES and f'"{name}.md"' in (pages.ROOT / "tests" / "house" / f"test_{name}.py").read_text("utf-8")
    assert set(SLOW) <= set(PAGES)


@pytest.mark.parametrize("page", [pages.ROOT / "README.md", *pages.pages()], ids=lambda page: page.name)
def test_every_link_to_a_file_leads_somewhere(page):
    for place in pages.links(page.read_text("utf-8")):
        if "generated/" in place:  # pages of the reference, which are there once the site is built, and told then if not
            continue
        assert (page.parent / place).exists(), f"{page.relative_to(pages.ROOT)} links to {place}, which is not there"


def test_links_are_seen_and_code_is_not():
    text = "[a](b.md#c) ![d](e.png) [f](https://g.h) `[i](j)`\n```python\n[k](l)\n```\n<img src='m.png'>\n"
    assert pages.links(text) == ["b.md", "e.png", "m.png"]
