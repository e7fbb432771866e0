"""Prototypes and criticisms on a page: sentences, figures, and how they were found."""

from collections.abc import Sequence
from pathlib import Path

from perturbxai.core.wording import count, own_value
from perturbxai.reporting.html.embedded import embedded
from perturbxai.reporting.html.ending import Told, ending_of
from perturbxai.reporting.html.examples_table import examples_table
from perturbxai.reporting.html.markup import Html, element, join
from perturbxai.reporting.html.said import bulleted
from perturbxai.reporting.html.sections import Page, Section
from perturbxai.reporting.html.writing import written
from perturbxai.results.amounts import share
from perturbxai.results.describing_prototypes import of_prototypes
from perturbxai.results.prototypes import Prototypes

MOST, LINES = 14, 30  # examples, columns
OUTER = 0.4  # from the middle of the data
HOW = {
    "mmd": "greedily by the maximum mean discrepancy",
    "kmedoids": "the middles of clusters, by k-medoids",
    "kmeans": "the nearest to the centres of clusters, by k-means",
}
WORTH = (
    "How far few rows are from all is measured by their maximum mean discrepancy: the distance between the mean of the data "
    "and theirs, in the space of a kernel. That of rows drawn at random falls as one over their number."
)


def prototypes_page(found: Prototypes, told: Told, drawn: Sequence[Path] = ()) -> str:
    """The page of Prototypes; drawn: the files of their figures."""
    about = [
        *told.about.items(),
        ("data", count(found.n_data, found.what)),
        ("prototypes", f"{len(found)}, {HOW[found.method]}"),
        ("seed", str(found.meta["seed"])),
    ]
    sections = [prototypes_section(found, drawn), *ending_of(told)]
    return written(Page(f"Which {found.what}s stand for the data?", about, sections))


def prototypes_section(found: Prototypes, drawn: Sequence[Path] = ()) -> Section:
    """Sentences and figures."""
    # a page has rows as a table of its own, which is larger and can be read out
    shown = embedded(drawn, "the examples") if found.table is None else _table(found)
    others = [path for path in drawn if path.stem in ("worth", "witness")]
    worth = embedded(others, "how well they stand for the data, and where they do not")
    body = join([bulleted(of_prototypes(found)), shown, worth if found.table is not None else None])
    lead = (
        "Prototypes stand for the data; criticisms are what they do not show: where the data lie thicker or thinner than "
        f"the prototypes say. {WORTH} All numbers are in prototypes.csv."
    )
    return Section("prototypes", "What the data are like", body, lead)


def _table(found: Prototypes) -> Html:
    """A column an example; a value far up or down among those of the data stands out."""
    assert found.table is not None and found.ranks is not None  # of rows
    n, columns = min(len(found.table), MOST), range(min(found.table.shape[1], LINES))
    stand = zip(found.share, found.labels, strict=True)
    heads = [(f"stands for {share(float(part))}", own_value(one)) for part, one in stand]
    odd = zip(found.witness, found.criticism_labels, strict=True)
    heads += [(f"criticism: data {'thicker' if w > 0 else 'thinner'}", own_value(one)) for w, one in odd]
    cells = [[own_value(found.table.iloc[i, d], 4) for i in range(n)] for d in columns]
    far = [[bool(abs(found.ranks[i, d] - 0.5) > OUTER) for i in range(n)] for d in columns]
    features = [str(found.table.columns[d]) for d in columns]
    table = examples_table(heads[:n], features, cells, far, "Prototypes and criticisms")
    left = found.table.shape[1] - len(columns)
    more = f" {count(left, 'more column')}: in prototypes.csv." * (left > 0)
    return join([table, element("p", f"Bold: among the lowest or highest tenth of the data.{more}", class_="note")])
