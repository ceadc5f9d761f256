"""What a run came to, printed for people: read from the run's folder alone, so that it can be shown again later."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..i18n import say
from ..i18n.columns import width
from .metrics import ACCURACY, BITS, MAE, RMSE, Metric, most_confused, say_title
from .pictures import confusion, curves, gradient_flow
from .run import Run

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

_NO_BETTER = re.compile(r"no better (.+) for (\d+) epochs")
METRICS: dict[str, Metric] = {metric.name: metric for metric in (ACCURACY, BITS, RMSE, MAE)}
LARGEST_MATRIX = 12
"""A confusion matrix of more classes than this is told by its most frequent mistakes."""


def draw_pictures(run: Run, metric: Metric | None, extra: dict[str, str] | None = None) -> list[str]:
    """Write the pictures of a run into its folder; their names."""
    from .files import write_atomically

    drawn: dict[str, str] = {}
    history = run.events("epoch")
    if history:
        drawn["curves.svg"] = curves(history, metric)
    flows = run.events("flow")
    if flows:
        layers = [layer["layer"] for layer in flows[-1]["layers"]]
        norms = np.array([[layer["gradient"] or 0.0 for layer in flow["layers"]] for flow in flows])
        drawn["gradient_flow.svg"] = gradient_flow([flow["epoch"] for flow in flows], layers, norms)
    for result in run.events("test")[-1:]:
        if result.get("confusion"):
            drawn["confusion.svg"] = confusion(np.array(result["confusion"]), result["classes"])
    drawn |= extra or {}
    for name, svg in drawn.items():
        write_atomically(run.folder / name, svg.encode())
    return list(drawn)


def print_report(console: Console, run: Run, ideas: Sequence[tuple[str, str]] = ()) -> None:
    """Print what the run came to: measure, confusion, samples, gradient flow, largest gradients, what to do next."""
    from rich.text import Text

    history = run.events("epoch")
    result = next(iter(run.events("test")[-1:]), None)
    console.print()
    _headline(console, run, history, result)
    if result is not None and result.get("confusion"):
        _confusion(console, np.array(result["confusion"]), result["classes"])
    if result is not None and result.get("samples"):
        _title(console, say("What it makes up"))
        _indent(console, Text(", ".join(result["samples"])))
    flows = run.events("flow")
    kept = [flow for flow in flows if result is not None and flow["epoch"] == result.get("epoch")]
    for flow in (kept or flows)[-1:]:
        _flow(console, flow)
        _largest(console, flow)
    _where(console, run, ideas)


def _title(console: Console, words: str, aside: str = "") -> None:
    console.print()
    console.print(f"[bold]{words}[/]" + (f"  [dim]{aside}[/]" if aside else ""), highlight=False)


def _headline(console: Console, run: Run, history: Sequence[dict[str, Any]], result: dict[str, Any] | None) -> None:
    config = run.config
    status = run.status
    name = config.get("recipe", run.name)
    seconds = history[-1]["elapsed"] if history else 0.0
    told = say(
        "{name}: {status} after {n, plural, one {# epoch} other {# epochs}}, {time}",
        name=name, status=called(status), n=len(history), time=_time(seconds),
    )  # fmt: skip
    console.print(told, style="bold" if status == "finished" else "bold yellow", highlight=False)
    for end in run.events("end")[-1:]:
        reason = end.get("reason") or ""
        early = _NO_BETTER.fullmatch(reason)
        if early:
            reason = say("no better {measure} for {n} epochs", measure=early[1], n=int(early[2]))
        if status == "failed" or early:
            console.print(reason, style="dim", highlight=False, markup=False)
    if result is not None:
        metric = METRICS.get(result["measure"])
        value = result[result["measure"]]
        shown = metric.show(value) if metric is not None else f"{value:.4f}"
        title = say("test {measure}", measure=say_title(metric) if metric is not None else result["measure"])
        aside = say("{n} samples that it never saw", n=int(result["samples_tested"]))
        if result.get("confusion"):
            matrix = np.array(result["confusion"])
            aside = say("{right} right of {n} that it never saw", right=int(np.trace(matrix)), n=int(matrix.sum()))
        console.print(f"{title}  [bold green]{shown}[/]   [dim]{aside}[/]", highlight=False)
        nats = f"{result['loss']:.4f}"
        if result["measure"] == "bits":
            nats = say("{loss} nats per character", loss=nats)
        best = ""
        if result.get("epoch"):
            best = say("; weights of epoch {n}, the best on the validation part", n=int(result["epoch"]))
        console.print(f"{say('test {measure}', measure=say('loss'))}  {nats}[dim]{best}[/]", highlight=False)
    elif history:
        console.print(f"{say('loss')}  {history[-1]['train_loss']:.4f}", highlight=False)


def called(status: str) -> str:
    """What has become of a run, in a word."""
    return say(
        "{status, select, finished {finished} running {running} failed {failed} interrupted {interrupted} "
        "other {killed}}",
        status=status,
    )


def _time(seconds: float) -> str:
    if seconds < 60:
        return say("{seconds} s", seconds=f"{seconds:.1f}")
    return say("{minutes} min {seconds} s", minutes=int(seconds // 60), seconds=str(int(seconds % 60)))


def _table(*columns: tuple[str, str]) -> Table:
    """A table without lines: each column's heading and side."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for head, side in columns:
        table.add_column(head, justify="right" if side == "right" else "left", no_wrap=True, min_width=width(head))
    return table


