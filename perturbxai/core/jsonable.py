"""Python values as strict JSON and back, equal and of the same kind. What has no such form is refused; nothing is executed.

Numbers, text, truth values, None, lists and dicts with text as keys are themselves. All else is a dict {"$": kind, ...}.
"""

import base64
import datetime
import json
import math
import re
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from perturbxai.core.types import Floats

TAG = "$"
NOT_FINITE = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}  # JSON has no literals for these
DTYPES = re.compile(r"\|b1|[<|][iu][1248]|<f[248]|<U\d{1,5}|<[mM]8\[\d*(Y|M|W|D|h|m|s|ms|us|ns|ps|fs|as)\]|\|O")
OF_PANDAS = ("Timestamp", "Timedelta", "NaTType", "NAType", "Period")
LISTED = 4096  # numbers; a longer array, or one of three axes, is base64 of its bytes


class DamagedError(ValueError):
    """JSON that does not hold what it should."""


def encode(value: Any, where: str) -> Any:
    """A value as what `json` writes strictly; `where` names it in errors.

    Raises TypeError for a kind that would not come back equal.

    >>> encode((1, float("inf")), "meta")
    {'$': 'tuple', 'of': [1, {'$': 'float', 'is': 'Infinity'}]}
    >>> decode(encode((1, float("inf")), "meta"), "meta")
    (1, inf)
    """
    kind = type(value)
    if value is None or kind in (bool, int, str):
        return value
    if kind is float:
        return value if math.isfinite(value) else {TAG: "float", "is": number(value)}
    if isinstance(value, np.generic):
        return {**_array(np.asarray(value), where), TAG: "scalar"}
    if kind is np.ndarray:
        return _array(value, where)
    if kind is dict:
        if all(type(key) is str for key in value) and TAG not in value:
            return {key: encode(item, f"{where}[{key!r}]") for key, item in value.items()}
        pairs = [[encode(k, f"a key of {where}"), encode(v, f"{where}[{k!r}]")] for k, v in value.items()]
        return {TAG: "dict", "of": pairs}
    if kind in (list, tuple, set, frozenset):
        items = [encode(item, f"{where}[{i}]") for i, item in enumerate(value)]
        if kind in (set, frozenset):
            items.sort(key=json.dumps)
        return items if kind is list else {TAG: kind.__name__, "of": items}
    return {TAG: _kind_of_moment(value, where), **_moment(value)}


def decode(data: object, where: str) -> Any:
    """What `encode` was given. Raises DamagedError for what it did not write."""
    if isinstance(data, list):
        return [decode(item, f"{where}[{i}]") for i, item in enumerate(data)]
    if not isinstance(data, dict):
        return data
    if TAG not in data:
        return {key: decode(item, f"{where}[{key!r}]") for key, item in data.items()}
    if not isinstance(data[TAG], str) or data[TAG] not in _READERS:
        raise DamagedError(f"{where} is of an unknown kind {data[TAG]!r:.40}: the file is damaged, or newer.")
    try:
        return _READERS[data[TAG]](data, where)
    except DamagedError:
        raise
    except (KeyError, TypeError, ValueError, OverflowError, AttributeError) as error:
        raise DamagedError(f"{where} is no {data[TAG]}: the file is damaged.") from error


# ------------------------------------------------------------------------------------------------ numbers and arrays


def number(value: float) -> float | str:
    """A float, or its name where JSON has no literal for it."""
    if math.isfinite(value):
        return float(value)
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def nested(array: ArrayLike) -> Any:
    """An array of floats as lists of lists."""
    found = np.asarray(array, dtype=np.float64)
    return [nested(part) for part in found] if found.ndim > 1 else _floats(found)


def floats(data: object, shape: tuple[int, ...], where: str) -> Floats:
    """What `nested` was given. Raises DamagedError for another shape than the one expected."""
    flat: list[float] = []

    def walk(part: object, depth: int) -> None:
        if depth == len(shape):
            flat.append(_float(part, where))
        elif isinstance(part, list) and len(part) == shape[depth]:
            for item in part:
                walk(item, depth + 1)
        else:
            raise DamagedError(f"{where} has not the shape {shape} that names and outputs ask for: the file is damaged.")

    walk(data, 0)
    return np.array(flat, dtype=np.float64).reshape(shape)


def _floats(array: NDArray[Any]) -> list[Any]:
    found: list[Any] = array.tolist()
    return found if np.isfinite(array).all() else [number(x) for x in found]


def _float(data: Any, where: str) -> float:
    if isinstance(data, str) and data in NOT_FINITE:
        return NOT_FINITE[data]
    if type(data) not in (int, float):
        raise DamagedError(f"{where} holds {data!r:.40} in place of a number: the file is damaged.")
    return float(data)


def _array(array: NDArray[Any], where: str) -> dict[str, Any]:
    array = array.astype(array.dtype.newbyteorder("<"), copy=False)
    dtype = array.dtype.str
    if not DTYPES.fullmatch(dtype):
        raise TypeError(f"{where} is an array of {array.dtype}, which JSON does not keep exactly; convert it first.")
    head = {TAG: "array", "dtype": dtype, "shape": list(array.shape)}
    kind = array.dtype.kind
    if kind in "biuf" and (array.ndim >= 3 or array.size > LISTED):
        return {**head, "base64": base64.b64encode(np.ascontiguousarray(array).tobytes()).decode("ascii")}
    flat = array.ravel()
    if kind == "O":
        return {**head, "of": [encode(item, f"{where}[{i}]") for i, item in enumerate(flat)]}
    return {**head, "of": _floats(flat) if kind == "f" else (flat.view(np.int64) if kind in "mM" else flat).tolist()}


