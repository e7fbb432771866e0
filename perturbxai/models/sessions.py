"""Sessions of ONNX Runtime as they travel to workers: the model as bytes, and how the session was told to run it."""

from pathlib import Path
from typing import Any, NamedTuple

from perturbxai.core.types import Foreign
from perturbxai.models.device import thread_share

SETTINGS = (
    "intra_op_num_threads", "inter_op_num_threads", "execution_mode", "execution_order", "graph_optimization_level",
    "enable_cpu_mem_arena", "enable_mem_pattern", "enable_mem_reuse", "log_severity_level", "use_deterministic_compute",
)  # fmt: skip


class Slot(NamedTuple):
    """An input or a result of a session, as its own lists have it."""

    name: str
    shape: list[int | str | None]
    type: str


class Session:
    """A session that can be pickled; asked as the session itself.

    The settings of its options travel, without what was added by `add_...` or registered (initializers, config entries,
    libraries of operators). A session that leaves its threads to the runtime takes its share of a worker's cores there.
    """

    def __init__(self, session: Foreign) -> None:
        self.session = session

    def get_inputs(self) -> list[Any]:
        return [Slot(one.name, one.shape, one.type) for one in self.session.get_inputs()]

    def get_outputs(self) -> list[Any]:
        return [Slot(one.name, one.shape, one.type) for one in self.session.get_outputs()]

    def __getattr__(self, name: str) -> Any:
        if name == "session":  # while it is made
            raise AttributeError(name)
        return getattr(self.session, name)

    def __reduce__(self) -> tuple[Any, ...]:
        """Raises TypeError for a session whose model cannot be had from it any more."""
        path, model = self.session._model_path, self.session._model_bytes
        if path is not None and Path(path).is_file():
            path, model = str(Path(path).resolve()), Path(path).read_bytes()
        if model is None:
            raise TypeError(f"the ONNX session's model file {path!r} is gone; make the session of bytes.")
        options = self.session.get_session_options()
        settings = {name: _plain(getattr(options, name)) for name in SETTINGS if hasattr(options, name)}
        given = self.session.get_provider_options()
        return _rebuilt, (path, model, settings, [(name, given[name]) for name in self.session.get_providers()])


def _plain(setting: Any) -> Any:
    """A setting without classes of the runtime: the name of one of several."""
    return getattr(setting, "name", setting)


def _rebuilt(path: str | None, model: bytes, settings: dict[str, Any], providers: list[Any]) -> Session:
    """The session anew: of the file, beside which weights may lie, where that is the same; else of its bytes."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    for name, value in settings.items():
        kind = type(getattr(options, name))
        setattr(options, name, getattr(kind, value) if isinstance(value, str) else value)
    options.intra_op_num_threads = options.intra_op_num_threads or thread_share()
    there = path is not None and Path(path).is_file() and Path(path).read_bytes() == model
    return Session(onnxruntime.InferenceSession(path if there else model, options, providers=providers))
