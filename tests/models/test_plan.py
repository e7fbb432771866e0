"""Plans: the same rows in any slice, on the host and on the device; hard masks select, soft ones blend."""

from __future__ import annotations

import itertools

import numpy as np
import oracles
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import perturbxai as px
from perturbxai.inputs.fills import make_fill
from perturbxai.models import image_plan as module
from perturbxai.models import masks
from perturbxai.models.image_plan import ImagePlan, Masked, recast
from perturbxai.models.plan import Given, Spliced, TablePlan, as_bytes

FEW = settings(max_examples=30, deadline=None)
CPU = torch.device("cpu")


def masked(seed, n_rows, soft=False, shape=(5, 7, 3), n_players=4, scale=1.0):
    """A piece with NaN, infinity and signed zeros in picture and fill (finite ones only if soft)."""
    rng = np.random.default_rng(seed)
    picture, fill = (scale * rng.standard_normal(shape).astype(np.float32) for _ in range(2))
    if not soft:
        for array in (picture, fill):
            array.ravel()[rng.choice(array.size, 12, replace=False)] = np.repeat([np.nan, np.inf, -0.0], 4)
    player = rng.integers(0, n_players + 1, shape[:2], dtype=np.int32)
    opacity = rng.choice([0.0, 1.0, 0.3, 0.999], (n_rows, n_players + 1)).astype(np.float32)
    mask = opacity if soft else opacity > 0.5
    mask[:, -1] = 1
    return Masked(picture, fill, player, mask)


def table_plan(seed=0, decode=lambda codes: codes):
    """Cells of two inputs, rows given as codes, and a piece without rows; with NaN."""
    rng = np.random.default_rng(seed)
    bases = rng.standard_normal((3, 4))
    bases[1, 2] = np.nan
    pieces = []
    for n_cells in (5, 0, 9):
        donor = np.where(np.arange(4) == n_cells % 4, np.nan, rng.standard_normal(4))
        player = np.array([0, 1, -1, 1], dtype=np.int32)
        z = rng.random((4, 2)) < 0.5
        pieces.append(Spliced(donor, player, z, rng.integers(0, 4, n_cells), rng.integers(0, 3, n_cells)))
    return TablePlan([pieces[0], rng.standard_normal((4, 4)), *pieces[1:]], bases, decode)


def bits(array):
    return np.ascontiguousarray(array).view(np.uint8)


PICTURES = ImagePlan([masked(0, 6), masked(1, 0), masked(2, 3), masked(3, 4, soft=True), masked(4, 1)])
PLANS = {
    "table": table_plan(),
    "pictures": PICTURES,
    "given array": Given(np.random.default_rng(0).standard_normal((11, 3))),
}


@pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS)
@FEW
@given(data=st.data())
def test_any_slice_of_a_plan_is_the_slice_of_its_rows(plan, data):
    start = data.draw(st.integers(0, len(plan)))
    stop = data.draw(st.integers(start, len(plan)))
    np.testing.assert_array_equal(bits(plan.host(start, stop)), bits(plan.host(0, len(plan))[start:stop]))


@FEW
@given(data=st.data())
def test_any_slice_on_the_device_is_the_slice_of_the_rows_there(data):
    start = data.draw(st.integers(0, len(PICTURES)))
    stop = data.draw(st.integers(start, len(PICTURES)))
    found, whole = PICTURES.device(start, stop, CPU), PICTURES.device(0, len(PICTURES), CPU)
    np.testing.assert_array_equal(bits(found.numpy()), bits(whole.numpy()[start:stop]))


@FEW
@given(st.integers(0, 10**6), st.integers(1, 4), st.sampled_from([1, 3]))
def test_hard_masks_are_bit_for_bit_the_same_on_host_and_device_nan_included(seed, n_rows, n_channels):
    plan = ImagePlan([masked(seed + i, n_rows, shape=(4, 6, n_channels)) for i in range(2)])
    host, device = plan.host(0, len(plan)), plan.device(0, len(plan), CPU)
    assert np.isnan(host).any() and device.dtype == torch.float32
    np.testing.assert_array_equal(bits(host), bits(device.numpy()))


@pytest.mark.parametrize("scale", [1.0, 255.0, 65535.0])
def test_soft_masks_agree_within_a_millionth_of_the_range(scale):
    plan = ImagePlan([masked(seed, 20, soft=True, scale=scale) for seed in range(3)])
    span = max(np.ptp(np.concatenate([p.picture, p.fill])) for p in plan.pieces)
    apart = np.abs(plan.host(0, len(plan)) - plan.device(0, len(plan), CPU).numpy()).max()
    assert apart <= 1e-6 * span


