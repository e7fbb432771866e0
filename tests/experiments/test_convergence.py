"""The benchmark of Shapley values: resumed where it stopped, counted alike for all, honest about truth and failures."""

import contextlib
import csv
import io
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import oracles
import pandas as pd
import pytest

EXPERIMENTS = Path(__file__).parents[2] / "experiments"
TINY = """
results = "{folder}"
scale = "tiny"
workers = 1
[scales.tiny]
games = ["random numbers"]
per_player = [5]
nearly_all = false
seeds = 1
"""


@pytest.fixture(autouse=True)
def alone(monkeypatch):
    """The experiments can be imported, and no interpreter but this one is named."""
    monkeypatch.syspath_prepend(str(EXPERIMENTS))
    monkeypatch.delenv("PERTURBXAI_PEERS", raising=False)


@pytest.fixture
def convergence():
    import convergence

    return convergence


@pytest.fixture
def games():
    import convergence_games

    return convergence_games


@pytest.fixture
def models():
    import convergence_models

    return convergence_models


@pytest.fixture
def peers():
    import convergence_peers

    return convergence_peers


@pytest.fixture
def methods():
    import convergence_methods

    return convergence_methods


@pytest.fixture
def peer(methods):
    pytest.importorskip("shap", reason='shap comes with pip install "perturbxai[experiments]"')
    pytest.importorskip("lightshap", reason='LightSHAP comes with pip install "perturbxai[experiments]"')
    made = methods.Peer(sys.executable)
    yield made
    made.close()


def write(folder: Path, text: str = TINY) -> Path:
    path = folder / "config.toml"
    path.write_text(text.format(folder=(folder / "results").as_posix()))
    return path