def _indent(console: Console, content: Any) -> None:
    from rich.padding import Padding

    console.print(Padding(content, (0, 0, 0, 2)))


def _confusion(console: Console, matrix: Any, classes: Sequence[str]) -> None:
    from rich.text import Text

    _title(console, say("Confusion"), say("rows: what it was; columns: what it was taken for; · none"))
    n = len(classes)
    if n > LARGEST_MATRIX or max(len(name) for name in classes) > 4:
        pairs = most_confused(matrix, 6)
        if n <= LARGEST_MATRIX:
            _per_class(console, matrix, classes)
        for actual, predicted, times in pairs:
            mistake = say("{actual} taken for {predicted}", actual=classes[actual], predicted=classes[predicted])
            console.print(f"  {times:>4} × {mistake}", highlight=False, markup=False)
        return
    table = _table(("", "left"), *[(name, "right") for name in classes], (say("right"), "right"))
    for i, name in enumerate(classes):
        cells = [
            Text("·", style="dim") if count == 0 else Text(str(count), style="bold green" if i == j else "bold red")
            for j, count in enumerate(matrix[i].tolist())
        ]
        share = matrix[i, i] / max(1, matrix[i].sum())
        table.add_row(Text(name, style="dim"), *cells, Text(f"{100 * share:.0f} %", style="dim"))
    _indent(console, table)


def _per_class(console: Console, matrix: Any, classes: Sequence[str]) -> None:
    table = _table(
        (say("class"), "left"), (say("right"), "right"), (say("number|of"), "right"), (say("share"), "right"),
        ("", "left"),
    )  # fmt: skip
    for i, name in enumerate(classes):
        share = matrix[i, i] / max(1, matrix[i].sum())
        table.add_row(name, str(matrix[i, i]), str(matrix[i].sum()), f"{100 * share:.1f} %", _bar(share, 20))
    _indent(console, table)


def _bar(share: float, width: int) -> str:
    """A bar in eighths of a character."""
    eighths = round(max(0.0, min(1.0, share)) * width * 8)
    full, rest = divmod(eighths, 8)
    return "█" * full + (" ▏▎▍▌▋▊▉"[rest] if rest else "")


def _flow(console: Console, flow: dict[str, Any]) -> None:
    aside = say("from the input to the loss, at the end of epoch {n}", n=int(flow["epoch"]))
    _title(console, say("Gradient flow"), aside)
    layers = flow["layers"]
    largest = max([layer["gradient"] or 0.0 for layer in layers] or [0.0]) or 1.0
    dead = any(layer["dead"] is not None for layer in layers)
    width = 0 if console.width < 76 else 12 if console.width < 100 else 24
    table = _table(
        (say("layer"), "left"), (say("kind"), "left"), (say("weights"), "right"), (say("gradient"), "right"),
        ("", "left"), (say("update"), "right"), *([(say("dead"), "right")] if dead else []),
    )  # fmt: skip
    for layer in layers:
        gradient = layer["gradient"] or 0.0
        row = [
            layer["layer"], layer["kind"], f"{layer['parameters']:,}", _scientific(gradient),
            f"[cyan]{_bar(gradient / largest, width)}[/]", _scientific(layer["update"] or 0.0),
        ]  # fmt: skip
        if dead:
            share = layer["dead"]
            told = "" if share is None else f"{100 * share:.0f} %"
            row.append(f"[red]{told}[/]" if share is not None and share > 0.4 else told)
        table.add_row(*row)
    _indent(console, table)
    update = say("update: length of the last step / length of the weights; 1e-03 is healthy")
    console.print(f"  [dim]{update}[/]")
    if dead:
        console.print(f"  [dim]{say('dead: units that got no gradient at all')}[/]")
    note = _verdict(layers)
    if note:
        console.print(f"  [yellow]{note}[/]")


