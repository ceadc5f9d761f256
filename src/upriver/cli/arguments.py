"""The arguments of the command line: what there is, and what is refused before anything runs."""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NoReturn

from ..recipes import RECIPES
from ..version import __version__
from . import blame, explain, learn, step

_TOP = """Train a network on real data, and see what happened inside.

examples:
  upriver train digits                     handwritten digits, in a few seconds
  upriver train mnist --model cnn          a convolutional network
  upriver train spiral --activation tanh   and a picture of what it learned
  upriver train --data flowers.csv --target species
  upriver runs                             what was trained here
  upriver show                             the last one in full
  upriver resume                           go on where it was stopped
"""
_TRAIN_EXAMPLES = """
examples:
  upriver train digits
  upriver train digits --hidden 128,64 --activation gelu --lr 0.003 --seed 7
  upriver train mnist --model cnn --epochs 4
  upriver train --data prices.csv --target price --epochs 50
  upriver train digits --json --quiet      one JSON object, for programs

threads: matrix products use one thread unless --threads, or the variable
OPENBLAS_NUM_THREADS, says otherwise. For networks of this size one is usually
the fastest, and on a busy machine two can be much slower than one.

exit status: 0 done, 1 failed, 2 wrong usage, 130 stopped by Ctrl-C (and saved).
"""


class UsageError(Exception):
    """Arguments that cannot be what was meant.

    Attributes:
        command: the command they were given to.
    """

    def __init__(self, message: str, command: str = "upriver") -> None:
        super().__init__(message)
        self.command = command


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one message, not a page of usage."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("formatter_class", argparse.RawDescriptionHelpFormatter)
        kwargs.setdefault("allow_abbrev", False)
        super().__init__(**kwargs)

    def error(self, message: str) -> NoReturn:
        """Refuse in one sentence."""
        raise UsageError(f"{message}\n  fix  {self.prog} --help shows what there is.", self.prog)

    def refuse_unknown(self, words: Sequence[str]) -> NoReturn:
        """Refuse words that are left over, naming the option that was probably meant."""
        known = [option for action in self._actions for option in action.option_strings]
        near = get_close_matches(words[0].partition("=")[0], known, 1, 0.5)
        self.error(f"{' '.join(words)} is not understood" + (f"; did you mean {near[0]}?" if near else ""))


def _positive(text: str) -> float:
    number = _number(text)
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"{text} must be greater than 0")
    return number


def _not_negative(text: str) -> float:
    number = _number(text)
    if not 0 <= number < math.inf:
        raise argparse.ArgumentTypeError(f"{text} must be 0 or more")
    return number


def _share(text: str) -> float:
    number = _number(text)
    if not 0 <= number < 1:
        raise argparse.ArgumentTypeError(f"{text} must be at least 0 and less than 1")
    return number


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number") from None


def _count(text: str) -> int:
    number = _whole(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} must be at least 1")
    return number


def _seed(text: str) -> int:
    number = _whole(text)
    if not 0 <= number < 2**63:
        raise argparse.ArgumentTypeError(f"{text} must be at least 0 and less than 2^63")
    return number


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number") from None


def _widths(text: str) -> tuple[int, ...]:
    return tuple(_count(part.strip()) for part in text.split(","))


def _choice(parser: Any, option: str, choices: Sequence[str], about: str) -> None:
    """An option that is one of several words; a wrong one is answered with the closest."""

    def check(text: str) -> str:
        if text not in choices:
            near = get_close_matches(text, choices, 1, 0.4)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise argparse.ArgumentTypeError(f"{text!r} is not one of {', '.join(choices)}{hint}")
        return text

    parser.add_argument(option, type=check, metavar="NAME", help=f"{about}: {', '.join(choices)}")


def build_parser() -> Parser:
    """The parser of all commands."""
    top = Parser(prog="upriver", description=_TOP)
    top.add_argument("--version", action="version", version=f"upriver {__version__}")
    commands = top.add_subparsers(title="commands", metavar="COMMAND", parser_class=Parser, dest="command")
    _add_train(commands)
    _add_resume(commands)
    _add_runs(commands)
    explain.add(commands)
    step.add(commands)
    blame.add(commands)
    learn.add(commands)
    return top


