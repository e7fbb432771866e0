"""perturbxai: explain any model by perturbing its input, with error bars, beside gradient CAMs.

The public names load when they are first used: importing the package itself loads none of its dependencies. Type checkers
and editors read them in `__init__.pyi`.
"""

from perturbxai.core import catalogue as _catalogue

__version__ = "0.1.0"

_HOMES = {
    "perturbxai.calls.explain": ("explain",),
    "perturbxai.calls.effects": ("effects",),
    "perturbxai.calls.regions": ("Regions",),
    "perturbxai.calls.h_statistic": ("h_statistic",),
    "perturbxai.calls.baselines": ("baselines", "layer_grid"),
    "perturbxai.calls.reference": ("reference",),
    "perturbxai.calls.exchange": ("from_shap", "from_lime"),
    "perturbxai.calls.to_shap": ("to_shap",),
    "perturbxai.calls.compare": ("compare",),
    "perturbxai.calls.comparison": ("Comparison",),
    "perturbxai.calls.versus": ("Versus",),
    "perturbxai.calls.difference": ("difference",),
    "perturbxai.calls.averaging": ("average_segmentations",),
    "perturbxai.calls.prototypes": ("prototypes",),
    "perturbxai.calls.context": ("context",),
    "perturbxai.results.prototypes": ("Prototypes",),
    "perturbxai.results.context": ("Context",),
    "perturbxai.reporting.report": ("report",),
    "perturbxai.reporting.plot": ("plot",),
    "perturbxai.reporting.parts.explain_to": ("explain_to",),
    "perturbxai.reporting.curves.partial_dependence": ("plot_effects",),
    "perturbxai.results.importance": ("importance", "Importance"),
    "perturbxai.results.h_statistic": ("HStatistic",),
    "perturbxai.results.difference": ("Difference",),
    "perturbxai.results.pick": ("submodular_pick", "Pick"),
    "perturbxai.models.predictor": ("Predictor", "ModelError"),
    "perturbxai.inputs.spaces": ("TabularSpace", "ImageSpace"),
    "perturbxai.core.csv_files": ("read_csv",),
    "perturbxai.inputs.pictures": ("fit", "on_white"),
    "perturbxai.game.game": ("Game",),
    "perturbxai.results.explanation": ("Attribution", "Explanation"),
    "perturbxai.results.reading": ("read_json",),
    "perturbxai.results.effect": ("Effect",),
}
_HOME = {name: module for module, names in _HOMES.items() for name in names}
_HOME |= {entry.attribute: entry.module for entry in _catalogue.METHODS.values()}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> object:
    import importlib  # here, so that no editor offers it

    if name not in _HOME:
        raise AttributeError(f"module 'perturbxai' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return [*__all__, *(name for name in globals() if name.startswith("__"))]
