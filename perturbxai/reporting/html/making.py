"""How the results were made: facts of the manifest in words, what each method cost, and the files beside the page."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from perturbxai.core.types import Frame
from perturbxai.reporting.html.markup import Html, element, name
from perturbxai.reporting.html.numbers import number
from perturbxai.reporting.html.sections import Section
from perturbxai.reporting.manifest import plainly

WORDS = ("method", "rows_shared_with")  # columns of costs that hold no numbers
SHOWN = ("seeds", "plan", "versions", "compare", "config")
TOLD = {"seeds": "seed", "plan": "how the model was run", "versions": "versions of packages",
        "compare": "what comparing cost", "config": "settings asked for"}  # fmt: skip


def making_section(facts: Mapping[str, Any]) -> Section:
    """Facts of the manifest, a line each, and those of every method under its name."""
    lines = [(TOLD[key], facts[key]) for key in SHOWN if facts.get(key)]
    lines += [(f"method {key}", known) for key, known in facts["methods"].items()]
    rows = [
        element("tr", element("th", name(key), scope="row"), element("td", name(flat(value), 4000))) for key, value in lines
    ]
    body = element("div", element("table", element("tbody", *rows)), class_="wide")
    return Section(
        "making", "How it was made", body, "The same settings and seed ask the model the same questions again.", folded=True
    )


def cost_section(costs: Frame, called: Mapping[str, str]) -> Section:
    """What each method asked of the model. called: names of the methods -> their titles."""
    heads = {"method": "method", "rows": "rows the model predicted", "seconds": "seconds of the model's time",
             "rows_shared_with": "shares rows with"}  # fmt: skip
    kept = [key for key in heads if key in costs]
    head = element(
        "tr", *(element("th", heads[key], scope="col", class_=None if key in WORDS else "number") for key in kept)
    )
    told = costs[kept].copy()
    for key in set(WORDS) & set(kept):
        told[key] = [", ".join(called.get(one, one) for one in str(names).split(", ")) for names in costs[key]]
    lines = [element("tr", *(cell(value) for value in line)) for line in told.itertuples(index=False, name=None)]
    table = element("table", element("thead", head), element("tbody", *lines))
    lead = (
        "Every method asks the model about altered rows. Where methods share questions, each is told with all that it used."
    )
    return Section("cost", "What it cost", element("div", table, class_="wide"), lead)


def cell(value: object) -> Html:
    """A cell of a table: words as they are, all else as a number."""
    return element("td", name(value)) if isinstance(value, str) else element("td", number(value), class_="number")  # type: ignore[arg-type]


def files_section(files: Sequence[str]) -> Section:
    """Links to what lies beside the page: everything else in it stands by itself."""
    links = [element("li", element("a", file, href=f"./{file}")) for file in files]
    links.append(
        element("li", element("a", "manifest.json", href="./manifest.json"), ": every file with its size and SHA-256")
    )
    return Section("files", "Files beside this page", element("ul", *links, class_="files"), folded=True)


def flat(value: object) -> str:
    """Facts in facts on one line."""
    if isinstance(value, Mapping):
        return "; ".join(f"{key}: {flat(one)}" for key, one in value.items())
    if isinstance(value, (list, tuple)):
        return ", ".join(map(flat, value))
    return value if isinstance(value, str) else json.dumps(value, default=plainly, ensure_ascii=False)
