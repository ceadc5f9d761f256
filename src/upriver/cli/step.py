"""``upriver step``: the walk forward and back, frame by frame, with the arrow keys."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ..i18n import from_data, say
from ..i18n.columns import left, width as columns
from . import explain
from .words import examples

_FORWARD, _BACK = ("right", "down", "space", "enter", "n", "l", "j"), ("left", "up", "p", "h", "k")


def add(commands: Any) -> None:
    """Register the command."""
    tries = examples(
        ('upriver step "(w*x - y)**2" w=2 x=3 y=10', ""),
        ('upriver step "h = tanh(W @ x); sum((h - y)**2)" W=[[1,2],[3,4]] x=[1,-1] y=[0,1] --wrt W', ""),
        ("upriver step trace.json", ""),
        ('upriver step "(w*x - y)**2" w=2 x=3 y=10 | less', ""),
    )
    about = say(
        "Walk through an expression operation by operation, forward and then back by the chain rule, with the\n"
        "arrow keys, both ways. Where there is no terminal, all frames are printed one after another.\n\n"
        "It can also be a trace that was written before, by upriver explain ... --trace FILE.json.\n"
    )
    parser = commands.add_parser(
        "step",
        help=say("walk through an expression, forward and back"),
        usage='upriver step "EXPRESSION" NAME=VALUE ... [--wrt NAMES]\n       upriver step TRACE.json',
        description=about,
        epilog=f"\n{tries}\n",
    )
    parser.add_argument("expression", metavar="EXPRESSION", help=say("what to differentiate, or the file of a trace"))
    parser.add_argument("values", nargs="*", metavar="NAME=VALUE", help=say("a value for each name in it"))
    parser.add_argument("--wrt", metavar="NAMES", help=say("by what: names, or entries as W[0,1], with commas between"))
    parser.add_argument(
        "--by", choices=("operation", "module"), default="operation", help=say("how long the steps are")
    )
    parser.add_argument("--all", action="store_true", help=say("print all frames, at a terminal too"))
    parser.add_argument(
        "--traceback", action="store_true", help=say("on an error, show where in the program it happened")
    )
    parser.set_defaults(run=run, parser=parser)


def run(asked: Any) -> int:
    """Walk, or print."""
    from ..errors import UpriverError
    from .arguments import UsageError

    try:
        walk = Walk(_trace(asked), asked.by)
    except UpriverError as error:
        raise UsageError.of(error, "upriver step") from None
    from .terminal import console

    screen = console()
    if asked.all or not (sys.stdin.isatty() and sys.stdout.isatty()) or screen.is_dumb_terminal:
        for i in range(len(walk.frames)):
            print("\n".join(walk.lines(i)))
        return 0
    _interact(walk, screen)
    print(told(walk.trace.data["result"]))
    return 0


def _trace(asked: Any) -> Any:
    from ..errors import ArgumentError
    from ..explain.reading import load_trace
    from ..explain.trace import trace

    expression = asked.expression.strip()
    if not asked.values and (expression.endswith(".json") or Path(expression).is_file()):
        if asked.wrt is not None:
            raise ArgumentError("a trace knows already what was asked for", "Leave out --wrt.", at=False)
        return load_trace(expression)
    return load_trace(trace(explain.explain_expression(expression, asked.values, asked.wrt)))


class Walk:
    """A trace as it is walked through: what each frame says, and how far everything is by then.

    Args:
        trace: what was read.
        by: "operation" or "module".
    """

    def __init__(self, trace: Any, by: str = "operation") -> None:
        self.trace, self.by = trace, by

    @property
    def frames(self) -> list[dict[str, Any]]:
        """The frames, in the strides that were chosen."""
        return list(self.trace.frames if self.by == "operation" else self.trace.module_frames)

    def reach(self, i: int) -> int:
        """The last frame by operation that frame ``i`` contains."""
        return i if self.by == "operation" else int(self.trace.module_frames[i]["last"])

    def turn(self, i: int) -> int:
        """Change the strides; the number of the frame that was reached."""
        reached = self.reach(i)
        self.by = "module" if self.by == "operation" else "operation"
        return next(k for k in range(len(self.frames)) if self.reach(k) >= reached)

    def facts(self, i: int) -> Iterator[tuple[str, str]]:
        """What belongs to frame ``i`` besides its sentence: the formula, the line of code."""
        frame = self.trace.frames[self.reach(i)]
        nodes = self.trace.nodes
        if "edge" in frame:
            edge = self.trace.edges[frame["edge"]]
            derivative = edge["derivative"]
            yield "derivative", f"{derivative['symbol']} = {derivative['text']}"
            line = nodes[edge["to"]].get("line")
        else:
            line = nodes[frame["node"]].get("line") if frame["phase"] == "forward" else None
        if line is not None:
            yield "line", f"{line['file']}:{line['line']}: {line['text']}"

    def lines(self, i: int) -> list[str]:
        """Frame ``i`` as plain lines."""
        frame, many = self.frames[i], len(self.frames)
        number = f"{i + 1:>{len(str(many))}}/{many}"
        found = [f"{number}  {left(_phase(frame['phase']), 8)}  {told(frame)}"]
        pad = " " * (len(number) + 12)
        return found + [f"{pad}{text}" for _, text in self.facts(i)]

    def rows(self, i: int) -> tuple[list[tuple[str, str, str, bool]], int]:
        """Every value by frame ``i``: name, value, gradient, whether the frame is about it; and where that is."""
        frames, reached = self.trace.frames, self.reach(i)
        begun = reached if self.by == "operation" else int(self.trace.module_frames[i]["first"])
        computed: set[int] = set()
        gradients: dict[int, str] = {}
        for frame in frames[: reached + 1]:
            node = frame.get("node")
            if frame["phase"] == "forward":
                computed.add(node)
            elif frame["phase"] in ("seed", "backward"):
                partial = frame.get("share", 1) < frame.get("shares", 1)
                text = _plain(frame["sum"] if "sum" in frame else self.trace.nodes[node]["gradient"])
                gradients[node] = say("{gradient} so far", gradient=text) if partial else text
        about = {frame["node"] for frame in frames[begun : reached + 1] if "node" in frame}
        found: list[tuple[str, str, str, bool]] = []
        at = 0
        for node in self.trace.nodes:
            k = node["id"]
            if node["kind"] == "constant" and node["gradient"] is None:
                continue
            known = node["kind"] != "operation" or k in computed
            if k in about:
                at = len(found)
            found.append((node["name"], _plain(node["value"]) if known else "", gradients.get(k, ""), k in about))
        return found, at


def _interact(walk: Walk, screen: Any) -> None:
    """Show frames and follow the keys until the user leaves."""
    from rich.live import Live

    from .keys import keys

    i, helping = 0, False
    with keys() as pressed, Live(console=screen, screen=True, auto_refresh=False) as live:
        live.update(_Shown(walk, i, helping), refresh=True)
        for key in pressed:
            last = len(walk.frames) - 1
            if key in ("q", "Q", "escape"):
                return
            if key == "?":
                helping = not helping
            elif key == "m":
                i = walk.turn(i)
            elif key in ("home", "g", "end", "G"):
                i = 0 if key in ("home", "g") else last
            elif key in _FORWARD or key in _BACK:
                i = min(last, i + 1) if key in _FORWARD else max(0, i - 1)
            live.update(_Shown(walk, i, helping), refresh=True)


class _Shown:
    """One frame as rich draws it: as many values around it as there is room for."""

    def __init__(self, walk: Walk, i: int, helping: bool) -> None:
        self.walk, self.i, self.helping = walk, i, helping

    def __rich_console__(self, screen: Any, options: Any) -> Iterator[Any]:
        from rich.rule import Rule
        from rich.text import Text

        walk, i = self.walk, self.i
        frame, width, height = walk.frames[i], options.max_width, options.height or 24
        title = walk.trace.data["source"] or walk.trace.data["result"]["symbol"]
        where = say("{phase} · {i} of {n}", phase=_phase(frame["phase"]), i=i + 1, n=len(walk.frames))
        room = max(8, width - columns(where) - 2)
        yield Text(f"{left(_cut(title, room), room)}  {where}", style="bold", no_wrap=True, overflow="crop")
        yield Rule(style="dim")
        sentence = Text(told(frame), style="bold")
        facts = [Text(text, style="dim" if what == "line" else "cyan") for what, text in walk.facts(i)]
        low = [line for text in (sentence, *facts) for line in text.wrap(screen, width)[:6]]
        if self.helping:
            low = [Text(f"{left(key, 10)}  {what}") for key, what in _help()]
        rows, at = walk.rows(i)
        space = max(1, height - len(low) - 6)
        start = max(0, min(at - space // 2, len(rows) - space))
        name = max(6, (width - 2) * 2 // 5)
        value = max(6, (width - 2 - name) // 2)
        yield Text(
            f"  {'':<{name}}{left(say('value'), value)}{say('gradient')}", style="dim", no_wrap=True, overflow="crop"
        )
        for what, number, gradient, about in rows[start : start + space]:
            line = Text("▶ " if about else "  ", no_wrap=True, overflow="crop")
            line.append(left(_cut(what, name - 2), name) + left(_cut(number, value - 2), value))
            rest = max(4, width - 2 - name - value)
            line.append(_cut(gradient, rest), style="yellow" if gradient.startswith("-") else "blue")
            if about:
                line.stylize("bold reverse" if screen.color_system else "bold")
            yield line
        for _ in range(space - len(rows[start : start + space])):
            yield Text("")
        yield Rule(style="dim")
        yield from low
        yield Rule(style="dim")
        foot = say("→ forward  ← back  Home End  m by module  ? keys  q leave")
        yield Text(foot, style="dim", no_wrap=True, overflow="crop")


def _plain(encoded: Any) -> str:
    from ..explain.views import short_value

    return short_value(encoded).replace("−", "-")


def _cut(text: str, room: int) -> str:
    if columns(text) <= room:
        return text
    while text and columns(text) > room - 1:
        text = text[:-1]
    return text + "…"


def _help() -> list[tuple[str, str]]:
    return [
        (say("→ ↓ space"), say("one step forward")),
        ("← ↑", say("one step back")),
        ("Home End", say("the first step, the last")),
        ("m", say("by operation, by module")),
        ("q", say("leave")),
        ("?", say("this list, and away with it")),
    ]


def _phase(phase: str) -> str:
    return say(
        "{phase, select, start {start} forward {forward} seed {backward} backward {backward} other {result}}",
        phase=phase,
    )


def told(frame: Mapping[str, Any]) -> str:
    """The sentence of a frame in the reader's language, whichever the trace was written in."""
    try:
        return from_data(frame["said"])
    except (KeyError, TypeError, ValueError):  # a trace of before, or one that something else wrote
        return str(frame["sentence"])
