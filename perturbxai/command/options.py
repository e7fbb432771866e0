"""The options of `perturbxai explain`: each is a key of a section of the configuration."""

import csv
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from perturbxai.core import catalogue


@dataclass(frozen=True)
class Option:
    """An option of the command that is a key of the configuration. read: from its text to the key's value.

    name: of the flag, where it is not the key's;  old: the flag it had before
    several: it takes more than one value, and may be given again; `read` then gets each
    """

    key: str
    metavar: str
    help: str
    read: Callable[[str], Any] = str
    several: bool = False
    name: str = ""
    old: str = ""

    @property
    def flag(self) -> str:
        return f"--{self.name or self.key.replace('_', '-')}"


def whole(text: str) -> Any:
    """A whole number where the text is one; else the text, which the configuration refuses in its own words."""
    return int(text) if re.fullmatch(r"[+-]?\d{1,18}", text) else text


def number(text: str) -> Any:
    """A whole number or a decimal where the text is one; else the text."""
    found = whole(text)
    return float(text) if found is text and re.fullmatch(r"[+-]?(\d+\.\d*|\.\d+)", text) else found


def listed(text: str) -> list[str]:
    """Names between commas, quoted as in a CSV file where they hold one.

    >>> listed('"a,b", c')
    ['a,b', 'c']
    """
    found = next(csv.reader([text], skipinitialspace=True, strict=True), [])
    return [name for name in found if name]


def fills(text: str) -> list[Any]:
    """Names, numbers, and colours with a slash between their channels.

    >>> fills("blur,127,124/116/104")
    ['blur', 127, [124, 116, 104]]
    """
    return [[number(part) for part in one.split("/")] if "/" in one else number(one) for one in listed(text)]


def layers(text: str) -> Any:
    """One layer, or a list where there are several."""
    found = listed(text)
    return found[0] if len(found) == 1 else found


def separator(text: str) -> str:
    """A character; a tab, which is hard to type, has names."""
    return "\t" if text in ("tab", "\\t") else text


COLUMNS = (
    Option("target", "COLUMN", "the column that is predicted: left out, and given to a factory that takes y"),
    Option("label", "COLUMN", "a column that names the rows in the report, left out of the model's columns"),
    Option("drop", "COLUMNS", "columns to leave out, such as ids", listed),
    Option("category", "COLUMNS", "columns to read as pandas categories", listed),
    Option("text", "COLUMNS", 'columns to read as text: "007" stays "007"', listed),
    Option("date", "COLUMNS", "columns to read as dates", listed),
    Option("number", "COLUMNS", "columns to read as numbers with marks between thousands: 1.234,5", listed),
    Option("separator", "CHARACTER", "character between values, if not a comma (a tab in .tsv) or what line 1 shows: "
        "';', tab", separator),
    Option("decimal", "CHARACTER", "mark before the fraction of a number, if not a point: ','"),
    Option("encoding", "NAME", "of the text, if not UTF-8: latin-1, cp1252, utf-16"),
    Option("task", "NAME", "what trees are trained for where no --model is named: regression or classification; default: as "
        "the target's values say"),
)  # fmt: skip
OF_TABLE = (
    *COLUMNS,
    Option("inputs", "ROWS", "which rows to explain, numbered from 0: 0:20, 0:100:10, -5:, 7, or 3,7,9; default: 20 drawn "
        "by the seed, with --out all", old="--rows"),
    Option("context", "NUMBER", "for each row also tell so many rows of the table that are most like it, and that are "
        "decided otherwise; default: none", whole),
    Option("background", "NUMBER", "rows that stand for absence, or all; default: 100", whole),
)  # fmt: skip
OF_PHOTO = (
    Option("size", "PIXELS", "side of the picture that the model sees, or 192x256 (high x wide); default: 224", whole),
    Option("crop", "SHARE", "how much of the largest centred region of that shape is kept; default: 1, all of it "
        "(efficientnet_lite0: 7/8)", number),
    Option("segments", "NAME", f"how superpixels are cut: {', '.join(catalogue.SEGMENTERS)}; default: slic"),
    Option("n_segments", "NUMBER", "how many superpixels to aim at; default: 50", whole),
    Option("fills", "FILLS", f"what a hidden superpixel shows: {', '.join(catalogue.FILLS)}, a number, or one a channel, "
        "124/116/104; everything is explained and scored under each; default: blur, mean", fills),
    Option("top", "NUMBER", "explain so many of the highest classes of each picture; default: 2", whole),
    Option("layer", "NAMES", "network layers that class activation maps are taken at; default: the last one with a map",
        layers),
)  # fmt: skip
MODEL = Option("model", "MODULE:NAME", "the model, or what makes it, or its file: .onnx, .json or .ubj of xgboost, .txt of "
    "lightgbm; .joblib, .pkl, .pt with --trust. Default: trees that are trained on the --target; of pictures "
    "'efficientnet_lite0'")  # fmt: skip
