"""Validated configurations: TOML in, frozen sections out. An unknown key is refused by its dotted name."""

import difflib
import re
import tomllib
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    StrictInt,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from perturbxai.command import text_options
from perturbxai.core import catalogue

Whole = Annotated[StrictInt, Field(ge=1)]
Players = Annotated[StrictInt, Field(ge=2)]
Names = Annotated[tuple[str, ...], Field(min_length=1)]
Naming = Callable[[str], str]  # how the user wrote a key: "table.inputs" of a file, "--inputs" of a command

SLICE = re.compile(r"(-?\d*):(-?\d*)(?::(-?\d*))?")
NUMBERS = re.compile(r"-?\d+(,-?\d+)*")
SIDES = re.compile(r"(\d{1,6})x(\d{1,6})")
ALL = "all"
NAMED = ("methods", "baselines", "metrics", "segments")  # keys whose values are names of ours
NO_OPTIONS = "A config gives a method no options: in Python an object has them, as in px.explain([px.Lime(ridge=0.1)], ...)"
ON_PICTURES = (*(name for name in catalogue.EXPLAINERS if name not in catalogue.ON_TABLES_ONLY), *catalogue.MAPS)
TABLES = catalogue.ON_TABLES_ONLY
ON_TABLES = tuple(name for name, entry in catalogue.BASELINES.items() if "table" in entry.on)


def _workers(value: int) -> int:
    if value == 0:
        raise ValueError("0 is no process; 1 or more, or -1 for one a core")
    return value


def _fill(value: object) -> object:
    numbers = value if isinstance(value, list) else [value]
    if (isinstance(value, str) and value in catalogue.FILLS) or (numbers and all(type(n) in (int, float) for n in numbers)):
        return tuple(value) if isinstance(value, list) else value
    known = ", ".join(f'"{name}"' for name in catalogue.FILLS)
    raise ValueError(f"{value!r} is not a fill; expected {known}, a number, or a list of one number a channel")


def _size(value: object) -> tuple[object, ...]:
    """A side, or (height, width), from [192, 256] or "192x256"."""
    if isinstance(value, str) and (sides := SIDES.fullmatch(value)):
        value = [int(side) for side in sides.groups()]
    both = list(value) if isinstance(value, (list, tuple)) else [value, value]
    if len(both) != 2 or not all(type(side) is int and side > 0 for side in both):
        raise ValueError(f'{value!r} is no size; expected the side in pixels, such as 224, or height and width: "192x256"')
    return tuple(both)


def _all(value: object) -> object:
    return [ALL] if value == ALL else value


