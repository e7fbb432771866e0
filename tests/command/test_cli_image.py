"""`perturbxai explain --image`: what the same calls of the library give, and refusals in words before the model works."""

from __future__ import annotations

import hashlib
import json
import re
import sys
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
from PIL import Image

import perturbxai as px
from perturbxai.calls import crew, workers
from perturbxai.command import cli, config
from perturbxai.command import options as command_options
from perturbxai.command.config import PhotoConfig
from perturbxai.command.photo_files import read_photos
from perturbxai.core import catalogue
from perturbxai.models import progress

torch = pytest.importorskip("torch")
ROOT = Path(__file__).parents[2]
NAMES = ["warm", "cold", "<script>x</script>", "../../up", "7"]
MODULE = f"""
import torch
import perturbxai as px

NAMES = {NAMES!r}

def net():
    torch.manual_seed(0)
    return torch.nn.Sequential(
        torch.nn.Conv2d(3, 6, 3, stride=2), torch.nn.ReLU(), torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(),
        torch.nn.Linear(6, 5),
    ).eval()

def scaled(pictures):
    return pictures / 255

def with_transform():
    return net(), scaled

def with_names():
    return net(), scaled, NAMES

def only_names():
    return net(), None, NAMES

def ready():
    return px.Predictor(net(), output="probability", outputs=NAMES, transform=scaled, batch_size=3)

def box():
    return lambda pictures: pictures.mean(axis=(1, 2)) / 255

def grey():
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten())

class Never(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = torch.nn.Conv2d(3, 2, 3)

    def forward(self, pictures):
        raise AssertionError("the model was asked")

def never():
    return Never(), None, NAMES[:2]

def four():
    return 1, 2, 3, 4

def swapped():
    return net(), NAMES

def takes(pictures):
    return pictures

def number():
    return 5
"""


@pytest.fixture
def own(tmp_path, monkeypatch):
    """A folder with pictures and a module, which is the current folder."""
    rng = np.random.default_rng(0)
    for name, shape in (("one.png", (30, 40, 3)), ("two.png", (24, 24, 3))):
        Image.fromarray(rng.integers(0, 256, shape, dtype=np.uint8)).save(tmp_path / name)
    (tmp_path / "own_net.py").write_text(MODULE)
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    sys.modules.pop("own_net", None)


SMALL = {"--size": "24", "--segments": "grid", "--n-segments": "4", "--methods": "kernel_shap", "--metrics": "spearman"}


def explain(*options, image="one.png", model="own_net:with_names", results="out"):
    """The exit code, on small pictures with few methods and metrics unless told."""
    given = ["--model", model, "--results", results, "--quiet", *options]
    given += [] if image is None else ["--image", image]
    given += [word for option, value in SMALL.items() if option not in given for word in (option, value)]
    return cli.main(["explain", *given])


def found_in(folder):
    """The values of a report, to the last bit, which not every pandas reads by itself."""
    found = pd.read_csv(folder / "photo" / "attributions.csv", dtype={"row": str, "value": str, "output": str})
    return found.assign(value=found.value.map(float))


# ------------------------------------------------------------------------------------------------ the same as the library


@pytest.mark.usefixtures("undrawn")
def test_several_workers_write_the_same_tables(own, monkeypatch):
    spread, tables, shared = workers.spread, [], []
    monkeypatch.setattr(workers, "spread", lambda task, *given: (shared.append(task), spread(task, *given))[1])
    monkeypatch.setattr(crew, "SECONDS_A_PART", 1e-12)
    monkeypatch.setattr(crew, "FEW", 0)
    options = ("--image", "two.png", "--methods", "lime,grad_cam,gradient", "--metrics", "deletion", "--outputs", "cold,3")
    for folder, jobs in (("one", ()), ("two", ("--jobs", "2"))):
        with joblib.parallel_config(backend="threading"):
            assert explain(*options, "--fills", "mean,9", *jobs, results=folder) == 0
        tables.append(
            [pd.read_csv(own / folder / "photo" / f"{name}.csv", dtype=str) for name in ("attributions", "scores")]
        )
        assert bool(shared) == bool(jobs)
    assert {task.__module__.rpartition(".")[2] for task in shared} == {"crew", "photo_chunks"}
    for one, other in zip(*tables, strict=True):
        pd.testing.assert_frame_equal(one, other)


