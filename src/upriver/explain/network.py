"""A small network as people paste it: layers, a few tensors, a loss. Parsed to a whitelist, never run as Python.

    model = Sequential(Linear(2, 3), Tanh(), Linear(3, 1))
    x = [[1, 2], [3, 4]]
    y = [[0], [1]]
    loss = mse_loss(model(x), y)

It is the language of expressions (:mod:`.language`), and besides: layers, which are called with numbers; names that
stand for a layer, which are called with tensors; ``tensor``, ``zeros``, ``ones``, ``rand``, ``randn``. Prefixes such as
``nn.`` and ``F.``, methods such as ``x.mean()``, imports, ``loss.backward()`` and a plain class with ``__init__`` and
``forward`` are understood, since that is how networks are written.
"""

from __future__ import annotations

import ast
import linecache
import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from .. import nn
from ..core.site import Site, sites_off
from ..core.state import tracing
from ..core.tensor import Tensor, wrap
from ..errors import ArgumentError, UpriverError
from ..ops.class_loss import cross_entropy, nll_loss
from ..ops.create import ones, tensor, zeros
from ..ops.generator import get_rng_state, manual_seed, set_rng_state
from ..ops.loss import binary_cross_entropy, binary_cross_entropy_with_logits
from ..ops.random import rand, randn
from . import language
from .evaluate import Run
from .names import of_variables
from .plain import plain

FILE = "pasted"
"""What the lines of the text are called after."""

