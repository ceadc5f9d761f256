"""``upriver explain``: where the gradient of an expression comes from, factor by factor."""

from __future__ import annotations

import json
import re
import shutil
import sys
from pathlib import Path
from typing import Any

from ..causes import cause
from ..i18n import say
from .words import examples


def add(commands: Any) -> None:
    """Register the command."""
    tries = examples(
        ('upriver explain "(w*x - y)**2" w=2 x=3 y=10', ""),
        ('upriver explain "(w*x + b - y)**2" w=1 b=0 x=2.1 y=4 --wrt w,b', ""),
        ('upriver explain "h = tanh(W @ x); sum((h - y)**2)" W=[[1,2],[3,4]] x=[1,-1] y=[0,1] --wrt "W[0,1]"', ""),
        ('upriver explain "(w*x - y)**2" w=2 x=3 y=10 --svg graph.svg --html graph.html', ""),
    )
    first = say("Without --wrt it is the gradient by the first name in the expression.")
    parser = commands.add_parser(
        "explain",
        help=say("open the gradient of an expression"),
        usage=f'upriver explain "EXPRESSION" NAME=VALUE ... {say("[options]")}',
        description=_about(),
        epilog=f"\n{tries}\n\n{first}\n",
    )
    parser.add_argument("expression", metavar="EXPRESSION", help=say("what to differentiate; it must give one number"))
    parser.add_argument("values", nargs="*", metavar="NAME=VALUE", help=say("a value for each name in it"))
    parser.add_argument("--wrt", metavar="NAMES", help=say("by what: names, or entries as W[0,1], with commas between"))
    how = parser.add_argument_group(say("output"))
    how.add_argument("--latex", action="store_true", help=say("print LaTeX instead of text"))
    how.add_argument("--json", action="store_true", help=say("print one JSON object instead of text"))
    how.add_argument("--mermaid", action="store_true", help=say("print the graph in the language of Mermaid"))
    how.add_argument(
        "--unsimplified", action="store_true", help=say("formulas exactly as the gradient rules computed them")
    )
    how.add_argument("--svg", type=Path, metavar="FILE", help=say("write the graph as a picture"))
    how.add_argument(
        "--html", type=Path, metavar="FILE", help=say("write a page to open and step through, in one file")
    )
    how.add_argument("--trace", type=Path, metavar="FILE", help=say("write the trace (JSON)"))
    how.add_argument("--traceback", action="store_true", help=say("on an error, show where in the program it happened"))
    parser.set_defaults(run=run, parser=parser)


def _about() -> str:
    return say(
        "Compute an expression, walk back through it by the chain rule, and show every factor:\n"
        "the operation, the formula of its local derivative, its value, the upstream gradient, the product.\n\n"
        "The language: numbers, names, + - * / ** % // @ ( ) [ ], assignments with ;, and the functions of the\n"
        "engine (relu, tanh, exp, sum, mean, softmax, …). Values are numbers or lists of numbers, "
        "in double precision.\n"
    )


def protect(argv: list[str]) -> list[str]:
    """The arguments, with an expression that begins with a minus kept from being taken for an option."""
    return [f" {a}" if re.match(r"-[^-h]|-h\w*\W", a) else a for a in argv]


def run(asked: Any) -> int:
    """Explain, print, write files."""
    from ..errors import UpriverError
    from .arguments import UsageError

    try:
        explanation = explain_expression(asked.expression.strip(), asked.values, asked.wrt)
    except UpriverError as error:
        raise UsageError.of(error, "upriver explain") from None
    _write(asked, explanation)
    if asked.json:
        print(json.dumps(explanation.to_dict(), allow_nan=False))
    elif asked.latex:
        print(explanation.latex())
    elif asked.mermaid:
        print(explanation.mermaid())
    else:
        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else 140
        print(explanation.text(unsimplified=asked.unsimplified, width=width), end="")
    return 0


def _write(asked: Any, explanation: Any) -> None:
    from .arguments import UsageError

    texts = {
        asked.svg: explanation.svg,
        asked.html: explanation.html,
        asked.trace: lambda: json.dumps(explanation.trace(), allow_nan=False),
    }
    for path, make in texts.items():
        if path is not None:
            text = make()
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
            except OSError as error:
                raise UsageError(f"{path} cannot be written: {cause(error)}", command="upriver explain") from None


def explain_expression(expression: str, given: list[str], wrt: str | None) -> Any:
    """The explanation of an expression at the given values.

    Args:
        expression: in the language of :mod:`upriver.explain.language`.
        given: a value for each name in it, as ``NAME=VALUE``.
        wrt: names or entries, with commas between; None for the first name in the expression.

    Raises:
        UpriverError: the expression, a value or a name cannot be what was meant.
    """
    from ..errors import ArgumentError
    from ..explain.expression import Expression

    values: dict[str, str] = {}
    for item in given:
        name, equals, text = item.strip().partition("=")
        name = name.strip()
        if not equals or not name.isidentifier():
            raise ArgumentError(f"{item!r} does not give a name a value", "Write NAME=VALUE, as in w=2.", at=False)
        if name in values:
            raise ArgumentError(f"{name} is given two values", "Give each name one.", at=False)
        values[name] = text
    return Expression(expression, values).explain(wrt)