@pytest.mark.usefixtures("undrawn")
def test_the_values_are_those_of_the_library_to_the_last_bit(own):
    options = ("--methods", "lime,kernel_shap,grad_cam,cam_difference", "--budget", "12", "--seed", "5")
    assert explain(*options, "--outputs", "cold,3", "--fills", "mean,9", "--n-segments", "6") == 0
    from own_net import NAMES, net, scaled

    picture = px.fit(np.asarray(Image.open("one.png")), 24)
    predictor = px.Predictor(net(), output="logit", outputs=NAMES, transform=scaled, batch_size=8)
    space, wanted = px.ImageSpace(segments="grid", n_segments=6, fill="mean"), {}
    for fill, name in (("mean", "mean"), (9, "constant 9")):
        under = space.with_fill(fill)
        results = px.explain(["lime", "kernel_shap"], predictor, under, picture, outputs=[1, 3], budget=12, seed=5)
        results |= px.baselines(["cam_difference"], predictor, under, picture, outputs=[1, 3])
        wanted |= {f"{key}@{name}": one for key, one in results.items()}
    wanted |= px.baselines(["grad_cam"], predictor, space, picture, outputs=[1, 3])
    found = found_in(own / "out")
    assert set(found.method) == set(wanted)
    for name, result in wanted.items():
        mine, theirs = found[found.method == name], result.to_frame()
        assert mine.feature.tolist() == theirs.feature.tolist()
        assert mine.output.tolist() == theirs.output.tolist()
        assert mine.value.tolist() == theirs.value.tolist(), name


@pytest.mark.slow
@pytest.mark.usefixtures("undrawn")
def test_a_config_of_the_same_keys_writes_the_same_tables(own):
    assert explain("--methods", "kernel_shap,grad_cam", "--fills", "blur,124/116/104", "--outputs", "1", "--layer", "1") == 0
    (own / "same.toml").write_text(
        '[photo]\nimage = "one.png"\nmodel = "own_net:with_names"\nsize = 24\nsegments = "grid"\nn_segments = 4\n'
        'fills = ["blur", [124, 116, 104]]\noutputs = [1]\nlayer = "1"\nmethods = ["kernel_shap"]\n'
        'baselines = ["grad_cam"]\nmetrics = ["spearman"]\n'
    )
    assert cli.main(["run", "same.toml", "--results", "again", "--quiet"]) == 0
    for name in ("attributions.csv", "agreement.csv"):
        assert (own / "out" / "photo" / name).read_bytes() == (own / "again" / "photo" / name).read_bytes()


def test_the_report_is_that_of_run_with_progress_of_each_step(own, capsys, monkeypatch):
    monkeypatch.setattr(progress, "EVERY", 0.0)
    words = ["--image", "one.png", "--model", "own_net:with_names", "--size", "24", "--segments", "grid"]
    words += ["--n-segments", "4", "--fills", "mean", "--methods", "lime,cam_difference", "--budget", "8"]
    assert cli.main(["explain", *words]) == 0
    shown = capsys.readouterr()
    assert "lime@mean" in shown.out and "faithfulness" in shown.out
    folder = (own / "results" / "explain").resolve()
    assert f"files: {folder}" in shown.out and shown.out.rstrip().splitlines()[-1] == str(folder / "photo" / "index.html")
    for step in ("explain, mean", "cam_difference, mean", "compare"):
        assert f"\n{step}: " in f"\n{shown.err}"
    names = {path.name for path in (own / "results" / "explain" / "photo").iterdir()}
    assert {"attributions.csv", "summary.csv", "maps.png", "insertion.png", "manifest.json"} <= names


@pytest.mark.usefixtures("undrawn")
def test_the_default_maps_of_a_black_box_are_those_that_need_no_network(own, capsys):
    words = ["--image", "one.png", "--model", "own_net:box", "--size", "24", "--segments", "grid", "--n-segments", "4"]
    words += ["--fills", "mean", "--budget", "80", "--metrics", "spearman", "--results", "out"]
    assert cli.main(["explain", *words]) == 0
    methods = set(found_in(own / "out").method)
    assert methods == {f"{name}@mean" for name in catalogue.USUAL} | set(catalogue.CONTROLS)
    assert re.search(
        r"left out:\n  cam: looks inside a torch.nn.Module, but the model is a callable; .* leave it out",
        capsys.readouterr().out,
    )


