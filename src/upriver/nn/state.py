"""The state of a module as a dictionary, and back: by path, with PyTorch's keys and shapes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..core.state import Array
from ..core.tensor import Tensor, to_array
from ..errors import ShapeError
from ..i18n import say

if TYPE_CHECKING:
    from .module import Module


class Keys(NamedTuple):
    """What :meth:`Module.load_state_dict` did not match."""

    missing_keys: list[str]
    unexpected_keys: list[str]

    def __repr__(self) -> str:
        if not self.missing_keys and not self.unexpected_keys:
            return "<All keys matched successfully>"
        return f"Keys(missing_keys={self.missing_keys}, unexpected_keys={self.unexpected_keys})"


def entries(module: Module) -> Iterator[tuple[str, Tensor]]:
    """Parameters and persistent buffers with their keys, module by module; tied ones under each key."""
    for path, part in module.named_modules(remove_duplicate=False):
        lead = f"{path}." if path else ""
        own = part.__dict__
        for name, p in own["_parameters"].items():
            if p is not None:
                yield lead + name, p
        for name, b in own["_buffers"].items():
            if b is not None and name not in own["_transient"]:
                yield lead + name, b


def load(module: Module, state: Mapping[str, Any], strict: bool, assign: bool) -> Keys:
    """Take over the values of ``state``, all or none. See :meth:`Module.load_state_dict`."""
    own = dict(entries(module))
    missing = [key for key in own if key not in state]
    unexpected = [key for key in state if key not in own]
    arrays = {key: _array_of(state[key], None if assign else t) for key, t in own.items() if key in state}
    wrong = [
        say("{key} (here {own}, given {given})", key=key, own=str(list(own[key].shape)), given=str(list(array.shape)))
        for key, array in arrays.items()
        if array.shape != own[key].shape
    ]
    lists = [say("  missing: {keys}", keys=missing)] if strict and missing else []
    lists += [say("  unexpected: {keys}", keys=unexpected)] if strict and unexpected else []
    lists += [say("  of another shape: {keys}", keys=wrong)] if wrong else []
    if lists:
        lines = "\n".join(lists)
        raise ShapeError(
            f"load_state_dict: the state does not fit {type(module).__name__}\n{lines}",
            "Build the model with the sizes it was saved with; strict=False ignores missing and unexpected keys.",
        )
    for key, array in arrays.items():
        own[key].data = array
    return Keys(missing, unexpected)


def _array_of(value: Any, like: Tensor | None) -> Array:
    """A value of a state dictionary (ours, NumPy's, or another library's tensor) as an array."""
    if not isinstance(value, Tensor) and hasattr(value, "detach"):
        value = np.asarray(value.detach())
    return to_array(value, None if like is None else like.dtype)
