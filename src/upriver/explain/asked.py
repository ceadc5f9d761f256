"""What a question is about: a loss, a gradient that is not there, an entry of one; found by identity and memory."""

from __future__ import annotations

import ast
import linecache
from collections.abc import Iterable
from types import FrameType
from typing import Any

import numpy as np

from ..core.state import owner
from ..core.tensor import Tensor
from ..errors import ArgumentError, GradError
from .entry import Index


def check_loss(function: str, loss: Any) -> None:
    """Refuse what no gradient can be taken of.

    Raises:
        ArgumentError: it is not a tensor.
        GradError: it has no history, or is not one number.
    """
    if not isinstance(loss, Tensor):
        raise ArgumentError(
            f"{function}: the loss is a {type(loss).__name__}, not a tensor", "Pass what backward() is called on."
        )
    if loss.node is None or not loss.wants_grad:
        raise GradError(
            f"{function}: the loss has no history: it does not depend on anything that requires a gradient, "
            "or was computed inside no_grad()",
            "Set requires_grad=True on the leaves, and compute the loss outside no_grad().",
        )
    if loss.array.size != 1:
        raise GradError(
            f"{function}: the result has shape {list(loss.shape)}, and a gradient starts from one number",
            f"Reduce it, as in {function}(y.sum(), ...), or choose an entry: {function}(y[0], ...).",
        )


def of_gradient(grad: Tensor, leaves: Iterable[Tensor]) -> tuple[Tensor, Index | None] | None:
    """The leaf whose ``.grad`` this is, or one entry of: by identity, or by the memory that they share."""
    for leaf in leaves:
        own = leaf.grad
        if own is None:
            continue
        if own is grad or own.array is grad.array:
            return leaf, None
        if owner(own.array) is owner(grad.array) and grad.array.size == 1:
            return leaf, _place(own.array, grad.array)
    return None


def _place(whole: np.ndarray[Any, Any], one: np.ndarray[Any, Any]) -> Index | None:
    """Which entry of an array a view of one entry is."""
    offset = one.__array_interface__["data"][0] - whole.__array_interface__["data"][0]
    index: list[int] = []
    for length, stride in sorted(zip(whole.shape, whole.strides, strict=True), key=lambda s: -abs(s[1])):
        step = offset // stride if length > 1 and stride else 0
        offset -= step * stride
        index.append(step)
    order = sorted(range(whole.ndim), key=lambda d: -abs(whole.strides[d]))
    found = [0] * whole.ndim
    for d, n in zip(order, index, strict=True):
        found[d] = n
    return tuple(found) if all(0 <= n < m for n, m in zip(found, whole.shape, strict=True)) else None


def of_source(frame: FrameType | None) -> tuple[Tensor | None, str | None]:
    """The tensor of whose ``.grad`` a call in this frame was asked, and its name: read from the line that is running.

    Only names, attributes and constant indices are followed, and nothing is called: ``why(model.fc[0].weight.grad)``.
    """
    node = _argument(frame)
    if frame is None or not isinstance(node, ast.Attribute) or node.attr != "grad":
        return None, None
    try:
        found = _look_up(node.value, frame)
    except (LookupError, AttributeError, TypeError):
        return None, None
    return (found, ast.unparse(node.value)) if isinstance(found, Tensor) else (None, None)


def _argument(frame: FrameType | None) -> ast.expr | None:
    """The first argument of the call that is running in a frame."""
    if frame is None:
        return None
    for n, position in enumerate(frame.f_code.co_positions()):
        if n * 2 == frame.f_lasti and position[0] is not None and position[1] is not None:
            lines = [linecache.getline(frame.f_code.co_filename, k) for k in range(position[0], position[1] + 1)]
            if position[3] is not None and position[2] is not None and lines and lines[-1]:
                lines[-1] = lines[-1].encode()[: position[3]].decode(errors="ignore")
                lines[0] = lines[0].encode()[position[2] :].decode(errors="ignore")
            try:
                call = ast.parse("(" + "".join(lines) + ")", mode="eval").body
            except SyntaxError:
                return None
            return call.args[0] if isinstance(call, ast.Call) and call.args else None
    return None


def _look_up(node: ast.expr, frame: FrameType) -> Any:
    if isinstance(node, ast.Name):
        return frame.f_locals[node.id] if node.id in frame.f_locals else frame.f_globals[node.id]
    if isinstance(node, ast.Attribute):
        return getattr(_look_up(node.value, frame), node.attr)
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
        return _look_up(node.value, frame)[node.slice.value]
    raise LookupError("not a plain name")