# Named here and not in recipes/base.py, so that --help need not import the networks.
ACTIVATIONS = ("relu", "leaky_relu", "elu", "selu", "gelu", "silu", "softplus", "tanh", "sigmoid", "identity")
OPTIMIZERS = ("sgd", "momentum", "nesterov", "rmsprop", "adagrad", "adam", "adamw")
SCHEDULES = ("constant", "cosine", "onecycle")


def _add_output(parser: Any) -> None:
    group = parser.add_argument_group("output")
    group.add_argument("--quiet", action="store_true", help="print nothing but errors (and --json's line)")
    group.add_argument("--json", action="store_true", help="print one JSON object as the last line")
    group.add_argument("--traceback", action="store_true", help="on an error, show where in the program it happened")


def _add_train(commands: Any) -> None:
    recipes = "\n".join(f"  {name:<10} {about}" for name, about in RECIPES.items())
    parser = commands.add_parser(
        "train",
        help="train a network",
        usage="upriver train RECIPE [options]\n       upriver train --data FILE --target COLUMN [options]",
        description=f"Train a network by a recipe, or on a table of your own.\n\nrecipes:\n{recipes}",
        epilog=_TRAIN_EXAMPLES,
    )
    parser.add_argument("recipe", nargs="?", metavar="RECIPE", help="one of the recipes above")
    data = parser.add_argument_group("your own data")
    data.add_argument("--data", metavar="FILE", help="a CSV or Parquet file with one row per sample")
    data.add_argument("--target", metavar="COLUMN", help="the column to predict: classes or numbers")
    network = parser.add_argument_group("network")
    _choice(network, "--model", ("mlp", "cnn"), "the network")
    network.add_argument("--hidden", type=_widths, metavar="N,N", help="widths of the hidden layers, as in 128,64")
    _choice(network, "--activation", ACTIVATIONS, "what bends")
    network.add_argument("--dropout", type=_share, metavar="SHARE", help="share of hidden units left out in training")
    training = parser.add_argument_group("training")
    _choice(training, "--optimizer", OPTIMIZERS, "how weights are updated")
    training.add_argument("--lr", type=_positive, metavar="RATE", help="learning rate; with a schedule, the largest")
    _choice(training, "--schedule", SCHEDULES, "how the learning rate changes")
    training.add_argument("--weight-decay", type=_not_negative, metavar="RATE", help="for adamw")
    training.add_argument("--batch-size", type=_count, metavar="N", help="samples per step")
    training.add_argument("--epochs", type=_count, metavar="N", help="passes over the training data")
    training.add_argument("--clip", type=_positive, metavar="NORM", help="the largest norm of all gradients together")
    training.add_argument(
        "--patience", type=_count, metavar="N", help="stop after N epochs without a better validation loss"
    )
    training.add_argument(
        "--compile", action=argparse.BooleanOptionalAction, help="native training steps; default where it saves time"
    )
    training.add_argument("--seed", type=_seed, metavar="N", help="of weights, batches and dropout; default 0")
    training.add_argument(
        "--threads", type=_count, metavar="N", help="threads of compiled steps and matrix products; default 1"
    )
    training.add_argument(
        "--out", type=Path, metavar="FOLDER", help="the run's folder; default runs/RECIPE-DATE-TIME-N"
    )
    _add_output(parser)
    parser.set_defaults(run=_train, parser=parser)


def _add_resume(commands: Any) -> None:
    parser = commands.add_parser(
        "resume",
        help="go on with a run that was stopped",
        description="Go on with a run exactly where it was stopped: the result is the same to the last bit.",
        epilog="examples:\n  upriver resume\n  upriver resume runs/digits-20250101-120000-1",
    )
    parser.add_argument("name", nargs="?", default="last", metavar="RUN", help="its name or folder; default: the last")
    parser.add_argument(
        "--threads",
        type=_count,
        metavar="N",
        help="threads of compiled steps and matrix products; as before by default",
    )
    _add_output(parser)
    parser.set_defaults(run=_resume, parser=parser)


