"""What the forward of a network takes: one batch, and what is said of one that it refuses."""

import inspect

from perturbxai.models.torch_types import Module


def check_one_input(net: Module) -> None:
    """Refuse a network that cannot be called with a batch alone. Raises TypeError, which names its inputs."""
    if net._forward_pre_hooks:  # which may add the others
        return
    needed = _needed(net)
    if needed is not None and len(needed) != 1:
        raise TypeError(
            f"the network's forward needs {len(needed)} inputs ({', '.join(needed) or 'none'}), but it is asked with one: a "
            "batch of rows or pictures. Wrap it in a torch.nn.Module whose forward(x) takes what varies and holds the rest, "
            "or cuts a table's columns into its inputs."
        )


def _needed(net: Module) -> list[str] | None:
    """Names of the inputs that forward cannot do without; None where that cannot be told."""
    schema = getattr(net.forward, "schema", None)  # of a scripted module, itself the first argument
    if schema is not None:
        return [argument.name for argument in schema.arguments[1:] if not argument.has_default_value()]
    try:
        parameters = inspect.signature(net.forward).parameters.values()
    except (TypeError, ValueError):
        return None
    if any(one.kind is one.VAR_POSITIONAL for one in parameters):
        return None
    places = [one for one in parameters if one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD)]
    named = [one.name for one in parameters if one.kind is one.KEYWORD_ONLY and one.default is one.empty]
    needed = [one.name for one in places if one.default is one.empty] + named
    return needed or ([places[0].name] if places else [])


def refusal(net: Module, shape: tuple[int, ...], error: Exception | None) -> ValueError | None:
    """What is to be said of a batch of this shape that a network failed at, where that is known; else None."""
    # a scripted module says by another name what it was
    kinds = {getattr(module, "original_name", type(module).__name__) for module in net.modules()}
    if len(shape) == 4 and kinds & {"Conv3d", "LazyConv3d"}:
        failed = f" and fails ({error})" if error else ""
        return ValueError(
            f"the network has Conv3d layers, which take video or volumes (n, C, T, H, W), and gets pictures {shape}{failed}"
            ". Explanations here are of single pictures: give a network of pictures, or a transform that makes a clip of "
            "each, such as batch.transpose(0, 3, 1, 2)[:, :, None].repeat(T, axis=2)."
        )
    if error is not None and any(type(module).__name__ == "GuardsFn" for module in net.modules()):
        return ValueError(
            f"the exported network refuses a batch of shape {shape} ({error}): it was exported for other sizes alone. "
            "Export it for any number of rows: torch.export.export(net, (x,), dynamic_shapes=[{0: torch.export.Dim('n')}])."
        )
    return None
