"""The Predictor: any model as (n, K) float64, and the only caller of a model for values."""

import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any, TypeVar

import numpy as np

from perturbxai.core import checks
from perturbxai.core.extras import not_a_network
from perturbxai.core.outputs import output_names, select_outputs
from perturbxai.core.stopping import ModelError as ModelError
from perturbxai.core.stopping import context, keeping
from perturbxai.core.types import Device, Floats, Inputs, Ints, Model, Outputs, Picture
from perturbxai.core.wording import count, listed, word
from perturbxai.models.ahead import Ahead
from perturbxai.models.batches import Batches
from perturbxai.models.device import NETWORK_BATCH, is_out_of_memory, keep_memory, rows_a_batch, settle_heap, synchronise
from perturbxai.models.estimators import Asked, EstimatorModel, Rows, check_options, warn_of_clip
from perturbxai.models.image_plan import Recast, recast
from perturbxai.models.lending import Lent, lent
from perturbxai.models.networks import NetworkModel, wrap
from perturbxai.models.plan import Given, Plan, as_bytes, is_table
from perturbxai.models.progress import Bar, Progress
from perturbxai.models.redrawn import Redrawable
from perturbxai.models.torch_types import Tensor

T = TypeVar("T")
Batch = tuple[int, int, Floats]


GRADIENT_BATCH = 4096  # at most, where none is given: a gradient keeps what every layer made of every row


