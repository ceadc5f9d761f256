"""What every optimiser does alike: groups, state, storing it, and one walk over the parameters for each step.

An update rule is a function on arrays, ``rule(w, g, slots, s, t)``: it changes the weights ``w`` and its own
slots (a momentum, say) in place, reading the gradient ``g``; ``s`` and ``t`` are scratch. A large parameter is
updated in blocks that stay in the processor's cache, so that all passes of a rule together read and write
main memory once.
"""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import numpy as np

from ..core import state as changes
from ..core.backward import check_grad, forget_gradients
from ..core.dtypes import DType
from ..core.state import Array, enable_grad
from ..core.tensor import Tensor, to_array, wrap
from ..errors import ArgumentError, ShapeError

Group = dict[str, Any]
Rule = Callable[[Array, Array, list[Array], Array, Array], None]
Member = tuple[Tensor, list[Array], Any]
BLOCK = 1 << 18
"""Entries updated at a time: weights, gradient, two slots and two scratch buffers of float32 take 6 MiB."""


class Optimizer:
    """What changes parameters by their gradients; the base of all optimisers.

    A subclass says which slots a parameter has (:meth:`slots`) and how it is updated (:meth:`rule`).

    Args:
        params: tensors, pairs of a name and a tensor, or dicts with ``"params"`` and options of their own.
        defaults: the options of groups that do not set them.

    Attributes:
        param_groups: one dict for each group. An option changed there holds from the next step on.
        state: for each parameter a dict: its slots as tensors, and the number of its steps.
        has_stepped: whether :meth:`step` has ever been called.

    Raises:
        ArgumentError: there are no parameters, one is not a leaf tensor or appears twice, or an option is
            outside its range.

    Example:
        >>> import upriver as ur
        >>> w = ur.tensor([1.0], requires_grad=True)
        >>> optimizer = ur.optim.SGD([w], lr=0.5)
        >>> (w * w).sum().backward()
        >>> optimizer.step()
        >>> w.tolist()
        [0.0]
    """

    counts_steps: ClassVar[bool] = True

    def __init_subclass__(cls) -> None:
        if "advance" in vars(cls) and "retreat" not in vars(cls):
            cls.retreat = None  # type: ignore[assignment,method-assign]

    def __init__(self, params: Any, defaults: Group) -> None:
        self.defaults = defaults
        self.param_groups: list[Group] = []
        self.state: defaultdict[Tensor, dict[str, Any]] = defaultdict(dict)
        self.has_stepped = False
        self._known: set[Tensor] = set()
        self._scratch: dict[DType, dict[tuple[int, ...], tuple[Array, Array]]] = {}
        if isinstance(params, Tensor):
            raise ArgumentError(
                f"{self._name}: params is one tensor, not several of them", "Put it into a list: [tensor]."
            )
        groups = list(params)
        if not groups:
            raise ArgumentError(
                f"{self._name}: the list of parameters is empty",
                "Give model.parameters(), and mind that a generator is used up once it has been walked.",
            )
        for group in groups if isinstance(groups[0], dict) else [{"params": groups}]:
            self.add_param_group(group)

    @property
    def _name(self) -> str:
        return type(self).__name__

    # What a subclass says.

    def slots(self, group: Group) -> tuple[str, ...]:
        """The names of the arrays that each parameter of ``group`` keeps from step to step."""
        raise NotImplementedError

    def rule(self, group: Group, dtype: DType, time: Any) -> Rule:
        """The update of parameters of ``dtype`` in ``group`` for which :meth:`advance` returned ``time``."""
        raise NotImplementedError

    def advance(self, state: dict[str, Any], group: Group) -> Any:
        """Let a step begin for a parameter with this state; what :meth:`rule` must know of it is returned.

        Here its number, from 1. Parameters for which it is equal share one rule.
        """
        state["step"] += 1
        return state["step"]

    def retreat(self, state: dict[str, Any], time: Any) -> None:
        """Undo :meth:`advance`, which returned ``time``: the step was not taken.

        None in a subclass with another ``advance`` and no ``retreat``: states are copied, where it may be needed.
        """
        state["step"] -= 1

    def check(self, group: Group) -> None:
        """Refuse options outside their range."""
        self.require(group, "lr", group["lr"] >= 0, "at least 0")
        self.require(group, "weight_decay", group["weight_decay"] >= 0, "at least 0")

    def require(self, group: Group, key: str, holds: Any, wanted: str) -> None:
        """Raise ArgumentError, saying what was wanted, unless ``holds``."""
        if not holds:
            raise ArgumentError(f"{self._name}: {key}={group[key]!r}", f"It must be {wanted}.")

    def start(self, p: Tensor, group: Group) -> dict[str, Any]:
        """The state of a parameter before its first step."""
        state: dict[str, Any] = {"step": 0} if self.counts_steps else {}
        for name in self.slots(group):
            state[name] = wrap(np.zeros(p.shape, p.dtype), None)
        return state

    # Groups.

    def add_param_group(self, param_group: Mapping[str, Any]) -> None:
        """Add parameters with options of their own.

        Args:
            param_group: ``"params"`` (a tensor, tensors, or pairs of a name and a tensor) and any options.

        Raises:
            ArgumentError: as for the constructor.
        """
        group = dict(param_group)
        given: Any = group.get("params")
        if isinstance(given, set):
            raise ArgumentError(f"{self._name}: a set of parameters has no order", "Give a list.")
        if given is None:
            raise ArgumentError(f"{self._name}: a group without 'params'", "Write {'params': [...], 'lr': ...}.")
        items: list[Any] = [given] if isinstance(given, Tensor) else list(given)
        if items and isinstance(items[0], tuple):
            group["param_names"] = [name for name, _ in items]
            items = [p for _, p in items]
        group["params"] = items
        for key, value in self.defaults.items():
            group.setdefault(key, value)
        self._check_params(items)
        self.check(group)
        self._known.update(items)
        self.param_groups.append(group)
        changes.note_structure()

    def _check_params(self, params: list[Any]) -> None:
        seen = set(self._known)
        for i, p in enumerate(params):
            if not isinstance(p, Tensor):
                raise ArgumentError(
                    f"{self._name}: parameter {i} is of type {type(p).__name__}, not a tensor",
                    "Give tensors that require a gradient, such as model.parameters().",
                )
            if not p.is_leaf:
                raise ArgumentError(
                    f"{self._name}: parameter {i} (shape {list(p.shape)}) is a result, not a leaf",
                    "Optimise the tensors it was computed from, or make it a leaf: "
                    "x.detach().clone().requires_grad_().",
                )
            if p in seen:
                raise ArgumentError(
                    f"{self._name}: parameter {i} (shape {list(p.shape)}) appears twice, "
                    "and would be changed twice in a step",
                    "Give each parameter once.",
                )
            seen.add(p)

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients; with ``set_to_none=False`` fill them with zeros."""
        forget_gradients([p for group in self.param_groups for p in group["params"]], set_to_none)

    # A step.

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Change every parameter that has a gradient.

        Args:
            closure: computes the loss and its gradients again, and returns the loss.

        Returns:
            What ``closure`` returned, or None.
        """
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        self.has_stepped = True
        told = changes.recorder()
        if told is not None:
            told.step(self)
            return loss
        changed: list[Array] = []
        for rule, dtype, members in self.updates(_has_gradient):
            scratch = self._scratch.setdefault(dtype, {})
            for p, slots, _ in members:
                w, g = p.array, p.grad.array  # type: ignore[union-attr]
                if w.size <= BLOCK:
                    s, t = scratch.get(w.shape) or self._new_scratch(dtype, w.shape)
                    rule(w, g, slots, s, t)
                else:
                    self._in_blocks(rule, w, g, slots)
                changed.append(w)
        if changed:
            changes.note_change(changed)
        return loss

    def updates(self, due: Callable[[Tensor], bool]) -> list[tuple[Rule, DType, list[Member]]]:
        """Let a step begin for every parameter that is ``due``.

        Returns:
            Rules with their dtypes, and whom they are for: parameters with the arrays of their slots and what
            :meth:`advance` returned. Those of one group that follow each other, as long as nothing tells them apart.
        """
        found: list[tuple[Rule, DType, list[Member]]] = []
        for group in self.param_groups:
            names = self.slots(group)
            stateless = not names and not self.counts_steps
            members: list[Member] = []
            slots: list[Array] = []
            time = rule_dtype = rule_time = None
            for p in group["params"]:
                if not due(p):
                    continue
                dtype = p.array.dtype
                if not stateless:
                    state = self.state[p]
                    try:
                        slots = [state[name].array for name in names]
                        time = self.advance(state, group)
                    except KeyError:  # its first step, or an option that needs another slot was switched on
                        state.update({k: v for k, v in self.start(p, group).items() if k not in state})
                        slots = [state[name].array for name in names]
                        time = self.advance(state, group)
                if dtype is not rule_dtype or time != rule_time:
                    rule_dtype, rule_time, members = dtype, time, []
                    found.append((self.rule(group, dtype, time), dtype, members))
                members.append((p, slots, time))
        return found

    def _new_scratch(self, dtype: DType, shape: tuple[int, ...]) -> tuple[Array, Array]:
        """Two scratch arrays of ``shape``, views of the same two buffers for every shape."""
        known = self._scratch[dtype]
        if (BLOCK,) not in known:
            known[(BLOCK,)] = np.empty(BLOCK, dtype), np.empty(BLOCK, dtype)
        n = int(np.prod(shape))
        first, second = known[(BLOCK,)]
        known[shape] = first[:n].reshape(shape), second[:n].reshape(shape)
        return known[shape]

    def _in_blocks(self, rule: Rule, w: Array, g: Array, slots: list[Array]) -> None:
        if not w.flags.c_contiguous:
            rule(w, g, slots, np.empty_like(w), np.empty_like(w))
            return
        w, g, slots = w.reshape(-1), g.reshape(-1), [x.reshape(-1) for x in slots]
        s, t = self._scratch[w.dtype].get((BLOCK,)) or self._new_scratch(w.dtype, (BLOCK,))
        for i in range(0, w.size, BLOCK):
            j = min(i + BLOCK, w.size)
            rule(w[i:j], g[i:j], [x[i:j] for x in slots], s[: j - i], t[: j - i])

    # Storing and going on.

    def state_dict(self) -> dict[str, Any]:
        """A copy of everything that :meth:`load_state_dict` needs to go on bit for bit, laid out as PyTorch's.

        Returns:
            ``{"state": {i: {...}}, "param_groups": [{..., "params": [i, ...]}]}``, where ``i`` counts the
            parameters through all groups.
        """
        index: dict[Tensor, int] = {}
        groups: list[Group] = []
        for group in self.param_groups:
            for p in group["params"]:
                index[p] = len(index)
            stored = {key: copy.deepcopy(value) for key, value in group.items() if key != "params"}
            groups.append(stored | {"params": [index[p] for p in group["params"]]})
        state = {index[p]: copy.deepcopy(values) for p, values in self.state.items() if p in index and values}
        return {"state": dict(sorted(state.items())), "param_groups": groups}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Go on from what :meth:`state_dict` gave (or PyTorch's optimiser of the same name, with NumPy arrays).

        Raises:
            ArgumentError: it is no optimiser's state, or its groups are not as many, or not as large, as this one's.
            ShapeError: a stored slot does not have its parameter's shape.
        """
        if not {"state", "param_groups"} <= set(state_dict):
            raise ArgumentError(
                f"{self._name}.load_state_dict: 'state' and 'param_groups' are expected, and the keys are "
                f"{list(state_dict)[:4]}",
                "Give what optimizer.state_dict() returned; a model's goes to model.load_state_dict.",
            )
        stored: list[Any] = list(state_dict["param_groups"])
        sizes, mine = [len(g["params"]) for g in stored], [len(g["params"]) for g in self.param_groups]
        if sizes != mine:
            raise ArgumentError(
                f"{self._name}.load_state_dict: the stored groups have {sizes} parameters, this optimiser's {mine}",
                "Build the optimiser from the same model and groups as the one that was stored.",
            )
        params: dict[int, tuple[Tensor, Group]] = {}
        for group, loaded in zip(self.param_groups, stored, strict=True):
            params.update((int(i), (p, group)) for i, p in zip(loaded["params"], group["params"], strict=True))
        slots = {name for group in [*self.param_groups, *stored] for name in self.slots({**self.defaults, **group})}
        states: dict[Tensor, dict[str, Any]] = {}
        for key, values in state_dict["state"].items():
            if int(key) not in params:
                raise ArgumentError(
                    f"{self._name}.load_state_dict: there are values for parameter {key}, which is in no group",
                    "The state was changed after it was stored; store it again.",
                )
            p, _ = params[int(key)]
            states[p] = {
                name: self._load_slot(p, name, value) if name in slots else _number(name, value)
                for name, value in values.items()
                if value is not None
            }
        for group, loaded in zip(self.param_groups, stored, strict=True):
            for key, value in loaded.items():
                if key != "params":
                    group[key] = tuple(value) if isinstance(group.get(key), tuple) else copy.deepcopy(value)
        for p, values in states.items():
            for name, old in self.state.get(p, {}).items():
                if isinstance(old, Tensor) and name in values and old.dtype == values[name].dtype:
                    np.copyto(old.array, values[name].array)
                    values[name] = old  # slots are cells too: whoever holds one sees the new values
        self.state.clear()
        self.state.update(states)
        changes.note_structure()

    def _load_slot(self, p: Tensor, name: str, value: Any) -> Tensor:
        array = to_array(value if isinstance(value, Tensor) else np.asarray(value), p.dtype)
        if array.shape != p.shape:
            raise ShapeError(
                f"{self._name}.load_state_dict: {name} has shape {list(array.shape)}, its parameter {list(p.shape)}",
                "The state belongs to another model.",
            )
        return wrap(array.copy(), None)

    def __repr__(self) -> str:
        lines = [f"{self._name} ("]
        for i, group in enumerate(self.param_groups):
            lines.append(f"Parameter Group {i}")
            lines += [f"    {key}: {group[key]}" for key in sorted(group) if key not in ("params", "param_names")]
        return "\n".join([*lines, ")"])


def _has_gradient(p: Tensor) -> bool:
    grad = p.grad
    if grad is None:
        return False
    if type(grad) is not Tensor or grad.array.shape != p.array.shape:
        check_grad(p)
    return True


def _number(name: str, value: Any) -> Any:
    return int(value) if name == "step" else float(value)


def constants(dtype: DType, *numbers: float) -> list[Array]:
    """Numbers as arrays of no dimensions: NumPy takes twice as long with a Python number."""
    return [np.array(x, dtype) for x in numbers]


def effective_gradient(group: Group, dtype: DType) -> Callable[[Array, Array, Array], Array] | None:
    """``(w, g, t) -> ±g + weight_decay · w``, computed in ``t``; minus where the aim is to maximise. None for ``g``."""
    maximize, decay = group["maximize"], float(group["weight_decay"])
    if not decay:
        return (lambda w, g, t: np.negative(g, t)) if maximize else None
    (c,) = constants(dtype, decay)
    combine = np.subtract if maximize else np.add

    def decayed(w: Array, g: Array, t: Array) -> Array:
        np.multiply(w, c, t)
        return combine(t, g, t)

    return decayed
