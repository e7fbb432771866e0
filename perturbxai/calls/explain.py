"""explain(): one set of questions for all methods, driven together in full batches."""

from collections.abc import Sequence

from perturbxai.calls.arguments import (
    AnyModel,
    AnySpace,
    asked,
    check_budget,
    check_design,
    check_options,
    check_rows,
    check_tol,
    name_methods,
)
from perturbxai.calls.concluding import Run
from perturbxai.calls.crew import asked_by
from perturbxai.calls.explain_call import Call
from perturbxai.calls.in_chunks import Chunks
from perturbxai.calls.workers import check_n_jobs
from perturbxai.core import catalogue, checks
from perturbxai.core.methods import Explainer
from perturbxai.core.types import Inputs, Outputs
from perturbxai.game.game import Game
from perturbxai.results.explanation import Attribution


def explain(
    methods: str | Explainer | Sequence[str | Explainer],
    predictor: AnyModel,
    space: AnySpace,
    x: Inputs,
    *,
    outputs: Outputs | None = None,
    budget: int | None = None,
    rows: int | None = None,
    tol: float | None = None,
    design: str = "drawn",
    seed: int = 0,
    n_jobs: int | None = None,
) -> dict[str, Attribution]:
    """Explain rows or pictures by several methods at once.

    methods    names ("lime", "kernel_shap", "pdp", "ice", "ale") or method objects; a class that is given twice is keyed
               with the fields that differ, and `name=` overrides
    predictor  the model itself, or px.Predictor(model) with its options
    space      what the players of x are and what their absence looks like: X itself, as px.TabularSpace(X) takes it, or that
               with its options; px.ImageSpace() of pictures
    x          rows of a table (DataFrame, (N, D) or (D,)), one picture (H, W, C), or several
    outputs    names or numbers; None means all up to 20, else the five highest at the first input
    budget     coalitions an input, the empty and the full one included; each costs B model rows on a table, one on a
               picture. Default: 2^P on tables of up to 10 players, else 40 P + 2; 1,000 on pictures. Never exceeded.
               Methods of coalitions share one table; on pictures pdp and ale have a table of their own, of as many rows.
    rows       instead of budget, on tables: model rows an input. Coalitions are then asked on single background rows, each
               on one of all (with TabularSpace(background="all"): of the whole table), and the model's answers at the
               background rows, asked once a call beside what `rows` bounds (`meta["background_rows"]` of them), take most of
               the noise of that away. For kernel_shap, lime, banzhaf.
    tol        stop an input before its budget (or rows) is spent: as soon as, for every output and method, the widest half
               of a simultaneous 95 % interval is at most tol times the range of the values. Looked at after 4P, 6P, 9P ...
               coalitions; `meta["reached"]` tells whether it came to that. For methods of coalitions.
    design     "drawn": coalitions are drawn before anything is answered, the same for all inputs with as many players.
               "adaptive": half of the budget is drawn (at least 4P), and the other half chosen for each input, in looks that
               grow by half: those that most lower the variance of what the methods want, by a Gaussian process that is
               fitted to the answers so far. On smooth models and photos it errs half as much, or less, at one budget. Where
               after the drawn half no method reads its values off a process (a model of main effects and pairs, for one),
               the other half is drawn too; where one does, methods and outputs that do not rest on the drawn half, and are
               wider. It takes seconds an input, a minute at thousands of coalitions, and answers decide what is asked.
               Surrogates of "auto" take what time they need. `meta["chosen"]` counts what was chosen. For kernel_shap, lime,
               banzhaf, rise and interactions with a surrogate, up to 4,000 coalitions, 128 players and 20 outputs, and not
               with rows=
    seed       the same seed asks the same questions at any batch size, in any company and order of the inputs
    n_jobs     workers that share the inputs in chunks: 2 or more, or -1 for one a core. None: as many as
               `joblib.parallel_config` says, whose backend ("loky", "threading", "dask", "ray") does it, else one. Of a
               model that answers row by row values are the same to the bit for any number, where the same fits are worth
               their time (`meta["surrogate"]`). Of the first input, and of all where they are fewer than two a worker,
               workers ask what is asked, each some of the rows or pictures. They get the model once. `call_rows` and
               `call_model_seconds` are sums

    Returns a mapping from name to Attribution; mappings join with `|`.
    Raises ValueError, before the model is asked, for unknown methods and outputs, wrong inputs, and budgets below what the
    methods need; RuntimeError for a model that cannot be sent to workers; ModelError, with what was computed in `partial`,
    if the model fails on the way.

    >>> import numpy as np, perturbxai as px
    >>> space = px.TabularSpace(np.zeros((1, 2)))
    >>> found = px.explain(["kernel_shap", "pdp"], px.Predictor(lambda X: X[:, 0] + X[:, 1] ** 2), space, [3.0, 2.0])
    >>> found["pdp"].values[0, :, 0].tolist()
    [3.0, 4.0]
    """
    call = prepared(
        methods, predictor, space, x, outputs=outputs, budget=budget, rows=rows, tol=tol, design=design, seed=seed
    )  # fmt: skip
    n_jobs = check_n_jobs(n_jobs)
    predictor = call.game.predictor
    with predictor.watched("explain"), asked_by(predictor, n_jobs) as n_workers:
        found = Chunks(call, n_jobs) if len(call.game.inputs) > 2 * n_workers > 2 else Run(call)
        return found.attributions()


def prepared(
    methods: str | Explainer | Sequence[str | Explainer], predictor: AnyModel, space: AnySpace, x: Inputs, *,
    outputs: Outputs | None, budget: int | None, rows: int | None, tol: float | None, design: str, seed: int,
) -> Call:  # fmt: skip
    """The call that `explain` makes of its arguments, with all checked that can be without the model. Raises as it does."""
    named = name_methods(methods, catalogue.EXPLAINERS, Explainer)
    predictor, space = asked(predictor, space)
    seed, budget, rows = checks.seed(seed), check_budget(budget), check_rows(rows, budget, space, named)
    check_options(named)
    call = Call(named, Game(predictor, space, x, outputs), seed, budget, rows, check_tol(tol), check_design(design, rows))
    call.check()
    return call
