"""``upriver blame``: which weights of a trained network a wrong prediction depends on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

from ..i18n import say
from .words import examples

MEASURES = {"sensitivity": "sensitivity", "update": "update", "weight": "gradient x weight"}


def add(commands: Any) -> None:
    """Register the command."""
    tries = examples(
        ("upriver blame", say("the last run, its first wrong prediction")),
        ("upriver blame last --wrong 3", say("the fourth wrong one")),
        ("upriver blame digits-20250101-120000-1 --sample 17", ""),
        ("upriver blame last --sample 3,17 --measure update --lr 0.01", ""),
        at=39,
    )
    about = say(
        "Load a trained run, compute the loss on chosen samples, trace it back, and rank\n"
        "the modules, units and weights that it depends on, down to the largest paths of\n"
        "the first weight.\n\n"
        "Three measures, never mixed: the gradient (sensitivity), gradient x change (the\n"
        "effect of one plain step), gradient x weight. Tables are printed; they and a\n"
        "picture are put into the run's folder.\n"
    )
    parser = commands.add_parser(
        "blame",
        help=say("which weights a wrong prediction depends on"),
        usage=f"upriver blame [RUN] [--sample N,N | --wrong N] {say('[options]')}",
        description=about,
        epilog=f"\n{tries}\n",
    )
    parser.add_argument(
        "name", nargs="?", default="last", metavar="RUN", help=say("its name or folder; default: the last")
    )
    which = parser.add_argument_group(say("samples"))
    which.add_argument("--sample", metavar="N,N", help=say("these samples, counted from 0"))
    which.add_argument("--wrong", metavar="N", help=say("the N-th wrongly predicted sample, counted from 0; default 0"))
    which.add_argument(
        "--part", default="test", metavar="PART", help=say("of which data: test (the default), val or train")
    )
    how = parser.add_argument_group(say("ranking"))
    how.add_argument(
        "--measure", default="sensitivity", metavar="NAME", help=say("one of {choices}", choices=list(MEASURES))
    )
    how.add_argument(
        "--lr", metavar="RATE", help=say("learning rate of the step that update looks at; that of the run")
    )
    how.add_argument("--within", metavar="MODULE", help=say("paths of the first weight of this module"))
    how.add_argument("--top", default="5", metavar="K", help=say("how many of each; default 5"))
    how.add_argument("--paths", default="3", metavar="K", help=say("how many paths of the first weight; default 3"))
    out = parser.add_argument_group(say("output"))
    out.add_argument("--quiet", action="store_true", help=say("print nothing but errors (and --json's line)"))
    out.add_argument("--json", action="store_true", help=say("print one JSON object as the last line"))
    out.add_argument("--traceback", action="store_true", help=say("on an error, show where in the program it happened"))
    parser.set_defaults(run=run, parser=parser)


COMMAND = "upriver blame"


def _whole(text: str, option: str, least: int) -> int:
    from .arguments import UsageError

    try:
        number = int(text)
    except ValueError:
        raise UsageError(
            f"{option} {text!r} is not a whole number", f"Give a number from {least} on.", command=COMMAND
        ) from None
    if number < least:
        raise UsageError(f"{option} {number} is too small", f"Give a number from {least} on.", command=COMMAND)
    return number


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
    from .arguments import UsageError

    if asked.measure not in MEASURES:
        raise UsageError(
            f"there is no measure {asked.measure!r}", f"Use one of {', '.join(MEASURES)}.", command=COMMAND
        )
    if asked.sample is not None and asked.wrong is not None:
        raise UsageError("both --sample and --wrong are given", "Give one of them.", command=COMMAND)
    top, few = _whole(asked.top, "--top", 1), _whole(asked.paths, "--paths", 1)
    rate = None if asked.lr is None else _rate(asked.lr)
    try:
        run = Run.open(asked.name)
    except UpriverError as error:
        raise UsageError.of(error, COMMAND) from None
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
        raise UsageError(
            f"no module {asked.within!r} has weights", f"There are {', '.join(found.owners)}.", command=COMMAND
        )
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
    from .arguments import UsageError

    try:
        rate = float(text)
    except ValueError:
        raise UsageError(
            f"--lr {text!r} is not a number", "Give a learning rate, as in 0.01.", command=COMMAND
        ) from None
    if not 0.0 < rate < float("inf"):
        raise UsageError(f"--lr {text} is no learning rate", "It must be greater than 0.", command=COMMAND)
    return rate


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
    from .arguments import UsageError

    loaders = {"test": task.test, "val": task.val, "train": task.train}
    if asked.part not in loaders:
        raise UsageError(f"there is no part {asked.part!r}", f"Use one of {', '.join(loaders)}.", command=COMMAND)
    data = loaders[asked.part].dataset
    ordered = ur.utils.data.DataLoader(data, batch_size=256)
    outputs, targets = predict(task.model, ordered)
    classes = targets.dtype.kind in "iu" and outputs.ndim == 2
    names = list(task.classes) or [str(i) for i in range(outputs.shape[-1])]
    predicted = predicted_classes(outputs) if classes else outputs
    if asked.sample is not None:
        samples = [_whole(part.strip(), "--sample", 0) for part in asked.sample.split(",")]
        if max(samples) >= len(targets):
            raise UsageError(
                f"--sample {max(samples)} is not there",
                f"The {asked.part} part has samples 0 to {len(targets) - 1}.",
                command=COMMAND,
            )
    else:
        if not classes:
            raise UsageError(
                "this network predicts no classes, so no prediction is right or wrong",
                "Use --sample N.",
                command=COMMAND,
            )
        wrong = np.flatnonzero(predicted != targets.reshape(-1))
        n = _whole(asked.wrong or "0", "--wrong", 0)
        if n >= len(wrong):
            of, part = len(targets), asked.part
            raise UsageError(
                f"--wrong {n} is not there: {len(wrong)} of {of} predictions of the {part} part are wrong",
                "They are counted from 0; --sample takes any sample.",
                command=COMMAND,
            )
        samples = [int(wrong[n])]
    about: list[str] = []
    for i in samples:
        if not classes:
            values = {"predicted": _few(outputs[i]), "true": _few(targets[i])}
            about.append(
                say("{part} sample {i}: predicted {predicted}, true {true}", part=asked.part, i=str(i), **values)
            )
            continue
        p = np.exp(outputs[i] - outputs[i].max())
        p /= p.sum()
        is_, said = int(targets.reshape(-1)[i]), int(predicted[i])
        told = {"part": asked.part, "i": str(i), "is_": _name(names, is_), "said": _name(names, said)}
        told |= {"share": f"{p[said]:.1%}", "own": f"{p[is_]:.1%}"}
        about.append(
            say("{part} sample {i} is {is_}, rightly taken for {said} (probability {share})", **told)
            if is_ == said
            else say(
                "{part} sample {i} is {is_}, wrongly taken for {said} (probability {share}; {is_} has {own})", **told
            )
        )
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
    out.print(say("loss {loss}; {n} weights", loss=f"{found.loss:.6g}", n=found.count) + "\n", style="dim")
    out.print(about(measure), markup=False)
    if measure == "update":
        total = f"{found.total(measure):+.6g}"
        out.print(say("{step}: {total} in all", step=found.step, total=total), markup=False)
    for table in found.tables(measure, top):
        out.print()
        out.print(table)
    for way in ways:
        out.print()
        out.print(way.text(), markup=False, soft_wrap=True)
    out.print(f"\n{', '.join(os.path.relpath(path) for path in files)}", style="dim", soft_wrap=True)
