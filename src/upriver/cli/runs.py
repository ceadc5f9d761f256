"""``upriver runs`` and ``upriver show``."""

from __future__ import annotations

import json
from typing import Any

from ..errors import FileError
from ..i18n import say
from ..train.metrics import say_name
from ..train.report import METRICS, called, print_report
from ..train.run import Run
from .terminal import console
from .train import summary

_STYLES = {"finished": "green", "running": "cyan", "failed": "red", "interrupted": "yellow", "killed": "yellow"}


def list_runs(asked: Any) -> int:
    """A table of the runs in a folder."""
    from rich.table import Table

    runs = Run.all(asked.folder)
    told: list[dict[str, Any]] = []
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for head, side in ((say("run"), "left"), (say("status"), "left"), (say("epochs"), "right"),
                       (say("seconds"), "right"), (say("test"), "right"), ("", "left")):  # fmt: skip
        table.add_column(head, justify="right" if side == "right" else "left", no_wrap=True)
    for run in runs:
        try:
            one = summary(run)
        except FileError:
            continue
        told.append(one)
        measure, shown = "", "–"
        for result in run.events("test")[-1:]:
            measure = result["measure"]
            shown = METRICS[measure].show(result[measure]) if measure in METRICS else f"{result[measure]:.4f}"
        status = f"[{_STYLES.get(one['status'], 'white')}]{called(one['status'])}[/]"
        measured = f"[dim]{say_name(measure)}[/]" if measure else ""
        table.add_row(run.name, status, str(one["epochs"]), f"{one['seconds']:.1f}", shown, measured)
    if not asked.quiet:
        if told:
            console().print(table)
        else:
            print(say("no runs in {folder} yet: upriver train digits makes one", folder=str(asked.folder)))
    if asked.json:
        print(json.dumps({"runs": told}))
    return 0


def show(asked: Any) -> int:
    """One run in full."""
    run = Run.open(asked.name)
    if not asked.quiet:
        print_report(console(), run)
    if asked.json:
        print(json.dumps(summary(run)))
    return 0
