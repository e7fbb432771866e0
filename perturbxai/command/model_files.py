"""A fitted model from a file: of ONNX, xgboost and lightgbm, and with the user's trust those that run code on loading."""

import contextlib
import importlib
import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from perturbxai.core.extras import EXTRAS, remedy

RUN_CODE = (".joblib", ".pkl", ".pickle", ".pt", ".pth", ".pt2")
WEIGHTS_ALONE = "it holds weights and no network; name what makes the network and loads them, 'package.module:factory'"


class NotLoaded(ValueError):
    """A file that gives no model, in the user's words."""


def is_model_file(place: str) -> bool:
    """Whether a model's name is that of a file, by its ending: "package.module:name" has none of these."""
    return Path(place).suffix.lower() in READERS


def load_model(path: Path, trust: bool, of_trust: str) -> Any:
    """The model of a file.

    of_trust  how the user says that a file may run code
    Raises NotLoaded for one that is not there or gives no model, that runs code and is not trusted, or whose package is not
    installed.
    """
    ending = path.suffix.lower()
    if not path.is_file():
        raise NotLoaded("there is no such file" if not path.is_dir() else "it is a folder")
    if ending in RUN_CODE and not trust:
        raise NotLoaded(f"a {ending} file runs code when it is loaded; if you trust where it comes from, give {of_trust}")
    try:
        return READERS[ending](path)
    except (NotLoaded, KeyboardInterrupt):
        raise
    except ModuleNotFoundError as error:
        name = (error.name or "").partition(".")[0]
        way = remedy(name) if name in EXTRAS else f"pip install {name}"
        raise NotLoaded(f"it needs {error.name}, which is not installed: {way}") from error
    except Exception as error:  # every library has errors of its own
        raise NotLoaded(f"it cannot be loaded: {' '.join(f'{type(error).__name__}: {error}'.split())}") from error


def _pickled(path: Path) -> Any:
    import joblib

    return joblib.load(path)


def _onnx(path: Path) -> Any:
    return importlib.import_module("onnxruntime").InferenceSession(str(path), providers=["CPUExecutionProvider"])


def _xgboost(path: Path) -> Any:
    booster = importlib.import_module("xgboost").Booster()
    booster.load_model(path)
    return booster


def _lightgbm(path: Path) -> Any:
    with contextlib.redirect_stdout(io.StringIO()):  # where it writes what its error says too
        return importlib.import_module("lightgbm").Booster(model_file=str(path))


def _torch(path: Path) -> Any:
    """A scripted or exported program, or a module that was pickled whole."""
    torch: Any = importlib.import_module("torch")
    if path.suffix.lower() == ".pt2":
        return torch.export.load(path).module()
    names = zipfile.ZipFile(path).namelist() if zipfile.is_zipfile(path) else []
    if any("/code/" in name for name in names):
        return torch.jit.load(path, map_location="cpu")
    found = torch.load(path, map_location="cpu", weights_only=False)
    if not callable(found):
        raise NotLoaded(WEIGHTS_ALONE)
    return found


READERS: dict[str, Callable[[Path], Any]] = {
    ".joblib": _pickled, ".pkl": _pickled, ".pickle": _pickled, ".onnx": _onnx, ".json": _xgboost, ".ubj": _xgboost,
    ".txt": _lightgbm, ".pt": _torch, ".pth": _torch, ".pt2": _torch,
}  # fmt: skip
