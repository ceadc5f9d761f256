"""``upriver blame``: which weights of a trained network a wrong prediction depends on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

_ABOUT = """Load a trained run, compute the loss on chosen samples, trace it back, and rank
the modules, units and weights that it depends on, down to the largest paths of
the first weight.

Three measures, never mixed: the gradient (sensitivity), gradient x change (the
effect of one plain step), gradient x weight. Tables are printed; they and a
picture are put into the run's folder.
"""
_EXAMPLES = """
examples:
  upriver blame                        the last run, its first wrong prediction
  upriver blame last --wrong 3         the fourth wrong one
  upriver blame digits-20250101-120000-1 --sample 17
  upriver blame last --sample 3,17 --measure update --lr 0.01
"""
MEASURES = {"sensitivity": "sensitivity", "update": "update", "weight": "gradient x weight"}


def add(commands: Any) -> None:
    """Register the command."""
    parser = commands.add_parser(
        "blame",
        help="which weights a wrong prediction depends on",
        usage="upriver blame [RUN] [--sample N,N | --wrong N] [options]",
        description=_ABOUT,
        epilog=_EXAMPLES,
    )
    parser.add_argument("name", nargs="?", default="last", metavar="RUN", help="its name or folder; default: the last")
    which = parser.add_argument_group("samples")
    which.add_argument("--sample", metavar="N,N", help="these samples, counted from 0")
    which.add_argument("--wrong", metavar="N", help="the N-th wrongly predicted sample, counted from 0; default 0")
    which.add_argument("--part", default="test", metavar="PART", help="of which data: test (the default), val or train")
    how = parser.add_argument_group("ranking")
    how.add_argument("--measure", default="sensitivity", metavar="NAME", help=f"one of {', '.join(MEASURES)}")
    how.add_argument("--lr", metavar="RATE", help="learning rate of the step that update looks at; that of the run")
    how.add_argument("--within", metavar="MODULE", help="paths of the first weight of this module")
    how.add_argument("--top", default="5", metavar="K", help="how many of each; default 5")
    how.add_argument("--paths", default="3", metavar="K", help="how many paths of the first weight; default 3")
    out = parser.add_argument_group("output")
    out.add_argument("--quiet", action="store_true", help="print nothing but errors (and --json's line)")
    out.add_argument("--json", action="store_true", help="print one JSON object as the last line")
    out.add_argument("--traceback", action="store_true", help="on an error, show where in the program it happened")
    parser.set_defaults(run=run, parser=parser)


def _refuse(message: str, fix: str) -> Any:
    from .arguments import UsageError

    raise UsageError(f"{message}\n  fix  {fix}", "upriver blame")


def _whole(text: str, option: str, least: int) -> int:
    try:
        number = int(text)
    except ValueError:
        return _refuse(f"{option} {text!r} is not a whole number", f"Give a number from {least} on.")
    return number if number >= least else _refuse(f"{option} {number}", f"Give a number from {least} on.")


class Chosen(NamedTuple):
    """What to look at.

    Attributes:
        samples: their numbers.
        inputs, targets: of them alone.
        about: a sentence for each.
    """

    samples: list[int]
    inputs: Any
    targets: Any
    about: list[str]


def run(asked: Any) -> int:
    """Load, choose, trace back, print, write."""
    from ..core import site
    from ..errors import UpriverError
    from ..explain.blame import blame
    from ..train.run import Run

    if asked.measure not in MEASURES:
        _refuse(f"there is no measure {asked.measure!r}", f"Use one of {', '.join(MEASURES)}.")
    if asked.sample is not None and asked.wrong is not None:
        _refuse("both --sample and --wrong are given", "Give one of them.")
    top, few = _whole(asked.top, "--top", 1), _whole(asked.paths, "--paths", 1)
    rate = None if asked.lr is None else _rate(asked.lr)
    try:
        run = Run.open(asked.name)
    except UpriverError as error:
        _refuse(error.message, error.fix or "")
    task, options = load(run)
    chosen = choose(asked, task)
    task.model.eval()
    outputs = task.model(chosen.inputs)
    lines = site.enabled
    site.record_source_lines(False)  # what follows is not the user's code
    try:
        loss = task.loss(outputs, chosen.targets)
    finally:
        site.record_source_lines(lines)
    loss.backward()
    found = blame(loss, task.model, lr=options.lr if rate is None else rate)
    measure = MEASURES[asked.measure]
    if asked.within is not None and asked.within not in found.owners:
        _refuse(f"no module {asked.within!r} has weights", f"There are {', '.join(found.owners)}.")
    # The first weight is mostly a last layer's, which one path leads to: the inputs' side is told too.
    places = [None, found.owners[0]] if asked.within is None else [asked.within]
    ways = {way.name: way for way in [found.paths(measure, few, place) for place in places]}
    name = f"blame-{asked.part}-{'-'.join(map(str, chosen.samples[:5]))}{'-more' * (len(chosen.samples) > 5)}"
    told = {"run": str(run.folder), "part": asked.part, "samples": chosen.samples, "about": chosen.about}
    told |= {"blame": found.to_dict(top), "paths": [way.to_dict() for way in ways.values()]}
    files = _write(run.folder / name, found, [*ways.values()], told, chosen, top)
    if not asked.quiet:
        _print(run, found, [*ways.values()], chosen, measure, top, files)
    if asked.json:
        print(json.dumps(told, allow_nan=False))
    return 0


def _rate(text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        return _refuse(f"--lr {text!r} is not a number", "Give a learning rate, as in 0.01.")
    return rate if 0.0 < rate < float("inf") else _refuse(f"--lr {text}", "It must be greater than 0.")


def load(run: Any) -> tuple[Any, Any]:
    """The task of a run, rebuilt by its recipe, with the weights that it ended with; and its options.

    Raises:
        ArgumentError: the run is not of a recipe, or has saved no weights.
    """
    import upriver as ur

    from ..errors import ArgumentError
    from ..recipes import load_recipe
    from ..recipes.base import Options
    from ..train.trainer import load_weights

    config = run.config
    try:
        options = Options(**{**config["options"], "hidden": tuple(config["options"]["hidden"])})
        recipe = load_recipe("table" if options.target is not None else config["recipe"])
    except (KeyError, TypeError, ArgumentError):
        raise ArgumentError(
            f"{run.folder / 'config.json'} is not of a recipe, so that its network cannot be built again here",
            "Load it in a program, and call ur.blame(loss, model) after loss.backward().",
            at=False,
        ) from None
    saved = [path for path in (run.checkpoint("best"), run.checkpoint("last")) if path.exists()]
    if not saved:
        raise ArgumentError(f"{run.name} has saved no weights", "Let it train for a moment: upriver resume.", at=False)
    ur.manual_seed(options.seed)
    task = recipe.build(options)
    load_weights(task.model, saved[0])
    return task, options


def choose(asked: Any, task: Any) -> Chosen:
    """The samples that are meant, with what the network makes of them."""
    import numpy as np

    import upriver as ur

    from ..train.metrics import predict, predicted_classes

    loaders = {"test": task.test, "val": task.val, "train": task.train}
    if asked.part not in loaders:
        _refuse(f"there is no part {asked.part!r}", f"Use one of {', '.join(loaders)}.")
    data = loaders[asked.part].dataset
    ordered = ur.utils.data.DataLoader(data, batch_size=256)
    outputs, targets = predict(task.model, ordered)
    classes = targets.dtype.kind in "iu" and outputs.ndim == 2
    names = list(task.classes) or [str(i) for i in range(outputs.shape[-1])]
    predicted = predicted_classes(outputs) if classes else outputs
    if asked.sample is not None:
        samples = [_whole(part.strip(), "--sample", 0) for part in asked.sample.split(",")]
        if max(samples) >= len(targets):
            _refuse(
                f"--sample {max(samples)} is not there", f"The {asked.part} part has samples 0 to {len(targets) - 1}."
            )
    else:
        if not classes:
            _refuse("this network predicts no classes, so no prediction is right or wrong", "Use --sample N.")
        wrong = np.flatnonzero(predicted != targets.reshape(-1))
        n = _whole(asked.wrong or "0", "--wrong", 0)
        if n >= len(wrong):
            there = f"{len(wrong)} of {len(targets)} predictions of the {asked.part} part are wrong"
            _refuse(f"--wrong {n} is not there: {there}", "They are counted from 0; --sample takes any sample.")
        samples = [int(wrong[n])]
    about = []
    for i in samples:
        if classes:
            p = np.exp(outputs[i] - outputs[i].max())
            p /= p.sum()
            is_, said = int(targets.reshape(-1)[i]), int(predicted[i])
            verdict = "rightly" if is_ == said else "wrongly"
            about.append(
                f"{asked.part} sample {i} is {_name(names, is_)}, {verdict} taken for {_name(names, said)} "
                f"(probability {p[said]:.1%}" + (")" if is_ == said else f"; {_name(names, is_)} has {p[is_]:.1%})")
            )
        else:
            about.append(f"{asked.part} sample {i}: predicted {_few(outputs[i])}, true {_few(targets[i])}")
    batch = [data[i] for i in samples]
    inputs, wanted = (ur.stack([ur.as_tensor(sample[j]) for sample in batch]) for j in (0, 1))
    return Chosen(samples, inputs, wanted, about)


def _name(names: list[str], i: int) -> str:
    return names[i] if i < len(names) else str(i)


def _few(values: Any) -> str:
    return ", ".join([f"{float(x):.4g}" for x in values.reshape(-1)[:5]])


def _write(path: Path, found: Any, ways: list[Any], told: dict[str, Any], chosen: Chosen, top: int) -> list[Path]:
    """Text, data and picture into the run's folder."""
    from ..train.files import write_atomically, write_json

    text = "\n".join([*chosen.about, "", found.text(top), *[f"\n{way.text()}" for way in ways], ""])
    files = [path.with_name(f"{path.name}{end}") for end in (".txt", ".svg", ".json")]
    write_atomically(files[0], text.encode())
    write_atomically(files[1], found.svg(top).encode())
    write_json(files[2], told)
    return files


def _print(run: Any, found: Any, ways: list[Any], chosen: Chosen, measure: str, top: int, files: list[Path]) -> None:
    import os

    from ..explain.blame import about
    from .terminal import console

    out = console()
    out.print(f"[bold]{run.name}[/]")
    for line in chosen.about:
        out.print(line, markup=False)
    out.print(f"loss {found.loss:.6g}; {found.count:,} weights\n", style="dim")
    out.print(about(measure), markup=False)
    if measure == "update":
        out.print(f"{found.step}: {found.total(measure):+.6g} in all", markup=False)
    for table in found.tables(measure, top):
        out.print()
        out.print(table)
    for way in ways:
        out.print()
        out.print(way.text(), markup=False, soft_wrap=True)
    out.print(f"\n{', '.join(os.path.relpath(path) for path in files)}", style="dim", soft_wrap=True)
