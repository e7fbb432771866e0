"""A transform as people have it: of a batch of pictures, of tensors with their channels first, or of PIL pictures."""

import copy
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perturbxai.core.types import Picture
from perturbxai.models import randomness
from perturbxai.models.device import is_out_of_memory
from perturbxai.models.torch_types import Batch, Tensor

Run = Callable[[Any], Any]

MODES = {1: "L", 3: "RGB", 4: "RGBA"}
SIZES = ("Resize", "CenterCrop")  # steps that px.fit has done before a space looks at the picture


class Transform:
    """A transform whose kind is found out with the first batch of pictures, and kept.

    One of torchvision is handed pictures as torchvision has them: 0..255 as whole numbers, 0..1 as float32, tensors with
    their channels first or PIL pictures. Any other is handed the batch (n, H, W, C), and those only if it fails at that.
    Steps that resize or crop a picture that has its size already are left out; a transform that moves pixels in another way
    is refused, because a superpixel would not lie where the network sees it.
    told  how pictures are handed over, for `plan`; "" for a batch as it is
    """

    def __init__(self, run: Run) -> None:
        self.run, self.told = run, ""
        self._form: Run | None = None
        self._top = 1  # the largest value of a pixel; 255 of whole numbers

    def __call__(self, rows: Batch) -> Any:
        if np.ndim(rows) != 4 or self._form is self.run:
            return self.run(rows)
        if self._form is None and any(type(part).__module__.startswith("torchvision.") for part in _parts(self.run)):
            self._decide(_on_host(rows), None)
        elif self._form is None:
            try:
                found = self.run(rows.clone() if hasattr(rows, "clone") else rows.copy())
            except Exception as error:
                if is_out_of_memory(error):
                    raise
                self._decide(_on_host(rows), error)
            else:
                self._form = self.run
                return found
        assert self._form is not None
        return self._form(self._in_units(_on_host(rows)))

    def _decide(self, rows: Picture, own: Exception | None) -> None:
        """Find the first form that the transform takes. own: the error that it had with the batch as it is."""
        self._top = 255 if rows.dtype == np.uint8 or float(rows.max(initial=0)) > 1.0 else 1
        given = self._in_units(rows[:1])
        failed = [f"a batch {rows.shape} of {rows.dtype}: {_said(own)}"] if own else []
        for what, form in self._forms(self.run):
            try:
                made = form(given)
            except Exception as error:  # in whatever words
                failed.append(f"{what}: {_said(error)}")
                continue
            check_transformed(made, given.shape)
            self._form, self.told = form, what
            if not _keeps_places(form, given):
                self._leave_out(given, what)
            return
        if own is not None:
            raise own
        raise TypeError(
            f"transform took pictures of 0..{self._top} in none of these ways: {'; '.join(failed)}. Whole numbers "
            "become shares by ToTensor() or v2.ToDtype(scale=True) before Normalize; or give a function of a "
            f"batch (n, H, W, C), here {rows.shape}, to the network's input."
        )

    def _leave_out(self, given: Picture, what: str) -> None:
        """The same transform without the steps that resize and crop."""
        fixed = _without_sizes(self.run, given.shape[1:3])
        form = dict(self._forms(fixed))[what] if fixed is not None else None
        if form is None or not _keeps_places(form, given):
            self._form, self.told = None, ""
            raise ValueError(
                f"transform moves the pixels of a picture of {given.shape[1]} x {given.shape[2]} (it crops, turns or draws "
                "at random), so that superpixels would not lie where the network sees them. Crop and resize before "
                "ImageSpace (px.fit), and give the steps behind that alone."
            )
        self._form, self.told = form, f"{what}, its resizing and cropping left out"

    def _forms(self, run: Run) -> list[tuple[str, Run]]:
        """Ways to hand pictures over, the most usual first."""
        whole = self._top == 255
        kind = "uint8" if whole else "float32"
        forms: list[tuple[str, Run]] = []
        if "torch" in sys.modules:
            forms.append((f"{kind} tensors (n, C, H, W)", lambda rows: run(_tensor(rows))))
            forms.append((f"{kind} tensors (C, H, W)", lambda rows: _each(run, list(_tensor(rows)))))
        if not whole:
            forms.append(("arrays (H, W, C)", lambda rows: _each(run, list(rows))))
        forms.append(("PIL pictures", lambda rows: _each(run, [_pil(picture) for picture in rows])))
        # steps that normalise numbers of 0..1, which those of 0..255 are not
        shares = [step for step in _parts(run) if type(step).__name__ == "Normalize" and np.max(step.mean) <= 1.0]
        if whole and "torch" in sys.modules and not shares:
            forms.append(("float32 tensors (n, C, H, W)", lambda rows: run(_tensor(rows.astype(np.float32)))))
        return forms

    def _in_units(self, rows: NDArray[Any]) -> NDArray[Any]:
        """Pictures as they are handed over. Raises ValueError for units other than those of the first."""
        if rows.dtype == np.uint8:
            return rows
        low, high, slack = float(rows.min(initial=0)), float(rows.max(initial=0)), 1e-3 if self._top == 1 else 0.4
        if low < -slack or high > self._top + slack:
            raise ValueError(
                f"transform is handed pictures in 0..{self._top}, as the first was, but here values run from {low:g} to "
                f"{high:g}; give all pictures and fills in the same units, or a Predictor of its own to each."
            )
        return rows if self._top == 1 else np.floor(rows + np.float32(0.5)).astype(np.uint8)


