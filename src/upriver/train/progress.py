"""How training is shown while it goes on: a live bar at a terminal, a few plain lines in a pipe, or nothing."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import Any

from ..i18n import say
from ..i18n.columns import right
from .metrics import Metric, say_name

LINES = 10
"""About how many epochs are printed; all of them are in metrics.jsonl."""


class Progress:
    """Shows nothing: the base of those that show something."""

    def start(self, epochs: int, steps: int, metrics: Sequence[Metric], validated: bool, done: int = 0) -> None:
        """Training begins: so many epochs of so many steps, of which ``done`` steps in all have been taken."""

    def step(self, epoch: int, loss: float) -> None:
        """A step of this epoch (from 1 on) has been taken; the mean loss of the epoch so far."""

    def epoch(self, record: dict[str, Any], *, last: bool) -> None:
        """An epoch is over."""

    def note(self, text: str) -> None:
        """Something worth a line has happened."""

    def stop(self) -> None:
        """Training is over."""


class Plain(Progress):
    """A line for about every tenth part of the epochs, and at most one within half a minute of a long epoch."""

    def start(self, epochs: int, steps: int, metrics: Sequence[Metric], validated: bool, done: int = 0) -> None:
        self._epochs, self._steps, self._taken = epochs, steps, done
        self._metric = metrics[0] if metrics else None
        self._validated = validated
        self._every = max(1, epochs // LINES)
        self._began = self._said = time.monotonic()
        self._done_before = done
        self._emit(self._heading(), bold=True)

    def step(self, epoch: int, loss: float) -> None:
        self._taken += 1
        now = time.monotonic()
        if now - self._said > 30.0:
            self._said = now
            left = _clock(self._left(now))
            told = say(
                "step {step}  loss {loss}  {time} left",
                step=f"{self._taken % max(1, self._steps)}/{self._steps}", loss=f"{loss:.4f}", time=left,
            )  # fmt: skip
            self._emit(f"{epoch:>5}  {told}")

    def epoch(self, record: dict[str, Any], *, last: bool) -> None:
        n = record["epoch"]
        if last or n == 1 or n % self._every == 0:
            self._said = time.monotonic()
            self._emit(self._row(record))

    def note(self, text: str) -> None:
        self._emit(text)

    def _emit(self, text: str, *, bold: bool = False) -> None:
        print(text, flush=True)

    def _left(self, now: float) -> float:
        taken = max(1, self._taken - self._done_before)
        return (now - self._began) / taken * max(0, self._epochs * self._steps - self._taken)

    def _heading(self) -> str:
        heads: list[tuple[str, int]] = [(say("epoch"), 5), (say("loss"), 10)]
        if self._validated:
            heads.append((say("val {measure}", measure=say("loss")), 10))
        if self._metric is not None:
            short = say_name(self._metric.name)
            heads.append((short, 10))
            if self._validated:
                heads.append((say("val {measure}", measure=short), 13))
        heads += [(say("lr"), 8), (say("time"), 6)]
        return "  ".join([right(head, columns) for head, columns in heads])

    def _row(self, record: dict[str, Any]) -> str:
        row = f"{record['epoch']:>5}  {_number(record['train_loss']):>10}"
        if self._validated:
            row += f"  {_number(record['val_loss']):>10}"
        if self._metric is not None:
            row += f"  {self._metric.show(record['train_' + self._metric.name]):>10}"
            if self._validated:
                row += f"  {self._metric.show(record['val_' + self._metric.name]):>13}"
        took = say("{seconds} s", seconds=f"{record['elapsed']:.1f}")
        return row + f"  {record['lr']:>8.2g}  {right(took, 6)}"


class Live(Plain):
    """The same lines, and below them a bar with the epoch, the loss, the metric and the time left."""

    def start(self, epochs: int, steps: int, metrics: Sequence[Metric], validated: bool, done: int = 0) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress as Bar, TaskProgressColumn, TextColumn, TimeRemainingColumn

        self._console = Console(highlight=False)
        self._bar = Bar(
            TextColumn(f"[bold]{say('epoch')} {{task.fields[epoch]}}/{epochs}"),
            BarColumn(bar_width=None, complete_style="cyan", finished_style="cyan"),
            TaskProgressColumn(),
            TextColumn(f"{say('loss')} {{task.fields[loss]}}"),
            TextColumn("{task.fields[measure]}"),
            TimeRemainingColumn(compact=True, elapsed_when_finished=True),
            TextColumn(say("time|left")),
            console=self._console,
            transient=True,
            expand=True,
        )
        self._task = self._bar.add_task(
            "", total=epochs * steps, completed=done, epoch=done // max(1, steps) + 1, loss="–", measure=""
        )
        self._bar.start()
        super().start(epochs, steps, metrics, validated, done)

    def step(self, epoch: int, loss: float) -> None:
        self._taken += 1
        self._bar.update(self._task, completed=self._taken, epoch=epoch, loss=_number(loss))

    def epoch(self, record: dict[str, Any], *, last: bool) -> None:
        if self._metric is not None:
            value = record.get("val_" + self._metric.name, record["train_" + self._metric.name])
            self._bar.update(self._task, measure=f"{say_name(self._metric.name)} {self._metric.show(value)}")
        super().epoch(record, last=last)

    def _emit(self, text: str, *, bold: bool = False) -> None:
        from rich.text import Text

        line = Text(text)
        if bold:
            line.stylize("bold")
        self._console.print(line, no_wrap=True, overflow="crop")  # the last columns matter least

    def stop(self) -> None:
        self._bar.stop()


def progress_for(mode: str = "auto") -> Progress:
    """How to show progress: ``live``, ``plain``, ``quiet``, or ``auto`` for what fits standard output."""
    if mode == "auto":
        mode = "live" if sys.stdout.isatty() else "plain"
    return {"live": Live, "plain": Plain, "quiet": Progress}[mode]()


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}" if abs(value) < 1e5 else f"{value:.3g}"


def _clock(seconds: float) -> str:
    whole = int(seconds)
    return f"{whole // 60}:{whole % 60:02d}"