@pytest.mark.usefixtures("undrawn")
def test_all_are_those_that_can_and_the_others_are_named_with_the_reason(own):
    assert explain("--methods", "all", "--budget", "20", "--fills", "mean", "--n-segments", "6", "--outputs", "warm") == 0
    told = json.loads((own / "out" / "manifest.json").read_text())["parts"]["photo"]["left_out"]
    assert re.search(r"budget=20 is below", told["exact_shap"])
    methods = {name.partition("@")[0] for name in found_in(own / "out").method}
    assert methods | set(told) == set(config.ON_PICTURES)
    assert not methods & set(told)
    assert {"lime", "kernel_shap", "occlusion", "grad_cam", "gradient", "lrp"} <= methods


# ------------------------------------------------------------------------------------------------ pictures


def test_several_pictures_make_one_table_with_the_names_of_the_files(own):
    assert explain("--image", "two.png", "one.png", "--top", "1", "--metrics", "deletion,insertion", image=None) == 0
    found = found_in(own / "out")
    assert found.row.unique().tolist() == ["two", "one"]
    alone = [explain("--image", f"{name}.png", "--top", "1", image=None, results=name) for name in ("two", "one")]
    assert alone == [0, 0]
    for name in ("two", "one"):
        mine, theirs = found[found.row == name], found_in(own / name)
        both = mine.merge(theirs, on=["method", "feature", "output"])  # its own class is among those of the table
        assert len(both) == len(theirs) and both.value_x.tolist() == both.value_y.tolist()
    names = {path.name for path in (own / "out" / "photo").iterdir()}
    assert {"maps_blur_one.png", "maps_blur_two.png", "bars_mean_one.png"} <= names


@pytest.mark.parametrize(
    ("given", "names"),
    [
        ((".",), ["one", "two"]),
        (("t*.png",), ["two"]),
        (("two.png", "chelsea"), ["two", "chelsea"]),
        (("one.png", "deeper/one.png"), ["one.png", str(Path("deeper/one.png"))]),
    ],
)
def test_pictures_are_files_folders_patterns_and_names(own, given, names):
    (own / "deeper").mkdir()
    Image.open("two.png").save("deeper/one.png")
    found = read_photos(PhotoConfig(image=given, model="m:f", size=20), str)
    assert found.names == names
    assert {picture.shape for picture in found.pictures} == {(20, 20, 3)}


def test_a_photo_is_turned_as_the_camera_says(own):  # noqa: ARG001
    pixels = np.zeros((16, 16, 3), dtype=np.uint8)
    pixels[:8] = 255  # white above
    turned = Image.Exif()
    turned[0x0112] = 6  # to be turned by a quarter clockwise
    Image.fromarray(pixels).save("turned.png", exif=turned)
    (found,) = read_photos(PhotoConfig(image="turned.png", model="m:f", size=16), str).pictures
    np.testing.assert_array_equal(found, np.rot90(pixels, -1))


def test_what_is_transparent_lies_on_white(own):  # noqa: ARG001
    pixels = np.zeros((8, 8, 4), dtype=np.uint8)
    pixels[:4, :, 3] = 255
    Image.fromarray(pixels).save("clear.png")
    (found,) = read_photos(PhotoConfig(image="clear.png", model="m:f", size=8), str).pictures
    assert found.shape == (8, 8, 3)
    assert (found[:4] == 0).all() and (found[4:] == 255).all()


@pytest.mark.usefixtures("undrawn")
def test_grey_pictures_keep_the_units_of_the_file(own):
    pixels = np.arange(64, dtype=np.uint16).reshape(8, 8) * 1000
    Image.fromarray(pixels).save("deep.png")
    (found,) = read_photos(PhotoConfig(image="deep.png", model="m:f", size=8, grey=True), str).pictures
    np.testing.assert_array_equal(found, pixels)
    assert explain("--grey", "--size", "8", image="deep.png", model="own_net:grey") == 0
    assert set(found_in(own / "out").output) == {"0", "1"}


