"""Pictures as people bring them, and px.fit."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

import perturbxai as px
from perturbxai.inputs.pictures import as_pictures

BYTES = np.random.default_rng(0).integers(0, 256, (6, 9, 3), dtype=np.uint8)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int32", "float16", "float32", "float64"])
def test_a_picture_keeps_its_units(dtype):
    given = (BYTES.astype(np.float64) * (257 if dtype == "uint16" else 1)).astype(dtype)
    (found,) = as_pictures(given)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, given.astype(np.float32))


FORMS = {
    "PIL": Image.fromarray(BYTES),
    "list of PIL": [Image.fromarray(BYTES)],
    "tuple": (BYTES,),
    "stack": BYTES[None],
    "tensor": torch.as_tensor(BYTES),
    "stack of tensors": torch.as_tensor(BYTES)[None],
    "tensor that wants a gradient": torch.as_tensor(BYTES).float().requires_grad_(),
    "strided": np.asfortranarray(BYTES[::-1])[::-1],
    "permuted tensor": torch.as_tensor(BYTES).permute(2, 0, 1).contiguous().permute(1, 2, 0),
}


@pytest.mark.parametrize("x", FORMS.values(), ids=FORMS)
def test_one_picture_is_the_same_picture_whatever_it_comes_as(x):
    (found,) = as_pictures(x)
    np.testing.assert_array_equal(found, BYTES)
    assert found.flags.c_contiguous and found.dtype == np.float32


@pytest.mark.parametrize("x", [BYTES[..., 0], BYTES[..., :1], Image.fromarray(BYTES[..., 0])], ids=["flat", "one", "PIL"])
def test_a_grey_picture_has_one_channel(x):
    (found,) = as_pictures(x)
    np.testing.assert_array_equal(found, BYTES[..., :1])


def test_a_list_may_hold_pictures_of_different_sizes_and_kinds():
    found = as_pictures([BYTES, BYTES[:4, :5, 0], Image.fromarray(BYTES[:3])])
    assert [picture.shape for picture in found] == [(6, 9, 3), (4, 5, 1), (3, 9, 3)]


def test_a_picture_is_a_copy():
    given = BYTES.astype(np.float32)
    given.setflags(write=False)
    (found,) = as_pictures(given)
    found[:] = 0.0
    np.testing.assert_array_equal(given, BYTES)


def red(dtype, white):
    """Red, whole, half and not there; and what it is on white, as shares of white."""
    given = np.zeros((1, 3, 4), dtype=dtype)
    given[..., 0] = white
    given[0, :, 3] = [white, white / 2, 0]
    half = 1.0 - float(given[0, 1, 3]) / white
    return given, [[1, 0, 0], [1, half, half], [1, 1, 1]]


@pytest.mark.parametrize("kind", ["array", "PIL", "tensor", "list"])
def test_rgba_of_bytes_is_laid_on_white_with_a_warning(kind):
    given, expected = red("uint8", 255)
    x = {"array": given, "PIL": Image.fromarray(given), "tensor": torch.as_tensor(given), "list": [given]}[kind]
    if kind == "tensor":
        x = torch.as_tensor(np.repeat(given, 5, axis=0))  # (1, 3, 4) could have its channels first
    with pytest.warns(UserWarning, match="picture 0 is RGBA; it was laid on white .*give them as float32"):
        (found,) = as_pictures(x)
    np.testing.assert_allclose(found[0] / 255, expected, atol=1e-6)  # float32 products


@pytest.mark.parametrize(("dtype", "white"), [("uint8", 255), ("uint16", 65535), ("float32", 1.0), ("float64", 1.0)])
def test_any_rgba_that_is_asked_for_is_laid_on_white_in_its_own_dtype(dtype, white):
    given, expected = red(dtype, white)
    found = px.on_white(given)
    assert found.dtype == given.dtype
    np.testing.assert_allclose(found[0] / white, expected, atol=0.51 / white if dtype.startswith("u") else 1e-6)
    np.testing.assert_array_equal(as_pictures(found)[0], found.astype(np.float32))


@pytest.mark.parametrize("dtype", ["uint16", "int32", "float32", "float64", "bool"])
def test_four_channels_of_other_numbers_are_four_bands(dtype):
    given = (np.random.default_rng(1).random((6, 9, 4)) * (1 if dtype.startswith("f") else 999)).astype(dtype)
    (found,) = as_pictures(given)
    np.testing.assert_array_equal(found, given.astype(np.float32))


@pytest.mark.parametrize(("dtype", "white"), [("uint16", 65535), ("float32", 1.0)])
def test_four_bands_that_look_like_opacity_are_told_how_to_be_laid_on_white(dtype, white):
    given = np.full((2, 2, 4), white, dtype=dtype)
    with pytest.warns(UserWarning, match=r"taken as four bands; the last looks like opacity: px\.on_white\(image\)"):
        assert as_pictures(given)[0].shape == (2, 2, 4)


COLOURS_OF_BYTES = np.dstack([np.full((2, 2, 3), 200.0), np.full((2, 2), 0.5)])  # white would be 255, and opaque 1


@pytest.mark.parametrize("x", [np.full((2, 2, 4), 255), np.full((2, 2, 4), 255, dtype=np.float32), COLOURS_OF_BYTES])
def test_four_channels_whose_white_or_opacity_is_not_clear_are_not_laid_on_white(x):
    with pytest.raises(ValueError, match="not clear what is white and opaque"):
        px.on_white(x)
    with pytest.raises(ValueError, match=r"shape \(6, 9, 3\); expected \(H, W, 4\)"):
        px.on_white(BYTES)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_value_that_is_not_finite_is_refused_with_its_place(bad):
    given = BYTES.astype(np.float64)
    given[2, 5, 1] = given[3, 0, 0] = bad
    with pytest.raises(ValueError, match=r"picture 1 has 2 value\(s\) that are not finite, the first at \(2, 5, 1\)"):
        as_pictures([BYTES, given])


def test_a_value_beyond_float32_is_refused_without_a_warning():
    with pytest.raises(ValueError, match="not finite"):
        as_pictures(np.full((2, 2), 1e300))


def test_masked_pixels_are_refused_with_the_way_out():
    given = np.ma.masked_equal(BYTES, BYTES[0, 0, 0])
    with pytest.raises(ValueError, match=r"picture 0 is a masked array.*filled"):
        as_pictures([given])
    with pytest.raises(ValueError, match=r"image is a masked array.*filled"):
        px.fit(given, 4)
    np.testing.assert_array_equal(as_pictures(np.ma.masked_array(BYTES))[0], BYTES)  # nothing in it is masked


def test_a_tensor_of_bfloat16_is_a_picture():
    given = torch.as_tensor(BYTES).to(torch.bfloat16)
    np.testing.assert_array_equal(as_pictures(given)[0], given.float().numpy())


FIRST = torch.as_tensor(BYTES).permute(2, 0, 1)


@pytest.mark.parametrize(
    "x", [FIRST, FIRST.contiguous(), FIRST[None], [FIRST], FIRST.float().requires_grad_()],
    ids=["permuted", "contiguous", "stack", "list", "wants a gradient"],
)  # fmt: skip
def test_a_tensor_may_have_its_channels_first(x):
    (found,) = as_pictures(x)
    np.testing.assert_array_equal(found, BYTES)
    assert found.flags.c_contiguous


def test_a_grey_and_an_rgba_tensor_may_have_their_channels_first():
    np.testing.assert_array_equal(as_pictures(FIRST[:1])[0], BYTES[..., :1])
    clear = torch.cat([FIRST, torch.full_like(FIRST[:1], 255)])
    with pytest.warns(UserWarning, match="laid on white"):
        np.testing.assert_array_equal(as_pictures(clear)[0], BYTES)


@pytest.mark.parametrize("shape", [(3, 5, 3), (1, 5, 3), (4, 6, 1), (3, 1, 4)])
def test_a_tensor_that_could_be_either_is_refused_with_the_way_out(shape):
    with pytest.raises(ValueError, match=r"picture 0 is a tensor .*may be \(C, H, W\) or \(H, W, C\).*permute\(1, 2, 0\)"):
        as_pictures(torch.zeros(shape))
    with pytest.raises(ValueError, match="image is a tensor"):
        px.fit(torch.zeros(shape), 4)


@pytest.mark.parametrize("x", [BYTES.transpose(2, 0, 1), BYTES[None].transpose(0, 3, 1, 2)], ids=["one", "stack"])
def test_an_array_with_its_channels_first_could_be_grey_pictures_and_is_refused_with_the_way_out(x):
    with pytest.raises(ValueError, match=r"shape \(3, 6, 9\).*transpose\(1, 2, 0\).*several grey pictures are a list"):
        as_pictures(x)


@pytest.mark.parametrize(
    ("x", "error", "match"),
    [
        ([], ValueError, "x holds no picture"),
        (np.zeros((0, 6, 9, 3)), ValueError, "x holds no picture"),
        (np.zeros((0, 6, 3)), ValueError, "no pixel"),
        (np.zeros((2, 6, 9)), ValueError, r"shape \(2, 6, 9\)"),
        (np.zeros((5, 64, 48)), ValueError, r"shape \(5, 64, 48\).*transpose\(1, 2, 0\)"),
        ("cat.png", TypeError, "x is a str"),
        (None, TypeError, "x is a NoneType"),
        (["cat.png"], TypeError, "picture 0 has dtype"),
        (np.zeros((2, 2, 3), dtype=complex), TypeError, "picture 0 has dtype complex128"),
        (BYTES.astype(str), TypeError, "picture 0 has dtype"),
        (Image.fromarray(BYTES).convert("P"), ValueError, r'mode \'P\'.*convert\("RGB"\)'),
        (Image.fromarray(BYTES).convert("LA"), ValueError, r'mode \'LA\'.*convert\("RGBA"\)'),
        (Image.fromarray(BYTES).convert("RGBX"), ValueError, r'mode \'RGBX\'.*convert\("RGB"\)'),
        (Image.fromarray(BYTES).convert("RGBA").convert("RGBa"), ValueError, r'mode \'RGBa\'.*convert\("RGBA"\)'),
        ([Image.fromarray(BYTES).convert("CMYK")], ValueError, r"picture 0 is a PIL picture of mode 'CMYK'"),
    ],
)
def test_what_is_no_picture_is_refused(x, error, match):
    with pytest.raises(error, match=match):
        as_pictures(x)


# ------------------------------------------------------------------------------------------------ px.fit


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int32", "float16", "float32", "float64", "bool"])
@pytest.mark.parametrize("channels", [None, 1, 3])
def test_fit_keeps_dtype_range_and_axes(dtype, channels):
    image = BYTES > 128 if dtype == "bool" else (BYTES.astype(np.float64) * (257 if dtype == "uint16" else 1)).astype(dtype)
    image = image[..., 0] if channels is None else image[..., :channels]
    found = px.fit(image, 4)
    assert found.dtype == image.dtype and found.shape == (4, 4) + image.shape[2:]
    assert found.min() >= image.min() and found.max() <= image.max()


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float64"])
def test_fit_of_a_picture_that_has_the_size_already_is_that_picture(dtype):
    image = BYTES.astype(dtype)
    np.testing.assert_array_equal(px.fit(image, (6, 9)), image)


def test_fit_takes_the_largest_centred_square():
    image = np.zeros((10, 30), dtype=np.float32)
    image[:, 10:20] = 1.0
    np.testing.assert_array_equal(px.fit(image, 10), np.ones((10, 10)))


def test_a_crop_keeps_the_middle_of_what_is_fitted():
    image = np.zeros((20, 20), dtype=np.uint8)
    image[5:15, 5:15] = 200
    np.testing.assert_array_equal(px.fit(image, 10, crop=0.5), np.full((10, 10), 200))


@pytest.mark.parametrize("size", [(3, 7), [3, 7], np.array([3, 7])])
def test_fit_to_a_size_that_is_not_square_keeps_the_proportions(size):
    # a slope of one grey level a pixel, both ways: after scaling by s it is 1 / s levels a pixel, on both axes
    image = 1.0 * np.add.outer(np.arange(60.0), np.arange(70.0))
    found = px.fit(image, size)
    assert found.shape == (3, 7)
    np.testing.assert_allclose(np.diff(found[:, 2:5], axis=0), 10.0, rtol=0.02)  # the outermost pixels see the border
    np.testing.assert_allclose(np.diff(found[:, 2:5], axis=1), 10.0, rtol=0.02)


@pytest.mark.parametrize("side", [4, np.int64(4)])
def test_a_side_may_be_any_whole_number(side):
    assert px.fit(BYTES, side).shape == (4, 4, 3)


def test_uint8_and_float_are_fitted_alike():
    apart = px.fit(BYTES, 4).astype(float) - px.fit(BYTES.astype(np.float32), 4)
    assert np.abs(apart).max() <= 1.0  # rounding to whole grey levels, twice in PIL


@pytest.mark.parametrize(
    "image", [Image.fromarray(BYTES), torch.as_tensor(BYTES), FIRST], ids=["PIL", "tensor", "channels first"]
)
def test_fit_takes_pil_pictures_and_tensors(image):
    np.testing.assert_array_equal(px.fit(image, 4), px.fit(BYTES, 4))


def test_fit_returns_an_array_that_may_be_written_and_leaves_the_picture_as_it_was():
    given = BYTES.copy()
    given.setflags(write=False)
    px.fit(given, 4)[:] = 0
    np.testing.assert_array_equal(given, BYTES)


def test_a_missing_value_stays_where_it_is():
    image = np.ones((40, 40))
    image[0, 0] = np.nan
    found = px.fit(image, 10)
    assert np.isnan(found[0, 0]) and (found[5:] == 1).all()


@pytest.mark.parametrize(
    ("image", "size", "crop", "match"),
    [
        (BYTES, 0, 1.0, "size=0 must be the side in whole pixels from 1 up"),
        (BYTES, 4.5, 1.0, r"size=4\.5 must be"),
        (BYTES, (4, np.nan), 1.0, r"size=\(4, nan\) must be"),
        (BYTES, (4, 4, 3), 1.0, r"size=\(4, 4, 3\) must be"),
        (BYTES, "4", 1.0, "size='4' must be"),
        (BYTES, None, 1.0, "size=None must be"),
        (BYTES, 4, 0.0, r"crop=0\.0 must be a number in \(0, 1\]"),
        (BYTES, 4, 1.5, r"crop=1\.5 must be a number in \(0, 1\]"),
        (BYTES, 4, "1", r"crop='1' must be a number in \(0, 1\]"),
        (BYTES[None], 4, 1.0, r"image has shape \(1, 6, 9, 3\); expected one picture"),
        (BYTES.transpose(2, 0, 1), 4, 1.0, r"image has shape \(3, 6, 9\).*channels last"),
        (BYTES[:0], 4, 1.0, r"image has shape \(0, 9, 3\)"),
        (Image.fromarray(BYTES).convert("P"), 4, 1.0, r'mode \'P\'.*convert\("RGB"\)'),
    ],
)
def test_fit_refuses_what_it_cannot_fit(image, size, crop, match):
    with pytest.raises(ValueError, match=match):
        px.fit(image, size, crop)


@pytest.mark.parametrize("dtype", ["complex128", "object", "str"])
def test_fit_refuses_what_is_no_number(dtype):
    with pytest.raises(TypeError, match="image has dtype"):
        px.fit(BYTES.astype(dtype), 4)


BANDS_LAST = [(8, 9, 64), (7, 11, 200), (12, 20, 103), (8, 8, 64), (9, 8, 64), (32, 32, 8), (20, 400, 5), (16, 16, 16)]


@pytest.mark.parametrize("shape", BANDS_LAST)
def test_an_array_of_many_bands_is_taken_as_it_comes(shape):
    assert as_pictures(np.zeros(shape, dtype=np.float32))[0].shape == shape


@pytest.mark.parametrize("shape", [(64, 16, 16), (103, 12, 12), (20, 16, 16), (11, 64, 64), (5, 30, 40), (3, 20, 300)])
def test_a_tensor_of_many_bands_has_them_first(shape):
    assert as_pictures([torch.zeros(shape)])[0].shape == (*shape[1:], shape[0])


@pytest.mark.parametrize("shape", [(16, 16, 16), (3, 16, 3), (9, 8, 9)])
def test_a_tensor_that_may_be_read_either_way_is_refused(shape):
    with pytest.raises(ValueError, match=r"may be \(C, H, W\) or \(H, W, C\)"):
        as_pictures([torch.zeros(shape)])


@pytest.mark.parametrize("shape", [(3, 224, 224), (11, 64, 64), (1, 28, 28), (5, 30, 40)])
def test_an_array_that_has_its_channels_first_by_all_it_looks_like_is_refused(shape):
    with pytest.raises(ValueError, match=r"Channels come last"):
        as_pictures(np.zeros(shape, dtype=np.float32))
