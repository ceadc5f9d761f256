"""A small network as people paste it: layers, a few tensors, a loss. Parsed to a whitelist, never run as Python.

    model = Sequential(Linear(2, 3), Tanh(), Linear(3, 1))
    x = [[1, 2], [3, 4]]
    y = [[0], [1]]
    loss = mse_loss(model(x), y)

It is the language of expressions (:mod:`upriver.explain.language`), and besides: layers, which are called with
numbers; names that stand for a layer, which are called with tensors; ``tensor``, ``zeros``, ``ones``, ``rand``,
``randn``. Prefixes such as ``nn.`` and ``F.``, methods such as ``x.mean()``, imports, ``loss.backward()`` and a plain
class with ``__init__`` and ``forward`` are understood, since that is how networks are written. A loop over a ``range``
of plain numbers is written out, an index is made of plain numbers, and several values are unpacked, as in
``out, (h, c) = lstm(x)``.
"""

from __future__ import annotations

import ast
import linecache
import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from ... import nn
from ...causes import cause
from ...core.registry import ops
from ...core.site import Site, sites_off
from ...core.state import tracing
from ...core.tensor import Tensor, wrap
from ...errors import ArgumentError, UpriverError
from ...explain import language
from ...explain.evaluate import Run, fits
from ...explain.names import of_variables
from ...ops.create import tensor
from ...ops.generator import get_rng_state, manual_seed, set_rng_state
from .layers import LAYERS, LOSSES, MAKERS, Checker, literal
from .plain import plain

FILE = "pasted"
"""What the lines of the text are called after."""

_OF_CLASSES = (nn.CrossEntropyLoss, nn.NLLLoss)
_WIDEST, _PRODUCT, _MODULES = 256, 20_000, 100
_PARAMETERS, _WORK = 20_000, 20_000_000
"""Numbers that the layers may have in all, and times the entries of an input."""


class Network:
    r"""A pasted network: its layers and tensors made once, its loss computed as often as is asked.

    Args:
        source: the text.
        seed: of the initial weights, and of what ``rand``, ``randn`` and ``Dropout`` draw.
        most: how many entries a value may have that comes up between the layers.

    Attributes:
        source: the text.

    Raises:
        ArgumentError: it is outside the language, or too large; the message names the line.

    Example:
        >>> net = Network("model = nn.Linear(2, 1)\nx = [[1, 2]]\nloss = F.mse_loss(model(x), [[0]])")
        >>> sorted(net.run())
        ['', 'bias', 'loss', 'weight', 'x']
    """

    def __init__(self, source: str, *, seed: int = 0, most: int | None = None) -> None:
        self.source, self.seed = source.rstrip().expandtabs(4), seed
        body, drawn = plain(self.source)
        self.seed = seed if drawn is None else drawn
        checker = Checker(self.source)
        self.steps = [checker.step(statement) for statement in body]
        if not self.steps:
            raise ArgumentError("the text computes nothing", "Write loss = …, as in mse_loss(model(x), y).", at=False)
        self._made: dict[int, Any] = {}
        self.inline: dict[ast.Call, nn.Module] = {}
        self.most = most
        self.parameters = 0

    def run(self) -> dict[str, Tensor]:
        """Every tensor by its name, and ``""`` for the loss: what is called ``loss``, else what came last.

        Raises:
            UpriverError: it cannot be computed, or the result is not one number; the message names the line.
        """
        if not self._made:
            self._pass()  # makes layers and tensors; what is drawn after that, is drawn anew by every run
            self._want()
        scope, name, statement = self._pass()
        result = scope.get("loss", scope[name])
        line = statement.lineno
        if not isinstance(result, Tensor) or result.array.size != 1 or result.node is None:
            shape = f"of shape {list(result.shape)}" if isinstance(result, Tensor) else "a layer"
            raise ArgumentError(
                f"line {line}: the result is {shape}, and a gradient is that of one number",
                "End with a loss, as in loss = mse_loss(model(x), y).",
                at=False,
            )
        variables = {name: x for name, x in scope.items() if name.isidentifier()}
        named = {name: key for key, name in of_variables(variables, lists=False).items() if isinstance(key, Tensor)}
        tensors = {name: x for name, x in variables.items() if isinstance(x, Tensor)}
        return {**named, **tensors, "": result}

    def _pass(self) -> tuple[dict[str, Any], str, ast.stmt]:
        """Run through the statements: what every name stands for, and the last statement with its name."""
        with sites_off(), tracing(), _drawing(self.seed):
            work = _Work(self)
            for i, (name, statement) in enumerate(self.steps):
                found = self._made.get(i)
                work.scope[name] = found = work.step(name, statement) if found is None else found
                if isinstance(found, (nn.Module, _Class)) or (isinstance(found, Tensor) and found.node is None):
                    self._made[i] = found
        return work.scope, name, statement

    def _want(self) -> None:
        """Where nothing wants a gradient, every tensor that was written down does."""
        tensors = [x for x in self._made.values() if isinstance(x, Tensor)]
        if not self.parameters and not any([x.requires_grad for x in tensors]):
            for x in tensors:
                x.requires_grad_()

    @contextmanager
    def lines(self) -> Iterator[None]:
        """A stretch in which the lines of the text are found under the name of its file."""
        linecache.cache[FILE] = (len(self.source), None, [f"{line}\n" for line in self.source.split("\n")], FILE)
        try:
            yield
        finally:
            linecache.cache.pop(FILE, None)


