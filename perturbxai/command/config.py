"""Validated configurations: TOML in, frozen sections out. An unknown key is refused by its dotted name."""

import difflib
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    StrictInt,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from perturbxai.command import values
from perturbxai.command.values import (
    NAMED,
    NO_OPTIONS,
    ON_PICTURES,
    ON_TABLES,
    TABLES,
    AllOrSome,
    Background,
    Decimal,
    Encoding,
    Fill,
    Inputs,
    Metrics,
    Names,
    OneOrSeveral,
    Output,
    Pairs,
    Players,
    Separator,
    Size,
    Whole,
    names_of,
)
from perturbxai.core import catalogue

Naming = Callable[[str], str]  # how the user wrote a key: "table.inputs" of a file, "--inputs" of a command
BOOSTED = "boosted"  # trees that are trained on a column of the table


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


P = TypeVar("P", bound=Section)


class PhotoConfig(Section):
    """[photo]: one picture or several, explained and scored under several fills.

    image       a file, a folder of pictures, a pattern such as "cats/*.jpg", the name of a photo in the scikit-image wheel,
                or a list of these
    size        side in pixels that the network sees, or [height, width];  crop: the share of the largest centred region of
                that shape that is kept (None: 7/8 for efficientnet_lite0, as it was trained, else 1);  grey: one channel
    strict      stop at a picture that cannot be read; of several it is left out and told otherwise
    model       "efficientnet_lite0", or "package.module:name": code that is run. A function or class of that name takes
                nothing and makes the model; anything else is the model. It is a network or another model of pictures, or
                (model, transform), or (model, transform, class names), or a Predictor. Or a file: .onnx, or .pt with `trust`
    trust       load files that run code when they are loaded
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
    trust: StrictBool = False
    output: Literal["probability", "logit", "raw"] | None = None
    outputs: Annotated[tuple[Output, ...], Field(min_length=1)] | None = None
    top: Whole = 2
    segments: Annotated[str, AfterValidator(values.segments)] = "slic"
    n_segments: Players = 50
    fills: Annotated[tuple[Fill, ...], Field(min_length=1)] = ("blur", "mean")
    methods: Annotated[AllOrSome, Field(min_length=1), names_of(ON_PICTURES, TABLES, all_too=True)] = catalogue.USUAL
    baselines: Annotated[AllOrSome, names_of(catalogue.MAPS, TABLES, all_too=True)] | None = None
    layer: OneOrSeveral | None = None
    budget: Players | None = None
    batch_size: Whole | None = None
    jobs: Annotated[StrictInt, AfterValidator(values.workers)] | None = None
    metrics: Annotated[Metrics, names_of(catalogue.IN_A_RUN, TABLES)] | None = None

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


class TableFile(Section):
    """What a table and its model are, whatever is asked of them.

    data        "diabetes", or a file: comma-separated values (tabs if it is called .tsv), compressed or not; .parquet (with
                pyarrow installed), or the first sheet of .xlsx (with openpyxl)
    target      the column that is predicted: left out, and given to the model's factory. Not needed by a fitted model
    label       a column that names the rows in the report, and is left out; without one they are numbered from 0
    drop, category, text, date, number   columns to leave out, to read as pandas categories, as text ("007" stays "007"), as
                dates, as numbers whatever stands between their thousands ("1.234,5").
                In categories, text and the label "NA" and "None" are words; an empty cell is missing
    separator   the character between values, where neither the file's name nor its first line tells;  decimal: the mark
                before fractions, ".";  encoding: of the text, "utf-8" if not given
    model       "boosted": trees trained on `target`. Or "package.module:name", code that is run: a function or class of that
                name makes the model. Of X and y it gets as many as it has parameters without a default (or named X and y):
                both to train one, none to return one that is fitted. Anything but a function or class is the model itself.
                Or a file: .onnx, .json and .ubj of xgboost, .txt of lightgbm; .joblib, .pkl, .pt with `trust`
    trust       load files that run code when they are loaded
    task        of "boosted": "regression" or "classification"; None: as the target's values say
    output      scale of the outputs: "probability", "logit" or "raw"; None: probability where there is one
    outputs     names of the outputs that are explained, as the model has them: its classes, or else "0", "1", ...; None: all
                up to 20, and the second of two classes
    batch_size  rows a call of the model;  jobs: processes that share the work, -1 for one a core
    """

    data: str = "diabetes"
    target: str | None = None
    label: str | None = None
    drop: tuple[str, ...] = ()
    category: tuple[str, ...] = ()
    text: tuple[str, ...] = ()
    date: tuple[str, ...] = ()
    number: tuple[str, ...] = ()
    separator: Separator | None = None
    decimal: Decimal | None = None
    encoding: Encoding | None = None
    model: Annotated[str, Field(validate_default=True)] = BOOSTED
    trust: StrictBool = False
    task: Literal["regression", "classification"] | None = None
    output: Literal["probability", "logit", "raw"] | None = None
    outputs: Names | None = None
    batch_size: Whole = 16_384
    jobs: Annotated[StrictInt, AfterValidator(values.workers)] | None = None

    @property
    def learns(self) -> bool:
        """Whether a model is trained here on the columns, which takes dates as dates and no ids."""
        return self.model == BOOSTED

    @field_validator("target", "label", "drop", "category", "text", "date", "number", "separator", "decimal", "encoding")
    @classmethod
    def _diabetes_is_ready(cls, value: object, info: ValidationInfo) -> object:
        if value and info.data.get("data") == "diabetes":
            raise ValueError(f'{value!r} is for files; "diabetes" has a target of its own and nothing to sort out')
        return value

    @field_validator("model")
    @classmethod
    def _trees_have_a_target(cls, value: str, info: ValidationInfo) -> str:
        if value == BOOSTED and info.data.get("target") is None and info.data.get("data", "diabetes") != "diabetes":
            raise ValueError(
                f'"{BOOSTED}" are trees trained on a column of the file: name it as the target, or name a model, '
                '"package.module:factory" or a file such as model.joblib'
            )
        return value

    @field_validator("task")
    @classmethod
    def _of_trees_alone(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is not None and info.data.get("model", BOOSTED) != BOOSTED:
            raise ValueError(
                f'{value!r} is what "{BOOSTED}" trees are trained for; a model of yours has its own; leave it out'
            )
        return value


class TableConfig(TableFile):
    """[table]: rows of a table, explained by several methods beside the exact values. For the other keys see TableFile.

    inputs      the rows that are explained: a number (so many from the first), a slice ("0:100:10"), one ("5"), or several;
                None draws 20 by the seed, which stand for all of them as the first of a sorted table would not
    background  how many rows stand for absence, or "all"
    methods, baselines, metrics   names as `perturbxai list` shows them;  budget: coalitions a row. Where no methods are
                named, those of the usual ones that the table can take. No metrics, or "none": nothing is scored
    context     tell of each explained row so many of the table that are most like it, and that are decided otherwise
    exact       also list all coalitions, which gives the exact Shapley values, of 16 columns at most; None: of 10
    """

    renamed = {"rows": "inputs"}
    inputs: Inputs | None = None
    background: Background = 100
    methods: Annotated[Names, names_of(catalogue.EXPLAINERS)] = catalogue.USUAL
    baselines: Annotated[tuple[str, ...], names_of(ON_TABLES)] = ()
    budget: Players | None = None
    context: Whole | None = None
    exact: StrictBool | None = None
    metrics: (
        Annotated[Metrics, names_of([name for name in catalogue.IN_A_RUN if name not in catalogue.OF_PICTURES])] | None
    ) = None


class EffectsConfig(TableFile):
    """[effects]: how a model's output moves with single columns of a table, and with pairs. For other keys see TableFile.

    features    columns whose curves are drawn; None, where no pairs are named either: each that varies
    pairs       pairs of columns, whose surfaces are
    methods     "pdp", "ice", "ale"
    grid        bins of a column of numbers, None for 40, and for pairs as many as the rows bear
    rows        at most so many model rows, None for 1,000 rows of the table a curve
    by          a column of at most 20 values: curves of the rows of each value as well
    regions     look for conditions on other columns that make regions in which rows agree; see `effects`
    """

    features: Names | None = None
    pairs: Pairs = ()
    methods: Annotated[Names, names_of(catalogue.CURVES)] = tuple(catalogue.CURVES)
    grid: Players | None = None
    rows: Players | None = None
    by: str | None = None
    regions: StrictBool = False

    @model_validator(mode="after")
    def _one_way_to_part(self) -> Self:
        if self.regions and self.by is not None:
            raise ValueError("by and regions both part the rows; give one of them")
        return self


class Config(Section):
    """A run: `seed`, the folder `results`, and sections [photo], [table], [effects]. Paths are relative to where it runs."""

    seed: Annotated[StrictInt, Field(ge=0)] = 0
    results: Annotated[str, Field(min_length=1)] = "results/run"
    photo: PhotoConfig | None = None
    table: TableConfig | None = None
    effects: EffectsConfig | None = None

    @model_validator(mode="after")
    def _something_to_do(self) -> Self:
        if self.photo is None and self.table is None and self.effects is None:
            raise ValueError("there is nothing to run; add a section [photo], [table] or [effects]")
        return self


def load_config(path: str | Path) -> Config:
    """The configuration in a TOML file. Raises ValueError for what it cannot mean, in one line; OSError for no file."""
    try:
        data = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is not TOML: {error}") from error
    return parse_config(data, source=str(path))


def parse_config(data: dict[str, Any], source: str = "config", naming: Naming = str) -> Config:
    """A configuration from a mapping; see `parsed`."""
    return parsed(Config, data, source, naming)


def parsed(kind: type[P], data: dict[str, Any], source: str = "", naming: Naming = str) -> P:
    """A part of a configuration from a mapping. Raises ValueError that names every key at fault, and the way out.

    source  what the error begins with;  naming: how the user wrote a dotted key, as itself if not given
    """
    try:
        return kind.model_validate(data)
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
    "a valid dictionary or instance of EffectsConfig": "a section",
    "a valid integer": "a whole number",
    "a valid string": "text in quotes",
}
SECTIONS: dict[tuple[str, ...], type[Section]] = {
    (): Config, ("photo",): PhotoConfig, ("table",): TableConfig, ("effects",): EffectsConfig,
}  # fmt: skip


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
