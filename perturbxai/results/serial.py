"""Results as JSON with a schema version, and back. A file is data: it names registered methods, and nothing in it is run."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from perturbxai.core import catalogue, deprecated
from perturbxai.core.jsonable import DamagedError, decode, encode, floats, nested, number
from perturbxai.core.types import Objects
from perturbxai.results.row_values import Kept, told_of

if TYPE_CHECKING:
    from perturbxai.results.one_input import Explanation

FORMAT = "perturbxai.attribution"
SCHEMA = 1
# ours, and what others computed, under the names of `reference` and of `from_shap` and `from_lime`
KNOWN = catalogue.METHODS | catalogue.PEERS | {"imported": catalogue.Entry("calls.exchange:Imported")}


def write(explanations: Sequence[Explanation], meta: dict[str, Any], path: str | Path | None = None) -> str:
    """The JSON text of these explanations, also written to `path`.

    What all explanations have in common (method, names, outputs, most of meta) is written once.
    Raises TypeError for a method that is not registered, and for labels and meta that would not come back equal.
    """
    records = [_record(e, own) for e, own in zip(explanations, told_of(explanations), strict=True)]
    head = {"format": FORMAT, "schema": SCHEMA, "meta": encode(meta, "meta")}
    document = {**head, "shared": _shared(records), "explanations": records}
    text = json.dumps(document, allow_nan=False, separators=(",", ":"))
    if path is not None:
        Path(path).write_text(text + "\n", encoding="ascii")
    return text


def read(text_or_path: str | Path) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Fields of every explanation, and the result's meta, of what `write` wrote.

    Raises FileNotFoundError for a path where nothing is, ValueError for what is damaged, newer, or not ours.
    """
    document = _document(_text(text_or_path))
    shared, records = document.get("shared"), document.get("explanations")
    if not isinstance(shared, dict) or not isinstance(records, list) or not records:
        raise DamagedError("the file is damaged: it holds no explanation.")
    common = {key: restore(shared[key], f"shared {key}") for key, restore in _PARTS.items() if key in shared}
    common["meta"] = _restore_meta(shared.get("meta"), "shared meta")
    found = [_restore(record, common, f"explanations[{n}]") for n, record in enumerate(records)]
    meta = _dict(decode(document.get("meta"), "meta"), "meta")
    for one in (meta, *(part["meta"] for part in found)):
        if "rows" in one and "rows_shared_with" in one:
            _spell_as_today(one, one is meta)
    return found, meta


def _spell_as_today(meta: dict[str, Any], whole: bool) -> None:
    """Brings what an earlier version told of a result to the keys that results have today.

    Baselines (without a seed) and peers (with wall_seconds) had what is asked once beside their rows. Their parts told it of
    the whole call, so that of these only their own rows are known.
    """
    once = meta.get("rows_once_a_call")
    if isinstance(once, dict) and ("seed" not in meta or "wall_seconds" in meta):
        meta |= {"rows": meta["rows"] + sum(once.values())} if whole else {"rows_once_a_call": {}}
    meta.pop("wall_seconds", None)
    if "looks" in meta:
        meta["stages"] = meta.pop("looks")
    rows, seconds = meta["rows"], meta.get("seconds", 0.0)
    untold = {
        "seed": None, "budget": None, "rows_once_a_call": {}, "merged": [], "plan": None, "versions": {}, "seconds": seconds,
        "call_rows": rows, "call_model_seconds": seconds, "call_seconds": seconds,
    }  # fmt: skip
    meta |= {key: value for key, value in untold.items() if key not in meta}


# ------------------------------------------------------------------------------------------------ writing


def _record(e: Explanation, own: Objects | None) -> dict[str, Any]:
    values = {} if own is None else {"feature_values": [_own_value(one) for one in own]}
    return values | {
        "names": list(e.names),
        "outputs": list(e.outputs),
        "method": _method(e.method),
        "meta": {key: encode(value, f"meta[{key!r}]") for key, value in e.meta.items()},
        "label": encode(e.label, "the row's label"),
        "values": nested(e.values),
        "stderr": nested(e.stderr),
        "critical": nested(e.critical),
        "df": number(float(e.df)),
        "base": nested(e.base),
        "prediction": nested(e.prediction),
        "stderr_background": None if e.stderr_background is None else nested(e.stderr_background),
        "input": encode(e.input, "input"),
        "heat": encode(e.heat, "heat"),
        "columns": encode(e.columns, "columns"),
        "interactions": None if e.interactions is None else nested(e.interactions),
        "interactions_stderr": None if e.interactions_stderr is None else nested(e.interactions_stderr),
    }


