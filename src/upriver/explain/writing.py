"""How a term is written: text in the language of :mod:`.language`, so that it can be read in again, or LaTeX."""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from ..core.op import CALL, POWER, PREFIX, PRODUCT, SUM, Each, Op
from ..core.registry import ops
from ..ops.align import cast, sum_to
from ..ops.elementwise import Elementwise, add, boolean, div, mul, neg, pow
from .formula import Shape, Term, is_transparent

_PERMUTE, _RESHAPE = ops.record("permute"), ops.record("reshape")
_GREEK = re.compile(r"^(alpha|beta|gamma|delta|epsilon|eta|theta|lambda|mu|rho|sigma|tau|phi|psi|omega)(?=\d|_|$)")
_FIELD = re.compile(r"(?<!\{)\{(\w+)\}(?!\})|\{\{\{(\w+)\}\}\}")


def symbol(text: str, shape: Shape = (), latex: str | None = None) -> Term:
    """A named value."""
    return Term(None, leaf=(text, latex if latex is not None else latex_name(text)), shape=shape)


def latex_name(name: str) -> str:
    r"""A Python name as LaTeX: ``w1`` → ``w_{1}``, ``theta`` → ``\theta``, ``loss`` → ``\mathit{loss}``."""
    if not re.fullmatch(r"[A-Za-z]\w*", name):
        return r"\mathtt{" + name.replace("_", r"\_") + "}"
    base, _, index = name.partition("_")
    if not index and (found := re.fullmatch(r"([A-Za-z]+)(\d+)", name)):
        base, index = found.groups()
    base = _GREEK.sub(r"\\\1", base)
    if len(base) > 1 and not base.startswith("\\"):
        base = rf"\mathit{{{base}}}"
    return rf"{base}_{{{index.replace('_', ',')}}}" if index else base


def format_number(x: Any, exact: bool = False) -> str:
    """A number for a formula: seven digits at most, and no more than it needs; or ``exact``."""
    if isinstance(x, bool) or not math.isfinite(x):
        return str(x)
    if float(x).is_integer() and abs(x) < 1e15:
        return str(int(x))
    return repr(float(x)) if exact else f"{x:.7g}"


def latex_number(x: Any) -> str:
    """A number as LaTeX: ``1.5e-7`` as 1.5 · 10⁻⁷."""
    text = format_number(x)
    if text in ("inf", "-inf", "nan"):
        return {"inf": r"\infty", "-inf": r"-\infty", "nan": r"\mathrm{NaN}"}[text]
    digits, e, power = text.partition("e")
    return rf"{digits} \cdot 10^{{{int(power)}}}" if e else digits


def write(term: Term, latex: bool = False, exact: bool = False) -> str:
    """The term as text, or as LaTeX, with the parentheses that it needs and no others. Iterative.

    Args:
        term: the formula.
        latex: LaTeX instead of text.
        exact: write numbers with all their digits.
    """
    done: dict[int, str] = {}
    stack = [(term, False)]
    while stack:
        t, ready = stack.pop()
        if id(t) in done:
            continue
        if t.op is None:
            if isinstance(t.leaf, tuple):
                done[id(t)] = t.leaf[latex]
            else:
                done[id(t)] = latex_number(t.leaf) if latex else format_number(t.leaf, exact)
        elif ready:
            args = [done[id(a)] for a in t.args]
            done[id(t)] = _latex(t, args) if latex else _text(t, args, exact)
        else:
            stack.append((t, True))
            stack.extend((a, False) for a in t.args)
    return done[id(term)]


def _shown(t: Term) -> Term:
    """The term whose text stands for ``t``."""
    while is_transparent(t) and not _iverson(t):
        t = t.args[0]
    return t


def _iverson(t: Term) -> bool:
    """Whether a term is a condition made a number, written ``[x > 0]``: 1 where it holds, else 0."""
    inner = t.args[0].op if t.op is cast else None
    return inner is not None and (inner.dtype is boolean or inner.name.startswith("bitwise"))


def _precedence(t: Term) -> int:
    t = _shown(t)
    if t.op is None:
        return PREFIX if t.number is not None and t.number < 0 else CALL
    if _iverson(t) or (
        t.op not in (add, mul, neg, pow) and not isinstance(t.op, Elementwise) and "(" in t.op.formula.text
    ):
        return CALL
    return t.op.formula.precedence


def _numbers(values: Any) -> str:
    return ", ".join(str(v) for v in values)