@contextmanager
def _drawing(seed: int) -> Iterator[None]:
    """The default generator from ``seed`` on; afterwards it goes on where it was."""
    before = get_rng_state()
    manual_seed(seed)
    try:
        yield
    finally:
        set_rng_state(before)


class _Class:
    """A class that the text defines: statements of ``__init__`` and of ``forward``."""

    def __init__(self, name: str, takes: list[str], init: list[Any], arguments: list[str], forward: list[Any]) -> None:
        self.name, self.takes, self.init, self.arguments, self.forward = name, takes, init, arguments, forward


class _Work(Run):
    """One run through the statements: names and what they stand for."""

    def __init__(self, network: Network) -> None:
        super().__init__({}, most=network.most)
        self.network = network
        self.modules = 0

    def step(self, name: str, statement: ast.stmt) -> Any:
        """The value of a statement, whose operations are those of its line."""
        if isinstance(statement, ast.ClassDef):
            return _class_of(statement)
        tree = statement.value  # type: ignore[attr-defined]
        try:
            found = self.statement(name, tree, self.network.source)
        except UpriverError as error:
            if error.message.startswith("line "):
                raise
            why = error.message.removeprefix("expression: ").split("\n")[0]
            raise ArgumentError(f"line {statement.lineno}: {why}", error.fix, at=False) from None
        except (TypeError, ValueError, IndexError) as error:
            raise ArgumentError(f"line {statement.lineno}: {cause(error)}", at=False) from None
        for x in _flat(found):
            if isinstance(x, Tensor):
                _place(x, statement.lineno)
        return found

    def _value(self, node: ast.AST) -> Any:
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Call):  # a layer, called where it is made
            layer = self.network.inline.get(node)
            if layer is None:
                self.network.inline[node] = layer = self.value(node.func)
            return self._run(type(layer).__name__, layer, [self.value(arg) for arg in node.args])
        if isinstance(node, ast.Tuple):
            return tuple([self.value(item) for item in node.elts])
        if isinstance(node, ast.Subscript):
            found = self.value(node.value)
            if not isinstance(found, tuple):
                return ops.index(found, tuple([language.key(part, {}) for part in language.entries(node.slice)]))
            at = language.key(node.slice, {})
            if not isinstance(at, int) or not -len(found) <= at < len(found):
                raise ArgumentError(
                    f"of {len(found)} values, one is chosen by its number", "Write it as in [0].", at=False
                )
            return found[at]
        return super()._value(node)

    def _call(self, name: str, args: list[ast.expr], keywords: list[ast.keyword]) -> Any:
        if name in self.scope:
            return self._apply(name, [self.value(arg) for arg in args])
        if name in ("cat", "stack") and args and isinstance(args[0], (ast.List, ast.Tuple)):
            named = {str(k.arg): ast.literal_eval(k.value) for k in keywords}
            rest = [ast.literal_eval(arg) for arg in args[1:]]
            return getattr(ops, name)(_tensors([self.value(item) for item in args[0].elts]), *rest, **named)
        if name not in LAYERS and name not in MAKERS and name not in LOSSES:
            return super()._call(name, args, keywords)
        named = {str(k.arg): ast.literal_eval(k.value) for k in keywords}
        given = [ast.literal_eval(arg) if literal(arg) else self.value(arg) for arg in args]
        given = [int(x) if name in LAYERS and isinstance(x, float) and x.is_integer() else x for x in given]
        if name in LOSSES:
            return LOSSES[name](*_targets(name in ("cross_entropy", "nll_loss"), _tensors(given)), **named)
        fits(name, LAYERS.get(name) or MAKERS[name], given, named)
        _bound_sizes(name, [*given, *named.values()])
        if name in LAYERS:
            return self._layer(LAYERS[name], given, named)
        wants = bool(named.pop("requires_grad", False))
        made = given[0] if name == "tensor" else MAKERS[name](*given, **named).array
        return tensor(made, dtype="float64", requires_grad=wants)

    def _layer(self, kind: type[nn.Module], given: list[Any], named: dict[str, Any]) -> nn.Module:
        self.modules += 1
        found = kind(*given, **named)
        for p in found.parameters():
            p.data = p.array.astype(np.float64)
        for b in found.buffers():
            b.data = b.array.astype(np.float64) if b.dtype.kind == "f" else b.array
        count = sum([p.array.size for p in found.parameters()])
        self.network.parameters = max(self.network.parameters, count)
        if count > _PARAMETERS or self.modules > _MODULES:
            raise ArgumentError(
                f"{kind.__name__}: {count:,} parameters in {self.modules} layers",
                f"At most {_PARAMETERS:,} in {_MODULES} layers are computed here.",
                at=False,
            )
        return found

    def _apply(self, name: str, given: list[Any]) -> Any:
        module = self.scope[name]
        if isinstance(module, _Class):
            kind: Any = type(module.name, (_Written,), {})  # traces call it what the text calls it
            return kind(module, given, self)
        if not isinstance(module, nn.Module):
            raise ArgumentError(f"{name} is not a layer, and cannot be called", "Write name * x to multiply.", at=False)
        return self._run(name, module, given)

    def _run(self, name: str, module: nn.Module, given: list[Any]) -> Any:
        arrays = _tensors(given)
        sizes = [x.array.size for x in _flat(arrays) if isinstance(x, Tensor)]
        size = sum([p.array.size for p in module.parameters()]) * max(sizes, default=0)
        if size > _WORK:
            raise ArgumentError(f"{name}: the input is too large for so many parameters", "Use fewer rows.", at=False)
        fits(name, module.forward, arrays, {})
        return module(*_targets(isinstance(module, _OF_CLASSES), arrays))