def _own_value(value: Any) -> Any:
    """What a row has somewhere; as text where JSON has nothing for its kind, as for an interval."""
    try:
        return encode(value, "feature_values")
    except TypeError:
        return str(value)


def _shared(records: list[dict[str, Any]]) -> dict[str, Any]:
    """Takes out of the records what they all say alike, of `meta` key by key."""

    def alike(parts: list[Any]) -> bool:  # as text: 1, 1.0 and True are three
        return len({json.dumps(part) for part in parts}) == 1

    found: dict[str, Any] = {"meta": {}}
    for key in _PARTS:
        if alike([record[key] for record in records]):
            found[key], *_ = [record.pop(key) for record in records]
    for key in list(records[0]["meta"]):
        if all(key in record["meta"] for record in records) and alike([record["meta"][key] for record in records]):
            found["meta"][key], *_ = [record["meta"].pop(key) for record in records]
    return found


def _method(method: Any) -> dict[str, Any]:
    key = catalogue.name_in(KNOWN, method)
    if not key:
        raise TypeError(
            f"method is a {type(method).__name__}, which is not one of perturbxai's, so that it cannot be rebuilt from its "
            "name and options; keep the numbers with to_csv(), or to_frame()."
        )
    options = {f.name: getattr(method, f.name) for f in fields(method) if f.init}
    return {"name": key, "options": {name: _option(value, f"{key}.{name}") for name, value in options.items()}}


def _option(value: Any, where: str) -> Any:
    if type(value).__module__.startswith("sklearn.linear_model."):
        settings = encode(value.get_params(deep=False), where)
        return {"$": "linear_model", "name": type(value).__name__, "settings": settings}
    return encode(value, where)


# ------------------------------------------------------------------------------------------------ reading


def _text(text_or_path: str | Path) -> str:
    if not isinstance(text_or_path, (str, Path)):
        raise TypeError(f"from_json got {type(text_or_path).__name__}; expected JSON text, or the path of a file of it.")
    if isinstance(text_or_path, str) and text_or_path.lstrip().startswith("{"):
        return text_or_path
    try:
        return Path(text_or_path).read_text("utf-8")
    except UnicodeDecodeError as error:
        raise DamagedError(f"{str(text_or_path)!r:.80} is no text: the file is damaged, or not JSON.") from error
    except (OSError, ValueError) as error:
        if isinstance(text_or_path, Path) and isinstance(error, OSError):
            raise
        raise FileNotFoundError(
            f"{text_or_path!r:.80} is neither JSON text of an object nor a file that can be read; "
            "give what to_json() returned, or the path that it wrote."
        ) from error


def _document(text: str) -> dict[str, Any]:
    """The outermost object, of a format and schema that can be read."""
    try:
        document = json.loads(text, parse_constant=_no_literal)
    except (ValueError, RecursionError) as error:
        raise DamagedError(f"the text is not valid JSON ({error}): it is damaged, or cut off. Write it again.") from error
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise DamagedError(f'the JSON is no result of perturbxai: expected "format": "{FORMAT}", as to_json() writes it.')
    schema = document.get("schema")
    if type(schema) is not int or schema < 1:
        raise DamagedError(f"the file is damaged: its schema version is {schema!r:.40}; expected a whole number from 1 up.")
    if schema > SCHEMA:
        raise ValueError(
            f"the file has schema version {schema}, and this version of perturbxai reads up to {SCHEMA}; "
            "update perturbxai, or write the file again with this version."
        )
    return document


def _no_literal(literal: str) -> float:
    raise ValueError(f"{literal} is not JSON")


def _restore(record: object, common: dict[str, Any], where: str) -> dict[str, Any]:
    """The fields of one explanation, shapes checked."""
    own = _dict(record, where)
    found = {k: common[k] if k in common else restore(own.get(k), f"{where}.{k}") for k, restore in _PARTS.items()}
    n_players, n_outputs = len(found["names"]), len(found["outputs"])
    square = (n_players, n_players, n_outputs)
    for field, shape in {
        "values": (n_players, n_outputs), "stderr": (n_players, n_outputs), "stderr_background": (n_players, n_outputs),
        "critical": (n_outputs,), "base": (n_outputs,), "prediction": (n_outputs,), "df": (),
        "interactions": square, "interactions_stderr": square,
    }.items():  # fmt: skip
        found[field] = None
        if own.get(field) is not None or field not in ("stderr_background", "interactions", "interactions_stderr"):
            found[field] = floats(own.get(field), shape, f"{where}.{field}")
    found["df"] = float(found["df"])
    for field in ("label", "input", "heat", "columns"):
        if field not in own:
            raise DamagedError(f"{where} lacks {field}: the file is damaged.")
        found[field] = decode(own[field], f"{where}.{field}")
    _check(found, where)
    if "feature_values" in own:  # which files of earlier versions, and those of pictures, do not have
        found["teller"] = Kept(_restore_values(own["feature_values"], n_players, f"{where}.feature_values"))
    return found | {"meta": common["meta"] | _restore_meta(own.get("meta"), f"{where}.meta")}