def _add_runs(commands: Any) -> None:
    parser = commands.add_parser(
        "runs", help="list the runs", description="List the runs in a folder, oldest first.",
        epilog="examples:\n  upriver runs\n  upriver runs --json",
    )  # fmt: skip
    parser.add_argument("folder", nargs="?", type=Path, default=Path("runs"), metavar="FOLDER", help="default: runs")
    _add_output(parser)
    parser.set_defaults(run=_runs, parser=parser)
    parser = commands.add_parser(
        "show", help="show one run in full", description="Show what a run came to.",
        epilog="examples:\n  upriver show\n  upriver show digits-20250101-120000-1",
    )  # fmt: skip
    parser.add_argument("name", nargs="?", default="last", metavar="RUN", help="its name or folder; default: the last")
    _add_output(parser)
    parser.set_defaults(run=_show, parser=parser)


def parse(argv: list[str]) -> Any:
    """The arguments as attributes; ``run`` is the function that carries them out.

    Raises:
        UsageError: they cannot be what was meant.
        SystemExit: help or the version was asked for, and printed.
    """
    parser = build_parser()
    commands = ("train", "resume", "runs", "show", "explain", "step", "blame", "learn")
    if argv and not argv[0].startswith("-") and argv[0] not in commands:
        near = get_close_matches(argv[0], commands, 1, 0.5)
        meant = near[0] if near else f"train {argv[0]}" if argv[0] in RECIPES else None
        hint = f"Did you mean upriver {meant}? " if meant else ""
        raise UsageError(f"there is no command {argv[0]!r}\n  fix  {hint}The commands are {', '.join(commands)}.")
    if argv[:1] in (["explain"], ["step"]):
        argv = explain.protect(argv)
    asked, unknown = parser.parse_known_args(argv)
    if unknown:
        getattr(asked, "parser", parser).refuse_unknown(unknown)
    if asked.command is None:
        parser.print_help()
        raise SystemExit(0)
    if asked.command == "train":
        _check_train(asked)
    return asked


def _check_train(asked: Any) -> None:
    def refuse(message: str, fix: str) -> NoReturn:
        raise UsageError(f"{message}\n  fix  {fix}", "upriver train")

    if asked.recipe is None:
        if asked.data is None:
            refuse(
                "nothing to train on was named", f"Name a recipe ({', '.join(RECIPES)}) or --data FILE --target COLUMN."
            )
        if asked.target is None:
            refuse("--data needs to know what to predict", "Add --target COLUMN.")
        if asked.model == "cnn":
            refuse("a table has no pictures for --model cnn", "Use --model mlp.")
        return
    if asked.recipe not in RECIPES:
        near = get_close_matches(asked.recipe, RECIPES, 1, 0.4)
        hint = f"Did you mean {near[0]}? " if near else ""
        if Path(asked.recipe).is_file():
            hint = f"For a file of your own: --data {asked.recipe} --target COLUMN. "
        refuse(f"there is no recipe {asked.recipe!r}", f"{hint}The recipes are {', '.join(RECIPES)}.")
    if asked.target is not None or (asked.data is not None and asked.recipe != "fashion"):
        refuse(f"the recipe {asked.recipe} has its own data", "Leave out --data and --target, or leave out the recipe.")
    if asked.model == "cnn" and asked.recipe not in ("digits", "mnist", "fashion"):
        refuse(f"the recipe {asked.recipe} has no model 'cnn'", "Use --model mlp.")


# The commands' modules are imported when one is carried out: --help needs none of them.


def _train(asked: Any) -> int:
    from .train import train

    return train(asked)


def _resume(asked: Any) -> int:
    from .train import resume

    return resume(asked)


def _runs(asked: Any) -> int:
    from .runs import list_runs

    return list_runs(asked)


def _show(asked: Any) -> int:
    from .runs import show

    return show(asked)