def _read_array(data: dict[str, Any], where: str) -> NDArray[Any]:
    if not DTYPES.fullmatch(data["dtype"]):
        raise DamagedError(f"{where} is an array of the unknown dtype {data['dtype']!r:.40}: the file is damaged.")
    dtype, shape = np.dtype(data["dtype"]), tuple(data["shape"])
    if not all(type(side) is int and side >= 0 for side in shape):
        raise DamagedError(f"{where} has the impossible shape {shape}: the file is damaged.")
    if "base64" in data:
        raw = base64.b64decode(data["base64"], validate=True)
        if dtype.kind not in "biuf" or len(raw) != math.prod(shape) * dtype.itemsize:
            raise DamagedError(f"{where} holds {len(raw)} bytes, not an array {shape} of {dtype}: the file is damaged.")
        return np.frombuffer(raw, dtype).reshape(shape).copy()
    stored = np.dtype(np.int64) if dtype.kind in "mM" else dtype
    flat = np.empty(len(data["of"]), dtype=stored)
    flat[:] = _items(data["of"], dtype.kind, where)
    found: NDArray[Any] = flat.view(dtype).reshape(shape)
    return found


def _items(items: list[Any], kind: str, where: str) -> Any:
    """The members of an array, each of the kind that its dtype says; numpy would convert others."""
    if kind == "f":
        return [_float(item, where) for item in items]
    if kind == "O":
        found = np.empty(len(items), dtype=object)
        for i, item in enumerate(items):
            found[i] = decode(item, f"{where}[{i}]")
        return found
    expected = {"b": bool, "U": str}.get(kind, int)
    if not all(type(item) is expected for item in items):
        raise DamagedError(f"{where} holds something else than {expected.__name__}: the file is damaged.")
    return items


# ------------------------------------------------------------------------------------------------ moments


def _kind_of_moment(value: object, where: str) -> str:
    kind = type(value)
    if kind in (datetime.datetime, datetime.date, datetime.timedelta):
        return kind.__name__
    if kind.__module__.partition(".")[0] == "pandas" and kind.__name__ in OF_PANDAS:
        return kind.__name__
    raise TypeError(
        f"{where} is a {kind.__name__}, which would not come back from JSON; it keeps numbers, text, dates, numpy arrays, "
        "and lists, tuples, sets and dicts of them. Convert it, or take it out with dataclasses.replace(...)."
    )


def _moment(value: Any) -> dict[str, Any]:
    name = type(value).__name__
    if name in ("Timestamp", "datetime"):
        own = {"unit": value.unit} if name == "Timestamp" else {"fold": value.fold}
        return {"is": value.isoformat(), "zone": getattr(value.tzinfo, "key", None)} | own
    if name == "date":
        return {"is": value.isoformat()}
    if name == "timedelta":
        return {"is": [value.days, value.seconds, value.microseconds]}
    if name == "Timedelta":
        return {"is": int(value.asm8.astype(np.int64)), "unit": value.unit}
    return {"is": str(value), "freq": value.freqstr} if name == "Period" else {}


def _pandas() -> Any:
    import pandas as pd

    return pd


def _read_timestamp(data: dict[str, Any], where: str) -> Any:
    moment = _pandas().Timestamp(_text(data["is"], where)).as_unit(data["unit"])
    return moment if data["zone"] is None else moment.tz_convert(_text(data["zone"], where))


def _read_datetime(data: dict[str, Any], where: str) -> Any:
    moment = datetime.datetime.fromisoformat(_text(data["is"], where))
    if data["zone"] is not None:
        from zoneinfo import ZoneInfo

        moment = moment.replace(tzinfo=ZoneInfo(_text(data["zone"], where)))
    return moment.replace(fold=data["fold"])


def _text(data: object, where: str) -> str:
    if not isinstance(data, str):
        raise DamagedError(f"{where} holds {data!r:.40} in place of text: the file is damaged.")
    return data


_READERS: dict[str, Callable[[dict[str, Any], str], Any]] = {
    "float": lambda data, _: NOT_FINITE[data["is"]],
    "tuple": lambda data, where: tuple(decode(data["of"], where)),
    "set": lambda data, where: set(decode(data["of"], where)),
    "frozenset": lambda data, where: frozenset(decode(data["of"], where)),
    "dict": lambda data, where: {decode(k, where): decode(v, where) for k, v in data["of"]},
    "array": _read_array,
    "scalar": lambda data, where: _read_array(data, where)[()],
    "Timestamp": _read_timestamp,
    "datetime": _read_datetime,
    "date": lambda data, _: datetime.date.fromisoformat(data["is"]),
    "timedelta": lambda data, _: datetime.timedelta(*data["is"]),
    "Timedelta": lambda data, _: _pandas().Timedelta(np.timedelta64(data["is"], data["unit"])),
    "NaTType": lambda *_: _pandas().NaT,
    "NAType": lambda *_: _pandas().NA,
    "Period": lambda data, where: _pandas().Period(_text(data["is"], where), freq=_text(data["freq"], where)),
}