def _check(found: dict[str, Any], where: str) -> None:
    n_players, n_outputs = len(found["names"]), len(found["outputs"])
    heat = found["heat"]
    if heat is not None and not (isinstance(heat, np.ndarray) and heat.ndim == 3 and len(heat) == n_outputs):
        raise DamagedError(f"{where}.heat is no array (outputs, height, width): the file is damaged.")
    for name, column in _dict(found["columns"], f"{where}.columns").items():
        if np.shape(column) not in ((n_players,), (n_players, n_outputs)):
            raise DamagedError(f"{where}.columns[{name!r}] does not fit {n_players} features: the file is damaged.")


def _restore_meta(data: object, where: str) -> dict[str, Any]:
    return {key: decode(value, f"{where}[{key!r}]") for key, value in _dict(data, where).items()}


def _restore_names(data: object, where: str) -> tuple[str, ...]:
    if not isinstance(data, list) or not all(isinstance(name, str) for name in data):
        raise DamagedError(f"{where} is no list of text: the file is damaged.")
    return tuple(data)


def _restore_values(data: object, n_players: int, where: str) -> Objects:
    if not isinstance(data, list) or len(data) != n_players:
        raise DamagedError(f"{where} is no list of {n_players} values: the file is damaged.")
    found = np.empty(n_players, dtype=object)
    found[:] = [decode(one, where) for one in data]
    return found


def _restore_method(data: object, where: str) -> Any:
    """The method object, from the catalogue and its options alone."""
    given = _dict(data, where)
    name = given.get("name")
    if not isinstance(name, str) or name not in KNOWN:
        raise ValueError(
            f"{where}: the method {name!r:.60} is not known here; expected one of {', '.join(sorted(KNOWN))}. "
            "Update perturbxai, or take the numbers from the CSV."
        )
    kind = catalogue.load(KNOWN, name)
    options = _dict(given.get("options"), f"{where} {name}")
    try:
        options = deprecated.current(getattr(kind, "renamed", {}), options, f"{where}: {name}")  # files keep old names
    except TypeError as error:
        raise DamagedError(f"{error} The file is damaged.") from error
    unknown = set(options) - {f.name for f in fields(kind) if f.init}
    if unknown:
        raise ValueError(
            f"{where}: {name} has no option {', '.join(map(repr, sorted(unknown)))} here; update perturbxai, which "
            "may be older than the file."
        )
    restored = {key: _restore_option(value, f"{name}.{key}") for key, value in options.items()}
    try:
        return kind(**restored)
    except (TypeError, ValueError) as error:
        raise DamagedError(f"{where}: {name} refuses its options ({error}): the file is damaged, or newer.") from error


def _restore_option(data: object, where: str) -> Any:
    if not (isinstance(data, dict) and data.get("$") == "linear_model"):
        return decode(data, where)
    from sklearn import linear_model
    from sklearn.base import RegressorMixin

    # only by name from this one module, and only regressors: a file cannot choose what is imported
    kind = getattr(linear_model, str(data.get("name"))) if data.get("name") in linear_model.__all__ else None
    if not (isinstance(kind, type) and issubclass(kind, RegressorMixin)):
        raise DamagedError(f"{where}: {data.get('name')!r:.60} is no regressor of sklearn.linear_model.")
    try:
        return kind(**_dict(decode(data.get("settings"), where), where))
    except TypeError as error:
        raise DamagedError(f"{where}: {kind.__name__} refuses its settings ({error}).") from error


def _dict(data: object, where: str) -> dict[str, Any]:
    if not isinstance(data, dict):
        raise DamagedError(f"{where} is missing or no object: the file is damaged.")
    return data


_PARTS = {"names": _restore_names, "outputs": _restore_names, "method": _restore_method}
