"""What a pasted network may consist of besides expressions: layers, tensors that are written down, losses, a class."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Any

from ... import nn
from ...explain import language
from ...ops.attention import scaled_dot_product_attention
from ...ops.class_loss import cross_entropy, nll_loss
from ...ops.create import ones, tensor, zeros
from ...ops.loss import binary_cross_entropy, binary_cross_entropy_with_logits
from ...ops.random import rand, randn

_NAMES = """
    Sequential Linear Conv1d Conv2d MaxPool1d MaxPool2d AvgPool1d AvgPool2d AdaptiveAvgPool1d AdaptiveAvgPool2d Flatten
    BatchNorm1d BatchNorm2d LayerNorm GroupNorm RMSNorm Dropout Identity Residual
    ReLU LeakyReLU PReLU ELU CELU SELU GELU SiLU Mish Sigmoid LogSigmoid Tanh Tanhshrink Softsign Softplus Softmax
    RNN LSTM GRU RNNCell LSTMCell GRUCell MultiheadAttention
    LogSoftmax ReLU6 Hardtanh Hardsigmoid Hardswish Softshrink
    MSELoss L1Loss SmoothL1Loss HuberLoss CrossEntropyLoss NLLLoss BCELoss BCEWithLogitsLoss
"""
LAYERS: Mapping[str, type[nn.Module]] = {name: getattr(nn, name) for name in _NAMES.split()}
MAKERS: Mapping[str, Callable[..., Any]] = {
    "tensor": tensor,
    "zeros": zeros,
    "ones": ones,
    "rand": rand,
    "randn": randn,
}
LOSSES: Mapping[str, Callable[..., Any]] = {
    "cross_entropy": cross_entropy,
    "nll_loss": nll_loss,
    "binary_cross_entropy": binary_cross_entropy,
    "binary_cross_entropy_with_logits": binary_cross_entropy_with_logits,
    "scaled_dot_product_attention": scaled_dot_product_attention,
}


class Checker(language.Checker):
    """The language of expressions and, besides, layers and names that stand for one.

    Args:
        source: the text, to point into.
    """

    def __init__(self, source: str) -> None:
        super().__init__(source, {**language.functions(), **MAKERS, **LOSSES, **LAYERS})

    def parts(self, node: ast.AST) -> list[ast.expr]:
        """As in the language of expressions; a layer may be called where it is made, as in ``MSELoss()(x, y)``."""
        match node:
            case ast.Call(func=ast.Call(func=ast.Name(id=name)) as made, args=args, keywords=[]) if name in LAYERS:
                return [made, *args]
            case ast.Tuple(elts=items) if items:  # of layers that are given or give several, as (h, c)
                return items
            case ast.Subscript(value=value, slice=key):
                for part in language.entries(key):
                    self._index(part)
                return [value]
        return super().parts(node)

    def _index(self, part: ast.expr) -> None:
        """Check one part of an index: a whole number, a slice of them, None."""
        ends = [part.lower, part.upper, part.step] if isinstance(part, ast.Slice) else [part]
        for end in ends:
            number = end.operand if isinstance(end, ast.UnaryOp) and isinstance(end.op, ast.USub) else end
            plain = number is None or (
                isinstance(number, ast.Constant) and (number.value is None or type(number.value) is int)
            )
            if not plain:
                raise language.refuse(
                    self.source, part, "an index is made of plain whole numbers here", "Write it as in x[:, 0]."
                )

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
        if name not in self.allowed and not get_close_matches(name, self.allowed, 1, 0.6):
            raise language.refuse(
                self.source, node, f"{name} has no value", f"Give it one above, as in {name} = Linear(2, 1)."
            )
        found = super().call(node, name)
        return [arg for arg in found if not (name in LAYERS or name in MAKERS) or not literal(arg)]


def literal(node: ast.AST) -> bool:
    """Whether a tree is made of numbers alone."""
    return all(
        [isinstance(n, (ast.Constant, ast.Tuple, ast.List, ast.UnaryOp, ast.USub, ast.Load)) for n in ast.walk(node)]
    )