def _one_or_several(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _background(value: object) -> int | str:
    if value == "all" or (type(value) is int and value > 0):
        return value
    raise ValueError(f'{value!r} is not a background; expected a whole number of rows from 1 up, or "all"')


def _inputs(value: object) -> int | str | tuple[int, ...]:
    """A number of first rows, a slice as text without blanks, or the numbers of rows."""
    found = value
    if isinstance(value, str):
        found = re.sub(r"\s", "", value)
        if (parts := SLICE.fullmatch(found)) and int(parts[3] or 1) != 0:
            return found
        found = [int(number) for number in found.split(",")] if NUMBERS.fullmatch(found) else None
    elif type(value) is int and value > 0:
        return value
    if not isinstance(found, (list, tuple)) or not found or not all(type(number) is int for number in found):
        raise ValueError(
            f'{value!r} is no choice of rows; expected a slice as Python has it ("0:20", "0:100:10", "-5:"), one row ("5"), '
            'or several ("3,7,9"); they are numbered from 0'
        )
    if len(set(found)) < len(found):
        raise ValueError(f"{value!r} names a row twice")
    return tuple(found)


def _names_of(known: Iterable[str], refused: Collection[str] = (), all_too: bool = False) -> AfterValidator:
    """Checks that names are known ones, each once. refused: names of methods for tables alone;  all_too: "all" is a name."""
    words = tuple(known)

    def check(names: tuple[str, ...]) -> tuple[str, ...]:
        if all_too and names == (ALL,):
            return names
        if wrong := [name for name in names if name in refused]:
            raise ValueError(f"{', '.join(wrong)} explains tables only; leave it out")
        for number, name in enumerate(names):
            if name in names[:number]:
                raise ValueError(f"{name!r} comes twice")
            if name not in words:
                way = f". {NO_OPTIONS}" if re.match(r"\w+\W", name) else ""
                raise ValueError(f"{name!r} is not known; expected some of {', '.join(words)}{way}")
        return names

    return AfterValidator(check)


def _segments(value: str) -> str:
    if value not in catalogue.SEGMENTERS:
        raise ValueError(f"{value!r} is not known; expected one of {', '.join(catalogue.SEGMENTERS)}")
    return value


Fill = Annotated[Any, BeforeValidator(_fill)]
Size = Annotated[tuple[int, int], BeforeValidator(_size)]
OneOrSeveral = Annotated[Names, BeforeValidator(_one_or_several)]
AllOrSome = Annotated[tuple[str, ...], BeforeValidator(_all)]
Output = StrictInt | str
Background = Annotated[Any, BeforeValidator(_background)]
Inputs = Annotated[int | str | tuple[int, ...], BeforeValidator(_inputs)]
Separator = Annotated[str, BeforeValidator(text_options.separator)]
Decimal = Annotated[str, BeforeValidator(text_options.decimal)]
Encoding = Annotated[str, BeforeValidator(text_options.encoding)]


class Section(BaseModel):
    """A part of a configuration: frozen, and closed to unknown keys. `renamed`: keys by names that they had before."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    renamed: ClassVar[dict[str, str]] = {}

    @model_validator(mode="before")
    @classmethod
    def _under_new_names(cls, data: object) -> object:
        if not isinstance(data, dict):
            return data
        for old, new in cls.renamed.items():
            if old in data and new in data:
                raise ValueError(f"{new} and {old}, its old name, are both given; give {new} alone")
        return {cls.renamed.get(key, key): value for key, value in data.items()}


class PhotoConfig(Section):
    """[photo]: one picture or several, explained and scored under several fills.

    image       a file, a folder of pictures, a pattern such as "cats/*.jpg", the name of a photo in the scikit-image wheel,
                or a list of these
    size        side in pixels that the network sees, or [height, width];  crop: the share of the largest centred region of
                that shape that is kept (None: 7/8 for efficientnet_lite0, as it was trained, else 1);  grey: one channel
    strict      stop at a picture that cannot be read; of several it is left out and told otherwise
    model       "efficientnet_lite0", or "package.module:name": code that is run. A function or class of that name takes
                nothing and makes the model; anything else is the model. It is a network or another model of pictures, or
                (model, transform), or (model, transform, class names), or a Predictor
    output      scale of the scores; None: "logit" for networks, else the model's own
    outputs     names or numbers of the classes, or else the `top` classes of each picture
    segments, fills, metrics   as `perturbxai list` shows them; n_segments superpixels; a fill may be a number, one a channel
    methods     explainers, and baselines, as `perturbxai list` shows them; "all": every one that can explain these pictures
    baselines   more of them; "all" as above. None: those in one pass through the network that can explain these pictures
    layer       where class activation maps are, or several; None finds the last one
    budget      coalitions a picture and fill, 1,000 if None;  batch_size: pictures a call of the model, 8 if None
    jobs        processes that share the work, -1 for one a core
    """

    renamed = {"picture": "image"}
    image: OneOrSeveral = ("chelsea",)
    size: Size = (224, 224)
    crop: Annotated[float, Field(gt=0.0, le=1.0)] | None = None
    grey: StrictBool = False
    strict: StrictBool = False
    model: str = "efficientnet_lite0"
    output: Literal["probability", "logit", "raw"] | None = None
    outputs: Annotated[tuple[Output, ...], Field(min_length=1)] | None = None
    top: Whole = 2
    segments: Annotated[str, AfterValidator(_segments)] = "slic"
    n_segments: Players = 50
    fills: Annotated[tuple[Fill, ...], Field(min_length=1)] = ("blur", "mean")
    methods: Annotated[AllOrSome, Field(min_length=1), _names_of(ON_PICTURES, TABLES, all_too=True)] = catalogue.USUAL
    baselines: Annotated[AllOrSome, _names_of(catalogue.MAPS, TABLES, all_too=True)] | None = None
    layer: OneOrSeveral | None = None
    budget: Players | None = None
    batch_size: Whole | None = None
    jobs: Annotated[StrictInt, AfterValidator(_workers)] | None = None
    metrics: Annotated[Names, _names_of(catalogue.METRICS, TABLES)] | None = None

    @field_validator("fills")
    @classmethod
    def _fills_differ(cls, value: tuple[Any, ...]) -> tuple[Any, ...]:
        if len(set(value)) < len(value):
            raise ValueError("a fill comes twice")
        return value

    @model_validator(mode="after")
    def _one_way_to_choose(self) -> Self:
        if self.outputs is not None and "top" in self.model_fields_set:
            raise ValueError("outputs and top both choose the classes; give one of them")
        return self


class TableConfig(Section):
    """[table]: rows of a table, explained by several methods beside the exact values.

    data        "diabetes", or a file: comma-separated values (tabs if it is called .tsv), compressed or not; .parquet (with
                pyarrow installed), or the first sheet of .xlsx (with openpyxl)
    target      the column that is predicted: left out, and given to the model's factory. Not needed by a fitted model
    label       a column that names the rows in the report, and is left out; without one they are numbered from 0
    drop, category, text   columns to leave out, to read as pandas categories, to read as text ("007" stays "007"). In
                categories, text and the label "NA" and "None" are words; an empty cell is missing
    separator   the character between values, where the file's name does not tell;  decimal: the mark before fractions, "."
    encoding    of the text, "utf-8" if not given
    model       "boosted" (trees fitted to `target`), or "package.module:name": code that is run. A function or class of that
                name makes the model. Of X and y it gets as many as it has parameters without a default (or named X and y):
                both to train one, none to return one that is fitted. Anything but a function or class is the model itself
    output      scale of the outputs: "probability", "logit" or "raw"; None: probability where there is one
    outputs     names of the outputs that are explained, as the model has them: its classes, or else "0", "1", ...
    inputs      the rows that are explained: a number (so many from the first), a slice ("0:100:10"), one ("5"), or several
    background  how many rows stand for absence, or "all"
    methods, baselines, metrics   names as `perturbxai list` shows them;  budget: coalitions a row. Where no methods are
                named, those of the usual ones that the rows can take: ale wants no number of theirs missing
    exact       also list all coalitions, which gives the exact Shapley values
    batch_size  rows a call of the model;  jobs: processes that share the work, -1 for one a core
    """

    renamed = {"rows": "inputs"}
    data: str = "diabetes"
    target: str | None = None
    label: str | None = None
    drop: tuple[str, ...] = ()
    category: tuple[str, ...] = ()
    text: tuple[str, ...] = ()
    separator: Separator | None = None
    decimal: Decimal | None = None
    encoding: Encoding | None = None
    model: Annotated[str, Field(validate_default=True)] = "boosted"
    output: Literal["probability", "logit", "raw"] | None = None
    outputs: Names | None = None
    inputs: Inputs = 20
    background: Background = 100
    methods: Annotated[Names, _names_of(catalogue.EXPLAINERS)] = catalogue.USUAL
    baselines: Annotated[tuple[str, ...], _names_of(ON_TABLES)] = ()
    budget: Players | None = None
    exact: StrictBool = True
    batch_size: Whole = 16_384
    jobs: Annotated[StrictInt, AfterValidator(_workers)] | None = None
    metrics: Annotated[Names, _names_of(catalogue.METRICS)] | None = None

    @field_validator("target", "label", "drop", "category", "text", "separator", "decimal", "encoding")
    @classmethod
    def _diabetes_is_ready(cls, value: object, info: ValidationInfo) -> object:
        if value and info.data.get("data") == "diabetes":
            raise ValueError(f'{value!r} is for files; "diabetes" has a target of its own and nothing to sort out')
        return value

    @field_validator("model")
    @classmethod
    def _trees_have_a_target(cls, value: str, info: ValidationInfo) -> str:
        if value == "boosted" and info.data.get("target") is None and info.data.get("data", "diabetes") != "diabetes":
            raise ValueError(
                '"boosted" are trees fitted to a column of the file: name it as the target, or name a model, '
                '"package.module:factory"'
            )
        return value


class Config(Section):
    """A run: `seed`, the folder `results`, and [photo], [table] or both. Paths are relative to where it runs."""

    seed: Annotated[StrictInt, Field(ge=0)] = 0
    results: Annotated[str, Field(min_length=1)] = "results/run"
    photo: PhotoConfig | None = None
    table: TableConfig | None = None

    @model_validator(mode="after")
    def _something_to_do(self) -> Self:
        if self.photo is None and self.table is None:
            raise ValueError("there is nothing to run; add a section [photo] or [table]")
        return self


def load_config(path: str | Path) -> Config:
    """The configuration in a TOML file. Raises ValueError for what it cannot mean, in one line; OSError for no file."""
    try:
        data = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is not TOML: {error}") from error
    return parse_config(data, source=str(path))


def parse_config(data: dict[str, Any], source: str = "config", naming: Naming = str) -> Config:
    """A configuration from a mapping. Raises ValueError that names every key at fault, and the way out.

    source  what the error begins with;  naming: how the user wrote a dotted key, as itself if not given
    """
    try:
        return Config.model_validate(data)
    except ValidationError as error:
        told = error.errors(include_url=False)
        # a list whose items were refused is called too short as well: the items say it better
        inner = {fault["loc"][:-1] for fault in told}
        told = [fault for fault in told if not (fault["type"] == "too_short" and fault["loc"] in inner)]
        faults = {_sentence(fault, naming): None for fault in told}
        raise ValueError((f"{source}: " if source else "") + "; ".join(faults)) from None


IN_TOML = {
    "a valid tuple": "a list",
    "Tuple should": "the list should",
    " after validation": "",
    "a valid dictionary or instance of PhotoConfig": "a section",
    "a valid dictionary or instance of TableConfig": "a section",
    "a valid integer": "a whole number",
    "a valid string": "text in quotes",
}
SECTIONS: dict[tuple[str, ...], type[Section]] = {(): Config, ("photo",): PhotoConfig, ("table",): TableConfig}


def _sentence(fault: Mapping[str, Any], naming: Naming) -> str:
    """What is wrong with one key, in words."""
    keys = [str(part) for part in fault["loc"]]
    dotted = ".".join(keys)
    if fault["type"] == "extra_forbidden":
        section = SECTIONS.get(tuple(keys[:-1]), Config)
        known = list(section.model_fields)
        near = difflib.get_close_matches(keys[-1], known, 1)
        hint = f" (did you mean {near[0]!r}?)" if near else ""
        where = f"[{'.'.join(keys[:-1])}]" if keys[:-1] else "the top level"
        return f"unknown key {dotted!r}{hint}; {where} knows {', '.join(known)}"
    message = str(fault["msg"]).removeprefix("Value error, ")
    dotted = naming(dotted) if dotted else ""
    if keys[1:2] and keys[1] in NAMED and fault["type"] in ("string_type", "tuple_type"):
        what = "a list of names" if fault["type"] == "tuple_type" else "a name"
        way = f". {NO_OPTIONS}" if isinstance(fault["input"], (dict, list)) else ""
        return f"{dotted} = {fault['input']!r}: input should be {what} in quotes, as `perturbxai list` shows them{way}"
    if fault["type"] == "value_error":
        return f"{dotted}: {message}" if dotted else message
    for theirs, ours in IN_TOML.items():
        message = message.replace(theirs, ours)
    return f"{dotted} = {fault['input']!r}: {message[:1].lower()}{message[1:]}"
