"""How to read each picture, for someone who has never heard of any of them."""

from collections.abc import Iterable

from perturbxai.core import catalogue
from perturbxai.reporting.html.markup import element
from perturbxai.reporting.html.sections import Section

READING = {
    "idea": (
        "The idea",
        "Hide part of the input, ask the model again, and see how its answer changes. A part whose absence changes "
        "much matters much. For a table, hidden means: replaced by what other rows have there. For a photo: "
        "covered.",
    ),
    "value": (
        "What a value is",
        "So many units of the model's output, up (plus, orange) or down (minus, blue), that a column or region "
        "adds to this one prediction, beside what is usual. Of a probability: so many percentage points.",
    ),
    "interval": (
        "± 95 %",
        "If everything were drawn again, the range would hold the true number 95 times in 100. It tells how far a "
        "number could be off because not every question was asked, not whether the model is right. 'Not known' "
        "means that too little was asked to tell.",
    ),
    "importance": (
        "What matters most",
        "The size of a column's values, up or down, on average over the explained rows. It ranks columns, and does "
        "not say in which direction they push.",
    ),
    "swarm": (
        "Every row as a dot",
        "A long line of dots: the column matters much for some rows. Colours that change from left to right: the "
        "higher the value, the more it raises (or lowers) the output.",
    ),
    "scatter": (
        "How the effect depends on the value",
        "A rising cloud: higher values raise the output. A flat one: the column does little. A wide one: what it "
        "does depends on other columns.",
    ),
    "waterfall": (
        "Row by row",
        "Start at the usual prediction, and add one column after the other, the largest first, until this row's "
        "own prediction is reached.",
    ),
    "effects": (
        "Effects",
        "The curve tells how the prediction changes, on average, as one column changes. The band is where the "
        "curve could lie. Small lines below tell where there are rows: beyond them the curve is a guess.",
    ),
    "photo": (
        "Maps over a photo",
        "Orange regions speak for the class, blue ones against it, clear ones do neither. Fade the colours by the "
        "slider to see what lies below.",
    ),
    "scores": (
        "Scores of methods",
        "If the parts that a method calls important are hidden first, the prediction should fall fast (deletion: "
        "low is good); if they are shown first, it should rise fast (insertion: high is good). Faithfulness: how "
        "well the values foretell the model's answers to questions that no method has asked.",
    ),
    "agreement": (
        "Agreement",
        "1: two methods order the parts alike. 0: their orders have nothing in common. −1: they are reversed. "
        "Where methods differ by more than their intervals, the model has effects that depend on each other, and "
        "the methods share these out in different ways.",
    ),
}


def guide_section(about: Iterable[str], methods: Iterable[object]) -> Section:
    """about: keys of READING, in order;  methods: method objects on the page, each told in a line."""
    parts = []
    for key in about:
        title, text = READING[key]
        parts += [element("dt", title), element("dd", text)]
    for key in dict.fromkeys(map(catalogue.key_of, methods)):
        if key in catalogue.METHODS:
            parts += [element("dt", catalogue.METHODS[key].title), element("dd", catalogue.METHODS[key].about)]
    return Section("reading", "How to read these pictures", element("dl", *parts), folded=True)
