"""compare(): every map scored on the same coalitions, at home and away, beside what it cost."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from perturbxai.calls.again import groups_of
from perturbxai.calls.arguments import AnyModel, AnySpace, asked
from perturbxai.calls.compare_job import Job, asks
from perturbxai.calls.compared import check_metrics, check_results, games_of, inputs_of, scored_spaces
from perturbxai.calls.comparison import Comparison, fill_name
from perturbxai.calls.crew import asked_by
from perturbxai.calls.evidence import Evidence, Masks, read_truth
from perturbxai.calls.offered import OF_ONE_SEED, Offered
from perturbxai.calls.remade import Remade
from perturbxai.calls.road import Road
from perturbxai.calls.steps import Step, how_many
from perturbxai.calls.workers import check_n_jobs
from perturbxai.core import checks
from perturbxai.core.stopping import keeping
from perturbxai.core.types import Fill
from perturbxai.inputs.spaces import Space
from perturbxai.metrics.metric import Metric, read_metrics
from perturbxai.models.predictor import Predictor
from perturbxai.results.explanation import Attribution

Metrics: TypeAlias = str | Callable[..., float] | Iterable[str | Callable[..., float]]
MOST_SEEDS = 1000


def compare(
    results: Mapping[str, Attribution],
    predictor: AnyModel,
    space: AnySpace,
    *,
    metrics: Metrics | None = None,
    fills: Fill | Iterable[Fill] | None = None,
    seeds: int = 1,
    masks: Masks | None = None,
    truth: str | Attribution | None = None,
    seed: int = 0,
    n_jobs: int | None = None,
) -> Comparison:
    """Score several methods' results on the same inputs and outputs, against the model and against each other.

    predictor, space  those that the results come from, or the model and the table, as in `explain`
    results  name -> Attribution, perturbation methods and baselines alike; explain under several fills by renaming:
             {f"{k}@mean": v for k, v in found.items()}
    metrics  names of the catalogue, None for the usual ones, which ask for coalitions alone; or a function of your own that
             returns a number for a map and output, told by the names of its arguments what it is of (see
             `metrics.metric.Metric`): def mine(values, z, answers)
    fills    pictures only: every map is scored under each; the mean over fills that are not its own ("away") is the
             headline. None takes the space's.
    seeds    how many seeds each method that draws is scored under, its own and those that follow; it is explained again
             with the options that it had, at the full cost of each, and with those of its company that are compared too:
             keep methods together that shared a table, or it is another table. What draws nothing is the same under all.
             `seed_spread()` has the spread between seeds beside that between inputs
    masks    pictures only, for metrics of where a map is: where the evidence is known to lie, True there. One (H, W), one
             for each picture, or these by output
    truth    for metrics of values that are known to be right: one of the results by its name ("glass_box", "exact_shap"), or
             another of the same inputs; what is the truth has no error
    seed     draws the coalitions that faithfulness is scored on, breaks ties between equally valued players, and draws what
             metrics that explain again ask
    n_jobs   workers who ask the model, each some of the rows or pictures; see `explain`. Scores are computed here

    Those coalitions are 200 untouched ones an input, which no compared result asked, under whatever seed, so that nothing is
    scored on what it was fitted on: complementary pairs, sizes uniform over 1..P-1, as far as each size has untouched ones.
    Sizes 1 and P-1 are the very questions of inclusion and occlusion, of PDP and ICE on tables too, and so are missing
    beside these. Where fewer than 200 are left these are all taken, and where fewer than 20 are left the whole table is the
    test, each size with the same weight. `test_set` names which of them it was. Results may come from several calls, of
    other seeds and budgets; what was imported, and what looks inside the model, asked no coalitions.

    Some metrics explain again, at the cost of as many explanations: max_sensitivity and lipschitz at 10 inputs near each;
    emprt at 4 networks with more and more of their layers re-drawn, smprt at 5 noisy copies of the input besides. road asks
    18 pictures a map, or 36 if values tie.

    Raises ValueError, before the model is asked, if inputs, outputs or players differ between results, if the space has
    other players, for values that are not finite, for results that do not tell what they asked, for unknown metrics and for
    those of what is not given; where results are explained again, for those that cannot be (of other packages, or under a
    fill that is not named); TypeError for functions that are no metrics, which are tried on made-up answers first.
    """
    asked_of = _Asked(*asked(predictor, space), None, read_metrics(metrics), checks.seed(seed), check_n_jobs(n_jobs))
    return asked_of.compared(results, fills, checks.whole("seeds", seeds, 1, most=MOST_SEEDS), masks, truth)


def compare_in_turn(
    results: Mapping[str, Attribution], predictor: Predictor, space: Space, step: Step, *, metrics: Iterable[str] | None,
    fills: Fill | Iterable[Fill] | None = None, seed: int, n_jobs: int | None,
) -> Comparison:  # fmt: skip
    """As `compare`, by steps: what the model says of a picture under a fill, or of a hundred rows. Raises as it does.

    Each is asked in batches of its own, so that what is said of it hangs on no other. With metrics=() nothing is scored.
    """
    asked_of = _Asked(predictor, space, step, _wanted(metrics), checks.seed(seed), check_n_jobs(n_jobs))
    return asked_of.compared(results, fills)


def compare_steps(metrics: Iterable[str] | None, space: Space, n_distinct: int) -> int:
    """How many steps `compare_in_turn` takes under a fill for so many inputs, those that are the same counted once."""
    return how_many(space, n_distinct) if asks(_wanted(metrics)) else 0


def _wanted(metrics: Iterable[str] | None) -> list[Metric]:
    return [] if metrics == () else read_metrics(metrics)


@dataclass(frozen=True)
class _Asked:
    """What a comparison asks, and how. step: None asks of all inputs together."""

    predictor: Predictor
    space: Space
    step: Step | None
    metrics: list[Metric]
    seed: int
    n_jobs: int | None

    @property
    def takes(self) -> frozenset[str]:
        return frozenset(name for metric in self.metrics for name in metric.takes)

    def compared(
        self, given: Mapping[str, Attribution], fills: Fill | Iterable[Fill] | None, seeds: int = 1,
        masks: Masks | None = None, truth: str | Attribution | None = None,
    ) -> Comparison:  # fmt: skip
        results = check_results(given, self.space)
        check_metrics(
            self.metrics, self.predictor, self.space, masks=masks is not None, truth=truth is not None, seeds=seeds
        )
        spaces = scored_spaces(self.space, fills)
        games = games_of(results, self.predictor, spaces.values())
        first = games[0]
        evidence, right = Evidence.of(masks, first.inputs, _outputs(results)), read_truth(truth, results)
        self._refuse_unread(masks is not None, truth is not None)
        evidence.check(self.metrics)
        own_truth = frozenset(name for name, one in results.items() if one is right)
        offered = Offered(self.takes, evidence, right, own_truth)
        job = Job(results, first.inputs, self.metrics, offered, self.seed)
        remade = self._remade(job, spaces, seeds)
        predictor, rows, seconds = self.predictor, self.predictor.rows, self.predictor.seconds

        def compared() -> Comparison:
            better = {metric.name: metric.better for metric in self.metrics if metric.better}
            call = {"rows": predictor.rows - rows, "seconds": predictor.seconds - seconds, "seed": self.seed, "seeds": seeds}
            call |= {"rows_of_redrawn": remade.rows} if remade is not None and remade.rows else {}
            call |= {"masks_cover": evidence.share} if evidence.masks else {}
            return job.comparison(call | {"metrics": [m.name for m in self.metrics], "better": better})

        with keeping(compared), predictor.watched("compare"):
            if remade is not None:
                self._ask_again(job, remade, seeds)
            with asked_by(predictor, self.n_jobs):
                if "road_most" in self.takes or "road_least" in self.takes:
                    offered.road = Road(predictor, first.learn().columns, self.seed)
                    offered.road.ask(job.versions, first.pictures, self.step)
                job.score(games, self.step)
        return compared()

    def _refuse_unread(self, masks: bool, truth: bool) -> None:
        """Masks and truth that no metric takes would be passed over in silence. Raises ValueError."""
        if masks and "inside" not in self.takes:
            raise ValueError("masks is given, but no metric takes it; name metrics=['energy_pointing_game'] or the like.")
        if truth and "truth" not in self.takes:
            raise ValueError("truth is given, but no metric takes it; name metrics=['error', ...].")

    def _remade(self, job: Job, spaces: Mapping[str, Space], seeds: int) -> Remade | None:
        """What asks methods again, where any metric or another seed needs it."""
        if seeds == 1 and not self.takes.intersection(OF_ONE_SEED):
            return None
        known = {fill_name(self.space): self.space} | dict(spaces)
        x = inputs_of(job.results, self.space)
        groups = groups_of(job.results, self.predictor, known, x, job.outputs)
        inputs = self.space.players(x)
        return Remade(groups, self.predictor, known, inputs, x, job.outputs, self.seed, self.step, self.n_jobs)

    def _ask_again(self, job: Job, remade: Remade, seeds: int) -> None:
        job.offered.remade = remade
        if seeds > 1:
            job.reseeded = job.offered.reseeded = remade.reseeded
            remade.under_seeds(job.results, seeds)
        remade.make(self.takes)


def _outputs(results: Mapping[str, Attribution]) -> tuple[str, ...]:
    """The outputs that all of them explain."""
    return next(iter(results.values())).outputs