class _Written(nn.Module):
    """An instance of a class that the text defines."""

    def __init__(self, of: _Class, given: list[Any], work: _Work) -> None:
        super().__init__()
        if len(given) != len(of.takes):
            raise ArgumentError(f"{of.name} takes {len(of.takes)} arguments, and {len(given)} were given", at=False)
        self.__dict__["of"], self.__dict__["work"] = of, work
        outside, work.scope = work.scope, {**work.scope, **dict(zip(of.takes, given, strict=True))}
        try:
            for statement in of.init:
                name = statement.targets[0].id
                work.scope[name] = work.step(name, statement)
                if name.startswith("self."):
                    setattr(self, name[5:], work.scope[name])
        finally:
            self.__dict__["own"] = {k: v for k, v in work.scope.items() if k.startswith("self.")}
            work.scope = outside
        work.network.parameters = max(work.network.parameters, sum([p.array.size for p in self.parameters()]))

    def forward(self, *given: Any) -> Any:
        """What the statements of ``forward`` return."""
        of, work = self.__dict__["of"], self.__dict__["work"]
        if len(given) != len(of.arguments):
            raise ArgumentError(f"{of.name} is called with {len(of.arguments)} tensors", at=False)
        outside, work.scope = work.scope, {**work.scope, **self.__dict__["own"]}
        work.scope |= dict(zip(of.arguments, given, strict=True))
        try:
            for statement in of.forward:
                name = "" if isinstance(statement, ast.Return) else statement.targets[0].id
                work.scope[name] = found = work.step(name, statement)
                if isinstance(statement, ast.Return):
                    return found
        finally:
            work.scope = outside
        raise ArgumentError(f"{of.name}: forward returns nothing", "End it with return …", at=False)


def _class_of(node: ast.ClassDef) -> _Class:
    methods = {m.name: m for m in node.body if isinstance(m, ast.FunctionDef)}
    init, forward = methods["__init__"], methods["forward"]
    takes, arguments = ([arg.arg for arg in m.args.args[1:]] for m in (init, forward))
    return _Class(node.name, takes, init.body, arguments, forward.body)


def _tensors(given: list[Any]) -> list[Any]:
    return [
        x if isinstance(x, Tensor) else tuple(_tensors(list(x))) if isinstance(x, tuple) else _tensor(x) for x in given
    ]


def _tensor(x: Any) -> Tensor:
    if not isinstance(x, (int, float, list)) or isinstance(x, bool):
        raise ArgumentError("a tensor or a number is needed here", "Write it as in [[1, 2]].", at=False)
    return tensor(x, dtype="float64")


def _targets(of_classes: bool, given: list[Tensor]) -> list[Tensor]:
    """The arguments of a loss; numbers of classes as whole numbers."""
    if of_classes and len(given) > 1 and given[1].ndim < given[0].ndim:
        given[1] = wrap(given[1].array.astype(np.int64), None)
    return given


def _bound_sizes(name: str, given: list[Any]) -> None:
    """Refuse what would take much memory before it is made."""
    sizes = [abs(x) for x in _flat(given) if isinstance(x, int) and not isinstance(x, bool)]
    if name != "tensor" and (max(sizes, default=0) > _WIDEST or math.prod([max(n, 1) for n in sizes]) > _PRODUCT):
        raise ArgumentError(
            f"{name} is too large for this place", f"Use sizes of at most {_WIDEST}, and few of them.", at=False
        )


def _flat(given: Any) -> list[Any]:
    return [x for item in given for x in _flat(item)] if isinstance(given, (list, tuple)) else [given]


def _place(found: Tensor, line: int) -> None:
    """Give the operations that led to a value, as far as they have none, the line on which it is computed."""
    code = compile("0", FILE, "exec").replace(co_firstlineno=line)
    site: Site = (code, -1)  # before its first instruction: the line is the first
    stack = [found.node]
    while stack:
        node = stack.pop()
        if node is not None and node.site is None:
            node.site = site
            stack += node.parents