_LAYERS = """
    Sequential Linear Conv1d Conv2d MaxPool1d MaxPool2d AvgPool1d AvgPool2d AdaptiveAvgPool1d AdaptiveAvgPool2d Flatten
    BatchNorm1d BatchNorm2d LayerNorm GroupNorm RMSNorm Dropout Identity Residual
    ReLU LeakyReLU PReLU ELU CELU SELU GELU SiLU Mish Sigmoid LogSigmoid Tanh Tanhshrink Softsign Softplus Softmax
    LogSoftmax ReLU6 Hardtanh Hardsigmoid Hardswish Softshrink
    MSELoss L1Loss SmoothL1Loss HuberLoss CrossEntropyLoss NLLLoss BCELoss BCEWithLogitsLoss
"""
LAYERS: Mapping[str, type[nn.Module]] = {name: getattr(nn, name) for name in _LAYERS.split()}
_MAKERS: Mapping[str, Callable[..., Any]] = {
    "tensor": tensor,
    "zeros": zeros,
    "ones": ones,
    "rand": rand,
    "randn": randn,
}
_LOSSES: Mapping[str, Callable[..., Any]] = {
    "cross_entropy": cross_entropy,
    "nll_loss": nll_loss,
    "binary_cross_entropy": binary_cross_entropy,
    "binary_cross_entropy_with_logits": binary_cross_entropy_with_logits,
}
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
        ['', 'loss', 'model.bias', 'model.weight', 'x']
    """

    def __init__(self, source: str, *, seed: int = 0, most: int | None = None) -> None:
        self.source, self.seed = source.strip("\n").expandtabs(4), seed
        body, drawn = plain(self.source)
        self.seed = seed if drawn is None else drawn
        checker = _Checker(self.source, {**language.functions(), **_MAKERS, **_LOSSES, **LAYERS})
        self.steps = [checker.step(statement) for statement in body]
        if not self.steps:
            raise ArgumentError("the text computes nothing", "Write loss = …, as in mse_loss(model(x), y).", at=False)
        self._made: dict[int, Any] = {}
        self.most = most
        self.parameters = 0

    def run(self) -> dict[str, Tensor]:
        """Every tensor by its name, and ``""`` for the loss: what is called ``loss``, else what came last.

        Raises:
            UpriverError: it cannot be computed, or the result is not one number; the message names the line.
        """
        with sites_off(), tracing(), _drawing(self.seed):
            work = _Work(self)
            for i, (name, statement) in enumerate(self.steps):
                found = self._made.get(i)
                work.scope[name] = found if found is not None else work.step(name, statement)
                if found is None and _is_made(work.scope[name]):
                    self._made[i] = work.scope[name]
        if not self._wanted():
            return self.run()
        result = work.scope.get("loss", work.scope[name])
        line = statement.lineno
        if not isinstance(result, Tensor) or result.array.size != 1 or result.node is None:
            shape = f"of shape {list(result.shape)}" if isinstance(result, Tensor) else "a layer"
            raise ArgumentError(
                f"line {line}: the result is {shape}, and a gradient is that of one number",
                "End with a loss, as in loss = mse_loss(model(x), y).",
                at=False,
            )
        variables = {name: x for name, x in work.scope.items() if isinstance(name, str) and name.isidentifier()}
        named = {name: key for key, name in of_variables(variables, lists=False).items() if isinstance(key, Tensor)}
        tensors = {name: x for name, x in variables.items() if isinstance(x, Tensor)}
        return {**named, **tensors, "": result}

    def _wanted(self) -> bool:
        """Whether anything wants a gradient; if not, from now on every tensor that was written down does."""
        made = list(self._made.values())
        if self.parameters or any([isinstance(x, Tensor) and x.requires_grad for x in made]) or not made:
            return True
        for x in made:
            if isinstance(x, Tensor) and x.dtype.kind == "f":
                x.requires_grad_()
        return not any([isinstance(x, Tensor) and x.requires_grad for x in made])

    @contextmanager
    def lines(self) -> Iterator[None]:
        """A stretch in which the lines of the text are found under the name of its file."""
        linecache.cache[FILE] = (len(self.source), None, [f"{line}\n" for line in self.source.split("\n")], FILE)
        try:
            yield
        finally:
            linecache.cache.pop(FILE, None)


def _is_made(x: Any) -> bool:
    """Whether a value was written down or drawn, and not computed from others."""
    return isinstance(x, (nn.Module, _Class)) or (isinstance(x, Tensor) and x.node is None)


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


class _Checker(language.Checker):
    """The language of expressions and, besides, layers and names that stand for one."""

    def step(self, statement: ast.stmt) -> tuple[str, ast.stmt]:
        """Check one statement; its name (empty for the last expression) and itself."""
        if isinstance(statement, ast.ClassDef):
            self._class(statement)
            return statement.name, statement
        if isinstance(statement, ast.Assign):
            name, tree = self.name(statement.targets[0]), statement.value
        elif isinstance(statement, (ast.Expr, ast.Return)) and statement.value is not None:
            name, tree = "", statement.value
        else:
            raise language.refuse(self.source, statement, "nothing is computed here", "Write loss = ….")
        self.tree(tree)
        if self.free:
            missing = next(iter(self.free))
            raise language.refuse(
                self.source, statement, f"{missing} has no value", f"Give it one above: {missing} = [[1, 2]]."
            )
        self.known.add(name)
        return name, statement

    def name(self, target: ast.expr) -> str:
        """The name that is assigned to; unlike in a formula it may have been before, as in ``x = relu(x)``."""
        if not isinstance(target, ast.Name):
            raise language.refuse(self.source, target, "only a name can be assigned to")
        if target.id in self.allowed:
            raise language.refuse(self.source, target, f"{target.id} is a function", "Choose another name.")
        return target.id

    def _class(self, node: ast.ClassDef) -> None:
        methods = {m.name: m for m in node.body if isinstance(m, ast.FunctionDef)}
        if set(methods) != {"__init__", "forward"} or node.name in self.allowed or node.name in self.known:
            raise language.refuse(
                self.source, node, f"{node.name}: a class has __init__ and forward here, and a name of its own"
            )
        outside, own = self.known, set[str]()
        for method in (methods["__init__"], methods["forward"]):
            self.known = own | {arg.arg for arg in method.args.args[1:]}
            for statement in method.body:
                self.step(statement)
            own = {name for name in self.known if name.startswith("self.")}
        self.known = outside | {node.name}

    def call(self, node: ast.Call, name: str) -> list[ast.expr]:
        """The arguments that are to be checked; those of a layer may be tuples of numbers."""
        if name in self.known:
            if node.keywords:
                raise language.refuse(self.source, node, f"{name} is called without names for its arguments")
            return node.args
        found = super().call(node, name)
        return [arg for arg in found if not (name in LAYERS or name in _MAKERS) or not _literal(arg)]


def _literal(node: ast.AST) -> bool:
    """Whether a tree is made of numbers alone."""
    return all(
        [isinstance(n, (ast.Constant, ast.Tuple, ast.List, ast.UnaryOp, ast.USub, ast.Load)) for n in ast.walk(node)]
    )


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
            raise ArgumentError(f"line {statement.lineno}: {error}", at=False) from None
        if isinstance(found, Tensor):
            _place(found, statement.lineno)
        return found

    def _call(self, name: str, args: list[ast.expr], keywords: list[ast.keyword]) -> Any:
        if name in self.scope:
            return self._apply(name, [self.value(arg) for arg in args])
        if name not in LAYERS and name not in _MAKERS and name not in _LOSSES:
            return super()._call(name, args, keywords)
        named = {str(k.arg): ast.literal_eval(k.value) for k in keywords}
        given = [ast.literal_eval(arg) if _literal(arg) else self.value(arg) for arg in args]
        given = [int(x) if name in LAYERS and isinstance(x, float) and x.is_integer() else x for x in given]
        if name in _LOSSES:
            return _LOSSES[name](*_targets(name in ("cross_entropy", "nll_loss"), _tensors(given)), **named)
        _bound_sizes(name, [*given, *named.values()])
        if name in LAYERS:
            return self._layer(LAYERS[name], given, named)
        if name == "tensor":
            return tensor(*given[:1], dtype="float64", requires_grad=bool(named.get("requires_grad")))
        return _MAKERS[name](*given, dtype="float64", **named)

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
        arrays = _tensors(given)
        size = sum([p.array.size for p in module.parameters()]) * max([x.array.size for x in arrays], default=0)
        if size > _WORK:
            raise ArgumentError(f"{name}: the input is too large for so many parameters", "Use fewer rows.", at=False)
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


def _tensors(given: list[Any]) -> list[Tensor]:
    return [x if isinstance(x, Tensor) else _tensor(x) for x in given]


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
