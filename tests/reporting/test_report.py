"""Reports of stub results: what is written, where, and in which order."""

from __future__ import annotations

import hashlib
import json
import threading

import numpy as np
import pandas as pd
import pytest
from stub_results import comparison, result

import perturbxai as px
from perturbxai.reporting import figures as drawing
from perturbxai.reporting.manifest import Folder, plain
from perturbxai.reporting.photo import painted
from perturbxai.reporting.style import styles_of
from perturbxai.reporting.tables import attributions

HOSTILE = "../../x<script>$alert$\n"
PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """The folder of one report, which is read and left as it is."""
    folder = tmp_path_factory.mktemp("whole") / "cat"
    assert px.report(comparison(), folder, config={"seed": 3}) == folder
    return folder


def test_a_comparison_becomes_tables_figures_and_a_manifest(place):
    written = {path.name for path in place.iterdir()}
    tables = {"attributions", "scores", "agreement", "costs", "fill_spread", "curves", "summary"}
    drawn = {"maps_blur", "maps_mean", "bars_blur", "bars_mean", "deletion", "insertion", "agreement"}
    assert written == {f"{t}.csv" for t in tables} | {f"{d}.png" for d in drawn} | {"index.html", "manifest.json"}
    for path in place.glob("*.png"):
        assert path.read_bytes().startswith(PNG)
        assert path.stat().st_size > 5000
    assert pd.read_csv(place / "summary.csv").method.tolist() == ["lime@blur", "lime@mean", "cam"]


def test_the_manifest_names_every_file_with_its_size_and_hash(place):
    manifest = json.loads((place / "manifest.json").read_text())
    assert {f["name"] for f in manifest["files"]} == {p.name for p in place.iterdir()} - {"manifest.json"}
    for file in manifest["files"]:
        data = (place / file["name"]).read_bytes()
        assert (file["bytes"], file["sha256"]) == (len(data), hashlib.sha256(data).hexdigest())
    assert manifest["seeds"] == [3]
    assert manifest["config"] == {"seed": 3}
    assert manifest["plan"] == {"batch_size": 8}
    assert manifest["compare"] == {"rows": 120, "seconds": 1.5}
    assert manifest["methods"]["cam"]["rows"] == 40
    assert {"numpy", "matplotlib", "pandas"} <= set(manifest["versions"])


def test_the_manifest_is_written_last(place):
    newest = max(path.stat().st_mtime_ns for path in place.iterdir() if path.name != "manifest.json")
    assert (place / "manifest.json").stat().st_mtime_ns >= newest


def test_a_first_report_that_breaks_off_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(drawing, "bars", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        px.report(result(), tmp_path / "new")
    assert list(tmp_path.iterdir()) == []


def test_hostile_names_stay_inside_the_folder(tmp_path):
    names = (f"lime@{HOSTILE}", "lime@/etc/passwd", HOSTILE, "_hidden")
    place = px.report(comparison(names, fills=(HOSTILE, "/etc/passwd"), outputs=("cat",)), tmp_path / "deep" / "inside")
    assert {path for path in tmp_path.rglob("*") if path.is_file()} == set(place.iterdir())
    assert all(plain(path.stem) == path.stem for path in place.iterdir())
    assert set(pd.read_csv(place / "summary.csv").method) == set(names)


@pytest.mark.parametrize("name", [HOSTILE, "..", "/", "", "a/../../b", ".ssh", "x" * 400, "котик"])
def test_plain_names_are_harmless_file_names(name):
    found = plain(name)
    assert found.isascii()
    assert 0 < len(found) <= 80
    assert not set(found) & set("/\\<>$\n ")
    assert not found.startswith(".")


def test_names_that_look_alike_get_files_of_their_own(tmp_path):
    folder = Folder(tmp_path)
    assert [folder.new(name, ".csv").name for name in ("a b", "a/b", "a:b")] == ["a_b.csv", "a_b_2.csv", "a_b_3.csv"]


def test_a_link_that_leads_outside_is_refused(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "attributions.csv").symlink_to(tmp_path / "elsewhere" / "taken.csv")
    with pytest.raises(ValueError, match="leads outside the folder"):
        px.report(result(), tmp_path / "results")
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_folder_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "taken").write_text("mine")
    with pytest.raises(ValueError, match="is a file; give a folder"):
        px.report(result(), tmp_path / "taken")
    assert (tmp_path / "taken").read_text() == "mine"