def read(folder: Path) -> list[dict[str, str]]:
    with (folder / "results/errors.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def timeless(lines: list[dict[str, str]]) -> list[dict[str, str]]:
    return [{name: value for name, value in line.items() if name != "seconds"} for line in lines]


# ------------------------------------------------------------------------------------------------ a run


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """A folder in which the benchmark ran, and what it printed."""
    folder = tmp_path_factory.mktemp("ran")
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(io.StringIO()) as told:
        patch.syspath_prepend(str(EXPERIMENTS))
        patch.delenv("PERTURBXAI_PEERS", raising=False)
        import convergence

        convergence.main([str(write(folder))])
    return folder, told.getvalue()


@pytest.mark.slow
def test_a_run_measures_every_method_that_is_there_and_says_which_is_not(ran, methods, peers):
    folder, told = ran
    here = {name for name, found in peers.offered().items() if "version" in found}
    lines = read(folder)
    assert {line["method"] for line in lines} == {*methods.OWN, *here}
    assert all(int(line["rows"]) <= 50 for line in lines if not line["failure"])
    assert "PERTURBXAI_PEERS names no interpreter" in told
    assert all(f"without {name}: " in told for name in {*peers.METHODS} - here)


@pytest.mark.slow
def test_a_run_goes_on_where_it_stopped_and_measures_again_what_is_named(ran, convergence, tmp_path):
    shutil.copytree(ran[0] / "results", tmp_path / "results")
    config, before = write(tmp_path), read(tmp_path)
    convergence.main([str(config)])
    assert read(tmp_path) == before

    convergence.main([str(config), "--again", "kernel_shap"])
    after = read(tmp_path)
    assert after[-1]["method"] == "kernel_shap"  # measured last, because its line alone had been dropped
    assert sorted(map(str, timeless(after))) == sorted(map(str, timeless(before)))


@pytest.mark.slow
def test_a_run_leaves_tables_a_page_and_a_figure(ran):
    results = ran[0] / "results"
    assert np.load(results / "tables/random_numbers_0.npy").shape == (1024,)
    page = (results / "convergence.md").read_text()
    assert [line for line in page.splitlines() if line.startswith("## ")] == [
        "## Ranking", "## Where another errs less", "## Errors", "## Coverage", "## What was asked",
    ]  # fmt: skip
    assert (results / "convergence.png").stat().st_size > 10_000
    assert all((results / f"{name}.csv").exists() for name in ("cells", "ratios", "ranking", "coverage"))


@pytest.mark.parametrize(
    ("changed", "to", "told"),
    [
        ("seeds = 1", "seed = 1", r"scales\.tiny\.seed = 1"),
        ('"random numbers"', '"random letters"', r"scales\.tiny\.games = .*random letters is not among"),
        ("seeds = 1", 'methods = ["shap"]', r"scales\.tiny\.methods = .*shap is not among kernel_shap"),
        ("per_player = [5]", "per_player = [2]", r"scales\.tiny\.per_player\.0 = 2"),
        ("seeds = 1", "seeds = true", r"scales\.tiny\.seeds = True"),
        ('scale = "tiny"', 'scale = "huge"', "scale 'huge' is not in .*; it has tiny"),
        ("seeds = 1", "seeds =", "config.toml"),
    ],
)
def test_a_config_is_refused_before_anything_is_written(convergence, tmp_path, changed, to, told):
    with pytest.raises(SystemExit, match=told):
        convergence.main([str(write(tmp_path, TINY.replace(changed, to)))])
    assert not (tmp_path / "results").exists()


def test_a_file_with_other_columns_is_not_added_to(convergence, tmp_path):
    (tmp_path / "results").mkdir()
    (tmp_path / "results/errors.csv").write_text("target,error\n")
    with pytest.raises(SystemExit, match="other columns"):
        convergence.main([str(write(tmp_path))])


def test_an_interpreter_that_is_not_there_is_told(convergence, tmp_path, monkeypatch):
    monkeypatch.setenv("PERTURBXAI_PEERS", str(tmp_path / "python"))
    with pytest.raises(SystemExit, match=r"python does not run convergence_peers\.py"):
        convergence.main([str(write(tmp_path))])


def test_an_interpreter_that_ends_on_the_way_ends_the_run(convergence, methods, tmp_path, monkeypatch):
    def ended(*_):
        raise RuntimeError("it ended, with exit code 1")

    monkeypatch.setattr(methods.Peer, "ask", ended)
    text = TINY.replace('"random numbers"', '"random numbers", "threshold"').replace(
        "seeds = 1", 'seeds = 1\nmethods = ["shap Kernel"]'
    )
    with pytest.raises(RuntimeError, match="it ended, with exit code 1"):
        convergence.main([str(write(tmp_path, text))])


def test_the_config_that_is_shipped_is_valid(convergence):
    for scale in ("small", "large"):
        convergence.read(EXPERIMENTS.parent / "configs/convergence.toml", scale)


def test_coalitions_asked_are_fewer_than_all_and_up_to_twelve_players_nearly_all(convergence):
    scale = convergence.Scale(seeds=1)
    assert [budget for budget, _ in scale.plan("kernel_shap", 10)] == [50, 100, 200, 400, 800, 819]
    assert [budget for budget, _ in scale.plan("kernel_shap", 6)] == [30, 51, 60]
    assert [budget for budget, _ in scale.plan("kernel_shap", 13)] == [65, 130, 260, 520, 1040]
    assert scale.plan("shapiq ShaplEIG", 10) == []


# ------------------------------------------------------------------------------------------------ games and their truth


def test_shapley_values_of_a_table_are_those_of_their_definition(games):
    values = np.random.default_rng(0).standard_normal(2**6)
    expected = oracles.shapley(lambda z: games.listed(values, 6)(np.asarray(z))[:, None], 6)[:, 0]
    np.testing.assert_allclose(games.shapley_of(values, 6), expected, atol=1e-13)


@pytest.mark.parametrize("n_players", [5, 9])
def test_the_formula_of_sigmoids_is_what_a_table_gives(games, n_players):
    game = games._sigmoid(n_players, 2.0, 4.0)
    expected = games.shapley_of(game.value(games.coalitions(n_players)), n_players)
    np.testing.assert_allclose(game.shapley, expected, atol=1e-13)


def test_the_formula_of_products_is_what_a_table_gives(games):
    rng = np.random.default_rng(0)
    sets = [rng.choice(7, 1 + t % 4, replace=False) for t in range(9)]
    game = games._products("few", 7, sets, rng.normal(size=9), rng.normal(size=7))
    np.testing.assert_allclose(game.shapley, games.shapley_of(game.value(games.coalitions(7)), 7), atol=1e-12)


def test_every_game_of_a_formula_shares_out_what_everybody_adds(games):
    for make in games.BY_FORMULA.values():
        game = make()
        everyone = np.ones((1, game.n_players), dtype=bool)
        assert game.shapley.sum() == pytest.approx((game.value(everyone) - game.value(~everyone)).item(), abs=1e-12)


def test_walked_trees_are_what_a_table_gives(games, models, tmp_path):
    (make,) = games.cases("diabetes, boosted", 1, tmp_path)
    # a tree's walk and 1,024 means over 50 rows, of values near 150
    np.testing.assert_allclose(models.walked("diabetes", "boosted", models.ROWS[0]), make().shapley, atol=1e-9)


def test_a_group_of_columns_is_one_player(models):
    made = models.on_table("cancer", "network", 11)
    X, (model, _) = models.table_of("cancer")[0], models.model_of("cancer", "network")
    rows = models._background("cancer").copy()
    rows[:, [3, 13, 23]] = X[11, [3, 13, 23]]
    z = np.arange(10) == 3
    assert made.n_players == 10
    assert made.value(z[None])[0] == pytest.approx(model.predict_proba(rows)[:, -1].mean(), abs=1e-12)


def test_rows_are_the_same_whatever_the_number_of_cases(games, tmp_path):
    few, more = (games.cases("diabetes, boosted", n, tmp_path) for n in (1, 3))
    assert (len(few), len(more)) == (1, 3)
    assert few[0]().case == more[0]().case == "11"


def test_a_photo_with_all_its_patches_is_the_photo(models):
    pytest.importorskip("efficientnet_lite_pytorch", reason='the network comes with pip install "perturbxai[experiments]"')
    from perturbxai import Predictor, assets

    net, preprocess = assets.efficientnet_lite0()
    logits = Predictor(net, output="logit", transform=preprocess)(assets.photo("chelsea")[None])[0]
    z = np.ones((2, models.REGIONS), dtype=bool)
    z[1, 5] = False
    whole, without = models.on_photo("chelsea")(z)
    assert whole == pytest.approx(logits.max(), abs=1e-4)  # float32 networks differ by batch
    assert abs(without - whole) > 0.01


def test_a_table_is_read_again_and_not_made_again(games, tmp_path):
    games.cases("threshold", 1, tmp_path)[0]()
    path = tmp_path / "tables/threshold_0.npy"
    np.save(path, np.arange(2.0**14))
    assert games.cases("threshold", 1, tmp_path)[0]().value(np.eye(14, dtype=bool)[:2]).tolist() == [1.0, 2.0]


# ------------------------------------------------------------------------------------------------ what is asked


def test_the_door_that_ours_go_through_asks_the_game_itself(games, methods, tmp_path):
    game = games.cases("random numbers", 1, tmp_path)[0]()
    for method in methods.OWN.values():
        answer = method.ask(game, 1024, 0)
        assert (answer.rows, answer.covered, answer.together) == (1024, 1.0, 1.0)
        assert answer.error < 1e-20


def test_lime_and_banzhaf_have_the_truth_of_their_definitions(games, tmp_path):
    game = games.cases("random numbers", 1, tmp_path)[0]()
    value = lambda z: game.value(np.asarray(z))[:, None]  # noqa: E731
    np.testing.assert_allclose(game.lime, oracles.lime_closed_form(value, 10, 0.25)[:, 0], atol=1e-10)
    values = np.load(game.table)
    added = [values[np.arange(1024) >> j & 1 == 1].mean() - values[np.arange(1024) >> j & 1 == 0].mean() for j in range(10)]
    np.testing.assert_allclose(game.banzhaf, added, atol=1e-12)


def test_a_coalition_that_is_asked_twice_counts_once(peers):
    seen = []
    game = peers.Counted(lambda z: seen.append(len(z)) or z.sum(axis=1), 3)
    z = np.array([[0, 0, 0], [1, 1, 1], [0, 0, 0]])
    assert game(z).tolist() == [0.0, 3.0, 0.0]
    assert game(z[0]).tolist() == [0.0]
    assert (game.asked, seen) == (2, [2])


@pytest.mark.parametrize(("each_twice", "asked"), [(1, 16), (2, 16)])
def test_a_method_that_repeats_itself_is_given_more_until_it_asked_as_many(peers, games, monkeypatch, each_twice, asked):
    def repeating(game, budget, _seed):
        return game(games.coalitions(6)[: budget // each_twice].repeat(each_twice, axis=0))[:6]

    monkeypatch.setitem(peers.METHODS, "repeating", ((), repeating))
    assert peers.spent("repeating", lambda z: z.sum(axis=1), 6, 16, 0)["asked"] == asked


def test_a_method_never_asks_more_than_the_others(peers, games, monkeypatch):
    def greedy(game, budget, _seed):
        return game(games.coalitions(6)[: budget + 3])[:6]

    monkeypatch.setitem(peers.METHODS, "greedy", ((), greedy))
    assert peers.spent("greedy", lambda z: z.sum(axis=1), 6, 16, 0)["asked"] == 16
    monkeypatch.setitem(peers.METHODS, "greedy", ((), lambda game, _budget, _seed: game(games.coalitions(6))[:6]))
    with pytest.raises(ValueError, match="it asked more than 16 coalitions"):
        peers.spent("greedy", lambda z: z.sum(axis=1), 6, 16, 0)


def test_another_interpreter_answers_alike_by_a_table_and_over_the_pipe(peer, games, tmp_path):
    game = games.cases("random numbers", 1, tmp_path)[0]()
    for name in ("shap Kernel", "LightSHAP Permutation"):
        by_table, by_pipe = peer.ask(name, game, 100, 3), peer.ask(name, replace(game, table=None), 100, 3)
        assert replace(by_table, seconds=None) == replace(by_pipe, seconds=None)
        assert by_table.failure == "" and by_table.rows <= 100


def test_a_peer_that_fails_is_told_and_asked_on(peer, games):
    game = games._sigmoid(20, 2.0, 4.0)
    assert "do not hold one round" in peer.ask("LightSHAP Kernel", game, 30, 0).failure
    assert peer.ask("LightSHAP Kernel", game, 100, 0).failure == ""


# ------------------------------------------------------------------------------------------------ what is concluded


OURS = "kernel_shap, adaptive"


def made_up(errors: dict[str, list[float]]) -> pd.DataFrame:
    """Lines of one game at 50, 100, ... coalitions: an error a method and budget, None where it failed."""
    lines = [
        {"game": "g", "case": "0", "players": 10, "method": name, "asked": 50 * (at + 1), "seed": 0, "error": error,
         "rows": 50, "seconds": 1.0, "version": "1", "covered": 0.9 if name == OURS else None,
         "together": 1.0 if name == OURS else None, "failure": "no" if error is None else None}
        for name, found in errors.items() for at, error in enumerate(found)
    ]  # fmt: skip
    return pd.DataFrame(lines)


@pytest.fixture
def ranking():
    import convergence_ranking

    return convergence_ranking


def test_the_best_of_the_others_is_chosen_in_each_cell(ranking):
    frame = made_up({OURS: [0.1, 0.1], "a": [0.2, 0.9], "b": [0.8, 0.05], "lime": [0.01, 0.01]})
    found = ranking.ratios(ranking.by_cell(frame))
    assert found.which.tolist() == ["a", "b"]
    np.testing.assert_allclose(found.ratio, [2.0, 0.5])
    ranked = ranking.ranking(frame)
    assert "lime" not in ranked.index  # it has a truth of its own
    best = ranked.loc["best of the others"]
    np.testing.assert_allclose(best[["geometric mean", "least", "errs less in"]].astype(float), [1.0, 0.5, 1])


def test_a_cell_in_which_a_method_failed_does_not_count_for_it(ranking):
    frame = made_up({OURS: [0.1, 0.1], "a": [0.2, None], "b": [None, 0.3]})
    ranked = ranking.ranking(frame)
    assert ranked.cells.to_dict() == {"best of the others": 2, "a": 1, "b": 1}
    assert "- a, 1 times without values: no" in ranking.page(frame)


def test_the_page_lists_the_cells_in_which_another_errs_less(ranking):
    page = ranking.page(made_up({OURS: [0.1, 0.1], "a": [0.2, 0.05]}))
    lost = page.partition("## Where another errs less")[2].partition("## ")[0]
    assert "| g | 0 | 10 | 100 | 0.1 | 0.05 | a | 0.5 |" in lost
    assert "| 50 |" not in lost
    assert "Nowhere." in ranking.page(made_up({OURS: [0.1], "a": [0.2]}))


def test_ours_alone_are_told_where_there_are_no_others(ranking):
    from convergence_figure import figure

    frame = made_up({OURS: [0.1, 0.05], "kernel_shap, no surrogate": [0.2, 0.1]}).assign(game="threshold")
    assert "| kernel_shap, no surrogate | 2 |" in ranking.page(frame)
    (axis,) = [one for one in figure(frame).axes if one.get_title(loc="left")]
    assert [text.get_text() for text in axis.texts] == ["ours"]


def test_no_row_of_a_table_outweighs_the_others(ranking):
    easy, hard = made_up({OURS: [1e-4], "a": [4e-4]}), made_up({OURS: [1.0], "a": [1.0]})
    frame = pd.concat([easy, hard.assign(case="1")])
    assert ranking.ranking(frame).loc["a", "geometric mean"] == pytest.approx(2.0)
    np.testing.assert_allclose(ranking.by_place(ranking.by_cell(frame))[[OURS, "a"]], [[1e-2, 2e-2]])


def test_errors_below_rounding_are_none(ranking):
    found = ranking.ratios(ranking.by_cell(made_up({OURS: [1e-30], "a": [1e-25]})))
    assert found.ratio.tolist() == [1.0]


def test_the_figure_of_what_is_known_shows_every_value_and_the_intervals_that_are_known(games):
    import convergence_process

    game = games._sigmoid(13, 2.0, 4.0)
    drawn = convergence_process.figure(game)
    assert [axis.get_title(loc="left") for axis in drawn.axes] == [f"{n} of 8,192 coalitions" for n in (65, 130, 260)]
    for axis in drawn.axes:
        *intervals, truth = axis.collections
        assert len(truth.get_segments()) == 13 and [len(one.get_segments()) for one in intervals] == [13, 13, 13]
        points = [line.get_ydata() for line in axis.lines if line.get_marker() == "o"]
        np.testing.assert_allclose([one.sum() for one in points], game.shapley.sum())  # what everything adds to nothing
    spans = [np.mean([np.ptp(one[:, 1]) for one in axis.collections[1].get_segments()]) for axis in drawn.axes]
    assert spans == sorted(spans, reverse=True)
