"""Formulas as MathML, which browsers set themselves: nothing is fetched, and no script runs."""

from __future__ import annotations

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.application import Sphinx
from sphinx.writers.html5 import HTML5Translator

BAR = '<mo stretchy="false">&#x0007C;</mo>'  # of |S|: set as an operator between two terms unless it is told its spaces
CLOSE_BAR = BAR.replace("<mo ", '<mo lspace="0.05em" rspace="0.05em" ')


def inline(self: HTML5Translator, node: nodes.math) -> None:
    self.body.append(convert(node.astext()).replace(BAR, CLOSE_BAR))
    raise nodes.SkipNode


def display(self: HTML5Translator, node: nodes.math_block) -> None:
    self.body.append(f'<div class="formula">{convert(node.astext(), display="block").replace(BAR, CLOSE_BAR)}</div>')
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_html_math_renderer("mathml", (inline, None), (display, None))
    return {"parallel_read_safe": True}
