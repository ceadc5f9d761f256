"""The backward pass: the graph walked in reverse, upstream gradient × local derivative, every path summed.

Linnainmaa (1970); Rumelhart, Hinton and Williams, "Learning representations by back-propagating errors",
Nature 323 (1986). The walk knows nothing of any operation: it asks each node's record for its
vector-Jacobian products. It is iterative, it visits nodes in descending order of their time (which is a
topological order, and makes the order of every sum deterministic), and it drops each cotangent once spent.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Any

import numpy as np

from ..errors import DTypeError, GradError, ShapeError
from . import state
from .graph import Node, check_unchanged, sorted_nodes
from .registry import ops
from .state import GRAD, RECORD, TRACING, recording
from .tensor import Tensor, wrap

Key = Any  # Node, or a leaf Tensor
_time = attrgetter("time")


def _key(x: Tensor) -> Key | None:
    """What the cotangent of ``x`` is kept under: its node, itself if it is a leaf that wants one, or nothing."""
    return (x.node or x) if x.wants_grad else None


def _on_the_way(order: Sequence[Node], wanted: Collection[Key]) -> set[Key]:
    """The nodes from which some of ``wanted`` can be reached, and ``wanted``."""
    found = set(wanted)
    for node in order:
        if not found.isdisjoint(node.edges):
            found.add(node)
    return found


def _starting_cotangent(root: Tensor, gradient: Any) -> Any:
    if gradient is None:
        if root.array.size != 1:
            raise GradError(
                f"backward: the result has shape {list(root.shape)}, and a gradient starts from one number",
                "Reduce it, as in y.sum().backward(), or say how each entry counts: y.backward(gradient).",
            )
        return ops.ones_like(root)
    gradient = gradient if isinstance(gradient, Tensor) else Tensor(np.asarray(gradient, root.dtype))
    if gradient.shape != root.shape:
        raise ShapeError(
            f"backward: the given gradient has shape {list(gradient.shape)}, the result {list(root.shape)}",
            "Give one number for each entry of the result.",
        )
    return gradient


def pull_back(
    roots: Sequence[Tensor], gradients: Sequence[Any], wanted: Collection[Key] | None, create_graph: bool
) -> dict[Key, Any]:
    """Pull cotangents back from ``roots``: the cotangent of each of ``wanted``, or of every leaf.

    Args:
        roots: tensors with a history (or leaves).
        gradients: for each of them its cotangent, or None for 1.
        wanted: nodes and leaves to stop at; None for every leaf that wants a gradient.
        create_graph: run the rules on tensors, recorded; else on bare arrays.

    Returns:
        For each node or leaf reached among those wanted, its cotangent: a tensor if ``create_graph`` (or if a
        recorder is to be told of the operations), else an array.
    """
    mode = recording.get()
    if create_graph:
        mode = mode if mode & (GRAD | TRACING) else mode | GRAD
    else:
        mode &= RECORD
    on_tensors = mode != 0
    cts: dict[Key, Any] = {}
    owned: set[Key] = set()  # cotangents that are sums made here, which nobody else can see
    nodes: set[Node] = set()
    for root, gradient in zip(roots, gradients, strict=True):
        key = _key(root)
        if key is None:
            raise GradError(
                f"backward: the result (shape {list(root.shape)}) does not depend on anything that requires a gradient",
                "Set requires_grad=True on the leaves, and compute the result outside no_grad().",
            )
        start = _starting_cotangent(root, gradient)
        start = start if on_tensors else start.array
        cts[key] = cts[key] + start if key in cts else start
        if type(key) is Node:
            nodes.update(sorted_nodes(key))
    order = sorted(nodes, key=_time)
    del nodes
    useful = _on_the_way(order, wanted) if wanted is not None else None

    last_change = state.last_change
    token = recording.set(mode)
    try:
        while order:
            node = order.pop()
            ct = cts.pop(node, None) if wanted is None or node not in wanted else cts.get(node)
            if ct is None:
                continue
            if node.retained is not None and wanted is None:
                _retain(node, ct, on_tensors)
            if last_change > node.time:
                _check(node)
            op = node.op
            attrs = node.attrs
            out: Any = node
            args: Any = node.inputs
            if not on_tensors:
                if node.reads.some:
                    args = [x.array if isinstance(x, Tensor) else x for x in args]
                if node.out is not None:
                    out = node.out
            elif node.out is not None:
                out = wrap(node.out, node)
            for rule, key in zip(op.vjps, node.edges):  # noqa: B905 (an `Each` has rules without end)
                if key is None or rule is None or (useful is not None and key not in useful):
                    continue
                before: Any = cts.get(key)
                if before is None:
                    cts[key] = rule(ct, out, *args, **attrs)
                elif on_tensors:
                    cts[key] = before + rule(ct, out, *args, **attrs)
                elif key not in owned:
                    cts[key] = total = np.add(before, rule(ct, out, *args, **attrs))
                    if type(total) is np.ndarray:
                        owned.add(key)
                elif (into := getattr(rule, "into", None)) is not None:
                    into(before, ct, **attrs)
                else:
                    np.add(before, rule(ct, out, *args, **attrs), out=before)
    finally:
        recording.reset(token)
    return cts


def _check(node: Node) -> None:
    # In w * 3 nothing reads w: only what the rules of this very node read must be as it was.
    for i, x in enumerate(node.inputs):
        if i not in node.reads.unread and isinstance(x, Tensor):
            check_unchanged(node, x.array)
    if node.reads.out and node.out is not None:
        check_unchanged(node, node.out)


def _retain(node: Node, ct: Any, on_tensors: bool) -> None:
    tensor = node.retained() if node.retained is not None else None
    if tensor is not None:
        tensor.grad = ct if on_tensors else wrap(np.array(ct), None)


def _array(x: Any) -> Any:
    return x.array if isinstance(x, Tensor) else x


def _own(ct: Any, leaf: Tensor, times: Mapping[int, int]) -> Tensor:
    """A cotangent as a tensor of its own: a rule may have handed on what it was given, or a view of it."""
    array = _array(ct)
    if type(array) is np.ndarray and array.base is None and times[id(array)] == 1:
        return wrap(array, None)
    own = wrap(np.array(array, leaf.dtype), None)
    told = state.recorder()
    if told is not None:
        told.same(own.array, ct)
    return own


def check_grad(leaf: Tensor) -> None:
    """Raise if ``.grad``, which anyone may assign, cannot be the gradient of ``leaf``.

    Raises:
        DTypeError: it is no tensor.
        ShapeError: it has another shape.
    """
    found: Any = leaf.grad
    if not isinstance(found, Tensor):
        raise DTypeError(f"grad: {type(found).__name__} was assigned to .grad", "Assign a tensor, or None.")
    if found.shape != leaf.shape:
        raise ShapeError(
            f"grad: a gradient of shape {list(found.shape)} was assigned to a tensor of shape {list(leaf.shape)}",
            "Both must have the same shape.",
        )


def backward(root: Tensor, gradient: Any = None, *, create_graph: bool = False) -> None:
    """Add d(root)/d(leaf) to ``.grad`` of every leaf that requires a gradient. See :meth:`Tensor.backward`."""
    told = state.recorder()
    copied = isinstance(gradient, Tensor) and not create_graph
    start = wrap(gradient.array.copy(), None) if copied else gradient
    if copied and told is not None:
        told.same(start.array, gradient)
    cts = pull_back([root], [start], None, create_graph)
    times = Counter([id(_array(ct)) for ct in cts.values()])
    changed: list[Any] = []
    for leaf, ct in cts.items():
        if create_graph:
            leaf.grad = ct if leaf.grad is None else leaf.grad + ct
        elif leaf.grad is None:
            leaf.grad = _own(ct, leaf, times)
        else:
            check_grad(leaf)
            if told is not None:
                told.becomes(leaf.grad, leaf.grad + ct)
                ct = ct.array
            np.add(leaf.grad.array, ct, out=leaf.grad.array, casting="same_kind")
            changed.append(leaf.grad.array)
    if changed:
        state.note_change(changed)
    state.note_backward(root, gradient)


def forget_gradients(leaves: Iterable[Tensor], set_to_none: bool) -> None:
    """Drop the ``.grad`` of each leaf, or fill it with zeros."""
    told = state.recorder()
    for leaf in leaves:
        if set_to_none:
            if told is not None:
                told.forgets(leaf)
            leaf.grad = None
        elif leaf.grad is not None:
            leaf.grad.detach().zero_()


def grad(
    outputs: Tensor | Sequence[Tensor],
    inputs: Tensor | Iterable[Tensor],
    grad_outputs: Any = None,
    *,
    create_graph: bool = False,
    retain_graph: bool | None = None,
    allow_unused: bool = False,
    materialize_grads: bool = False,
) -> tuple[Tensor | None, ...]:
    """The gradients of ``outputs`` (summed) with respect to ``inputs``, without touching any ``.grad``.

    Args:
        outputs: one tensor or several; each a single number unless ``grad_outputs`` is given.
        inputs: leaves or intermediate results.
        grad_outputs: the cotangent of each output; default 1.
        create_graph: record the gradients too, so that they can be differentiated again.
        retain_graph: accepted and not needed: a graph lives as long as its result does.
        allow_unused: give None for an input that has no influence, rather than raise.
        materialize_grads: give zeros for such an input.

    Returns:
        For each input a tensor of its shape and dtype.

    Raises:
        GradError: an input has no influence on the outputs, or does not require a gradient.

    Example:
        >>> import upriver as ur
        >>> x = ur.tensor(3.0, requires_grad=True)
        >>> (first,) = ur.grad(x ** 3, x, create_graph=True)
        >>> (second,) = ur.grad(first, x)
        >>> first.item(), second.item()
        (27.0, 18.0)
    """
    roots = [outputs] if isinstance(outputs, Tensor) else list(outputs)
    targets = [inputs] if isinstance(inputs, Tensor) else list(inputs)
    given = [None] * len(roots) if grad_outputs is None else grad_outputs
    if isinstance(given, Tensor):
        given = [given]
    for target in targets:
        if _key(target) is None:
            raise GradError(
                f"grad: an input of shape {list(target.shape)} does not require a gradient",
                "Call x.requires_grad_() before computing the outputs.",
            )
    cts = pull_back(roots, given, {_key(target) for target in targets}, create_graph)
    times = Counter([id(_array(cts.get(_key(t)))) for t in targets] + [id(_array(x)) for x in given])
    found: list[Tensor | None] = []
    for target in targets:
        ct = cts.get(_key(target))
        if ct is None:
            if not (allow_unused or materialize_grads):
                raise GradError(
                    f"grad: an input of shape {list(target.shape)} has no influence on the outputs",
                    "Leave it out, or pass allow_unused=True (None) or materialize_grads=True (zeros).",
                )
            found.append(wrap(np.zeros(target.shape, target.dtype), None) if materialize_grads else None)
        else:
            found.append(ct if create_graph else _own(ct, target, times))
    return tuple(found)
