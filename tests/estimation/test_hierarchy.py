"""Hierarchies: trees from names and linkages, columns that go together, superpixels that touch and look alike."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage, stats
from scipy.cluster.hierarchy import linkage, to_tree

import perturbxai as px
from perturbxai import assets
from perturbxai.core.questions import Regions
from perturbxai.estimation.coalitions import hierarchy
from perturbxai.estimation.coalitions.clustering import MOST_ROWS, _of_heights, association, cluster_columns, merge_regions
from perturbxai.estimation.coalitions.hierarchy import MOST_LEVELS
from perturbxai.inputs.segments import neighbours


def evenly(n_rows):
    return np.full(n_rows, 1.0 / n_rows)


def associated(codes, numeric, weights=None):
    codes = np.asarray(codes, dtype=float)
    weights = evenly(len(codes)) if weights is None else np.asarray(weights) / np.sum(weights)
    return association(codes, weights, np.array(numeric))


def clustered(codes, numeric=None, owner=None):
    codes = np.asarray(codes, dtype=float)
    n_columns = codes.shape[1]
    numeric = np.ones(n_columns, dtype=bool) if numeric is None else np.array(numeric)
    owner = np.arange(n_columns) if owner is None else np.array(owner)
    return cluster_columns(codes, evenly(len(codes)), numeric, owner)


def players_in(tree):
    return frozenset(hierarchy.leaves(tree))


def all_unions(tree):
    return {frozenset(np.concatenate(union.members).tolist()) for union in hierarchy.unions(tree)}


def n_levels(tree):
    return 1 + max(map(n_levels, tree)) if isinstance(tree, tuple) else 0


# ------------------------------------------------------------------------------------------------ trees


def test_names_and_the_tree_go_back_and_forth():
    given = (("age", "education"), ("income", ("a", "b")))
    names = ["a", "age", "b", "education", "income"]
    tree = hierarchy.of_names(given, names)
    assert tree == ((1, 3), (4, (0, 2)))
    assert hierarchy.name(tree, names) == [["age", "education"], ["income", ["a", "b"]]]


def test_a_list_of_one_is_its_member():
    assert hierarchy.of_names((("a",), (("b", "c"),)), ["a", "b", "c"]) == (0, (1, 2))


def test_a_linkage_is_read_as_scipy_reads_it():
    joined = linkage(np.random.default_rng(0).normal(size=(12, 3)), "average")
    expected = {frozenset(node.pre_order()) for node in to_tree(joined, rd=True)[1] if not node.is_leaf()}
    assert all_unions(hierarchy.of_linkage(joined.tolist(), list(map(str, range(12))))) == expected


def test_unions_of_players_that_are_left_are_dissolved_where_one_remains():
    tree = ((0, 1), (2, (3, 4)), 5)
    assert hierarchy.keep(tree, {0: 0, 3: 1, 4: 2}) == (0, (1, 2))
    assert hierarchy.keep(tree, {3: 0}) == 0
    assert hierarchy.keep(tree, {}) is None


def test_contexts_are_subsets_of_what_stands_beside():
    unions = hierarchy.unions((0, 1, (2, (3, 4, 5))))
    assert [union.contexts for union in unions] == [1, 4, 8]
    assert [union.n_between for union in unions] == [6, 8, 48]
    assert unions[2].path == ((0, 2), (1, 1))


def chain_of(n_players):
    """A linkage that adds one player after the other."""
    return [[0 if k == 0 else n_players + k - 1, k + 1, float(k), k + 2] for k in range(n_players - 1)]


def test_a_chain_too_deep_to_be_told_is_refused_and_says_what_to_do():
    names = list(map(str, range(MOST_LEVELS + 2)))
    assert n_levels(hierarchy.of_linkage(chain_of(MOST_LEVELS + 1), names[:-1])) == MOST_LEVELS
    with pytest.raises(ValueError, match=rf"{MOST_LEVELS + 1} unions within each other; at most {MOST_LEVELS}"):
        hierarchy.of_linkage(chain_of(MOST_LEVELS + 2), names)
    nested = (names[0],)
    for name in names[1:]:
        nested = (name, nested)
    with pytest.raises(ValueError, match=f"more than {MOST_LEVELS} lists within each other"):
        hierarchy.of_names(nested, names)


# ------------------------------------------------------------------------------------------------ columns


def test_two_columns_of_numbers_are_as_close_as_their_ranks():
    X = np.random.default_rng(0).normal(size=(50, 3)) @ np.random.default_rng(1).normal(size=(3, 4))
    X[:, 1] = np.round(X[:, 1])  # ties
    X[:, 3] = np.exp(-X[:, 0])
    np.testing.assert_allclose(associated(X, [True] * 4), np.abs(stats.spearmanr(X).statistic), atol=1e-12)
    assert associated(X, [True] * 4)[0, 3] == pytest.approx(1.0)


def test_numbers_with_weights_are_compared_as_repeated_rows():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 3)).cumsum(axis=1)
    weights = rng.integers(0, 4, size=40)
    weighted, repeated = associated(X, [True] * 3, weights), associated(np.repeat(X, weights, axis=0), [True] * 3)
    np.testing.assert_allclose(weighted, repeated, atol=1e-12)


def test_rows_without_weight_are_no_part_of_any_comparison():
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.normal(size=(40, 2)), rng.integers(0, 3, size=(40, 2))])
    X[:, 0] += X[:, 2]
    X[:5, 2:] = 7.0  # a level of these rows alone
    numeric = [True, True, False, False]
    np.testing.assert_allclose(associated(X, numeric, np.arange(40) >= 5), associated(X[5:], numeric), atol=1e-12)


def test_a_pair_is_compared_where_neither_is_missing():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 2))
    X[:, 1] += X[:, 0]
    holes = X.copy()
    holes[:10, 0] = holes[5:20, 1] = np.nan
    there = ~np.isnan(holes).any(axis=1)
    ranks = np.column_stack([stats.rankdata(holes[:, d], nan_policy="omit") for d in range(2)])[there]
    assert associated(holes, [True, True])[0, 1] == pytest.approx(abs(np.corrcoef(ranks.T)[0, 1]))


def test_a_number_and_levels_are_as_close_as_their_corrected_correlation_ratio():
    rng = np.random.default_rng(0)
    level = rng.integers(0, 4, size=80)
    number = rng.normal(size=80) + level
    ranks = stats.rankdata(number)
    within = sum(((ranks[level == k] - ranks[level == k].mean()) ** 2).sum() for k in range(4)) / (80 - 4)
    expected = np.sqrt(1.0 - within / ranks.var(ddof=1))
    found = associated(np.column_stack([number, level]), [True, False])
    assert found[0, 1] == found[1, 0] == pytest.approx(expected)


def test_two_columns_of_levels_are_as_close_as_their_corrected_cramer():
    rng = np.random.default_rng(0)
    a = rng.integers(0, 4, size=90)
    b = np.where(rng.random(90) < 0.5, a % 3, rng.integers(0, 3, size=90))
    square = stats.chi2_contingency(stats.contingency.crosstab(a, b).count, correction=False).statistic / 90
    square -= 3 * 2 / 89
    expected = np.sqrt(square / min(4 - 9 / 89 - 1, 3 - 4 / 89 - 1))
    assert associated(np.column_stack([a, b]), [False, False])[0, 1] == pytest.approx(expected)
    assert associated(np.column_stack([a, 3 - a]), [False, False])[0, 1] == pytest.approx(1.0)


def test_a_column_of_many_levels_does_not_go_with_what_it_has_no_part_in():
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.normal(size=200), rng.integers(0, 120, size=200), rng.integers(0, 4, size=200), np.arange(200)])
    found = associated(X, [True, False, False, False])
    assert found[0, 1] < 0.3 and found[1, 2] < 0.3  # uncorrected: .78 and .77
    assert found[0, 3] == found[2, 3] == 0.0  # every row a level of its own tells nothing


@pytest.mark.parametrize("numeric", [True, False])
def test_a_constant_column_goes_with_nothing(numeric):
    X = np.column_stack([np.full(30, 0.1), np.random.default_rng(0).normal(size=30), np.arange(30) % 3])
    found = associated(X, [numeric, True, False])
    np.testing.assert_array_equal(found[0, 1:], [0.0, 0.0])


def test_columns_that_go_together_are_joined_first():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 200))
    noise = rng.normal(size=(200, 3))
    level = (a > 0).astype(float) + (a > 1)
    X = np.column_stack([a, b, -a + 0.1 * noise[:, 0], b + 0.1 * noise[:, 1], level, noise[:, 2]])
    tree = clustered(X, [True, True, True, True, False, True])
    assert {frozenset({0, 2}), frozenset({1, 3}), frozenset({0, 2, 4})} <= all_unions(tree)


def test_the_order_of_the_columns_does_not_matter():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(100, 8)) @ rng.normal(size=(8, 8))
    order = rng.permutation(8)
    moved = {frozenset(order[list(union)].tolist()) for union in all_unions(clustered(X[:, order]))}
    assert moved == all_unions(clustered(X))


@pytest.mark.parametrize(
    "X", [np.zeros((1, 5)), np.zeros((30, 5)), np.full((4, 5), np.nan)], ids=["one row", "constant", "missing"]
)
def test_columns_without_any_association_are_one_union(X):
    assert players_in(clustered(X)) == frozenset(range(5)) and n_levels(clustered(X)) == 1


def test_players_that_join_at_one_height_are_one_union():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 40))
    unions = all_unions(clustered(np.column_stack([a, 2 * a, b, -a, 3 * b])))
    assert unions == {frozenset({0, 1, 3}), frozenset({2, 4}), frozenset(range(5))}


def test_groups_are_as_far_apart_as_their_columns_on_average():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(100, 6)) @ rng.normal(size=(6, 6))
    owner = np.array([0, 1, 0, 2, 3, 2])
    distance = 1.0 - np.abs(stats.spearmanr(X).statistic)
    apart = [distance[np.ix_(owner == p, owner == q)].mean() for p in range(4) for q in range(p + 1, 4)]
    expected = {frozenset(node.pre_order()) for node in to_tree(linkage(apart, "average"), rd=True)[1] if not node.is_leaf()}
    assert all_unions(clustered(X, owner=owner)) == expected


def test_large_tables_are_clustered_by_rows_spread_over_all_of_them():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(MOST_ROWS + 5000, 3))
    X[-4000:, 2] = X[-4000:, 0]  # only the end tells that these go together
    assert frozenset({0, 2}) in all_unions(clustered(X))


def test_a_hierarchy_of_the_data_is_never_too_deep_to_be_told():
    n_players = MOST_LEVELS + 50
    tree = _of_heights(np.array(chain_of(n_players)), n_players)
    assert n_levels(tree) == MOST_LEVELS and players_in(tree) == frozenset(range(n_players))


# ------------------------------------------------------------------------------------------------ superpixels


def test_neighbours_share_an_edge_of_a_pixel():
    labels = np.random.default_rng(0).integers(0, 12, size=(6, 7)).astype(np.int32)
    expected = set()
    for i, j in np.ndindex(labels.shape):
        for k, m in ((i + 1, j), (i, j + 1)):
            if k < 6 and m < 7 and labels[i, j] != labels[k, m]:
                expected.add(tuple(sorted((int(labels[i, j]), int(labels[k, m])))))
    assert list(map(tuple, neighbours(labels).tolist())) == sorted(expected)


def test_a_picture_tells_its_regions():
    picture = np.random.default_rng(0).random((6, 8, 3)).astype(np.float32)
    labels = np.arange(6)[:, None] // 3 * 2 + np.arange(8)[None] // 5
    (one,) = px.ImageSpace(segments=labels, fill=0.0).players(picture)
    found = one.regions()
    assert found.sizes.tolist() == [15, 9, 15, 9]
    assert found.neighbours.tolist() == [[0, 1], [0, 2], [1, 3], [2, 3]]
    np.testing.assert_allclose(found.colours[3], picture[3:, 5:].reshape(-1, 3).mean(axis=0), rtol=1e-6)


def strip(colours, sizes=None):
    """Regions in a row, each touching the next."""
    n_regions = len(colours)
    pairs = np.column_stack([np.arange(n_regions - 1), np.arange(1, n_regions)])
    sizes = np.ones(n_regions, dtype=int) if sizes is None else np.array(sizes)
    return Regions(pairs, np.array(colours, dtype=float)[:, None], sizes)


def test_neighbours_that_look_alike_are_merged_first():
    found = all_unions(merge_regions(strip([0.0, 0.125, 0.75, 1.0])))
    assert found == {frozenset({0, 1}), frozenset({2, 3}), frozenset(range(4))}


def test_regions_that_do_not_touch_are_not_merged_however_alike_they_are():
    assert frozenset({0, 2}) not in all_unions(merge_regions(strip([0.0, 1.0, 0.0, 0.4])))


def test_every_union_of_a_picture_is_one_piece():
    rng = np.random.default_rng(0)
    labels = np.arange(20)[:, None] // 4 * 5 + np.arange(20)[None] // 4
    edges = neighbours(labels.astype(np.int32))
    unions = all_unions(merge_regions(Regions(edges, rng.random((25, 3)), rng.integers(1, 30, size=25))))
    assert len(unions) == 24
    for union in unions:
        reached, waiting = set(), [min(union)]
        while waiting:
            one = waiting.pop()
            reached.add(one)
            beside = {int(a + b - one) for a, b in edges if one in (a, b)}
            waiting += list((beside & union) - reached)
        assert reached == union


def test_superpixels_of_a_photo_are_merged_with_their_neighbours_only():
    one = px.ImageSpace(segments="slic", n_segments=50).players(assets.photo("chelsea"))[0]
    unions = all_unions(merge_regions(one.regions()))
    assert len(unions) == len(one.names) - 1
    for union in unions:
        assert ndimage.label(np.isin(one.labels, list(union)))[1] == 1  # one piece of the photo


def test_the_cost_of_a_merger_is_the_growth_of_squared_distances_to_the_mean():
    # joining 0 and 1 costs .5 * .04 = .02, joining 1 and 2 costs 10 / 11 * .0225 = .0205: sizes decide
    assert frozenset({0, 1}) in all_unions(merge_regions(strip([0.0, 0.2, 0.35], [1, 1, 10])))
    assert frozenset({1, 2}) in all_unions(merge_regions(strip([0.0, 0.2, 0.35], [1, 1, 1])))


def test_a_picture_of_one_colour_is_halved_and_not_peeled():
    assert n_levels(merge_regions(strip(np.zeros(32)))) == 5