PHOTO = np.random.default_rng(7).integers(0, 256, (12, 20, 3), dtype=np.uint8)
LABELS = ((np.arange(12)[:, None] // 6) * 2 + np.arange(20)[None, :] // 10).astype(np.int32)
FILLS = {
    "blur": "blur", "mean": "mean", "inpaint": "inpaint", "noise": "noise", "constant": 127.0, "picture": PHOTO[::-1],
    "data set": list(PHOTO[None]),
}  # fmt: skip
PIXELS, LAYOUTS = ("float32", "uint8"), ("HWC", "CHW")


def of_fill(fill, pixels, layout, soft):
    """A plan of a photo under a fill, as a game makes it, for a model that takes it so."""
    (one,) = px.ImageSpace(segments=LABELS, fill=FILLS[fill]).players(PHOTO)
    rng = np.random.default_rng(1)
    mask = rng.random((9, 5)).astype(np.float32)
    mask[:2] = [[0, 1, 0.5, 1, 1], [1, 0, 0.5, 0, 1]]
    mask = mask if soft else mask > 0.5
    return recast(ImagePlan([Masked(one.picture, one.fill, one.player, mask)]), pixels, layout)


def check_twins(device, fill, pixels, layout, soft):
    """Host, device and slow twin make the same rows."""
    plan = of_fill(fill, pixels, layout, soft)
    host, there = plan.host(0, 9), plan.device(0, 9, torch.device(device))
    (p,) = plan.pieces
    slow = (oracles.blend_pixels if soft else oracles.splice_pixels)(p.picture, p.fill, p.player, p.mask)
    np.testing.assert_array_equal(bits(host), bits(slow))
    assert (
        host.dtype == pixels and str(there.dtype) == f"torch.{pixels}" and host.shape == tuple(there.shape) == (9, 12, 20, 3)
    )
    planes = host.transpose(0, 3, 1, 2).flags.c_contiguous, there.permute(0, 3, 1, 2).is_contiguous()
    assert planes == ((True, True) if layout == "CHW" else (False, False))
    # hard masks select: bit for bit. Opacities: a rounding of float32 apart, which is a millionth of 255, or one byte
    apart = np.abs(there.cpu().numpy().astype(float) - host.astype(float))
    assert apart.max() <= ((1.0 if pixels == "uint8" else 255e-6) if soft else 0.0)
    if pixels == "uint8":  # which only a value at a half may be; cut off instead of rounded, half of all would be
        assert (apart > 0).mean() < 0.01


@pytest.mark.parametrize("fill", FILLS)
@pytest.mark.parametrize("pixels", PIXELS)
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("soft", [False, True], ids=["hard", "soft"])
def test_host_device_and_slow_twin_agree_for_every_fill_dtype_and_layout(fill, pixels, layout, soft):
    check_twins("cpu", fill, pixels, layout, soft)


@pytest.mark.cuda
def test_a_gpu_makes_the_rows_of_the_host_for_every_fill_dtype_and_layout():
    for case in itertools.product(FILLS, PIXELS, LAYOUTS, (False, True)):
        check_twins("cuda", *case)


@pytest.mark.parametrize("fill", FILLS)
def test_rounding_a_picture_and_its_fill_first_is_rounding_the_rows(fill):
    exact, rounded = (of_fill(fill, pixels, "HWC", False).host(0, 9) for pixels in ("float32", "uint8"))
    np.testing.assert_array_equal(rounded, as_bytes(exact, "rows"))


def test_masks_travel_to_the_device_and_pictures_stay_there(monkeypatch):
    travelled = []
    resident = module.resident
    monkeypatch.setattr(module, "resident", lambda array, device: travelled.append(array.nbytes) or resident(array, device))
    plan = ImagePlan([masked(0, 64, shape=(40, 50, 3)), masked(1, 64, soft=True, shape=(40, 50, 3))])
    plan.device(0, len(plan), CPU)
    once = sum(travelled)
    travelled.clear()
    for start in range(0, len(plan), 8):
        plan.device(start, start + 8, CPU)
    assert sum(travelled) == sum(p.mask.nbytes for p in plan.pieces)
    assert once > 2 * 40 * 50 * 3 * 4


@pytest.mark.parametrize("pixels", PIXELS)
def test_a_picture_goes_to_the_device_once_however_many_questions_are_asked(pixels, monkeypatch):
    travelled = []
    resident = module.resident
    monkeypatch.setattr(module, "resident", lambda array, device: travelled.append(array.shape) or resident(array, device))
    net = torch.nn.Sequential(torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten())
    game = px.Game(px.Predictor(net, device="cpu", pixels=pixels), px.ImageSpace(segments=LABELS), [PHOTO, PHOTO.copy()])
    for present in np.eye(4, dtype=bool):
        for number in (0, 1):
            game.evaluate(present[None], number)
    assert travelled.count(PHOTO.shape) == 2  # the picture and its fill
    assert travelled.count(PHOTO.shape[:2]) == 1


@pytest.mark.parametrize("layout", ["HWC", "CHW"])
def test_rows_that_are_given_or_seen_through_smooth_masks_are_recast_too(layout):
    fill = make_fill("blur", PHOTO.astype(np.float32), LABELS)
    through = masks.SeenThrough(PHOTO.astype(np.float32), fill, np.random.default_rng(0).random((3, 2, 2)))
    for plan in (Given(np.stack([PHOTO] * 3).astype(np.float32)), through):
        found = recast(plan, "uint8", layout)
        assert len(found) == 3 and found.row_bytes == plan.row_bytes
        host, there = found.host(0, 2), found.device(0, 2, CPU).numpy()
        np.testing.assert_array_equal(host, np.floor(plan.host(0, 2) + 0.5))
        np.testing.assert_array_equal(there, host)
        assert host.transpose(0, 3, 1, 2).flags.c_contiguous == (layout == "CHW")


@pytest.mark.parametrize("plan", [table_plan(), Given(np.eye(3)), PICTURES], ids=["table", "rows", "pictures"])
def test_what_is_asked_as_it_is_is_no_new_plan(plan):
    assert recast(plan, "float32", "HWC") is plan
    if plan is not PICTURES:
        assert recast(plan, "uint8", "CHW") is plan


@pytest.mark.parametrize(
    ("values", "whole", "match"),
    [
        ([0.0, 255.6], False, "a row has values from 0 to 255.6; give"),
        ([-0.5, 3.0], False, "a row has values from -0.5 to 3; give"),
        ([0.5, 3.0], True, "a row has values from 0 to 3, not all whole; give"),
    ],
)
def test_numbers_that_are_no_bytes_are_refused(values, whole, match):
    with pytest.raises(ValueError, match=match):
        as_bytes(np.array(values, dtype=np.float32), "a row", whole=whole)


@pytest.mark.parametrize("side", ["host", "device"])
@pytest.mark.parametrize(("opacity", "shown"), [(0.0, "fill"), (1.0, "picture")])
def test_an_opacity_of_zero_or_one_shows_the_fill_or_the_picture_exactly(side, opacity, shown):
    piece = masked(0, 1)  # with NaN and infinity on both sides: a blend would spoil them
    plan = ImagePlan([Masked(piece.picture, piece.fill, piece.player, np.full((1, 5), opacity, dtype=np.float32))])
    found = plan.host(0, 1) if side == "host" else plan.device(0, 1, CPU).numpy()
    np.testing.assert_array_equal(bits(found[0]), bits(getattr(piece, shown)))


def test_a_table_plan_builds_what_the_slow_twin_builds_piece_after_piece():
    plan = table_plan(3)
    expected = [
        oracles.splice_columns(p.donor, plan.bases, p.player, p.z, p.coalition, p.base) if isinstance(p, Spliced) else p
        for p in plan.pieces
    ]
    np.testing.assert_array_equal(plan.host(0, len(plan)), np.concatenate(expected))


def test_the_length_of_a_plan_counts_the_rows_of_all_pieces():
    assert [len(PLANS["table"]), len(PICTURES), len(PLANS["given array"])] == [5 + 4 + 0 + 9, 6 + 0 + 3 + 4 + 1, 11]


def test_a_table_on_the_device_holds_the_rows_of_the_host_as_float32():
    plan = table_plan()
    np.testing.assert_array_equal(plan.device(2, 9, CPU).numpy(), plan.host(2, 9).astype(np.float32))


def test_a_batch_of_a_table_is_decoded_in_one_call():
    sizes = []
    plan = table_plan(decode=lambda codes: sizes.append(len(codes)))
    plan.host(3, 12)
    assert sizes == [9]


@pytest.mark.parametrize("plan", [PLANS["table"], PICTURES], ids=["table", "pictures"])
@pytest.mark.parametrize("ends", [(0, 1000), (17, 19), (-1, 2)])
def test_rows_that_a_plan_does_not_have_are_refused_and_not_made_up(plan, ends):
    with pytest.raises(IndexError, match="of a plan of"):
        plan.host(*ends)


def test_a_picture_and_a_fill_of_two_dtypes_are_refused():
    picture, player, mask = np.zeros((2, 2, 3)), np.zeros((2, 2), dtype=np.int32), np.ones((1, 1), dtype=bool)
    for fill in (np.uint8, np.float64):
        with pytest.raises(ValueError, match="expected float32 or uint8 twice"):
            Masked(picture.astype(np.float32), picture.astype(fill), player, mask)


@pytest.mark.parametrize("side", ["host", "device"])
def test_an_empty_slice_has_the_shape_of_a_batch(side):
    found = PICTURES.host(3, 3) if side == "host" else PICTURES.device(3, 3, CPU)
    assert tuple(found.shape) == (0, 5, 7, 3)


def test_read_only_and_strided_arrays_reach_the_device_without_a_warning():
    piece = masked(0, 4)
    views = [array[::-1] for array in (piece.picture, piece.fill, piece.player, piece.mask)]
    for array in views:
        array.setflags(write=False)
    plan = ImagePlan([Masked(*views)])
    np.testing.assert_array_equal(bits(plan.host(0, 4)), bits(plan.device(0, 4, CPU).numpy()))


def test_a_model_that_writes_into_its_batch_reaches_neither_the_plan_nor_the_callers_arrays():
    rows, frame = np.ones((3, 2)), pd.DataFrame(np.ones((3, 2)))
    piece = masked(0, 2)
    before = piece.picture.copy()
    for plan in (Given(rows), ImagePlan([piece]), table_plan()):
        first = plan.host(0, 2)
        kept = first.copy()
        first[:] = 99.0
        np.testing.assert_array_equal(plan.host(0, 2), kept)
    batch = Given(frame).host(0, 2)
    batch.iloc[:] = 99.0
    ImagePlan([piece]).device(0, 2, CPU).fill_(99.0)
    assert (rows == 1).all() and (frame == 1).all(axis=None)
    np.testing.assert_array_equal(piece.picture, before)


def test_given_rows_keep_the_dtypes_of_a_table():
    frame = pd.DataFrame({"a": [1, 2, 3], "b": pd.Categorical(["u", "v", "u"])})
    pd.testing.assert_frame_equal(Given(frame).host(1, 3), frame.iloc[1:3])


def test_row_bytes_are_those_of_a_built_row():
    assert PICTURES.row_bytes == PICTURES.host(0, 1).nbytes
    assert PLANS["table"].row_bytes == PLANS["table"].host(0, 1).nbytes
    assert PLANS["given array"].row_bytes == PLANS["given array"].host(0, 1).nbytes


def test_a_player_without_a_column_in_the_mask_is_refused():
    picture = np.zeros((2, 2, 3), dtype=np.float32)
    for player in ([[0, 1], [2, 3]], [[0, 1], [2, -1]]):
        with pytest.raises(ValueError, match=r"player must be in 0\.\.2"):
            Masked(picture, picture, np.array(player, dtype=np.int32), np.ones((1, 3), dtype=bool))


def test_a_fill_of_another_size_is_refused():
    with pytest.raises(ValueError, match="do not fit"):
        Masked(
            np.zeros((2, 2, 3), dtype=np.float32), np.zeros((2, 2, 1), dtype=np.float32), np.zeros((2, 2), dtype=np.int32),
            np.ones((1, 2), dtype=bool),
        )  # fmt: skip


@pytest.mark.parametrize(("coalition", "base", "player"), [(4, 0, 0), (0, 2, 0), (0, 0, 2), (-1, 0, 0), (0, -1, 0)])
def test_a_cell_that_points_outside_its_plan_is_refused(coalition, base, player):
    cell = Spliced(np.zeros(1), np.array([player], dtype=np.int32), np.ones((4, 2), dtype=bool), np.array([coalition]),
                   np.array([base]))  # fmt: skip
    with pytest.raises(ValueError, match="is not there"):
        TablePlan([cell], np.zeros((2, 1)), lambda codes: codes)