@pytest.mark.parametrize("anything", [3, {"lime": 3}, "lime", [result()]])
def test_what_is_no_result_is_refused(anything, tmp_path):
    with pytest.raises(TypeError, match="expected a Comparison, an Attribution, or a mapping"):
        px.report(anything, tmp_path / "never")
    assert not (tmp_path / "never").exists()


def test_one_attribution_or_a_mapping_is_enough(tmp_path):
    one = px.report(result("lime"), tmp_path / "one")
    several = px.report({"lime": result("lime"), "exact": result("exact_shap")}, tmp_path / "several")
    assert {p.name for p in one.iterdir()} == {p.name for p in several.iterdir()}
    assert (one / "bars.png").stat().st_size > 5000


def test_unknown_errors_draw_no_whisker_and_no_warning(tmp_path):
    place = px.report({"lime": result("lime", stderr=np.inf)}, tmp_path)
    assert (place / "bars.png").stat().st_size > 5000


def test_attributions_hold_both_intervals():
    frame = attributions({"mine": result("lime", n_rows=2)})
    assert len(frame) == 2 * 6 * 2
    assert set(frame.method) == {"mine"}
    np.testing.assert_allclose(frame.high_simultaneous - frame.value, 0.28, atol=1e-12)
    assert (frame.high < frame.high_simultaneous).all()


def test_a_table_has_no_maps(tmp_path):
    place = px.report(comparison(("lime", "exact"), fills=("background",), picture=False), tmp_path)
    assert {path.stem for path in place.glob("*.png")} == {"bars", "deletion", "insertion", "agreement"}


def test_painted_maps_are_symmetric_around_zero():
    labels = np.array([[0, 1, 2]], dtype=np.int32)
    colours = painted(np.full((1, 3), 0.5), labels, np.array([-2.0, 0.0, 2.0]))
    against, none, much = colours[0]
    assert against[2] > against[0]  # blue
    assert much[0] > much[2]  # red
    assert np.ptp(none) < 0.01  # grey


def test_a_method_keeps_its_colour_and_changes_its_dashes_with_the_fill():
    found = styles_of({name: result(name) for name in ["lime@blur", "lime@mean", "kernel_shap@blur", "mine", "other"]})
    assert found["lime@blur"]["color"] == found["lime@mean"]["color"] != found["kernel_shap@blur"]["color"]
    assert found["lime@blur"]["linestyle"] == found["kernel_shap@blur"]["linestyle"] != found["lime@mean"]["linestyle"]
    assert found["mine"]["color"] != found["other"]["color"]


def test_figures_touch_no_global_state_and_can_be_drawn_in_a_thread(tmp_path):
    import matplotlib
    import matplotlib.pyplot as plt

    before, shown = dict(matplotlib.rcParams), plt.get_fignums()
    failed = []

    def work():
        try:
            px.report(result(), tmp_path)
        except Exception as error:
            failed.append(error)

    worker = threading.Thread(target=work)
    worker.start()
    worker.join()
    assert failed == []
    assert dict(matplotlib.rcParams) == before
    assert plt.get_fignums() == shown


def test_px_report_stays_callable_after_its_first_use(tmp_path):
    for name in ("first", "second"):
        assert px.report(result(), tmp_path / name).is_dir()


def test_one_endless_whisker_does_not_flatten_the_bars(tmp_path):
    wide = result("ale", stderr=1000.0)
    figure = drawing.bars({"lime": result("lime"), "ale": wide}, None, "")
    low, high = figure.axes[0].get_xlim()
    values = np.concatenate([wide[0].values, result("lime")[0].values])
    assert high - low < 3 * np.ptp(values)
    assert px.report({"lime": result("lime"), "ale": wide}, tmp_path).is_dir()  # and the layout holds


@pytest.mark.parametrize("metrics", [["deletion"], ["insertion"], ["faithfulness"], ["spearman"]])
def test_any_choice_of_metrics_can_be_drawn(metrics):
    X = np.random.default_rng(0).normal(size=(30, 3))
    predictor, space = px.Predictor(lambda rows: rows @ [1.0, 2.0, 3.0]), px.TabularSpace(X, background=3)
    results = px.explain(["lime", "kernel_shap"], predictor, space, X[:2], seed=0)
    compared = px.compare(results, predictor, space, metrics=metrics, seed=0)
    names = {name for name, _ in drawing.figures(results, compared)}
    assert names == {"bars"} | set(metrics) & {"deletion", "insertion"} | ({"agreement"} if "spearman" in metrics else set())
