"""torch is an extra: tables and pictures do without it, and what needs it says how it is installed, before it asks."""

from __future__ import annotations

import json
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path

import pytest

from perturbxai.core import extras

ROOT = Path(__file__).resolve().parents[2]
HIDDEN = """
import sys
sys.path.insert(0, {root!r})

class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("torch", "torchvision", "zennit", "efficientnet_lite_pytorch"):
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Hidden())
import numpy as np, perturbxai as px
from perturbxai import assets
from perturbxai.core import catalogue
from perturbxai.command.user_model import make_model

asked = []

def model(rows):
    asked.append(len(rows))
    return np.asarray(rows, dtype=np.float64).reshape(len(rows), -1)[:, :3].sum(axis=1)

predictor, X, photo = px.Predictor(model), np.eye(4), np.random.default_rng(0).random((16, 16, 3), dtype=np.float32)
wide = np.random.default_rng(0).normal(size=(60, 2))
table, picture = px.TabularSpace(X), px.ImageSpace(segments="grid", n_segments=4, fill=0)
"""
WORKS = {
    "every public name loads": "[getattr(px, name) for name in px.__all__]",
    "every method can be made": "[catalogue.load(catalogue.EXPLAINERS | catalogue.BASELINES, name)() for name in "
    "(*catalogue.EXPLAINERS, *catalogue.BASELINES)]",
    "a table is explained": "px.compare(px.explain(['lime', 'kernel_shap', 'ale'], predictor, table, X), predictor, table)",
    "a table has effects": "px.effects(['pdp', 'ice', 'ale'], predictor, table, X)",
    "a table has controls": "px.baselines('random', predictor, table, X)",
    "a picture is explained": "px.explain(['lime', 'rise_smooth', 'sliding_occlusion', 'ale'], predictor, picture, photo)",
    "a picture has effects": "px.effects(['pdp', 'ale'], predictor, picture, photo)",
    "a picture has controls": "px.baselines(['random', 'centre', 'edges'], predictor, picture, photo)",
    "a picture is drawn": "px.plot(px.explain('lime', predictor, picture, photo), space=picture)",
    "pictures are transformed": "px.Predictor(model, transform=lambda rows: rows / 255)(photo[None])",
    "results are read again": "px.Attribution.from_json(px.baselines('random', predictor, table, X)['random'].to_json())",
}
REFUSED = {
    "a map": "px.baselines('grad_cam', predictor, picture, photo)",
    "a gradient of a picture": "px.baselines(['random', 'smooth_grad'], predictor, picture, photo)",
    "a mask": "px.baselines(px.MaskOptimisation(), predictor, picture, photo)",
    "a gradient of a table": "px.baselines(['random', 'integrated_gradients'], predictor, table, X)",
    "a differential curve": "px.effects(px.Ale(differential=True), predictor, px.TabularSpace(wide), wide)",
    "gradients": "predictor.gradient(X)",
    "the network": "predictor.network().__enter__()",
    "a tensor": "predictor.tensor(X)",
    "a layer": "px.layer_grid(predictor, photo)",
    "the photo of the quickstart": "assets.efficientnet_lite0()",
    "class names": "assets.imagenet_classes()",
    "a user's module": "make_model('needs_torch:network', 'model', {})",
}


def said(code: str, cwd: Path) -> dict[str, str]:
    """What each line of a program without torch raises, and how many rows of the model were asked before."""
    found = subprocess.run(
        [sys.executable, "-W", "error", "-c", HIDDEN.format(root=str(ROOT)) + code],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(found.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def outcome(tmp_path_factory):
    folder = tmp_path_factory.mktemp("module")
    (folder / "needs_torch.py").write_text("import torch\n\ndef network():\n    return torch.nn.Identity()\n")
    loop = """
import json, traceback
said = {}
for name, line in json.loads(sys.argv[1] if len(sys.argv) > 1 else LINES).items():
    asked.clear()
    try:
        eval(line)
        said[name] = ""
    except Exception as error:
        said[name] = f"{type(error).__name__}: {error} [{sum(asked)} rows]"
print(json.dumps(said))
"""
    return said(f"LINES = {json.dumps(WORKS | REFUSED)!r}\n{loop}", folder)


@pytest.mark.parametrize("name", WORKS)
def test_what_needs_no_torch_works_without(name, outcome):
    assert outcome[name] == ""


@pytest.mark.parametrize("name", REFUSED)
def test_what_needs_torch_says_how_it_is_installed_before_a_row_is_asked(name, outcome):
    assert 'is not installed: pip install "perturbxai[' in outcome[name]
    assert outcome[name].endswith("[0 rows]")


def test_a_model_that_is_no_network_is_the_same_error_with_torch_and_without():
    assert issubclass(extras.NoNetwork, TypeError) and issubclass(extras.NoNetwork, ImportError)


@pytest.fixture(scope="module")
def wanted():
    """What setup.cfg asks for: of the package itself under "", else by extra."""
    config = ConfigParser()
    config.read(ROOT / "setup.cfg")
    sections = {"": config["options"]["install_requires"]} | dict(config["options.extras_require"])
    return {extra: {line.split(">")[0].split("=")[0] for line in lines.split()} for extra, lines in sections.items()}


@pytest.mark.parametrize("package", extras.EXTRAS)
def test_an_extra_brings_what_it_is_named_for(package, wanted):
    assert package in wanted[extras.EXTRAS[package]] and package not in wanted[""]
    assert package in wanted["test"]


def test_the_quickstart_brings_torch_and_pictures(wanted):
    assert wanted["torch"] < wanted["images"] < wanted["quickstart"]