def test_size_and_crop_are_those_of_fit(own):  # noqa: ARG001
    (found,) = read_photos(PhotoConfig(image="one.png", model="m:f", size="10x20", crop=0.5), str).pictures
    np.testing.assert_array_equal(found, px.fit(np.asarray(Image.open("one.png")), (10, 20), 0.5))


def test_our_network_sees_the_crop_that_it_was_trained_on():
    from perturbxai import assets

    (found,) = read_photos(PhotoConfig(), str).pictures
    np.testing.assert_array_equal(found, assets.photo("chelsea"))


# ------------------------------------------------------------------------------------------------ the model


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize(
    ("model", "outputs", "scale"),
    [
        ("own_net:net", {"0"}, "logit"),
        ("own_net:with_transform", {"0"}, "logit"),
        ("own_net:with_names", {"warm"}, "logit"),
        ("own_net:only_names", {"warm"}, "logit"),
        ("own_net:ready", {"warm"}, "probability"),
        ("own_net:box", {"0"}, "raw"),
    ],
)
def test_a_model_comes_alone_with_what_it_needs_or_as_a_predictor(own, model, outputs, scale):
    assert explain("--outputs", "0", model=model) == 0
    assert set(found_in(own / "out").output) == outputs
    assert json.loads((own / "out" / "manifest.json").read_text())["parts"]["photo"]["plan"]["output"] == scale


@pytest.mark.usefixtures("undrawn")
def test_a_name_that_is_a_number_is_a_name_first(own):
    assert explain("--outputs", "7,1") == 0
    assert set(found_in(own / "out").output) == {"7", "cold"}


# ------------------------------------------------------------------------------------------------ refusals


REFUSALS = {
    "no file": (("--image", "no.jpg"), r"--image = 'no\.jpg' is no file; give a picture, a folder of them"),
    "no name": (("--image", "dog"), r"picture 'dog' is not in the scikit-image wheel"),
    "no picture": (("--image", "own_net.py"), r"--image = 'own_net\.py' is no picture that Pillow can read"),
    "half": (("--image", "half.png"), r"--image = 'half\.png' cannot be read: .*Save it anew"),
    "no match": (("--image", "*.bmp"), r"--image = '\*\.bmp' matches no file"),
    "empty": (("--image", "empty"), r"--image = 'empty' is a folder without pictures"),
    "twice": (("--image", "two.png", "./two.png"), r"--image names two\.png twice"),
    "deep": (("--image", "deep.png"), r"'deep\.png' is grey with more than 8 bits; give --grey"),
    "size": (("--size", "3by4"), r"--size: '3by4' is no size; expected the side in pixels"),
    "crop": (("--crop", "1.5"), r"--crop = 1\.5: input should be less than or equal to 1"),
    "segments": (("--segments", "slick"), r"--segments: 'slick' is not known; expected one of slic, quickshift"),
    "few": (("--n-segments", "1"), r"--n-segments = 1: input should be greater than or equal to 2"),
    "fill": (("--fills", "blur,blurr"), r"--fills: 'blurr' is not a fill; expected \"blur\", \"mean\", \"inpaint\""),
    "colour": (("--fills", "1/2"), r"fill has 2 numbers, but the picture has 3 channels"),
    "fill twice": (("--fills", "3,3"), r"--fills: a fill comes twice"),
    "method": (("--methods", "lime,shap"), r"--methods: 'shap' is not known; did you mean 'kernel_shap'\?"),
    "of tables": (("--methods", "lime_tabular"), r"--methods: lime_tabular explains tables only"),
    "budget": (("--budget", "5", "--segments", "grid", "--n-segments", "9"), r"budget=5 is below the .*kernel_shap"),
    "listed": (("--methods", "exact_shap", "--budget", "9", "--n-segments", "9"), r"budget=9 is below the 512"),
    "class": (("--outputs", "hot"), r"outputs: 'hot' is not an output of the model; it has 2: 'warm', 'cold'"),
    "far class": (("--outputs", "2"), r"outputs: 2 is not an output of the model"),
    "two ways": (("--outputs", "warm", "--top", "1"), r"photo: outputs and top both choose the classes"),
    "layer": (("--methods", "grad_cam", "--layer", "iner"), r"--layer = 'iner' is no module .*Did you mean 'inner'\?"),
    "no map": (("--layer", "inner"), r"--layer is for class activation maps, and none is asked for"),
    "black box": (("--methods", "grad_cam", "--model", "own_net:box"), r"grad_cam looks inside .* the model is a callable"),
    "scale": (("--model", "own_net:box", "--output", "logit"), r"--output: .*function"),
    "own scale": (
        ("--model", "own_net:ready", "--output", "raw"),
        r"--output: own_net:ready made a Predictor, which has its",
    ),
    "own batches": (("--model", "own_net:ready", "--batch-size", "4"), r"--batch-size: own_net:ready made a Predictor"),
    "four": (
        ("--model", "own_net:four"),
        r"--model = 'own_net:four' came to 4 things; expected a model, \(model, transform\)",
    ),
    "swapped": (("--model", "own_net:swapped"), r"the second is list, and no transform"),
    "a function": (("--model", "own_net:takes"), r"takes pictures, and there is nothing to give it\. Of pictures a factory"),
    "a number": (("--model", "own_net:number"), r"--model = 'own_net:number': model is int; expected"),
    "boosted": (("--model", "boosted"), r"--model = 'boosted' is no model"),
    "rows": (("--inputs", "3"), r"--inputs goes with --table, and not with --image"),
    "exact": (("--exact",), r"--exact goes with --table, and not with --image"),
}


