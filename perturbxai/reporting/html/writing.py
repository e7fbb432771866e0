"""The page's text: its model in the template, with its style sheet and its script, which the policy names."""

from collections.abc import Sequence
from functools import lru_cache
from importlib.resources import files

from perturbxai.reporting.html.buttons import buttons
from perturbxai.reporting.html.choices import Choice
from perturbxai.reporting.html.markup import Html, name
from perturbxai.reporting.html.policy import content_policy
from perturbxai.reporting.html.sections import Page

HOME = "perturbxai.reporting.html"
FIRST = "document.documentElement.className = 'script'"  # before anything is drawn

FACT = 2000  # letters of a fact on top, such as all that was noted of a table


def written(page: Page, inner: Sequence[Choice] = ()) -> str:
    """The whole page as text. inner: choices whose buttons stand within a section."""
    from jinja2 import Environment, StrictUndefined

    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {"name": lambda text: name(text, FACT), "buttons": buttons}
    choices = [*page.choices, *inner]
    style = "\n".join([_file("page.css"), *(f".script {line}" for one in choices for line in one.rules(True).splitlines())])
    plain = "\n".join(one.rules(False) for one in choices)
    script = _file("page.js")
    return environment.from_string(_file("page.html")).render(
        page=page,
        style=Html(style),
        plain=Html(plain),
        script=Html(script),
        first=Html(FIRST),
        choices=choices,
        policy=content_policy((style, plain), (FIRST, script)),
    )


@lru_cache(maxsize=8)
def _file(called: str) -> str:
    return files(HOME).joinpath(called).read_text("utf-8")