OUTPUTS = Option("outputs", "NAMES", "which of the model's outputs to explain, such as classes, for pictures also by "
    "number; default: all up to 20, of two classes the second, for pictures --top", listed)  # fmt: skip
OUTPUT = Option("output", "SCALE", "scale of the outputs: probability, logit or raw; default: probability if the model has "
    "one, else raw; for networks of pictures logit")  # fmt: skip
SHARED = (
    Option("methods", "NAMES", "explainers, such as lime,kernel_shap; for pictures baselines too, or all; if none is named, "
        "a table is explained by those of the default that can take its columns; default: "
        f"{', '.join(catalogue.USUAL)}", listed),
    Option("baselines", "NAMES", "methods to compare with, which look inside the model, and controls; for pictures also "
        "all, and by default, if no --methods are named, those that need a pass or two of the network; such as: "
        "glass_box,gradient,random", listed),
    OUTPUTS,
    OUTPUT,
    Option("budget", "NUMBER", "how many coalitions (sets of columns, or superpixels, that are shown) to ask for each row, "
        "or picture and fill; default: all 2^P up to 10 columns, else 40 P + 2; of pictures 1,000", whole),
    Option("metrics", "NAMES", "scores that the methods are compared by, or none; default: all", listed),
)  # fmt: skip
RUN = (
    Option("batch_size", "NUMBER", "rows a call of the model; default: 16384; of pictures 8", whole),
    Option("jobs", "NUMBER", "processes that share the work, each with the model; -1 for one a core; default: one", whole),
)  # fmt: skip
DATA = Option("data", "FILE", "comma-separated values below a line of column names, .gz and the like too; .parquet; the "
    "first sheet of .xlsx", name="table")  # fmt: skip
IMAGE = Option("image", "FILE", "pictures: files, folders, patterns such as 'cats/*.jpg', or the name of one in "
    "scikit-image, such as chelsea; several make one table", several=True)  # fmt: skip
OF_EFFECTS = (
    Option("features", "COLUMNS", "columns whose curves are drawn; default: each that varies, none beside --pair", listed),
    Option("pairs", "COLUMNS", "two columns, A,B, whose surface is drawn; may be given again", listed, several=True,
        name="pair"),
    Option("methods", "NAMES", f"of {', '.join(catalogue.CURVES)}; default: all", listed),
    Option("grid", "NUMBER", "bins of a column of numbers; default: 40, of pairs as many as the rows bear", whole),
    Option("rows", "NUMBER", "at most so many model rows in all; default: 1,000 rows of the table at each point", whole),
    Option("by", "COLUMN", "curves of the rows of each of its values as well, of which there are 20 at most"),
    OUTPUTS,
    OUTPUT,
)  # fmt: skip
OF_PROTOTYPES = (
    Option("n", "NUMBER", "how many prototypes; default: as many as are worth 100 rows drawn at random, 20 at most; of "
        "clusters the number that lies apart best", whole),
    Option("criticisms", "NUMBER", "how many criticisms; default: half as many as prototypes", whole),
    Option("method", "NAME", "mmd (maximum mean discrepancy), kmedoids or kmeans; default: mmd"),
    Option("rows", "NUMBER", "at most so many rows are looked at, drawn by the seed; default: 2000", whole),
)  # fmt: skip
TABLE = (DATA, MODEL, *OF_TABLE, *SHARED, *RUN)
PHOTO = (IMAGE, MODEL, *OF_PHOTO, *SHARED, *RUN)
EFFECTS = (DATA, MODEL, *COLUMNS, *OF_EFFECTS, *RUN)
PROTOTYPES = (DATA, *COLUMNS, *OF_PROTOTYPES)
SECTIONS = {"table": TABLE, "photo": PHOTO, "effects": EFFECTS}
ALONE = {"table": OF_TABLE, "photo": OF_PHOTO}  # options of one section
TRUST = "load a model's file that runs code when it is loaded: give it only for files whose source you trust"
# options without a value
SWITCHES = {
    "table": {"exact": "list all 2^P coalitions too (P up to 16): exact values"},
    "photo": {"grey": "hand pictures over in one channel",
        "strict": "stop at a picture that cannot be read; of several it is left out otherwise"},
    "effects": {"regions": "where rows disagree, look for one or two conditions that make regions in which they agree"},
}  # fmt: skip
