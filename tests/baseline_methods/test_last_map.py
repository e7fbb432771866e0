"""The layer that is found where none is named: the last map that the scores depend on only through."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from picture_nets import Tokens, explained, picture, seeded
from torch import nn
from torch.nn import functional as F

import perturbxai as px
from perturbxai.baseline_methods import places, views

CHANNELS, SIDE = 8, 32


def found(net, x=None, score=lambda out: out):
    """(place, the map there (C, h, w), the largest input gradient that is left once the map is held constant)."""
    for parameter in net.parameters():
        parameter.requires_grad_(False)
    batch = torch.as_tensor(picture(0, SIDE, SIDE) if x is None else x).permute(2, 0, 1)[None]
    place = places.last_map(net, batch, score)
    kept, leaf = [], batch.clone().requires_grad_(True)
    own = leaf.clone()

    def hold(_number, tensor):
        kept.append(place.layout.read(tensor.detach())[0].clone())
        return tensor.detach().clone()

    with views.swapped(net, [place], hold):
        scores = score(net(own))
    left = 0.0
    if scores.requires_grad:
        (slope,) = torch.autograd.grad(scores.sum(), leaf, allow_unused=True)
        left = 0.0 if slope is None else float(slope.abs().max())
    assert len(kept) == 1
    return place, kept[0].numpy(), left


def bias_of(net):
    return net.head.bias.detach().numpy()


# ------------------------------------------------------------------------------------------------ identity reshapings


def windows(x, side=2):
    n, c, h, w = x.shape
    parts = x.reshape(n, c, h // side, side, w // side, side).permute(0, 2, 4, 3, 5, 1).reshape(-1, side * side, c)
    parts = parts.reshape(n, h // side, w // side, side, side, c).permute(0, 5, 1, 3, 2, 4)
    return parts.reshape(n, c, h, w)


def written(x):
    canvas = torch.zeros_like(x)
    canvas[:, :, :, :2] = x[:, :, :, :2]
    canvas[:, :, :, 2:] = x[:, :, :, 2:]
    return canvas


def shuffled(x, groups):
    n, c, h, w = x.shape
    return x.view(n, groups, c // groups, h, w).transpose(1, 2).reshape(n, c, h, w)


class Passing(torch.autograd.Function):
    """What nothing but autograd sees."""

    @staticmethod
    def forward(_ctx, x):
        return x.clone()

    @staticmethod
    def backward(_ctx, slope):
        return slope


IDENTITIES = {
    "view": lambda x: x.view(1, 2, -1, *x.shape[2:]).view(x.shape),
    "flatten": lambda x: x.flatten(2).unflatten(2, x.shape[2:]),
    "flat": lambda x: x.reshape(-1).reshape(x.shape),
    "transposes": lambda x: x.transpose(2, 3).contiguous().transpose(2, 3),
    "index": lambda x: x[..., None][..., 0],
    "batch": lambda x: x[0].unsqueeze(0),
    "tokens": lambda x: x.flatten(2).transpose(1, 2).transpose(1, 2).view(x.shape),
    "sequence first": lambda x: x.flatten(2).permute(2, 0, 1).permute(1, 2, 0).reshape(x.shape),
    "channel shuffle": lambda x: shuffled(shuffled(x, 2), x.shape[1] // 2),
    "channels last": lambda x: x.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2),
    "movedim": lambda x: torch.movedim(torch.movedim(x, 1, -1), -1, 1),
    "stack": lambda x: torch.stack(x.unbind(1), dim=1),
    "chunk": lambda x: torch.cat(x.chunk(2, dim=1), dim=1),
    "split": lambda x: torch.cat(torch.split(x, [1, x.shape[3] - 1], dim=3), dim=3),
    "windows": windows,
    "roll": lambda x: torch.roll(torch.roll(x, (1, 1), (2, 3)), (-1, -1), (2, 3)),
    "flip": lambda x: x.flip(3).flip(3),
    "pad": lambda x: F.pad(x, (1, 2, 0, 1))[:, :, : x.shape[2], 1 : x.shape[3] + 1],
    "space to depth": lambda x: F.pixel_shuffle(F.pixel_unshuffle(x, 2), 2),
    "unfold": lambda x: F.fold(F.unfold(x, 2, stride=2), x.shape[2:], 2, stride=2),
    "einsum": lambda x: torch.einsum("bhwc->bchw", torch.einsum("bchw->bhwc", x)),
    "index_select": lambda x: x.index_select(2, torch.arange(x.shape[2])),
    "written": written,
    "in place": lambda x: x.clone().unsqueeze_(0).squeeze_(0),
    "strided": lambda x: x.contiguous().as_strided(x.shape, x.contiguous().stride()),
    "unseen": Passing.apply,
    "dtype": lambda x: x.double().float(),
    "channels by matrix": lambda x: (torch.eye(x.shape[1]) @ x.flatten(2)).view(x.shape),
}


class Reshaping(nn.Module):
    """Convolutions, a residual block, a gate and a pooled linear head, with something put between its steps."""

    def __init__(self, between=()):
        super().__init__()
        self.first = nn.Conv2d(3, CHANNELS, 3, stride=2, padding=1)
        self.norm = nn.BatchNorm2d(CHANNELS)
        self.branch = nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1)
        self.second = nn.Conv2d(CHANNELS, CHANNELS, 3, stride=2, padding=1)
        self.gate = nn.Conv2d(CHANNELS, CHANNELS, 1)
        self.head = nn.Linear(CHANNELS, 3)
        self.between = dict(between)

    def put(self, where, x):
        return self.between[where](x) if where in self.between else x

    def forward(self, x):
        x = self.put(0, self.put(-1, x))
        x = self.put(1, self.norm(self.first(x)).relu())
        x = self.put(3, x + self.put(2, self.branch(x).relu()))
        x = self.put(4, self.second(x))
        x = x * self.put(5, self.gate(x.mean((2, 3), keepdim=True))).sigmoid()
        return self.head(self.put(6, x.relu()).mean((2, 3)))


PLAIN = seeded(Reshaping)
PLAIN_PLACE, PLAIN_MAP, PLAIN_LEFT = found(PLAIN)


def test_the_plain_network_is_looked_at_before_its_mean():
    assert (PLAIN_PLACE.label, PLAIN_MAP.shape, PLAIN_LEFT) == ("input of mean()", (CHANNELS, 8, 8), 0.0)


@pytest.mark.parametrize("where", [0, 1, 2, 3, 4, 6])
@pytest.mark.parametrize("name", IDENTITIES)
def test_an_identity_anywhere_changes_neither_the_layer_nor_the_map(name, where):
    if where == 0 and name in ("view", "channel shuffle", "chunk"):
        pytest.skip("three channels are not two halves")
    place, map_, left = found(seeded(Reshaping, between={where: IDENTITIES[name]}))
    assert place.label == PLAIN_PLACE.label
    np.testing.assert_allclose(map_, PLAIN_MAP, atol=1e-6)
    assert left == 0.0


@given(st.lists(st.tuples(st.sampled_from([1, 2, 3, 4, 6]), st.sampled_from(sorted(IDENTITIES))), min_size=2, max_size=5))
@settings(max_examples=25, deadline=None)
def test_several_identities_change_neither_the_layer_nor_the_map(put):
    between = {}
    for where, name in put:
        before = between.get(where, lambda x: x)
        between[where] = lambda x, before=before, name=name: IDENTITIES[name](before(x))
    place, map_, left = found(seeded(Reshaping, between=between))
    assert (place.label, left) == (PLAIN_PLACE.label, 0.0)
    np.testing.assert_allclose(map_, PLAIN_MAP, atol=1e-6)


@pytest.mark.parametrize(
    "collapse",
    [
        lambda x: x.flatten(2).mean(2),
        lambda x: x.view(1, 2, -1, *x.shape[2:]).mean((3, 4)).flatten(1),
        lambda x: x.view(1, 2, x.shape[1] // 2, -1).mean(3).flatten(1),
        lambda x: x.permute(0, 2, 3, 1).mean((1, 2)),
        lambda x: x.flatten(2).transpose(1, 2).mean(1),
        lambda x: x.flatten(2).permute(2, 0, 1).mean(0),
        lambda x: F.adaptive_avg_pool2d(x, 1)[:, :, 0, 0],
        lambda x: F.avg_pool2d(x, x.shape[2:]).squeeze(),
        lambda x: torch.einsum("bchw->bc", x) / x[0, 0].numel(),
        lambda x: (x.flatten(2) @ torch.full((x[0, 0].numel(), 1), 1.0 / x[0, 0].numel())).squeeze(2),
        lambda x: x.flatten(2).logsumexp(2),
        lambda x: x.mean(3).mean(2),
    ],
)
def test_however_the_places_are_pooled_the_same_map_is_found(collapse):
    class Net(Reshaping):
        def forward(self, x):
            x = (self.second(self.first(x).relu())).relu()
            return self.head(collapse(x).reshape(1, -1))

    class Same(Reshaping):
        def forward(self, x):
            return self.head(self.second(self.first(x).relu()).relu().mean((2, 3)))

    _, map_, left = found(seeded(Net))
    np.testing.assert_allclose(map_, found(seeded(Same))[1], atol=1e-6)
    assert left == 0.0


# ------------------------------------------------------------------------------------------------ cuts


JOINED = {
    "sum": lambda a, b: a + 0.5 * b,
    "halves": lambda a, b: torch.cat([a[:, :2], b[:, 2:]], 1),
    # b is there and never read
    "sliced away": lambda a, b: torch.cat([a, b], 1)[:, :4],
    "bent, then sliced away": lambda a, b: F.max_pool2d(torch.cat([b, a], 1).sigmoid(), 3, 1, 1)[:, 4:],
    "split": lambda a, b: torch.cat([a, b], 3).split(8, dim=3)[0],
    "chosen": lambda a, b: torch.stack([b, a]).index_select(0, torch.tensor([1]))[0],
    "by no weight": lambda a, b: a + 0.0 * b,
    "masked": lambda a, b: torch.where(torch.ones(8, 8, dtype=torch.bool), a, b),
    "written over": lambda a, b: written_over(b, a),
}


def written_over(b, a):
    canvas = b.clone()
    canvas[:] = a
    return canvas


class Drawn(nn.Module):
    """A random network: each step works on an earlier result, or joins two of the same size; some results are read."""

    def __init__(self, plan, read):
        super().__init__()
        self.plan, self.read = plan, read
        self.layers = nn.ModuleList(nn.Conv2d(4, 4, 3, padding=1) for _ in plan)
        self.stem, self.head = nn.Conv2d(3, 4, 3, stride=4, padding=1), nn.Linear(4, 3)

    def forward(self, x, hold=None):
        results = [self.stem(x).tanh()]
        results[0] = results[0].detach() if hold == 0 else results[0]
        for number, (kind, one, other) in enumerate(self.plan):
            a, b = results[one % len(results)], results[other % len(results)]
            made = self.layers[number](a).tanh() if kind == "conv" else JOINED[kind](a, b)
            results.append(made.detach() if hold == number + 1 else made)
        pooled = [results[number % len(results)].mean((2, 3)) for number in self.read] + [results[-1].mean((2, 3))]
        return self.head(sum(pooled)), results


KINDS = ["conv", "conv", "conv", "sum", "halves", "halves", *JOINED]
STEPS = st.tuples(st.sampled_from(KINDS), st.integers(0, 9), st.integers(0, 9))


@given(st.lists(STEPS, min_size=1, max_size=7), st.lists(st.integers(0, 9), max_size=2))
@settings(max_examples=60, deadline=None)
def test_the_map_is_the_last_one_without_which_the_scores_do_not_know_the_picture(plan, read):
    net = seeded(lambda: Drawn(plan, read))
    x = torch.as_tensor(picture(0, SIDE, SIDE)).permute(2, 0, 1)[None]
    passed = []
    for number in range(len(plan) + 1):
        leaf = x.clone().requires_grad_(True)
        scores, results = net(leaf, hold=number)
        slope = torch.autograd.grad(scores.sum(), leaf, allow_unused=True)[0] if scores.requires_grad else None
        if slope is None or not slope.any():  # detached altogether, or tied by values alone that are sliced away later
            passed.append(results[number][0].detach().numpy())
    place, map_, left = found(net, score=lambda out: out[0])
    assert left == 0.0
    assert place.layout.grid == (8, 8)
    np.testing.assert_allclose(map_, passed[-1], atol=1e-6)


class Passed(nn.Module):
    """A map, a later one, and a way past it."""

    def __init__(self, past):
        super().__init__()
        self.stem, self.late = nn.Conv2d(3, 8, 3, stride=4, padding=1), nn.Conv2d(8, 8, 3, padding=1)
        self.past, self.head, self.passes = past, nn.Linear(8, 3), 0
        with torch.no_grad():  # how bright it is
            self.stem.weight[0], self.stem.bias[0] = 1 / 27, 0.0

    def forward(self, x):
        self.passes += 1
        early = self.stem(x).tanh()
        return self.head(self.late(early).relu().mean((2, 3)) + self.past(early))


NOT_READ = {
    "none": lambda _early: torch.zeros(1, 8),
    "sliced away": lambda early: torch.cat([torch.zeros(1, 8), early.mean((2, 3))], 1)[:, :8],
    "by no weight": lambda early: early.mean((2, 3)) * 0.0,
    "off for any picture": lambda early: (early.mean((2, 3)) - 2.0).relu(),
}
READ = {
    "plainly": lambda early: early.mean((2, 3)),
    "off for this picture": lambda early: early.mean((2, 3)) * (early[:, 0].mean() - 0.4).relu(),
    "off in some channels": lambda early: (early.mean((2, 3)) - early.mean().detach()).relu(),
}


def dark():
    """Mostly below .25, with one bright corner, so that its negative is bright."""
    x = 0.25 * picture(4, SIDE, SIDE)
    x[:4, :4] = 1.0
    return x


@pytest.mark.parametrize("way", [*NOT_READ, *READ])
def test_a_way_that_the_scores_do_not_read_is_none_and_one_that_is_off_at_this_picture_is_one(way):
    net = seeded(lambda: Passed((NOT_READ | READ)[way]))
    place, _, left = found(net, dark())
    assert left == 0.0
    assert place.label == ("input of mean()" if way in NOT_READ else "input of late")
    assert net.passes == (2 if way in ("none", "plainly", "off in some channels") else 4)  # one is the test's own


def test_where_the_scores_have_no_gradient_all_ways_count():
    net = seeded(lambda: Passed(NOT_READ["sliced away"]))
    flat = lambda out: (1e4 * out).softmax(1)  # noqa: E731
    assert found(net, score=flat)[0].label == "input of late"


def test_where_another_picture_runs_other_operations_all_ways_count():
    def past(early):
        way = early.mean((2, 3)) * 0.0
        return way if early[0, 0].mean() < 0.4 else way.tanh()

    assert found(seeded(lambda: Passed(past)), dark())[0].label == "input of late"


class Branched(nn.Module):
    """A linear head that is read by ways of which the longest is no cut."""

    def __init__(self, kind):
        super().__init__()
        self.kind, self.stem = kind, nn.Conv2d(3, 8, 3, stride=4, padding=1)
        self.one, self.two, self.short = nn.Conv2d(8, 8, 1), nn.Conv2d(8, 8, 3, padding=1), nn.Conv2d(8, 8, 1)
        self.head = nn.Linear(8, 3)

    def tail(self, x):
        if self.kind == "residual":
            return self.head(x.mean((2, 3)) + self.two(x).mean((2, 3)))
        if self.kind == "bottleneck":
            return self.head(F.avg_pool2d(self.short(x), x.shape[2:]).flatten(1) + self.two(self.one(x)).mean((2, 3)))
        if self.kind == "halves":
            return self.head(torch.cat([self.short(x)[:, :4].mean((2, 3)), self.one(x)[:, :4].mean((2, 3))], 1))
        return self.head(self.short(x).flatten(2).transpose(1, 2).mean(1) + self.two(x).mean((2, 3)))

    def forward(self, x):
        return self.tail(self.stem(x).relu())


@pytest.mark.parametrize("kind", ["residual", "bottleneck", "halves", "tokens"])
@pytest.mark.parametrize(("height", "width"), [(8, 8), (16, 24), (32, 32)])
def test_a_branch_that_runs_last_is_no_cut_and_the_sums_are_the_score_less_its_bias(kind, height, width):
    net = seeded(lambda: Branched(kind))
    one = explained(["hires_cam"], net, picture(1, height, width), n_segments=4)["hires_cam"]
    bias = net.tail(torch.zeros(1, 8, height // 4, width // 4))[0].detach().numpy()
    assert one.meta["map"].shape == (3, height // 4, width // 4)
    np.testing.assert_allclose(one.values[0].sum(axis=0), one.prediction[0] - bias, atol=1e-5)


@pytest.mark.parametrize("groups", [2, 4])
def test_a_shuffle_of_channels_between_convolutions_hides_nothing(groups):
    class Shuffling(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = (nn.Conv2d(n, 8, 3, stride=2, padding=1) for n in (3, 8))
            self.f = nn.Linear(8, 3)

        def forward(self, x):
            return self.f(self.b(shuffled(self.a(x).relu(), groups)).relu().mean((2, 3)))

    net = seeded(Shuffling)
    one = explained(["cam", "hires_cam"], net)
    assert one["cam"].meta["layer"] == "input of mean()"
    assert one["cam"].meta["map"].shape == (3, 8, 8)
    for each in one.values():
        np.testing.assert_allclose(each.values[0].sum(axis=0), each.prediction[0] - net.f.bias.detach().numpy(), atol=1e-6)


# ------------------------------------------------------------------------------------------------ what is a map


class Line(nn.Module):
    """A network for lines of text, whose map has one row."""

    def __init__(self, pool):
        super().__init__()
        self.first, self.second = nn.Conv2d(3, 6, 3, stride=2, padding=1), nn.Conv2d(6, 6, 3, stride=(1, 2), padding=1)
        self.pool, self.head = pool, nn.Linear(6, 3)

    def forward(self, x):
        x = self.second(self.first(x).relu()).relu()
        return self.head(self.pool(x.amax(2, keepdim=True)))


@pytest.mark.parametrize(
    "pool", [lambda x: x.mean((2, 3)), lambda x: x.squeeze(2).mean(2), lambda x: x.squeeze(2).permute(2, 0, 1).mean(0)]
)
@pytest.mark.parametrize(("height", "width"), [(32, 64), (16, 160), (32, 32)])
def test_a_map_of_one_row_has_places_too(pool, height, width):
    net, x = seeded(lambda: Line(pool)), picture(2, height, width)
    _, map_, left = found(net, x)
    assert (map_.shape, left) == ((6, 1, width // 4), 0.0)
    one = explained(["cam", "hires_cam"], net, x)
    for each in one.values():
        assert each.meta["map"].shape == (3, 1, width // 4)
        np.testing.assert_allclose(each.values[0].sum(axis=0), each.prediction[0] - bias_of(net), atol=1e-6)
    assert (px.layer_grid(px.Predictor(net), x) == np.arange(width) // 4).all()


def test_a_map_of_one_row_can_be_named():
    class Named(Line):
        def __init__(self):
            super().__init__(lambda x: x.mean((2, 3)))
            self.row = nn.AdaptiveAvgPool2d((1, None))

        def forward(self, x):
            return self.head(self.pool(self.row(self.second(self.first(x).relu()))))

    found = explained(["grad_cam"], seeded(Named), picture(2, 32, 64), layer="row")["grad_cam"]
    assert found.meta["map"].shape == (3, 1, 16)


NO_MAPS = {
    "a dense layer as wide as the map": lambda x: F.linear(x.flatten(1), torch.eye(512).flip(1)).view(1, 8, 8, 8),
    "means, spread out again": lambda x: x.mean((2, 3), keepdim=True).expand(1, 8, 4, 4).contiguous(),
    "means, enlarged": lambda x: F.interpolate(F.adaptive_avg_pool2d(x, 1), (4, 4), mode="bilinear"),
    "vectors as a square": lambda x: x.mean((2, 3)).view(1, 2, 2, 2),
    "products of channels": lambda x: (x.flatten(2) @ x.flatten(2).mT).unsqueeze(1).tanh(),
}


@pytest.mark.parametrize("name", NO_MAPS)
def test_what_only_has_the_shape_of_a_map_is_none(name):
    class Net(Reshaping):
        def forward(self, x):
            made = NO_MAPS[name](self.second(self.first(x).relu()).relu())
            return made.relu().mean((2, 3)) * self.head.weight.mean()

    class Plain(Reshaping):
        def forward(self, x):
            return self.head(self.second(self.first(x).relu()).relu().mean((2, 3)))

    _, map_, left = found(seeded(Net))
    np.testing.assert_allclose(map_, found(seeded(Plain))[1], atol=1e-6)
    assert left == 0.0


@pytest.mark.parametrize("groups", [2, 4])
def test_flat_places_beside_groups_of_channels_are_not_read_as_a_picture(groups):
    """(1, 2, 64, 64) of a map of 8 x 8 in 128 channels has the shape of one of 64 x 64."""

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.body, self.head = nn.Conv2d(3, 64 * groups, 4, stride=4), nn.Linear(64 * groups, 3)

        def forward(self, x):
            return self.head(self.body(x).relu().view(1, groups, 64, 64).mean(3).flatten(1))

    _, map_, _ = found(seeded(Net))
    assert map_.shape == (64 * groups, 8, 8)


def test_a_mirrored_map_is_laid_on_the_picture_as_it_was():
    class Mirrored(Reshaping):
        def forward(self, x):
            return self.head(self.second(self.first(x).relu().flip(3)).relu().mean((2, 3)))

    net, x = seeded(Mirrored), picture(0, SIDE, SIDE)
    raw = net.second(net.first(torch.as_tensor(x).permute(2, 0, 1)[None]).relu().flip(3)).relu()[0].detach().numpy()
    _, map_, _ = found(net, x)
    np.testing.assert_array_equal(map_, raw[:, :, ::-1])
    transposed = seeded(Transposed)
    raw = transposed.second(torch.as_tensor(x).permute(2, 1, 0)[None]).relu()[0].detach().numpy()
    np.testing.assert_array_equal(found(transposed, x)[1], raw.transpose(0, 2, 1))


class Transposed(nn.Module):
    """Sees the picture on its side."""

    def __init__(self):
        super().__init__()
        self.second, self.head = nn.Conv2d(3, 4, 3, stride=2, padding=1), nn.Linear(4, 3)

    def forward(self, x):
        return self.head(self.second(x.mT).relu().mean((2, 3)))


# ------------------------------------------------------------------------------------------------ where the collapse is


class Maps(nn.Module):
    """Returns several results: a map, an earlier one, and what a decoder makes of it."""

    def __init__(self):
        super().__init__()
        self.body, self.deep = nn.Conv2d(3, 6, 3, stride=2, padding=1), nn.Conv2d(6, 6, 3, stride=2, padding=1)
        self.up, self.head = nn.ConvTranspose2d(6, 4, 2, stride=2), nn.Linear(6, 3)

    def forward(self, x):
        early = self.body(x).relu()
        late = self.deep(early).relu()
        return {"early": early, "late": late, "scores": self.head(late.mean((2, 3))), "decoded": self.up(late)}


@pytest.mark.parametrize(
    ("select", "grid", "label"),
    [
        ("scores", (8, 8), "input of mean()"),
        (lambda out: out["late"].mean((2, 3)), (8, 8), "input of mean()"),
        (lambda out: out["early"].mean((2, 3)), (16, 16), "input of mean()"),
        (lambda out: out["decoded"].amax((2, 3)), (16, 16), "input of amax()"),
        (lambda out: out["decoded"].flatten(2).mean(2), (16, 16), "input of flatten()"),
        (lambda out: out["late"].flatten(2)[:, :, 3], (8, 8), "input of flatten()"),
        (lambda out: torch.cat([out["early"].mean((2, 3)), out["late"].mean((2, 3))], 1), (16, 16), "input of deep"),
    ],
)
def test_a_collapse_behind_the_network_is_looked_at_too(select, grid, label):
    found = explained(["grad_cam", "hires_cam"], seeded(Maps), predictor={"select": select})
    for one in found.values():
        assert one.meta["layer"] == label
        assert one.meta["map"].shape[1:] == grid


def test_ways_that_meet_nowhere_are_refused_with_the_way_out():
    class Streams(nn.Module):
        def __init__(self):
            super().__init__()
            self.one, self.two = nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(3, 4, 5, padding=2)

        def forward(self, x):
            return torch.cat([self.one(x).mean((2, 3)), self.two(x).mean((2, 3))], 1)

    with pytest.raises(ValueError, match=r"no map that the scores depend on only through.*name one of its modules"):
        explained(["grad_cam"], seeded(Streams))
    assert explained(["grad_cam"], seeded(Streams), layer="one")["grad_cam"].meta["layer"] == "one"


def test_scores_that_know_nothing_of_the_picture_are_refused():
    class Blind(Reshaping):
        def forward(self, x):
            return self.head(torch.ones(len(x), CHANNELS))

    with pytest.raises(ValueError, match="the scores do not depend on the picture"):
        explained(["grad_cam"], seeded(Blind))


@pytest.mark.parametrize("frozen", ["no_grad", "detach"])
def test_a_body_without_gradients_is_looked_at_where_it_ends(frozen):
    class Frozen(Reshaping):
        def forward(self, x):
            with torch.set_grad_enabled(frozen != "no_grad"):
                x = self.second(self.norm(self.first(x)).relu()).relu()
            return self.head((x.detach() if frozen == "detach" else x).mean((2, 3)))

    net = seeded(Frozen)
    one = explained(["cam", "hires_cam"], net)
    for each in one.values():
        assert each.meta["map"].shape == (3, 8, 8)
        np.testing.assert_allclose(each.values[0].sum(axis=0), each.prediction[0] - bias_of(net), atol=1e-6)


@pytest.mark.parametrize("drop", [True, False])
def test_an_activation_in_place_is_seen_whatever_becomes_of_its_result(drop):
    class InPlace(Reshaping):
        def forward(self, x):
            x = self.second(self.first(x).relu())
            y = x.relu_()
            return self.head((x if drop else y).mean((2, 3)))

    _, map_, left = found(seeded(InPlace))
    assert (map_.min(), left) == (0.0, 0.0)
    net = seeded(InPlace)
    one = explained(["cam", "ablation_cam"], net)["cam"]
    np.testing.assert_allclose(one.values[0].sum(axis=0), one.prediction[0] - bias_of(net), atol=1e-6)


# ------------------------------------------------------------------------------------------------ families

# name: sides of the picture, with the layer that is found and the cells that it has a side
FAMILIES = {
    "alexnet": {224: ("input of flatten()", 6), 64: ("input of features.12", 3)},
    "convnext_tiny": {224: ("input of avgpool", 7), 64: ("input of avgpool", 2)},
    "densenet121": {224: ("input of adaptive_avg_pool2d()", 7), 48: ("input of features.transition3.pool", 3)},
    "efficientnet_b0": {224: ("input of avgpool", 7), 64: ("input of avgpool", 2)},
    "efficientnet_v2_s": {384: ("input of avgpool", 12), 64: ("input of avgpool", 2)},
    "googlenet": {224: ("input of avgpool", 7), 40: ("input of maxpool4", 2)},
    "inception_v3": {299: ("input of avgpool", 8), 96: ("input of Mixed_7a.branch3x3_1.conv", 4)},
    "maxvit_t": {224: ("input of classifier.0", 7)},
    "mnasnet0_5": {224: ("input of mean()", 7), 64: ("input of mean()", 2)},
    "mobilenet_v2": {224: ("input of adaptive_avg_pool2d()", 7), 64: ("input of adaptive_avg_pool2d()", 2)},
    "mobilenet_v3_small": {224: ("input of avgpool", 7), 64: ("input of avgpool", 2)},
    "regnet_y_400mf": {224: ("input of avgpool", 7), 64: ("input of avgpool", 2)},
    "resnet18": {224: ("input of avgpool", 7), 32: ("input of layer4.0.conv1", 2)},
    "resnext50_32x4d": {224: ("input of avgpool", 7), 32: ("input of layer4.0.conv1", 2)},
    "wide_resnet50_2": {224: ("input of avgpool", 7), 32: ("input of layer4.0.conv1", 2)},
    "shufflenet_v2_x0_5": {224: ("input of mean()", 7), 32: ("input of stage4.0.branch1.0", 2)},
    "squeezenet1_0": {224: ("input of classifier.3", 13), 64: ("input of classifier.3", 3)},
    "swin_t": {224: ("input of avgpool", 7), 64: ("input of avgpool", 2)},
    "swin_v2_t": {256: ("input of avgpool", 8), 64: ("input of avgpool", 2)},
    "vgg11": {224: ("input of flatten()", 7), 64: ("input of flatten()", 7)},
}
QUICK = ("mobilenet_v3_small", "resnet18", "shufflenet_v2_x0_5", "swin_t", "googlenet")


def family(name):
    models = pytest.importorskip("torchvision.models", reason="torchvision is not installed")
    options = {"init_weights": False} if name in ("googlenet", "inception_v3") else {}
    return seeded(getattr(models, name), weights=None, **options)


def families():
    for name, sides in FAMILIES.items():
        for side in sides:
            quick = name in QUICK and (side < 100 or name == "shufflenet_v2_x0_5")
            yield pytest.param(name, side, marks=() if quick else pytest.mark.slow)


@pytest.mark.parametrize(("name", "side"), list(families()))
def test_a_family_of_torchvision_is_looked_at_where_its_places_end(name, side):
    place, map_, left = found(family(name), picture(3, side, side), lambda out: out[:, :5])
    assert (place.label, *map_.shape[1:]) == (FAMILIES[name][side][0], *(FAMILIES[name][side][1],) * 2)
    assert left == 0.0


@pytest.mark.parametrize("name", ["shufflenet_v2_x0_5", pytest.param("swin_t", marks=pytest.mark.slow)])
def test_a_family_with_a_linear_head_has_sums_of_the_score_less_its_bias(name):
    net = family(name)
    one = explained(["cam", "hires_cam"], net, picture(3, 64, 64), outputs=[1, 7])
    head = net.fc if hasattr(net, "fc") else net.head
    for each in one.values():
        rise = each.prediction[0] - head.bias.detach().numpy()[[1, 7]]
        np.testing.assert_allclose(each.values[0].sum(axis=0), rise, atol=1e-5)


@pytest.mark.parametrize("registers", [0, 3])
@pytest.mark.parametrize("head", ["class token", "mean"])
def test_a_transformer_with_tokens_of_no_place_is_read_without_them(registers, head):
    class Registered(Tokens):
        def __init__(self):
            super().__init__()
            self.extra = nn.Parameter(torch.randn(1, 1 + registers, 8))

        def forward(self, x):
            x = torch.cat([self.extra, self.patches(x).flatten(2).transpose(1, 2)], dim=1)
            x = self.block(x)
            return self.head(x[:, 0] if head == "class token" else x[:, 1 + registers :].mean(1))

    net = seeded(Registered)
    one = explained(["hires_cam"], net, picture(1, 32, 48))["hires_cam"]
    assert one.meta["map"].shape == (3, 4, 6)
    assert one.values.any()
    if head == "mean":
        assert one.meta["layer"] == "block.norm2"
        np.testing.assert_allclose(one.values[0].sum(axis=0), one.prediction[0] - bias_of(net), atol=1e-6)


BACK = torch.arange(7, -1, -1)
REARRANGED = {
    "sorted": (lambda m: m.flatten(2).sort(2, descending=True).values[:, :, :9].mean(2), 6),
    "added up along": (lambda m: m.cumsum(3)[..., -1].mean(2), 6),
    "copied by index": (lambda m: torch.zeros_like(m).index_copy(3, BACK, m).relu().mean((2, 3)), 6),
    "scattered": (lambda m: torch.zeros_like(m).scatter(3, BACK.expand_as(m), m).mean((2, 3)), 6),
    "gathered": (lambda m: m.gather(3, BACK.expand_as(m)).mean((2, 3)), 6),
    "contracted": (lambda m: torch.tensordot(m, torch.eye(6), dims=([1], [0])).relu().mean((1, 2)), 6),
    "warped": (lambda m: F.grid_sample(m, MIRROR, align_corners=False).mean((2, 3)), 6),
    "cut into the batch": (
        lambda m: F.avg_pool2d(
            m.view(1, 6, 2, 4, 2, 4).permute(0, 2, 4, 1, 3, 5).reshape(-1, 6, 4, 4), 2
        ).mean((2, 3)).view(1, 4, 6).mean(1),
        6,
    ),
}  # fmt: skip
MIRROR = F.affine_grid(torch.tensor([[[-1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]]), [1, 6, 8, 8], align_corners=False)


BESIDE = {
    "pooled at two sizes": (lambda m: torch.cat([F.adaptive_avg_pool2d(m, k).flatten(1) for k in (1, 2)], 1), 30),
    "pooled at three sizes": (lambda m: torch.cat([F.adaptive_max_pool2d(m, k).flatten(1) for k in (1, 2, 4)], 1), 126),
    "means beside all": (lambda m: torch.cat([m.mean((2, 3)), m.flatten(1)], 1), 390),
    "means as channels": (lambda m: torch.cat([m.mean((2, 3), keepdim=True).expand_as(m), m], 1).relu().mean((2, 3)), 12),
    "maxima as channels": (lambda m: torch.cat([m.amax((2, 3), keepdim=True).repeat(1, 1, 8, 8), m], 1).mean((2, 3)), 12),
}
REARRANGED |= BESIDE


class Tail(nn.Module):
    def __init__(self, tail, width):
        super().__init__()
        self.body, self.tail, self.head = nn.Conv2d(3, 6, 3, stride=4, padding=1), tail, nn.Linear(width, 3)

    def forward(self, x):
        return self.head(self.tail(self.body(x).relu()))


@pytest.mark.parametrize("name", REARRANGED)
def test_values_that_lie_elsewhere_are_not_laid_on_the_places_of_what_they_were_made_of(name):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        net = Tail(*REARRANGED[name]).eval()
    picture = np.random.default_rng(0).random((32, 32, 3), dtype=np.float32)
    space = px.ImageSpace(segments="grid", n_segments=4, fill=0.5)
    found = px.baselines("hires_cam", px.Predictor(net, output="logit"), space, picture, outputs=[0])["hires_cam"]
    kept = net.body(torch.as_tensor(picture).permute(2, 0, 1)[None]).relu().detach().requires_grad_(True)
    (slope,) = torch.autograd.grad(net.head(net.tail(kept))[0, 0], kept)
    np.testing.assert_allclose(found.meta["map"][0], (slope * kept).sum(1)[0].detach().numpy(), atol=1e-6)