class Predictor(Redrawable):
    """Any model as one function: n rows or pictures in, (n, K) float64 out, in batches, and what it asked is counted.

    model       scikit-learn estimator (or anything with predict), torch.nn.Module, or function array -> array
    output      "probability", "logit" or "raw". Default: probability where there is predict_proba, else raw.
    outputs     names of the columns, for example class names; a single string names one column
    transform   from a batch of pictures (n, H, W, C) in their own units to the model's input; keeps height and width. One of
                torchvision (weights.transforms()), or that takes tensors (C, H, W) or PIL pictures, is handed those
    device      of a torch module; None leaves it where it is, and builds rows on the host if that is the CPU
    batch_size  rows a call of the model; None chooses once, by kind of model, and says so in `plan`
    precision   "float32", "float64" or "bfloat16" for a torch module (a private copy); None as it is
    memory      "keep" tells glibc not to give freed memory back (networks on a Linux CPU; process-wide),
                "system" leaves the allocator alone; None means "keep" where that helps
    progress    None: a bar in a terminal or notebook; True: elsewhere a line a minute; a function (done, total); False for
                silence. PERTURBXAI_PROGRESS=off in the environment silences all
    multi_label a sigmoid for each output instead of a softmax over them
    select      which of several results (a tuple, a dict) is explained: an index, a key, or a function of what came back
    pixels      "uint8" hands pictures (to transform, or the model) as whole numbers 0..255; None as float32, in any units
    layout      "CHW" hands pictures to a function as (n, C, H, W), behind transform; None as (n, H, W, C)
    compile     True asks a private copy of a torch module that torch.compile made; how far answers move is in `plan`

    Raises TypeError for what is no model, ValueError for scales that the model does not have. While it runs: ModelError
    (a ValueError) for NaN or a wrong number of rows or outputs, with the values that came before in `partial`. A batch
    that does not fit in memory is halved, and the smaller size kept for later calls.

    rows, retried_rows, seconds: rows that came back, rows asked again after memory ran out, seconds inside the model.

    >>> import numpy as np
    >>> Predictor(lambda X: X.sum(axis=1))(np.ones((2, 3)))
    array([[3.],
           [3.]])
    """

    def __init__(
        self, model: Model, *, output: str | None = None, outputs: str | Iterable[Any] | None = None,
        transform: Callable[[Any], Any] | None = None, device: Device | None = None, batch_size: int | None = None,
        precision: str | None = None, memory: str | None = None, progress: Progress = None, multi_label: bool = False,
        select: int | str | Callable[[Any], Any] | None = None, pixels: str | None = None, layout: str | None = None,
        compile: bool = False,
    ) -> None:  # fmt: skip
        checks.refuse_missing(output=output, memory=memory, multi_label=multi_label, select=select)
        checks.refuse_missing(pixels=pixels, layout=layout)
        compiles = checks.flag("compile", compile) or None
        check_options(output, batch_size, progress, memory, select, pixels, layout)
        if isinstance(model, Predictor):
            raise TypeError("model is a Predictor already; use it as it is.")
        asked = Asked(output, transform, device, precision, multi_label, select, pixels, layout, compiles)
        self._model = wrap(model, asked)
        self.kind = self._model.kind
        self.output = self._model.output
        self.outputs: tuple[str, ...] | None = output_names(outputs)
        self._named = self.outputs is not None
        self.batch_size = None if batch_size is None else int(batch_size)
        self.progress = progress if progress is None or callable(progress) else bool(progress)
        self.rows, self.seconds = 0, 0.0
        self._pace: float | None = None
        self._batches, self._ahead = Batches(self._model.device), Ahead(self._model.device)
        self._bar: Bar | None = None  # while watched
        self._crew: Callable[[Plan], Iterator[Batch]] | None = None  # others who ask whole plans meanwhile
        on_cpu = isinstance(self._model, NetworkModel) and self._model.device.type == "cpu"
        self.memory = "keep" if on_cpu and memory != "system" and keep_memory() else "system"
        if not isinstance(self._model, NetworkModel):
            settle_heap()

    def __repr__(self) -> str:
        model, device = self._model.model, f" on {self._model.device}" if isinstance(self._model, NetworkModel) else ""
        name = word(getattr(model, "native_name", getattr(model, "__qualname__", type(model).__name__)))
        asked = f"{count(self.rows, 'row')} asked in {self.seconds:.3g} s{device}"
        return f"<Predictor of the {self.kind} {name}: {self.output}, outputs {listed(self.outputs)}; {asked}>"

    @property
    def plan(self) -> dict[str, Any]:
        """How the model is run: what `meta["plan"]` says."""
        size = self.batch_size or self._model.batch or "by row size"
        found: dict[str, Any] = {"kind": self.kind, "output": self.output, "batch_size": size}
        if (limit := self._batches.limit) and (isinstance(size, str) or limit < size):
            found["batch_size_halved_to"] = limit  # memory ran out
        found |= {"logit_clipped_rows": self._model.clipped} if self._model.clipped else {}
        found |= {"pixels": self._model.pixels} if self._model.pixels != "float32" else {}
        found |= {"transform": told} if (told := getattr(self._model.transform, "told", "")) else {}
        if isinstance(self._model, NetworkModel):
            found |= self._model.plan | {"memory": self.memory}
        return found

    def __call__(self, rows: Inputs) -> Floats:
        """(n, K): the model at these rows (an array, a table of any library, or pictures (n, H, W, C))."""
        plan, found, done = Given.of(rows), np.empty((0, 0)), 0
        with keeping(lambda: found[:done].copy() if done else None), self.watched("predict"):
            for start, stop, values in self.run(plan):
                if not done:
                    found = np.empty((len(plan), values.shape[1]))
                found[start:stop], done = values, stop
        if not done:
            raise ValueError("rows is empty; give at least one row.")
        return found

    def run(self, plan: Plan, first: int = 0, last: int | None = None) -> Iterator[Batch]:
        """The model's values over a plan, or its rows first..last, batch by batch: (start, stop, values (stop - start, K)).

        They may lie where the model keeps them: copy what is wanted before the next batch, and write to none.
        """
        if last is None and self._crew is not None:
            yield from self._crew(plan)
            return
        layout = self._model.layout
        if isinstance(self._model, NetworkModel):
            self._model.passes.refresh(self._bar)
            layout = "HWC" if self._model.passes.channels_last else "CHW"  # so that nothing is copied
        plan = recast(plan, self._model.pixels, layout)
        n_rows = (len(plan) if last is None else last) - first
        try:
            for start, stop, values in self._in_batches(n_rows, self.batch(plan), partial(self._ask, plan, first)):
                self.rows += stop - start
                self._check(values, stop - start, first + start)
                yield first + start, first + stop, values
        finally:
            self._ahead.drop()

    def batch(self, plan: Plan, most: int | None = None) -> int:
        """How many rows of a plan the model gets at once, as far as is known of what fits in memory."""
        size = self.batch_size or self._model.batch or rows_a_batch(plan.row_bytes, most or self._model.most_rows)
        return min(size, self._batches.limit or size)

    def _in_batches(self, n_rows: int, size: int, ask: Callable[[int, int], Floats]) -> Iterator[Batch]:
        """What `ask` gives for rows start..stop, batch by batch; one that does not fit in memory is halved."""
        if self._bar:
            self._bar.expect(n_rows)
        for start, stop, values in self._batches.run(n_rows, size, ask):
            yield start, stop, values
            if self._bar:
                self._bar.advance(len(values))

    def in_batches(self, n: int, ask: Callable[[int, int], T], most: int | None = None) -> Iterator[tuple[int, int, T]]:
        """(start, stop, ask(start, stop)) over n rows that a baseline passes through the lent network, in batches like any.

        most  rows a batch, `batch_size` or 8 if None. Rows of a batch that did not fit are not counted as having come back.
        """

        def asked(start: int, stop: int) -> T:
            before = self.rows
            try:
                return ask(start, stop)
            except Exception as error:
                self.rows = before if is_out_of_memory(error) else self.rows
                raise

        return self._batches.run(n, most or self.batch_size or NETWORK_BATCH, asked)

    def _build(self, plan: Plan, start: int, stop: int) -> Any:
        """Rows as the model takes them. Tables are built on the host: they are small, and keep their float64."""
        model = self._model
        if isinstance(model, NetworkModel) and model.on_device and not is_table(plan):
            return plan.device(start, stop, model.device)
        return plan.host(start, stop)

    def _ask(self, plan: Plan, first: int, start: int, stop: int) -> Floats:
        start, stop = first + start, first + stop
        model, rows = self._model, self._ahead.take(plan, start, stop, self._build)
        began, setup = time.perf_counter(), model.setup_seconds
        try:
            if isinstance(model, NetworkModel) and self._ahead.works:
                return model(rows, lambda: self._ahead.prepare(plan, stop, 2 * stop - start, self._build))
            return model(rows)
        except BaseException:
            self._ahead.drop()  # a smaller batch may need its memory
            raise
        finally:
            synchronise(model.device)
            self.seconds += max(0.0, time.perf_counter() - began - (model.setup_seconds - setup))

    def _check(self, values: Floats, n_rows: int, done: int) -> None:
        self._check_shape(len(values), values.shape[1], n_rows)
        if not np.isfinite(values).all():
            row, column = (int(i) for i in np.argwhere(~np.isfinite(values))[0])
            assert self.outputs is not None
            raise ModelError(
                f"the model returned {values[row, column]} for row {done + row} of this request, output "
                f"{self.outputs[column]!r}. An explanation of it would mean nothing: mend the model, or leave out the "
                "rows and backgrounds that it cannot take.",
                row=done + row,
            )

    def _check_shape(self, n_given: int, n_outputs: int, n_rows: int) -> None:
        if n_given != n_rows:
            hint = " A squeeze() without an axis drops the rows' axis when one row is asked." if n_rows == 1 else ""
            raise ModelError(
                f"the model returned {n_given} rows for {n_rows}; expected one row of outputs for each row asked.{hint}"
            )
        self.outputs = self.outputs or self._model.names(n_outputs)
        if len(self.outputs) != n_outputs:
            source = "outputs= names" if self._named else "earlier calls had"
            raise ModelError(f"the model returned {n_outputs} outputs, but {source} {len(self.outputs)}.")

    def check_columns(self, names: tuple[str, ...], named: bool = True) -> None:
        """Refuse columns that the model was not trained on, before any row is asked; named=False of an array's."""
        self._model.check(names, named)

    def check_picture(self, picture: Picture, fill: Picture) -> None:
        """Refuse pictures and fills that cannot be handed over as `pixels` says, before any is asked."""
        if self._model.pixels == "uint8":
            as_bytes(picture, "the picture", whole=True)
            as_bytes(fill, "the fill")

    def select(self, outputs: Outputs, n_outputs: int) -> Ints:
        """Column numbers of the outputs asked for, by name or number. Raises ValueError for one that is not there."""
        return select_outputs(outputs, self.outputs or self._model.names(n_outputs))

    @context
    def watched(self, what: str) -> Iterator[None]:
        """Show progress over all that is asked inside, and tell of logits that the clip set; nested calls share it."""
        if self._bar is not None:
            yield
            return
        bar = self._bar = Bar(self.progress, what)
        rows, clipped = self.rows, self._model.clipped
        try:
            yield
        finally:
            self._bar = None
            bar.close()
        warn_of_clip(self._model.clipped - clipped, self.rows - rows)

    @context
    def network(self) -> Iterator[Lent]:
        """Lend the torch module to a baseline: eval mode, no parameter gradients, all restored on exit, passes metered.

        Gradients by the input are on inside, whatever mode the caller is in.
        Raises TypeError if the model is not a torch module.
        """
        passes = self.network_model(", but gradient baselines need a torch.nn.Module; give that itself.").passes
        import torch

        passes.refresh(self._bar)
        net = passes.looked_into()
        with lent(net), torch.inference_mode(False), torch.enable_grad():
            began, seconds = time.perf_counter(), self.seconds
            try:
                yield Lent(net, self._pass_by, tracks=passes.tracks)
            finally:
                synchronise(self._model.device)
                self.seconds = seconds + time.perf_counter() - began

    def values_of(self, given: object, batch: Tensor) -> Floats:
        """(n, K): what the lent network returned of a batch, on the predictor's own scale and checked as any answer."""
        values = self.network_model().scaled(given, batch)
        self._check(values, len(batch), 0)
        return values

    def gradient(self, rows: Inputs, outputs: Outputs | None = None) -> Floats:
        """(n, D, K): gradients by the columns of a table of what `predictor(rows)` returns, on the predictor's own scale.

        rows     (n, D), an array or DataFrame of numbers;  outputs: names or numbers, None for all K
        In units of an output per unit of a column: of a probability behind the softmax or sigmoid, else of the raw output.
        Each row is a row of the meter; each output is a pass backwards. Batches are `batch_size`, or 4,096 rows at most.
        Raises TypeError for a model that is not a torch module, behind a `transform`, whose output does not depend on its
        input, and for columns that are no numbers; ModelError for gradients that are not finite.

        >>> import numpy as np, torch
        >>> slope = Predictor(torch.nn.Softplus().double()).gradient(np.zeros((1, 2)))
        >>> slope.shape, slope[0].tolist()
        ((1, 2, 2), [[0.5, 0.0], [0.0, 0.5]])
        """
        model = self.check_gradient(rows)
        plan = Given.of(rows)
        if not len(plan):
            raise ValueError("rows is empty; give at least one row.")

        def ask(start: int, stop: int) -> Floats:
            def choose(n_given: int, n_outputs: int) -> Ints:
                self._check_shape(n_given, n_outputs, stop - start)
                return np.arange(n_outputs) if outputs is None else self.select(outputs, n_outputs)

            before = self.rows
            try:
                return model.gradient(net, self._build(plan, start, stop), choose)
            except BaseException:
                self.rows = before  # none came back
                raise

        parts: list[Floats] = []
        with keeping(lambda: np.concatenate(parts) if parts else None), self.watched("gradient"), self.network() as net:
            parts.extend(part for _, _, part in self._in_batches(len(plan), self.batch(plan, GRADIENT_BATCH), ask))
        found = np.concatenate(parts)
        if not np.isfinite(found).all():
            row, column, _ = (int(i) for i in np.argwhere(~np.isfinite(found))[0])
            raise ModelError(f"the gradient at row {row} by column {column} is not finite; mend the model, or leave it out.")
        return found

    def check_gradient(self, rows: Inputs) -> NetworkModel:
        """Refuse what has no gradient by the columns of these rows, before the model is asked; see `gradient`."""
        way_out = "give Predictor a torch.nn.Module, or take 'glass_box' or a method that asks for values alone."
        model = self.network_model(f", which has no gradient; {way_out}")
        model.check_gradient(rows)  # type: ignore[arg-type]  # a table of any library
        return model

    def tensor(self, rows: Rows) -> Tensor:
        """Rows or pictures as the torch module's input, through `transform`. Raises TypeError for other models."""
        model = self.network_model()
        import torch

        plan = Recast(Given(rows), model.pixels, "HWC") if np.ndim(rows) == 4 else Given(rows)
        with torch.inference_mode(False):  # autograd refuses what is made under it
            return model.tensor(self._build(plan, 0, len(rows)))

    def estimator(self) -> EstimatorModel:
        """The scikit-learn model, its scale and method, for baselines that read it. Raises TypeError for other models."""
        if not isinstance(self._model, EstimatorModel):
            raise TypeError(f"the model is a {self.kind}, which cannot be read; give Predictor the fitted estimator itself.")
        return self._model

    def network_model(self, why: str = "; only a torch.nn.Module takes tensors and shows its layers.") -> NetworkModel:
        """The torch module and its scale, for baselines that look inside. Raises TypeError, which says why, for others."""
        if not isinstance(self._model, NetworkModel):
            raise not_a_network(f"the model is a {self.kind}{why}")
        return self._model