def _structured(t: Term, args: list[str]) -> str | None:
    """The text of operations whose template leaves out what a reader needs to compute it."""
    a = t.args[0] if t.args else None
    if a is None or t.op is None:
        return None
    if t.op is _RESHAPE:
        return f"reshape({args[0]}, {_numbers(t.shape)})"
    if t.op is _PERMUTE:
        dims, n = tuple(t.attrs["dims"]), len(t.shape)
        swapped = (*range(n - 2), n - 1, n - 2)
        if dims != swapped or n < 2:
            return f"permute({args[0]}, {_numbers(dims)})"
        inner = f"({args[0]})" if _precedence(a) < CALL else args[0]
        return inner + (".T" if n == 2 else ".mT")
    if "equation" in t.attrs:
        return f"{t.op.name}({t.attrs['equation']!r}, {', '.join(args)})"
    if t.op is sum_to:
        lead = len(a.shape) - len(t.shape)
        dims = tuple([i for i in range(len(a.shape)) if i < lead or (t.shape[i - lead] == 1 and a.shape[i] != 1)])
        if len(dims) == len(a.shape) and not t.shape:
            return f"sum({args[0]})"
        stays = any(d >= lead for d in dims)
        summed = f"sum({args[0]}, dim={dims if len(dims) > 1 else dims[0]}{', keepdim=True' if stays else ''})"
        return f"reshape({summed}, {_numbers(t.shape)})" if stays and lead else summed
    return None


def _explicit(parent: Op, a: Term, text: str) -> str:
    """The text of an operand of an operation that does not repeat what is too short by itself."""
    if isinstance(parent, Elementwise) or parent.formula.text == "{0}" or parent.name == "where":
        return text
    if a.number is not None and a.shape:
        return f"full(({_numbers(a.shape)},), {text})"
    if not _iverson(a) and (inner := _shown(a)).shape != a.shape:
        repeated = math.prod(inner.shape) != math.prod(a.shape)
        return f"{'expand' if repeated else 'reshape'}({text}, {_numbers(a.shape)})"
    return text


def _text(t: Term, args: list[str], exact: bool) -> str:
    assert t.op is not None
    formula = t.op.formula
    if _iverson(t):
        inner = t.args[0].op
        return f"[{args[0][1:-1]}]" if inner is not None and inner.formula.text[:1] == "(" else f"[{args[0]}]"
    if is_transparent(t):
        return args[0]
    args = [_explicit(t.op, a, text) for a, text in zip(t.args, args, strict=True)]
    if (written := _structured(t, args)) is not None:
        return written
    template = _template(t.op, len(args), False)
    extra = _extra(t, exact)
    if extra and template.endswith(")") and "(" in template:
        template = f"{template[:-1]}, {extra.replace('{', '{{').replace('}', '}}')})"
    logic = t.op.name.startswith(("bitwise", "logical"))  # & binds more strongly than < in text
    for i, a in enumerate(t.args):
        p = _precedence(a)
        enclosed = _enclosed(template, i)
        if (logic and p <= SUM) or (not logic and not enclosed and _needs(t, i, p, formula.precedence)):
            args[i] = f"({args[i]})"
        elif enclosed and not logic and a.op is not None and a.op.formula.text.startswith("({0}"):
            args[i] = args[i][1:-1]
    return template.format(*args, **_attributes(t.attrs, exact))


def _needs(t: Term, i: int, inner: int, outer: int) -> bool:
    if t.op is neg and _shown(t.args[i]).op in (mul, div):
        return False  # −(a b) and (−a) b are the same number
    if inner < outer:
        return True
    if inner == PREFIX and ((i > 0 and outer in (SUM, PRODUCT)) or outer in (PREFIX, POWER)):
        return True
    flat = t.op in (add, mul) and _shown(t.args[i]).op is t.op  # a + (b + c) is read as a + b + c
    return inner == outer and outer < CALL and (i > 0 or outer == POWER) and not flat


def _enclosed(template: str, i: int) -> bool:
    """Whether operand ``i`` stands between delimiters in the template, and so needs no parentheses."""
    at = template.find(f"{{{i}}}")
    before, after = template[:at].rstrip(), template[at + 3 :].lstrip()
    opened = before[-1:] in tuple("{([|,") or before.endswith((r"\lfloor", r"\lceil"))
    return opened and (after[:1] in tuple("})]|,") or after.startswith(r"\right"))


def _attributes(attrs: Mapping[str, Any], exact: bool) -> dict[str, Any]:
    return {k: format_number(v, exact) if isinstance(v, float) else v for k, v in attrs.items()}


@lru_cache(maxsize=256)
def _defaults(op: Op) -> tuple[tuple[str, Any], ...]:
    """The parameters, with their defaults, of the function that people call ``op`` by."""
    front = getattr(ops, op.name, None)
    if front is None or isinstance(front, Op):
        return ()
    parameters = [p for p in inspect.signature(front).parameters.values() if p.kind != p.VAR_KEYWORD]
    return tuple([(p.name, p.default) for p in parameters])