def has_channels_last(batch: Batch, shape: tuple[int, ...]) -> bool:
    """Whether what was made of pictures (n, H, W, C) still has its channels last. Where both fit: are they colours, or C?"""
    after = tuple(np.shape(batch))
    last = len(shape) == len(after) == 4 and after[1:3] == shape[1:3]
    return last and (after[2:] != shape[1:3] or after[3] in (1, 3, 4, shape[3]))


def check_transformed(found: Batch, shape: tuple[int, ...]) -> Any:
    """Refuse a transform that changes the number of rows, or the height and width of pictures."""
    after = tuple(np.shape(found))
    if not after or after[0] != shape[0]:
        raise ValueError(f"transform made shape {after} of a batch of shape {shape}; it must keep the number of rows.")
    if len(shape) == 4 and len(after) == 4 and shape[1:3] not in (after[1:3], after[2:4]):
        raise ValueError(
            f"transform changed the size: pictures of {shape[1]} x {shape[2]} became shape {after[1:]}. "
            "Crop and resize before ImageSpace (px.fit), so that superpixels are those the network sees."
        )
    return found


def _each(run: Run, pictures: list[Any]) -> Any:
    """One picture after the other, put together again. Raises TypeError for what is no picture of numbers."""
    made = [run(picture) for picture in pictures]
    if not all(getattr(one, "ndim", 0) == 3 for one in made):
        raise TypeError(f"it made {type(made[0]).__name__}, no tensor or array of three axes")
    if hasattr(made[0], "detach"):
        import torch

        return torch.stack(made)
    return np.stack(made)


def _keeps_places(form: Run, given: Picture) -> bool:
    """Whether each of two corners shows in the same corner of what is made of a picture, and no random number does."""
    before, plain = randomness.state() if "torch" in sys.modules else b"", _on_host(form(given)).astype(np.float64)
    if before and randomness.state() != before:
        return False
    first = plain.shape[2:] == given.shape[1:3]  # (n, C, H, W), or with the channels last
    half = 127.5 if given.dtype == np.uint8 else 0.5
    for corner in (0, -1):
        other = given.copy()
        other[:, corner, corner] = np.where(other[:, corner, corner] > half, 0, 2 * half)
        made = _on_host(form(other)).astype(np.float64)
        if made.shape != plain.shape:
            return False
        moved = (made != plain).any(axis=(0, 1) if first else (0, 3))
        if not moved[corner, corner]:
            return False
    return True


def _without_sizes(run: Run, size: tuple[int, ...]) -> Run | None:
    """A transform of torchvision without steps that resize or crop, where it is known what they are."""
    if hasattr(run, "resize_size"):  # a preset of its weights
        fixed = copy.copy(run)
        fixed.resize_size = [min(size)]
        if hasattr(fixed, "crop_size"):
            fixed.crop_size = list(size)
        return fixed
    steps = getattr(run, "transforms", None) or (list(run.children()) if hasattr(run, "children") else None)
    if not isinstance(steps, (list, tuple)):
        return None
    kept = [step for step in steps if type(step).__name__ not in SIZES]

    def rest(picture: Batch) -> Any:
        for step in kept:
            picture = step(picture)
        return picture

    return rest if kept else None


def _parts(run: Run) -> list[Any]:
    """A transform and the steps that it is made of."""
    return [run, *(run.modules() if hasattr(run, "modules") else ()), *(getattr(run, "transforms", None) or ())]


def _tensor(rows: NDArray[Any]) -> Tensor:
    import torch

    return torch.as_tensor(np.ascontiguousarray(rows.transpose(0, 3, 1, 2)))


def _pil(picture: NDArray[Any]) -> Any:
    from PIL import Image

    if picture.shape[2] not in MODES:
        raise TypeError(f"no PIL picture has {picture.shape[2]} channels")
    if picture.dtype != np.uint8:
        picture = np.floor(picture * np.float32(255.0) + np.float32(0.5)).astype(np.uint8)
    return Image.fromarray(picture[..., 0] if picture.shape[2] == 1 else picture, MODES[picture.shape[2]])


def _on_host(rows: Batch) -> NDArray[Any]:
    return rows.detach().cpu().numpy() if hasattr(rows, "detach") else np.asarray(rows)


def _said(error: Exception | None) -> str:
    return f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