@pytest.mark.parametrize("fault", REFUSALS)
def test_what_cannot_be_done_is_told_in_a_line_before_the_model_is_asked(own, capsys, fault):
    options, told = REFUSALS[fault]
    (own / "half.png").write_bytes((own / "one.png").read_bytes()[:900])
    (own / "empty").mkdir()
    Image.fromarray(np.zeros((8, 8), dtype=np.uint16)).save("deep.png")
    image = None if "--image" in options else "one.png"
    assert explain(*options, image=image, model="own_net:never") == 2
    shown = capsys.readouterr()
    assert re.search(told, shown.err), shown.err
    assert shown.err.startswith("perturbxai: ") and shown.err.count("\n") == 1
    assert shown.out == ""
    assert not (own / "out").exists()


def test_options_of_pictures_are_refused_beside_a_table(own, capsys):
    (own / "rows.csv").write_text("a,b\n1,2\n")
    for words in (["--size", "3"], ["--grey"]):
        assert cli.main(["explain", "--table", "rows.csv", "--model", "own_net:box", *words]) == 2
        assert f"{words[0]} goes with --image, and not with --table" in capsys.readouterr().err


def test_a_table_and_pictures_are_two_commands(capsys):
    with pytest.raises(SystemExit) as left:
        cli.main(["explain", "--table", "x.csv", "--image", "x.jpg", "--model", "m:f"])
    assert left.value.code == 2
    assert "not allowed with argument" in capsys.readouterr().err


def test_more_classes_than_a_table_holds_are_told_with_the_way_out(own, capsys):
    (own / "many.py").write_text(
        "import numpy as np\ndef make():\n    def model(pictures):\n        found = np.zeros((len(pictures), 40))\n"
        "        at = pictures.sum(axis=(1, 2, 3)).astype(int) % 20\n        found[np.arange(len(found)), at] = 2\n"
        "        found[np.arange(len(found)), 20 + at] = 1\n        return found\n    return model\n"
    )
    rng = np.random.default_rng(1)
    (own / "lot").mkdir()
    for number in range(40):
        Image.fromarray(rng.integers(0, 256, (24, 24, 3), dtype=np.uint8)).save(own / "lot" / f"{number}.png")
    assert explain(image="lot", model="many:make") == 2
    told = r"the 40 pictures have \d\d classes among their 2 highest, more than the 20 of one table; give --outputs, a lower"
    assert re.search(told, capsys.readouterr().err)
    sys.modules.pop("many")


