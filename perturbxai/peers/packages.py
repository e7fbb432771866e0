"""lime and shap, loaded when they are asked for, and numpy's global random state, which both use, put back as it was."""

import warnings
from collections.abc import Iterator
from typing import Any, TypeAlias

import numpy as np

from perturbxai.core.extras import remedy
from perturbxai.core.stopping import context

Foreign: TypeAlias = Any
"""A module, class or object of lime or shap, which have no types."""
LARGEST_SEED = 2**32 - 1  # what numpy's old generators take

# said at import and at every call, about the packages themselves and not about a result
_NOISE = (
    {"category": DeprecationWarning, "module": r"(lime|shap)(\.|$)"},
    {"category": FutureWarning, "module": r"(lime|shap)(\.|$)"},
    {"category": RuntimeWarning, "module": r"shap(\.|$)"},  # 0 / 0 becomes NaN, which is refused afterwards
    {"message": r"\s*Prediction probabilties do not sum to 1", "category": UserWarning},  # raw outputs and logits need not
)


def load_lime() -> tuple[Foreign, Foreign]:
    """The modules (lime.lime_tabular, lime.lime_image). Raises ImportError, naming the remedy, if lime is not there."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from lime import lime_image, lime_tabular
    except ImportError as error:
        raise ImportError(remedy("lime")) from error
    return lime_tabular, lime_image


def load_shap() -> Foreign:
    """The package shap. Raises ImportError, naming the remedy, if it is not there."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import shap  # type: ignore[import-untyped]
    except ImportError as error:
        raise ImportError(remedy("shap")) from error
    return shap


@context
def kept_state() -> Iterator[None]:
    """Put numpy's global random state back on exit, also after a failure, and drop what the packages say of themselves."""
    state = np.random.get_state()  # noqa: NPY002
    try:
        with warnings.catch_warnings():
            for one in _NOISE:
                warnings.filterwarnings("ignore", **one)  # type: ignore[arg-type]
            yield
    finally:
        np.random.set_state(state)  # noqa: NPY002


def seed_state(seed: int) -> np.random.RandomState:
    """Seed numpy's global state, which shap draws from; returns a stream of the same seed for lime, which takes one."""
    np.random.seed(seed)  # noqa: NPY002
    return np.random.RandomState(seed)


@context
def without_bar(module: Foreign) -> Iterator[None]:
    """lime's progress bar has no switch: inside, its module's tqdm hands the rows on."""
    bar = module.tqdm
    module.tqdm = lambda rows: rows
    try:
        yield
    finally:
        module.tqdm = bar
