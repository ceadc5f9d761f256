"""Write docs/operations.md by walking the registry: ``python docs/make_reference.py``.

Nothing on that page is typed in: values are the records' formulas, gradients are what their rules compute when they
are run and read back, and the rest comes from the records' other fields and from the functions' docstrings.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import math
import pkgutil
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

import upriver as ur
from upriver.core.op import Case, Each, Op
from upriver.core.registry import ops
from upriver.core.state import tracing
from upriver.core.tensor import wrap
from upriver.explain.formula import Derivative, entrywise, ones, run_rule, simplify
from upriver.explain.writing import symbol, write
from upriver.nn import functional

PAGE = Path(__file__).with_name("operations.md")

HEAD = """\
# Operations

Written by `python docs/make_reference.py` from the registry of operations; a test holds the two together.

There is one part for each file of `src/upriver/ops`. A **primitive** is one record. Its row gives

- its value `y`.
- its gradients: what its rules compute when they are run and read back. `dy/dx` is the local derivative, of each entry
  of `y` by the same entry of `x`. `x̄` is the gradient by the whole of `x`, given the gradient `g` by `y` (a
  vector-Jacobian product). Where sizes and attributes matter they are those of the example in the last column;
  `k1`, `k2`, … are arrays that the rule makes. Of an operation with any number of inputs the first one's is shown.
- what holds where there is no derivative (ties), and the interval from which tests draw an input, unless that is all
  real numbers.
- an example: shapes of the inputs, attributes, and its cost there in floating-point operations.

Below the table are the **functions** that people call: those that check arguments for a primitive, and those that are
composed of others. `ur` is `upriver`, `F` is `upriver.nn.functional`, and `x.` stands before methods of tensors; most
of `ur` are methods too. Names without any of these are behind methods of other names. A primitive that has no such
function and is in neither `ur` nor `F` is what others, or their gradients, are made of.
"""


def modules() -> list[ModuleType]:
    """The files of the package, in the order of their names."""
    package = importlib.import_module("upriver.ops")
    return [importlib.import_module(f"upriver.ops.{found.name}") for found in pkgutil.iter_modules(package.__path__)]


def homes() -> dict[Op, ModuleType]:
    """In which file each record is made."""
    found: dict[Op, ModuleType] = {}
    for module in modules():
        for statement in ast.parse(inspect.getsource(module)).body:
            targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
            for target in targets:
                value = getattr(module, target.id, None) if isinstance(target, ast.Name) else None
                if isinstance(value, Op):
                    found.setdefault(value, module)
    return found


def functions(module: ModuleType) -> list[tuple[str, Any]]:
    """The front doors of a file, in their order there."""
    doors = [(name, f) for name, f in vars(ops).items() if inspect.isfunction(f) and f.__module__ == module.__name__]
    return sorted(doors, key=lambda door: door[1].__code__.co_firstlineno)


# Gradients.


def arrays(op: Op, case: Case) -> list[Any]:
    """The inputs of a case: shapes are filled with numbers from the domain, all different."""
    found: list[Any] = []
    for i, given in enumerate(case.inputs):
        if not isinstance(given, tuple):
            found.append(given)
            continue
        interval, size = op.domain.of(i), math.prod(given)
        low = interval.low if math.isfinite(interval.low) else min(interval.high, 1.0) - 1.0
        high = interval.high if math.isfinite(interval.high) else low + 1.0
        # Irregular steps, another beginning for each input: no entry equals another, and none is a round number.
        place = (0.137 * (i + 1) + 0.6180339887 * np.arange(size)) % 1.0
        found.append((low + (high - low) * (0.05 + 0.9 * place)).reshape(given))
    return found


def names(op: Op, count: int) -> list[str]:
    """What the inputs are called: as in the rules."""
    if not isinstance(op.vjps, Each):
        for rule in op.vjps:
            if rule is not None:
                code = rule.__code__
                own = [name.lstrip("_") for name in code.co_varnames[2 : code.co_argcount]]
                if len(own) >= count and all(own[:count]) and not {"g", "y"} & set(own[:count]):
                    return own[:count]
    if count == 1 or "{1}" not in op.formula.text:
        return ["x", *(f"x{i + 1}" for i in range(1, count))][:count]
    return ["a", "b"] if count == 2 else [f"x{i + 1}" for i in range(count)]


def gradients(op: Op, case: Case) -> tuple[list[str], list[str], int]:
    """The names of the inputs, a line for each gradient, and the cost of the example."""
    given = arrays(op, case)
    called = names(op, len(given))
    inputs = [wrap(x, None) if isinstance(x, np.ndarray) else x for x in given]
    known = {id(x): symbol(name, x.shape) for x, name in zip(inputs, called, strict=True) if isinstance(x, ur.Tensor)}
    with tracing():
        node = op.run(tuple(inputs), dict(case.attrs)).node
    assert node is not None
    out = wrap(node.out, None)
    known[id(out)] = symbol("y", out.shape)
    lines: list[str] = []
    if isinstance(op.vjps, Each):
        wanted = range(min(1, len(inputs)))
    else:
        wanted = [i for i, rule in enumerate(op.vjps) if rule is not None and i < len(inputs)]
    for i in wanted:
        ct = ones(node)
        if entrywise(node):
            lines.append(f"dy/d{called[i]} = {text(run_rule(node, i, tuple(inputs), out, ct, known))}")
        else:
            own = known | {id(ct): symbol("g", ct.shape)}
            lines.append(f"{called[i]}̄ = {text(run_rule(node, i, tuple(inputs), out, ct, own))}")
    shapes = [x.shape for x in inputs if isinstance(x, ur.Tensor)]
    return called, lines, op.flops(node.shape, *shapes, **case.attrs)


def text(derivative: Derivative) -> str:
    """A derivative as people write it."""
    return write(simplify(derivative.term))


# The page.


def code(words: str) -> str:
    """Words as code inside a table."""
    return f"`{cell(words)}`"


def cell(words: str) -> str:
    """Words inside a table, where a bar would end the cell."""
    return words.replace("|", "\\|")


def value(op: Op, called: list[str]) -> str:
    """The formula, with the inputs by their names and attributes as themselves."""
    fields = set(re.findall(r"\{(\w+)\}", op.formula.text)) - {str(i) for i in range(len(called))}
    own = {name: name for name in fields if not name.isdigit()}
    template = re.sub(rf",? ?\{{{len(called)}\}}", "", op.formula.text)  # an operand that may be left out
    return template.format(*called, **own)


def domain(op: Op, called: list[str]) -> str:
    """What holds at ties, and where inputs are drawn from, in words."""
    parts = [op.domain.ties] if op.domain.ties else []
    for i, name in enumerate(called):
        low, high = op.domain.of(i).low, op.domain.of(i).high
        if math.isfinite(low) and math.isfinite(high):
            parts.append(f"`{name}` from {low:g} to {high:g}")
        elif math.isfinite(low):
            parts.append(f"`{name}` above {low:g}")
        elif math.isfinite(high):
            parts.append(f"`{name}` below {high:g}")
    return "; ".join(parts)


def example(case: Case, cost: int) -> str:
    """The arguments of a case, and what it costs."""
    sizes = [given if isinstance(given, tuple) else np.shape(given) for given in case.inputs]
    parts = [str(size) if size else "a number" for size in sizes]
    parts += [f"{name}={number}" for name, number in case.attrs.items() if len(repr(number)) <= 24]
    return ", ".join(parts) + f": {cost:,}"


def row(op: Op) -> str:
    """A primitive's row of the table."""
    case = op.cases[0]
    called, lines, cost = gradients(op, case)
    shown = "<br>".join(code(line) for line in lines) or "none"
    cells = [op.name, code(value(op, called)), shown, domain(op, called), cell(example(case, cost))]
    return "| " + " | ".join(cells) + " |"