def test_hostile_names_of_files_and_classes_stay_in_the_folder(own):
    (own / "pictures").mkdir()
    for name in ("<b>x", "=1+1", "two\nlines", "_$frac{"):
        Image.open("two.png").rotate(90 * len(name)).save(own / "pictures" / f"{name}.png")
    before = {path for path in own.parent.rglob("*") if path.is_file()}
    assert explain("--outputs", "2,3", "--metrics", "deletion", "--fills", "mean", image="pictures") == 0
    new = {path for path in own.parent.rglob("*") if path.is_file()} - before
    assert all(path.is_relative_to(own / "out") or "__pycache__" in path.parts for path in new)
    assert set(found_in(own / "out").output) == {NAMES[2], NAMES[3]}
    assert set(px.read_csv(own / "out" / "photo" / "attributions.csv").row) == {"<b>x", "=1+1", "two\nlines", "_$frac{"}


# ------------------------------------------------------------------------------------------------ manifest and help


@pytest.mark.usefixtures("undrawn")
def test_the_manifest_names_pictures_and_model(own):
    assert explain("--image", "one.png", "two.png", image=None) == 0
    part = json.loads((own / "out" / "manifest.json").read_text())["parts"]["photo"]
    told = [(file["name"], file["sha256"]) for file in part["pictures"]]
    assert told == [(name, hashlib.sha256((own / name).read_bytes()).hexdigest()) for name in ("one.png", "two.png")]
    assert part["model"]["file"]["sha256"] == hashlib.sha256((own / "own_net.py").read_bytes()).hexdigest()


def test_every_key_of_pictures_has_its_option():
    assert {option.key for option in command_options.PHOTO} | {"grey", "strict", "trust"} == set(PhotoConfig.model_fields)


def test_the_defaults_that_the_help_tells_are_those_of_the_configuration():
    defaults = {name: field.default for name, field in PhotoConfig.model_fields.items()}
    told = {option.key: option.help for option in command_options.PHOTO}
    for key, shown in (("segments", "slic"), ("n_segments", "50"), ("top", "2"), ("fills", "blur, mean"), ("size", "224")):
        assert told[key].endswith(f"default: {shown}")
        found = defaults[key] if key != "size" else defaults[key][0]
        assert shown == (", ".join(found) if isinstance(found, tuple) else str(found))


def test_the_names_that_a_configuration_knows_are_those_there_are():
    for name in catalogue.SEGMENTERS:
        assert callable(catalogue.load(catalogue.SEGMENTERS, name)) and PhotoConfig(segments=name).segments == name
    for name in catalogue.FILLS:
        assert callable(catalogue.load(catalogue.FILLS, name)) and PhotoConfig(fills=(name,)).fills == (name,)
    assert set(config.ON_PICTURES) | set(catalogue.ON_TABLES_ONLY) == set(catalogue.EXPLAINERS) | set(catalogue.BASELINES)


def test_the_docs_explain_photos_of_your_own(tmp_path, monkeypatch, capsys):
    pytest.importorskip("torchvision", reason="the quickstart extra is not installed")
    page = (ROOT / "docs" / "own-files.md").read_text("utf-8")
    section = page.partition("\n## A photo")[2].partition("\n## ")[0]
    (module,) = re.findall(r"```py\n(.*?)```", section, re.DOTALL)
    (command,) = re.findall(r"^perturbxai (explain .*)$", section, re.MULTILINE)
    rng = np.random.default_rng(0)
    for name in ("cat.jpg", "dog.jpg"):
        Image.fromarray(rng.integers(0, 256, (40, 50, 3), dtype=np.uint8)).save(tmp_path / name)
    (tmp_path / "mynet.py").write_text(module)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(torch, "load", lambda *_, **__: {}, raising=True)
    monkeypatch.setattr(torch.nn.Module, "load_state_dict", lambda *_, **__: None)
    try:
        quick = ["--size", "64", "--segments", "grid", "--n-segments", "6", "--budget", "30", "--metrics", "spearman"]
        assert cli.main([*command.split(), *quick]) == 0
    finally:
        sys.modules.pop("mynet", None)
    assert "kernel_shap@blur" in capsys.readouterr().out
    assert set(found_in(tmp_path / "results" / "explain").row) == {"cat", "dog"}