def _extra(t: Term, exact: bool) -> str:
    """The attributes that the template does not mention and that differ from what is usual: ``dim=1``."""
    assert t.op is not None
    attrs = {k: v for k, v in t.attrs.items() if f"{{{k}}}" not in t.op.formula.text}
    given: list[tuple[str, Any, Any]] = []
    if "dims" in attrs and "dims" not in dict(_defaults(t.op)):
        dims, ndim = tuple(attrs.pop("dims")), len(t.args[0].shape)
        if set(dims) != set(range(ndim)):
            given.append(("dim", dims[0] if len(dims) == 1 else dims, None))
    if "keepdim" in attrs:
        keep = attrs.pop("keepdim")
        if keep and len(t.args[0].shape):
            given.append(("keepdim", True, False))
    if "correction" in attrs:
        given.append(("correction", attrs.pop("correction"), 1))
    usual = _defaults(t.op)
    if isinstance(t.op, Elementwise):
        if usual:
            own = usual[len(t.args) :]
            given += [(name, value, default) for (name, default), value in zip(own, attrs.values(), strict=False)]
        else:
            given += [(name, value, "none") for name, value in attrs.items()]
    else:
        by_name = dict(usual)
        every = any(name not in by_name for name in attrs)  # only the record itself takes these
        given += [(name, value, None if every else by_name[name]) for name, value in attrs.items()]
    parts = []
    for name, value, default in given:
        if value != default and isinstance(value, (bool, int, float, str, tuple)):
            is_number = isinstance(value, float)
            parts.append(f"{name}={format_number(value, exact) if is_number else repr(value)}")
    return ", ".join(parts)


@lru_cache(maxsize=1024)
def _template(op: Op, inputs: int, latex: bool) -> str:
    """The operation's template for that many operands: some operations take more or fewer."""
    template = op.formula.latex if latex else op.formula.text
    mentioned = max((int(a or b) for a, b in _FIELD.findall(template) if (a or b).isdigit()), default=-1)
    if mentioned < inputs and not (isinstance(op.vjps, Each) and mentioned != inputs - 1):
        return template
    if mentioned == inputs:  # an operand was left out: the bias
        without = re.sub(rf",? ?\+? ?\{{{inputs}\}}", "", template)
        if without != template:
            return without
    args = ", ".join(f"{{{i}}}" for i in range(inputs))
    if not latex:
        return f"{op.name}({args})"
    return r"\operatorname{{" + op.name.replace("_", r"\_") + rf"}}}}\left({args}\right)"


# LaTeX.


def _latex(t: Term, args: list[str]) -> str:
    assert t.op is not None
    formula = t.op.formula
    if _iverson(t):
        return rf"\left[{args[0]}\right]"
    if is_transparent(t):
        return args[0]
    if t.op is _RESHAPE:
        size = r" \times ".join(map(str, t.shape))
        return rf"\operatorname{{reshape}}_{{{size}}}\left({args[0]}\right)"
    template = _template(t.op, len(args), True)
    outer = formula.precedence
    if t.op is mul:
        return _latex_product(t, args)
    if t.op.name == "where" or t.op.name.startswith(("bitwise", "logical")):
        return template.format(*args)
    if t.op.name in ("linear", "conv2d"):
        outer = PRODUCT
    for i, a in enumerate(t.args):
        if outer == POWER and i == 0:
            wrapped = _latex_base_needs(a, args[0])
        else:
            wrapped = not _enclosed(template, i) and _needs(t, i, _latex_precedence(a), outer)
        if wrapped:
            args[i] = rf"\left({args[i]}\right)"
    return template.format(*args, **_attributes(t.attrs, False))


def _latex_precedence(t: Term) -> int:
    t = _shown(t)
    if t.op is None:
        return _precedence(t)
    if t.op is _RESHAPE or _iverson(t):
        return CALL
    return t.op.formula.precedence


def _latex_base_needs(a: Term, text: str) -> bool:
    """Whether what is raised to a power needs parentheses: all but a symbol, a number, and what has its own."""
    a = _shown(a)
    if a.op is None:
        return _precedence(a) < CALL
    if a.op.formula.latex.endswith(" {0}"):
        return True  # sin x to a power is not the sine of a power
    return not text.endswith((r"\right)", r"\right]", r"\right|")) or a.op.formula.precedence < CALL


def _latex_product(t: Term, args: list[str]) -> str:
    for i, a in enumerate(t.args):
        shown = _shown(a)
        open_end = i == 0 and shown.op is not None and shown.op.formula.latex.endswith(" {0}")  # sin x · y
        if open_end or _needs(t, i, _latex_precedence(a), PRODUCT):
            args[i] = rf"\left({args[i]}\right)"
    one_number = any(math.prod(a.shape) == 1 or _is_number(a) for a in map(_shown, t.args))
    if not one_number and math.prod(t.shape) != 1:
        return rf"{args[0]} \odot {args[1]}"
    return rf"{args[0]} \cdot {args[1]}" if args[1][:1].isdigit() or args[1].startswith("-") else f"{args[0]} {args[1]}"


def _is_number(t: Term) -> bool:
    return t.number is not None
