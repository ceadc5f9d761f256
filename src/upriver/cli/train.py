"""``upriver train`` and ``upriver resume``."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

import upriver as ur

from ..errors import ArgumentError
from ..i18n import say
from ..recipes import load_recipe
from ..recipes.base import Options, Recipe, Task
from ..train import threads
from ..train.files import write_json
from ..train.loop import evaluate
from ..train.metrics import confusion_matrix, predict, predicted_classes
from ..train.report import draw_pictures, print_report
from ..train.run import Run
from ..train.trainer import Trainer
from .arguments import UsageError
from .terminal import console

_CHOSEN = (
    "model", "hidden", "activation", "dropout", "optimizer", "lr", "schedule", "weight_decay", "batch_size", "epochs",
    "clip", "patience", "compile", "seed", "target",
)  # fmt: skip


def train(asked: Any) -> int:
    """Train by a recipe or on a table, into a new folder."""
    _set_threads(asked.threads)
    recipe = load_recipe(asked.recipe or "table")
    chosen = {name: getattr(asked, name) for name in _CHOSEN}
    if asked.data is not None:
        chosen["data"] = os.path.abspath(asked.data)
    try:
        options = recipe.options(**chosen)
    except ArgumentError as error:
        raise UsageError.of(error, "upriver train") from None
    task = _build(recipe, options)  # data that are missing are found out before a folder is made
    run = Run.create(_short_name(recipe, options), {"options": asdict(options)}, out=asked.out, seed=options.seed)
    return _fit(asked, recipe, options, task, run, None)


def resume(asked: Any) -> int:
    """Go on with a run that was stopped."""
    run = Run.open(asked.name)
    asked.folder = str(run.folder)
    config = run.config
    try:
        given = dict(config["options"])
        given["hidden"] = tuple(given["hidden"])
        options = Options(**given)
        recipe = load_recipe("table" if options.target is not None else config["recipe"])
    except (KeyError, TypeError, ArgumentError):
        raise ArgumentError(
            f"{run.folder / 'config.json'} is not of a recipe, so that the command line cannot build its network",
            "Resume it from the program that made it: trainer.fit(..., resume=checkpoint).",
            at=False,
        ) from None
    status = run.status
    if status == "running":
        raise ArgumentError(
            f"{run.name} is still running", "Wait for it, or stop it first with Ctrl-C where it runs.", at=False
        )
    if status == "finished" and run.events("test"):
        if not asked.quiet:
            print(say("{run} is finished; nothing is left to do. To see it: upriver show {run}", run=run.name))
        _print_json(asked, run)
        return 0
    _set_threads(asked.threads or run.environment.get("threads"))
    task = _build(recipe, options)
    last = run.checkpoint("last")
    if not last.exists() and not asked.quiet:
        print(say("no checkpoint was saved before it stopped: starting from the beginning"))
    return _fit(asked, recipe, options, task, run, last if last.exists() else None)


def _set_threads(n: int | None) -> None:
    """As many as asked for; else what the environment says, else one."""
    if n is None and threads.chosen():
        return
    ur.set_num_threads(n or 1)
    if not threads.limit(n or 1) and n is not None:
        reach = say(
            "note: --threads cannot reach the BLAS of this NumPy; start with OMP_NUM_THREADS={n} in the environment",
            n=str(n),
        )
        print(reach, file=sys.stderr)


def _short_name(recipe: Recipe, options: Options) -> str:
    if recipe.name == "table" and options.data is not None:
        return "".join(c if c.isalnum() or c in "-_" else "-" for c in Path(options.data).stem) or "table"
    return recipe.name


def _build(recipe: Recipe, options: Options) -> Task:
    ur.manual_seed(options.seed)
    return recipe.build(options)


def _fit(asked: Any, recipe: Recipe, options: Options, task: Task, run: Run, checkpoint: Path | None) -> int:
    asked.folder = str(run.folder)
    if not asked.quiet:
        _introduce(recipe, options, task, run)
    for name, content in task.files.items():
        write_json(run.folder / name, content)
    trainer = Trainer(
        task.model, task.loss, task.optimizer,
        metrics=task.metrics, schedule=task.schedule, schedule_every="step",
        clip=options.clip, patience=options.patience, compile=options.compile, run=run,
        progress="quiet" if asked.quiet else "auto",
    )  # fmt: skip
    trainer.fit(task.train, task.val, epochs=options.epochs, resume=checkpoint)
    _test(task, trainer, run)
    extra = task.pictures() if task.pictures is not None else None
    draw_pictures(run, task.metrics[0] if task.metrics else None, extra)
    if not asked.quiet:
        print_report(console(), run, recipe.ideas() if run.config["recipe"] == recipe.name else ())
    _print_json(asked, run)
    return 0


def _introduce(recipe: Recipe, options: Options, task: Task, run: Run) -> None:
    count = sum(p.numel() for p in task.model.parameters())
    out = console()
    out.print(f"[bold]{run.config['recipe']}[/]  {task.about}", highlight=False)
    network = say(
        "{model}, hidden {hidden}, {activation}: {n} parameters; {optimizer}, learning rate {lr}, seed {seed}",
        model=options.model, hidden=list(map(str, options.hidden)), activation=options.activation, n=count,
        optimizer=options.optimizer, lr=f"{options.lr:g}", seed=str(options.seed),
    )  # fmt: skip
    out.print(network, highlight=False, style="dim")
    for note in task.notes:
        out.print(say("note: {note}", note=note), style="yellow", highlight=False, markup=False)
    stops = say("(Ctrl-C stops and saves)")
    out.print(f"{os.path.relpath(run.folder)}  [dim]{stops}[/]\n", highlight=False)


def _test(task: Task, trainer: Trainer, run: Run) -> None:
    """Measure on the part that was never seen, and keep it with the run."""
    measured = evaluate(task.model, task.loss, task.test, task.metrics)
    position = trainer.position
    record: dict[str, Any] = {
        **measured,
        "measure": task.metrics[0].name if task.metrics else "loss",
        "epoch": position.best[1] if position.best is not None else None,
        "samples_tested": len(task.test.dataset),
        "seconds": position.elapsed,
        "step": position.step,
    }
    if task.classes:
        outputs, targets = predict(task.model, task.test)
        matrix = confusion_matrix(predicted_classes(outputs), np.asarray(targets).reshape(-1), len(task.classes))
        record |= {"classes": list(task.classes), "confusion": matrix.tolist()}
    if task.samples is not None:
        record["samples"] = task.samples()
    run.log(event="test", **record)
    run.close()


def summary(run: Run) -> dict[str, Any]:
    """What a run came to, for programs."""
    history = run.events("epoch")
    told: dict[str, Any] = {
        "run": str(run.folder),
        "recipe": run.config.get("recipe"),
        "status": run.status,
        "seconds": round(history[-1]["elapsed"], 3) if history else 0.0,
        "epochs": len(history),
    }
    for result in run.events("test")[-1:]:
        told |= {f"test_{key}": result[key] for key in ("accuracy", "bits", "rmse", "mae", "loss") if key in result}
    options = run.config.get("options", {})
    return {**told, "seed": options.get("seed")}


def _print_json(asked: Any, run: Run) -> None:
    if asked.json:
        print(json.dumps(summary(run)), flush=True)
