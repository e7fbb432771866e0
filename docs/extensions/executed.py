"""Pages that are run while the site is built: what a block of Python prints, and the figures it draws, follow it.

The page itself stays plain Markdown. `executed_pages` names pages by patterns; the blocks of a page share one namespace, as
in tests/house/test_docs.py. What was drawn lies in docs/_figures until the page, or the package, changes.
"""

from __future__ import annotations

import ast
import contextlib
import fnmatch
import hashlib
import io
import json
import os
import re
import tempfile
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FIGURES = "_figures"
LONGEST = 24  # lines of output that are shown


def figures_of(value: object) -> list[object]:
    """The figures of a block: what its last line gave, and what pyplot holds open."""
    import matplotlib.pyplot as plt
    from matplotlib.figure import Figure

    own = [value] if isinstance(value, Figure) else []
    return own + [one for number in plt.get_fignums() if (one := plt.figure(number)) is not value]


def run_block(code: str, names: dict[str, object], where: str) -> tuple[str, list[object]]:
    """Run a block in a namespace; what it printed, and its figures. The value of a last line is shown, as in a notebook."""
    tree = ast.parse(code, where)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    printed, value = io.StringIO(), None
    with contextlib.redirect_stdout(printed):
        exec(compile(tree, where, "exec"), names)
        if last is not None:
            value = eval(compile(ast.Expression(last.value), where, "eval"), names)
    figures = figures_of(value)
    if value is not None and not figures and not type(value).__module__.startswith("matplotlib"):
        printed.write(repr(value))
    return printed.getvalue().rstrip(), figures


def run_page(text: str, name: str, folder: Path) -> list[dict[str, object]]:
    """Run all blocks of a page in a folder that is gone afterwards: {"printed", "figures"} of each."""
    import matplotlib

    matplotlib.use("agg")
    import matplotlib.pyplot as plt

    names: dict[str, object] = {"__name__": "__main__"}
    found: list[dict[str, object]] = []
    with tempfile.TemporaryDirectory() as scratch, contextlib.chdir(scratch):
        for number, code in enumerate(BLOCK.findall(text)):
            printed, figures = run_block(code, names, f"docs/{name}.md, block {number + 1}")
            files = []
            for which, figure in enumerate(figures):
                file = f"{name.replace('/', '-')}-{number + 1}-{which + 1}.png"
                figure.savefig(folder / file, dpi=110, bbox_inches="tight")  # type: ignore[attr-defined]
                files.append(file)
            plt.close("all")
            found.append({"printed": printed, "figures": files})
    return found


def kept(text: str, name: str, folder: Path) -> list[dict[str, object]]:
    """The same, from last time where neither the page's code nor the package changed."""
    package = sorted((Path(__file__).resolve().parents[2] / "perturbxai").rglob("*.py"))
    state = hashlib.sha256("".join([*BLOCK.findall(text), *(f"{p}{p.stat().st_mtime_ns}" for p in package)]).encode())
    record = folder / f"{name.replace('/', '-')}.json"
    if record.exists() and (old := json.loads(record.read_text("utf-8")))["state"] == state.hexdigest():
        return old["blocks"]
    folder.mkdir(exist_ok=True)
    blocks = run_page(text, name, folder)
    record.write_text(json.dumps({"state": state.hexdigest(), "blocks": blocks}), "utf-8")
    return blocks


def _read(app: Sphinx, name: str, source: list[str]) -> None:
    if not any(fnmatch.fnmatch(name, pattern) for pattern in app.config.executed_pages):
        return
    os.environ["PERTURBXAI_PROGRESS"] = "off"
    try:
        blocks = iter(kept(source[0], name, Path(app.srcdir) / FIGURES))
    except Exception as error:
        raise ExtensionError(f"{name}.md does not run: {error}", error, "executed") from error

    def shown(found: re.Match[str]) -> str:
        block = next(blocks)
        text = found[0]
        if lines := str(block["printed"]).splitlines():
            more = ["..."] if len(lines) > LONGEST else []
            text += "\n\n```{code-block} text\n:class: printed\n\n" + "\n".join(lines[:LONGEST] + more) + "\n```"
        for file in block["figures"]:  # type: ignore[attr-defined]
            text += f"\n\n![What the code above draws](/{FIGURES}/{file})"
        return text

    source[0] = BLOCK.sub(shown, source[0])


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_config_value("executed_pages", (), "env", frozenset({tuple, list}))
    app.connect("source-read", _read)
    return {"parallel_read_safe": False}
