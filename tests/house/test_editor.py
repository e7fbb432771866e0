"""What a completion engine offers to who writes with this package."""

from __future__ import annotations

from pathlib import Path

import jedi
import pytest

import perturbxai as px

ROOT = Path(__file__).resolve().parents[2]
SETUP = "import perturbxai as px\nspace = px.TabularSpace([[1.0]])\npredictor = px.Predictor(print)\n"
RESULT = SETUP + "result = px.explain('lime', predictor, space, [[1.0]])\n"


def completed(code):
    """What Jedi offers at the end of the code, without reading the package into this process."""
    script = jedi.Script(code, project=jedi.Project(ROOT, load_unsafe_extensions=False))
    line, column = code.count("\n") + 1, len(code) - code.rfind("\n") - 1
    return {one.name for one in script.complete(line, column)}, script.get_signatures(line, column)


def test_an_editor_offers_the_public_names_alone():
    offered, _ = completed("import perturbxai as px\npx.")
    rooms = {path.name.removesuffix(".py") for path in (ROOT / "perturbxai").iterdir()}
    assert {name for name in offered if not name.startswith("_")} - rooms == set(px.__all__)


@pytest.mark.parametrize(
    ("call", "some"),
    [
        ("px.explain(", "methods predictor space x outputs budget rows tol seed"),
        ("px.Predictor(", "model output outputs transform device batch_size"),
        ("px.TabularSpace(", "X background groups weights"),
        ("px.KernelShap(", "surrogate name"),
        ("px.Ale(", "bins data_rows curves"),
    ],
)
def test_an_editor_shows_arguments_and_the_docstring(call, some):
    _, (signature, *_) = completed(SETUP + call)
    assert set(some.split()) <= {one.name for one in signature.params}
    assert len(signature.docstring(raw=True)) > 200


@pytest.mark.parametrize(
    ("value", "some"),
    [
        ('result["lime"].', "values stderr base names interval to_frame to_csv"),
        ('result["lime"][0].', "values label method to_json"),
        ('px.effects("ale", predictor, space, [[1.0]])["ale"]["x0"].', "grid values interval heterogeneity"),
        ("px.compare(result, predictor, space).", "scores summary to_frame"),
        ('px.importance(result["lime"]).', "corrected interval"),
        ("px.h_statistic(predictor, space, [[1.0]]).", "features values strength interval"),
        ('px.submodular_pick(result["lime"], 1).', "picked coverage"),
        ("predictor.", "rows seconds plan outputs"),
        ("space.", "names n_players background"),
    ],
)
def test_an_editor_knows_what_calls_return(value, some):
    offered, _ = completed(RESULT + value)
    assert set(some.split()) <= offered
