"""px.prototypes: what stands for a table or for pictures, and what does not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import perturbxai as px

RNG = np.random.default_rng(0)
CLUSTERS = np.concatenate(
    [RNG.normal(scale=0.1, size=(n, 2)) + middle for n, middle in ((60, 0.0), (30, 4.0), (10, (0.0, 8.0)))]
)
MIXED = pd.DataFrame(
    {
        "age": np.where(np.arange(90) % 7 == 0, np.nan, RNG.normal(40, 10, 90)),
        "town": pd.Categorical(RNG.choice(["a", "b", "c"], 90)),
        "rooms": RNG.integers(1, 6, 90),
        "when": pd.Timestamp("2024-01-01") + pd.to_timedelta(RNG.integers(0, 300, 90), "D"),
        "owns": RNG.random(90) < 0.4,
    },
    index=[f"row {i}" for i in range(90)],
)


def test_prototypes_lie_where_the_data_do_in_their_proportions():
    found = px.prototypes(CLUSTERS, 10)
    assert np.bincount(np.searchsorted([60, 90], found.numbers, side="right")).tolist() == [6, 3, 1]


@pytest.mark.parametrize("method", ["kmedoids", "kmeans"])
def test_three_clusters_have_a_prototype_each_and_their_shares(method):
    found = px.prototypes(CLUSTERS, 3, method=method)
    assert sorted(np.searchsorted([60, 90], found.numbers, side="right").tolist()) == [0, 1, 2]
    np.testing.assert_allclose(sorted(found.share), [0.1, 0.3, 0.6], atol=1e-12)


@pytest.mark.parametrize("method", ["kmedoids", "kmeans"])
def test_the_number_of_clusters_is_chosen_by_the_silhouette_and_told(method):
    found = px.prototypes(CLUSTERS, method=method)
    assert len(found) == 3 == max(found.choice, key=found.choice.get) and set(found.choice) == set(range(2, 11))
    assert "Of 2 to 10 clusters 3 lie apart best" in found.describe() and "clusters are weak" not in found.describe()
    noise = px.prototypes(np.random.default_rng(1).normal(size=(200, 8)), method=method)
    assert "hardly any clusters" in noise.describe()


def test_as_many_are_taken_unasked_as_are_worth_a_hundred_drawn_rows():
    found = px.prototypes(CLUSTERS)
    assert (
        found.as_drawn[-1] >= 100 > found.as_drawn[-2] and f"It takes {len(found)} to be worth 100 rows" in found.describe()
    )
    few = px.prototypes(RNG.normal(size=(400, 10)))
    assert len(few) == 20 and few.as_drawn[-1] < 100 and "worth less than 100 rows drawn" in few.describe()


def test_what_they_are_worth_is_what_drawn_rows_measure():
    """The mean discrepancy of drawn rows, as many as the prototypes are said to be worth, is theirs."""
    found = px.prototypes(CLUSTERS, 5)
    far = np.abs(CLUSTERS[:, None] - CLUSTERS[None]) @ (1 / np.ptp(CLUSTERS, axis=0)) / 2
    kernel, n = np.exp(-far / found.meta["kernel_width"]), round(found.as_drawn[-1])
    draws = np.random.default_rng(2).integers(0, 100, (4000, n))
    weight = np.stack([np.bincount(one, minlength=100) / n for one in draws]) - 0.01
    measured = np.einsum("di,ij,dj->d", weight, kernel, weight)
    assert measured.mean() == pytest.approx(found.discrepancy[-1], rel=0.05)


def test_the_prototypes_of_a_table_are_those_of_its_rows_in_any_order():
    order = RNG.permutation(90)
    one, other = px.prototypes(MIXED, 6), px.prototypes(MIXED.iloc[order], 6)
    assert one.labels == other.labels and one.criticism_labels == other.criticism_labels
    assert set(one.labels) <= set(MIXED.index) and MIXED.index[one.numbers].tolist() == list(one.labels)


def test_rows_count_by_their_weights_as_if_they_stood_there_so_often():
    times = RNG.integers(1, 4, 90)
    weighted = px.prototypes(px.TabularSpace(MIXED, weights=times), 5)
    repeated = px.prototypes(MIXED.loc[MIXED.index.repeat(times)], 5)
    pd.testing.assert_frame_equal(weighted.table, repeated.table)
    np.testing.assert_allclose(weighted.share, repeated.share, rtol=1e-12)
    np.testing.assert_allclose(weighted.discrepancy, repeated.discrepancy, rtol=1e-9)


def test_rows_of_weight_zero_are_neither():
    weights = (np.arange(100) < 60).astype(float)
    found = px.prototypes(px.TabularSpace(CLUSTERS, weights=weights), 3)
    assert max(*found.numbers, *found.criticism_numbers) < 60 and found.share.sum() == pytest.approx(1)


@pytest.mark.parametrize(
    "column",
    [
        np.full(90, np.nan),
        pd.array([1, None, 3] * 30, dtype="Int64"),
        np.array([None, "q", "r"] * 30, dtype=object),
        pd.Categorical([None, "low", "high"] * 30, ["low", "high"], ordered=True),
        pd.date_range("2024", periods=90, tz="UTC"),
        pd.to_timedelta(np.arange(90), "h"),
        1e308 * np.linspace(-1, 1, 90),
        np.full(90, 5),
    ],
    ids=["all missing", "missing whole numbers", "objects", "ordered", "dates", "spans", "largest numbers", "constant"],
)
@pytest.mark.parametrize("method", ["mmd", "kmedoids", "kmeans"])
def test_columns_of_any_kind_have_prototypes(method, column):
    found = px.prototypes(MIXED.assign(other=column), 4, method=method)
    assert len(set(found.numbers)) == 4 and found.share.sum() == pytest.approx(1) and found.to_frame().shape[0] == 6
    assert "nan" not in found.describe()


@pytest.mark.parametrize("method", ["mmd", "kmedoids", "kmeans"])
@pytest.mark.parametrize("n_rows", [2, 3, 4])
def test_few_rows_have_prototypes_too(method, n_rows):
    found = px.prototypes(MIXED[:n_rows], method=method)
    assert 1 <= len(found) <= n_rows and found.describe()


@pytest.mark.parametrize("method", ["mmd", "kmedoids", "kmeans"])
def test_all_rows_stand_for_themselves(method):
    found = px.prototypes(MIXED, 90, method=method)
    assert found.discrepancy[-1] == 0 and "as the rows themselves" in found.describe() and found.bound[-1] == 1


def test_rows_are_called_by_an_index_that_tells_them_apart():
    pairs = MIXED.set_axis(pd.MultiIndex.from_arrays([np.arange(90) // 2, np.arange(90) % 2]))
    assert set(px.prototypes(pairs, 3).labels) <= {(i // 2, i % 2) for i in range(90)}
    assert "np." not in px.prototypes(pairs, 3).describe()
    found = px.prototypes(MIXED.set_axis([7] * 90), 3)
    assert found.labels == tuple(found.numbers.tolist())


@pytest.mark.parametrize("library", ["pandas", "numpy", "polars", "pyarrow"])
def test_tables_of_any_library_have_the_same_prototypes(library):
    numbers = MIXED[["age", "rooms"]].astype(float)
    expected = px.prototypes(numbers, 4).numbers
    if library == "numpy":
        table = numbers.to_numpy()
    elif library == "polars":
        table = pytest.importorskip("polars").from_pandas(numbers.reset_index(drop=True), nan_to_null=False)
    elif library == "pyarrow":
        table = pytest.importorskip("pyarrow").Table.from_pandas(numbers.reset_index(drop=True), preserve_index=False)
    else:
        table = numbers
    assert px.prototypes(table, 4).numbers.tolist() == expected.tolist()


def test_of_a_large_table_some_are_looked_at_and_that_is_told():
    X = np.random.default_rng(3).normal(size=(500, 3))
    found = px.prototypes(X, 4, rows=100, seed=1)
    assert (
        len(found.number) == 100
        and found.n_data == 500
        and "100 of them, drawn at random, were looked at" in found.describe()
    )
    assert found.numbers.tolist() == px.prototypes(X, 4, rows=100, seed=1).numbers.tolist()
    assert not np.array_equal(found.number, px.prototypes(X, 4, rows=100, seed=2).number)


def test_a_measure_of_one_s_own_decides_what_is_near():
    def by_the_first(a, b):
        return np.abs(a["age"].fillna(0).to_numpy()[:, None] - b["age"].fillna(0).to_numpy()[None])

    found = px.prototypes(MIXED, 1, method="kmedoids", metric=by_the_first)
    ages = MIXED.age.fillna(0)
    assert np.abs(ages - ages[found.labels[0]]).sum() == pytest.approx(np.abs(ages - ages.median()).sum(), rel=0.01)


@pytest.mark.parametrize("power", [3, 4, 6])
def test_a_measure_without_a_positive_definite_kernel_makes_no_discrepancy_vanish(power):
    rows = RNG.normal(size=(30, 8))

    def apart(a, b):
        return np.abs(np.asarray(a)[:, None] - np.asarray(b)).sum(axis=2) ** power

    with pytest.warns(UserWarning, match="not positive definite"):
        found = px.prototypes(rows, 10, metric=apart, kernel_width=float(np.median(apart(rows, rows))) * 2)
    assert (found.discrepancy > 0).all()
    assert found.discrepancy[-1] <= found.of_a_draw / 10  # greedy is never worse than drawn rows, where there is a space


def test_a_heavy_row_is_as_heavy_where_only_some_are_looked_at():
    rows, weights = RNG.normal(size=(3000, 3)), np.ones(3000)
    weights[0] = 4500.0  # .6 of the table
    found = px.prototypes(px.TabularSpace(rows, weights=weights), 5, rows=1000)
    assert found.numbers[0] == 0
    assert found.share[0] >= 0.6 - 1e-3
    deep = px.prototypes(px.TabularSpace(rows, weights=weights), 5, rows=3000)
    assert found.of_a_draw == pytest.approx(deep.of_a_draw, rel=0.1)


def test_noise_is_not_said_to_be_clusters():
    found = px.prototypes(RNG.random((12, 2)), method="kmedoids")
    assert max(found.choice.values()) < 0.6  # a row that is alone counts nothing


def test_points_that_are_few_have_as_many_clusters_at_most():
    found = px.prototypes(MIXED, method="kmeans", embed=lambda *_: np.arange(90)[:, None] % 4)
    assert len(found) == 4
    assert max(found.choice) == 4


def test_points_of_one_s_own_decide_what_is_near():
    found = px.prototypes(CLUSTERS, 3, embed=lambda X: X[:, :1], method="kmedoids")
    assert sorted(np.round(CLUSTERS[found.numbers, 0] / 4).tolist())[-1] == 1.0  # the third cluster is like the first


def test_pictures_are_looked_at_by_the_pixel():
    pictures = [np.full((4, 4, 3), float(v)) for v in (0, 1, 2, 200, 201, 202, 100)]
    found = px.prototypes(pictures, 2, method="kmedoids", criticisms=1)
    assert sorted(found.numbers.tolist()) == [1, 4] and found.what == "picture" and found.table is None
    assert found.pictures[0].shape == (4, 4, 3) and len(found.pictures) == 3
    assert found.describe().startswith("2 pictures stand for 7 pictures.")


def test_pictures_are_looked_at_in_a_layer_s_features():
    torch = pytest.importorskip("torch")
    net = torch.nn.Sequential(
        torch.nn.Conv2d(1, 2, 3, padding=1, bias=False), torch.nn.ReLU(), torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(),
        torch.nn.Linear(2, 2),
    )  # fmt: skip
    with torch.no_grad():
        net[0].weight[:] = 0.0
        net[0].weight[0, 0, 1, 1], net[0].weight[1, 0, 1, 1] = 1.0, -1.0  # bright and dark, wherever it is
    bright, dark = np.zeros((6, 6, 1), np.float32), np.zeros((6, 6, 1), np.float32)
    bright[0, 0], dark[0, 0] = 5.0, -5.0
    rolled = [np.roll(one, k, axis=(0, 1)) for one in (bright, dark) for k in range(5)]
    predictor = px.Predictor(net, output="raw")
    found = px.prototypes(rolled, 2, embed=predictor)
    assert sorted((found.numbers // 5).tolist()) == [0, 1] and found.share.tolist() == [0.5, 0.5]
    assert found.discrepancy[-1] == pytest.approx(0, abs=1e-12) and not np.isfinite(found.as_drawn[-1])
    named = px.prototypes(rolled, 2, embed=predictor, layer="0")
    assert sorted((named.numbers // 5).tolist()) == [0, 1]
    assert not net[0]._forward_hooks and predictor.rows >= len(rolled)


def test_the_frame_has_a_line_an_example_with_the_data_s_own_columns():
    frame = px.prototypes(MIXED.rename(columns={"town": "share"}), 4, criticisms=2).to_frame()
    assert frame.example.tolist() == ["prototype"] * 4 + ["criticism"] * 2
    assert frame["share (data)"].dtype == MIXED.town.dtype and frame.share[:4].sum() == pytest.approx(1)
    assert MIXED.loc[frame.row, "rooms"].tolist() == frame.rooms.tolist()
    assert "discrepancy" in px.prototypes(MIXED, 2).to_csv().splitlines()[0]


def test_names_of_the_data_are_escaped_in_a_notebook():
    frame = MIXED.rename(columns={"age": "<b>age"})
    assert "<b>age" not in px.prototypes(frame, 2)._repr_html_()


def test_values_are_ranked_among_those_of_the_data():
    found = px.prototypes(MIXED, 5)
    column = list(MIXED).index("rooms")
    expected = [(MIXED.rooms < v).mean() + (MIXED.rooms == v).mean() / 2 for v in found.table.rooms]
    np.testing.assert_allclose(found.ranks[:, column], expected)
    assert np.isnan(found.ranks[:, list(MIXED).index("town")]).all()


@pytest.mark.parametrize(
    ("arguments", "error", "match"),
    [
        ({"n": 0}, ValueError, "n=0 must be a whole number of prototypes from 1 up to the 90 distinct ones"),
        ({"n": 91}, ValueError, "n=91"),
        ({"method": "pam"}, ValueError, "method='pam'"),
        ({"metric": "euclid"}, ValueError, "metric='euclid'"),
        ({"kernel_width": 1e300}, ValueError, "makes all alike"),
        ({"embed": lambda *_: np.arange(90.0)[:, None] * 1e300}, ValueError, "farther apart than numbers go"),
        ({"embed": lambda *_: np.arange(90)[:, None] % 3, "method": "kmeans", "n": 5}, ValueError, "3 at most"),
        ({"metric": lambda *_: np.zeros((2, 2)), "n": 2}, ValueError, r"metric returned shape \(2, 2\)"),
        ({"metric": lambda *_: np.arange(90.0)[:, None] - np.arange(90.0)}, ValueError, "negative"),
        ({"metric": lambda *_: np.tile(np.arange(90.0), (90, 1))}, ValueError, "not symmetric"),
        ({"metric": max, "embed": len}, ValueError, "give one of them"),
        ({"metric": lambda *_: 1 - np.eye(90), "method": "kmeans"}, ValueError, "take 'kmedoids'"),
        ({"embed": lambda _: np.zeros(3)}, ValueError, r"expected numbers \(90, d\)"),
        ({"embed": lambda _: np.full((90, 1), np.nan)}, ValueError, "not finite"),
        ({"embed": 3}, TypeError, "embed is int"),
        ({"layer": "0"}, ValueError, "layer='0' is of a network"),
        ({"embed": lambda X: np.ones((len(X), 2))}, ValueError, "no two of the 90 lie apart"),
        ({"metric": lambda *_: "far"}, ValueError, "metric returned <U3"),
        ({"kernel_width": np.inf}, ValueError, "kernel_width=inf"),
        ({"kernel_width": 0}, ValueError, "kernel_width=0 must be a number above 0"),
        ({"rows": 1}, ValueError, "rows=1"),
        ({"criticisms": -1}, ValueError, "criticisms=-1"),
        ({"seed": -1}, ValueError, "seed=-1"),
    ],
)
def test_what_does_not_go_together_is_refused_in_words(arguments, error, match):
    with pytest.raises(error, match=match):
        px.prototypes(MIXED, **arguments)


@pytest.mark.parametrize(
    ("data", "error", "match"),
    [
        (np.ones((5, 2)), ValueError, "1 distinct row; give two or more"),
        ([np.zeros((4, 4, 3))], ValueError, "1 picture; give two or more"),
        (np.random.default_rng(0).random((9, 4, 4)), ValueError, "Of a stack of grey pictures"),
        ([np.zeros((4, 4, 3)), np.zeros((5, 4, 3))], ValueError, "different shapes"),
        ("a", TypeError, "data is str; expected a table"),
        ({"a": 1}, TypeError, "data is dict"),
    ],
)
def test_what_is_neither_table_nor_pictures_is_refused(data, error, match):
    with pytest.raises(error, match=match):
        px.prototypes(data, 1)


def test_a_predictor_of_no_network_has_no_layers():
    pictures = [np.zeros((4, 4, 1)), np.ones((4, 4, 1))]
    with pytest.raises(TypeError, match="embed is a Predictor of a callable, which has no layers"):
        px.prototypes(pictures, 1, embed=px.Predictor(lambda p: p.mean(axis=(1, 2, 3))))
    with pytest.raises(TypeError, match="data is a table"):
        px.prototypes(MIXED, 1, embed=px.Predictor(lambda p: p))