def _verdict(layers: Sequence[dict[str, Any]]) -> str:
    """A sentence on what is plainly wrong: dead layers, or a gradient that fades or grows on its way back."""
    dead = [layer["layer"] for layer in layers if (layer["dead"] or 0.0) > 0.99]
    if dead:
        return say("no gradient reaches {layers} any more: its units are dead or cut off", layers=dead)
    known = [layer for layer in layers if layer["gradient"]]
    if len(known) < 2:
        return ""
    ratio = known[0]["gradient"] / known[-1]["gradient"]
    told = {"first": known[0]["layer"], "ratio": f"{ratio:.0e}", "last": known[-1]["layer"]}
    if ratio < 1e-3:
        return say("vanishing: {first} gets {ratio} of what {last} gets", **told)
    if ratio > 1e3:
        return say("growing on its way back: {first} gets {ratio} times what {last} gets", **told)
    return ""


def _scientific(value: float) -> str:
    return "0" if value == 0 else f"{value:.2e}" if value < 1e-2 or value >= 1e4 else f"{value:.3g}"


def _largest(console: Console, flow: dict[str, Any]) -> None:
    entries = flow["largest"]
    if not entries:
        return
    _title(console, say("Largest gradients"), say("in the last step of epoch {n}", n=int(flow["epoch"])))
    roomy = console.width >= 76
    table = _table(
        (say("entry"), "left"), (say("weight"), "right"), (say("gradient"), "right"), *([("", "left")] if roomy else [])
    )
    for entry in entries:
        place = f"{entry['parameter']}[{', '.join(map(str, entry['index']))}]"
        up = (entry["gradient"] or 0.0) > 0
        sense = say("raising it raises the loss") if up else say("raising it lowers the loss")
        row = [place.replace("[", r"\["), f"{entry['value'] or 0.0:+.4f}", f"{entry['gradient'] or 0.0:+.3e}"]
        table.add_row(*row, *([f"[dim]{sense}[/]"] if roomy else []))
    _indent(console, table)


def _where(console: Console, run: Run, ideas: Sequence[tuple[str, str]]) -> None:
    folder = os.path.relpath(run.folder)
    pictures = sorted(path.name for path in run.folder.glob("*.svg"))
    console.print()
    table = _table(("", "left"), ("", "left"))
    table.show_header = False
    table.columns[1].overflow = "fold"
    table.add_row(f"[bold]{say('Run')}[/]", folder)
    if pictures:
        table.add_row(f"[bold]{say('Pictures')}[/]", ", ".join(pictures))
    if run.status in ("interrupted", "killed"):
        table.add_row(f"[bold]{say('next|Next')}[/]", f"upriver resume {folder}")
    recipe = run.config.get("recipe", "")
    new = [idea for idea in ideas if not _is_done(idea[0], run.config.get("options", {}))]
    for i, (options, why) in enumerate(new):
        table.add_row(
            f"[bold]{say('next|Next')}[/]" if i == 0 else "", f"upriver train {recipe} {options}\n  [dim]{why}[/]"
        )
    console.print(table)


def _is_done(options: str, chosen: dict[str, Any]) -> bool:
    """Whether a run was with these options already, so that they are nothing new to try."""
    words = options.split()
    pairs = zip(words[::2], words[1::2], strict=True)
    return all(_as_text(chosen.get(name[2:].replace("-", "_"))) == value for name, value in pairs)


def _as_text(value: Any) -> str:
    return (
        ",".join(map(str, value))
        if isinstance(value, (list, tuple))
        else f"{value:g}"
        if isinstance(value, float)
        else str(value)
    )
