"""Methods set against one of them, on a page: sentences, the table, and how it is made."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from perturbxai.calls.describing_versus import of_versus
from perturbxai.calls.versus import Versus
from perturbxai.core.types import Frame
from perturbxai.core.wording import count
from perturbxai.reporting.html.embedded import embedded
from perturbxai.reporting.html.ending import Told, ending_of
from perturbxai.reporting.html.making import cell
from perturbxai.reporting.html.markup import Html, element, join, name
from perturbxai.reporting.html.said import bulleted
from perturbxai.reporting.html.sections import Page, Section
from perturbxai.reporting.html.writing import written
from perturbxai.reporting.style import titles

HEADS = {
    "difference": "mean difference", "low": "from", "high": "to", "p_holm": "p (Holm)", "rank_biserial": "rank-biserial",
    "win_rate": "share of inputs won", "p_no_worse": "p no worse", "p_equivalent": "p equivalent",
    "detectable": "seen from", "inputs": "inputs",
}  # fmt: skip


def versus_page(found: Versus, told: Told, drawn: Sequence[Path] = ()) -> str:
    """The page of a `Versus`; drawn: the files of its figures."""
    called = titles(found.results)
    about = [
        *told.about.items(),
        ("compared", f"{len(found.table)} methods with {called[found.against]}, at {count(found.n_inputs, found.what)}"),
        ("metric", f"{found.metric}, of which {found.better} is better"),
        ("fills", f"{found.fill}: {', '.join(found.fills)}" if found.what == "picture" else "the background of the space"),
        ("family tested", ", ".join(called[one] for one in found.primary) or "none"),
        ("seed", str(found.seed)),
    ]
    sections = [versus_section(found, drawn), *ending_of(told)]
    return written(Page(f"What is better than {called[found.against]}?", about, sections))


def versus_section(found: Versus, drawn: Sequence[Path] = ()) -> Section:
    """Sentences, figures and the table of the differences."""
    said, called = of_versus(found, titles(found.results)), titles(found.results)
    body = join([bulleted(said), embedded(drawn, "what the sentences above say"), _table(found.table, called)])
    lead = (
        "Each method's score less that of the other, at the same inputs and under the same fills; above 0 the method is "
        "better. Only methods that were named before are tested. All numbers are in versus.csv."
    )
    return Section("versus", "Is the difference more than chance?", body, lead)


def _table(table: Frame, called: Mapping[str, str]) -> Html:
    heads = {key: head for key, head in HEADS.items() if key in table}
    top = [
        element("th", "method", scope="col"),
        *(element("th", head, scope="col", class_="number") for head in heads.values()),
    ]
    lines = [
        element("tr", element("th", name(called[method]), scope="row"), *(cell(one) for one in values))
        for method, values in zip(table.method, table[list(heads)].itertuples(index=False), strict=True)
    ]
    whole = element(
        "table",
        element("caption", "Mean differences", class_="hidden"),
        element("thead", element("tr", *top)),
        element("tbody", *lines),
    )
    return element("div", whole, class_="wide", tabindex=0, role="region", aria_label="Mean differences")