def first_line(documented: Any) -> str:
    """The first sentence of a docstring, on one line."""
    line = " ".join((inspect.getdoc(documented) or "").split("\n\n")[0].split())
    return re.sub(r":\w+:`~?([^`]*)`", r"`\1`", line).replace("``", "`")


def usage(name: str, function: Any) -> str:
    """How people call a function: where it is found, and its parameters with their defaults."""
    given = inspect.signature(function)
    parameters = [p.replace(annotation=inspect.Parameter.empty) for p in given.parameters.values()]
    where = "ur." if hasattr(ur, name) else "F." if hasattr(functional, name) else ""
    if not where and hasattr(ur.Tensor, name):
        where, parameters = f"{parameters[0].name}.", parameters[1:]
    return where + name + str(given.replace(parameters=parameters, return_annotation=inspect.Signature.empty))


def part(module: ModuleType, records: list[Op]) -> str:
    """What one file holds."""
    lines = [f"## {module.__name__.rpartition('.')[2]}", "", first_line(module), ""]
    if records:
        lines += ["| primitive | value | gradients | ties; inputs | example: cost |", "| --- | --- | --- | --- | --- |"]
        lines += [*map(row, records), ""]
    doors = functions(module)
    for name, function in doors:
        lines.append(f"- `{usage(name, function)}`: {first_line(function)}")
    return "\n".join(lines).rstrip() + "\n"


def page() -> str:
    """The whole page."""
    where = homes()
    missing = [op.name for op in ops if op not in where]
    if missing:
        raise SystemExit(f"no file of upriver.ops gives these records a name: {', '.join(missing)}")
    parts = [
        part(module, records)
        for module in modules()
        if (records := [op for op in ops if where[op] is module]) or functions(module)
    ]
    return "\n".join([HEAD, *parts])


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
