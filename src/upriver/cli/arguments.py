"""The arguments of the command line: what there is, and what is refused before anything runs."""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NoReturn

from ..errors import UpriverError
from ..i18n import Message, say
from ..i18n.errors import told
from ..recipes import RECIPES, about
from ..version import __version__
from . import blame, explain, learn, site, step
from .words import Formatter, argparse_in_our_language, examples


class UsageError(Exception):
    """Arguments that cannot be what was meant.

    Args:
        message: what is wrong with them.
        fix: what to write instead.
        command: the command they were given to.
    """

    def __init__(self, message: str, fix: str | None = None, *, command: str = "upriver") -> None:
        lines = [told(message)] if fix is None else [told(message), say("  fix  {fix}", fix=told(fix))]
        super().__init__("\n".join(lines))
        self.command = command

    @classmethod
    def of(cls, error: UpriverError, command: str) -> UsageError:
        """The same, of something that was refused further inside."""
        return cls(error.message, error.fix, command=command)


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one message, not a page of usage."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("formatter_class", Formatter)
        kwargs.setdefault("allow_abbrev", False)
        super().__init__(**kwargs)

    def error(self, message: str) -> NoReturn:
        """Refuse in one sentence."""
        message = Message.of(message, "{message}", {"message": message})  # argparse has said it already
        raise UsageError(message, say("{prog} --help shows what there is.", prog=self.prog), command=self.prog)

    def refuse_unknown(self, words: Sequence[str]) -> NoReturn:
        """Refuse words that are left over, naming the option that was probably meant."""
        known = [option for action in self._actions for option in action.option_strings]
        near = get_close_matches(words[0].partition("=")[0], known, 1, 0.5)
        given = " ".join(words)
        if near:
            self.error(say("{words} is not understood; did you mean {near}?", words=given, near=near[0]))
        self.error(say("{words} is not understood", words=given))


def _positive(text: str) -> float:
    number = _number(text)
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(say("{text} must be greater than 0", text=text))
    return number


def _not_negative(text: str) -> float:
    number = _number(text)
    if not 0 <= number < math.inf:
        raise argparse.ArgumentTypeError(say("{text} must be 0 or more", text=text))
    return number


def _share(text: str) -> float:
    number = _number(text)
    if not 0 <= number < 1:
        raise argparse.ArgumentTypeError(say("{text} must be at least 0 and less than 1", text=text))
    return number


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(say("{text} is not a number", text=repr(text))) from None


def _count(text: str) -> int:
    number = _whole(text)
    if number < 1:
        raise argparse.ArgumentTypeError(say("{text} must be at least 1", text=text))
    return number


def _seed(text: str) -> int:
    number = _whole(text)
    if not 0 <= number < 2**63:
        raise argparse.ArgumentTypeError(say("{text} must be at least 0 and less than 2^63", text=text))
    return number


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(say("{text} is not a whole number", text=repr(text))) from None


def _widths(text: str) -> tuple[int, ...]:
    return tuple(_count(part.strip()) for part in text.split(","))


def _choice(parser: Any, option: str, choices: Sequence[str], what: str) -> None:
    """An option that is one of several words; a wrong one is answered with the closest."""

    def check(text: str) -> str:
        if text not in choices:
            near = get_close_matches(text, choices, 1, 0.4)
            if near:
                raise argparse.ArgumentTypeError(
                    say(
                        "{text} is not one of {choices}; did you mean {near}?",
                        text=repr(text), choices=list(choices), near=near[0],
                    )
                )  # fmt: skip
            raise argparse.ArgumentTypeError(
                say("{text} is not one of {choices}", text=repr(text), choices=list(choices))
            )
        return text

    listed = say("{what}: {choices}", what=what, choices=list(choices))
    parser.add_argument(option, type=check, metavar="NAME", help=listed)


def build_parser() -> Parser:
    """The parser of all commands."""
    tries = examples(
        ("upriver train digits", say("handwritten digits, in a few seconds")),
        ("upriver train mnist --model cnn", say("a convolutional network")),
        ("upriver train spiral --activation tanh", say("and a picture of what it learned")),
        ("upriver train --data flowers.csv --target species", ""),
        ("upriver runs", say("what was trained here")),
        ("upriver show", say("the last one in full")),
        ("upriver resume", say("go on where it was stopped")),
        at=43,
    )
    first = say("Train a network on real data, and see what happened inside.")
    top = Parser(prog="upriver", description=f"{first}\n\n{tries}\n")
    version = say("show program's version number and exit")
    top.add_argument("--version", action="version", version=f"upriver {__version__}", help=version)
    commands = top.add_subparsers(title=say("commands"), metavar="COMMAND", parser_class=Parser, dest="command")
    _add_train(commands)
    _add_resume(commands)
    _add_runs(commands)
    explain.add(commands)
    step.add(commands)
    blame.add(commands)
    learn.add(commands)
    site.add(commands)
    return top


# Named here and not in recipes/base.py, so that --help need not import the networks.
ACTIVATIONS = ("relu", "leaky_relu", "elu", "selu", "gelu", "silu", "softplus", "tanh", "sigmoid", "identity")
OPTIMIZERS = ("sgd", "momentum", "nesterov", "rmsprop", "adagrad", "adam", "adamw")
SCHEDULES = ("constant", "cosine", "onecycle")


def _add_output(parser: Any) -> None:
    group = parser.add_argument_group(say("output"))
    group.add_argument("--quiet", action="store_true", help=say("print nothing but errors (and --json's line)"))
    group.add_argument("--json", action="store_true", help=say("print one JSON object as the last line"))
    group.add_argument(
        "--traceback", action="store_true", help=say("on an error, show where in the program it happened")
    )


def _add_train(commands: Any) -> None:
    recipes = "\n".join(f"  {name:<10} {about(name)}" for name in RECIPES)
    options = say("[options]")
    first, heading = say("Train a network by a recipe, or on a table of your own."), say("recipes:")
    parser = commands.add_parser(
        "train",
        help=say("train a network"),
        usage=f"upriver train RECIPE {options}\n       upriver train --data FILE --target COLUMN {options}",
        description=f"{first}\n\n{heading}\n{recipes}",
        epilog=_train_epilog(),
    )
    parser.add_argument("recipe", nargs="?", metavar="RECIPE", help=say("one of the recipes above"))
    data = parser.add_argument_group(say("your own data"))
    data.add_argument("--data", metavar="FILE", help=say("a CSV or Parquet file with one row per sample"))
    data.add_argument("--target", metavar="COLUMN", help=say("the column to predict: classes or numbers"))
    network = parser.add_argument_group(say("network"))
    _choice(network, "--model", ("mlp", "cnn"), say("the network"))
    network.add_argument("--hidden", type=_widths, metavar="N,N", help=say("widths of the hidden layers, as in 128,64"))
    _choice(network, "--activation", ACTIVATIONS, say("what bends"))
    network.add_argument(
        "--dropout", type=_share, metavar="SHARE", help=say("share of hidden units left out in training")
    )
    training = parser.add_argument_group(say("training"))
    _choice(training, "--optimizer", OPTIMIZERS, say("how weights are updated"))
    training.add_argument(
        "--lr", type=_positive, metavar="RATE", help=say("learning rate; with a schedule, the largest")
    )
    _choice(training, "--schedule", SCHEDULES, say("how the learning rate changes"))
    for option, kind, metavar, words in (
        ("--weight-decay", _not_negative, "RATE", say("for adamw")),
        ("--batch-size", _count, "N", say("samples per step")),
        ("--epochs", _count, "N", say("passes over the training data")),
        ("--clip", _positive, "NORM", say("the largest norm of all gradients together")),
        ("--patience", _count, "N", say("stop after N epochs without a better validation loss")),
    ):
        training.add_argument(option, type=kind, metavar=metavar, help=words)
    training.add_argument(
        "--compile", action=argparse.BooleanOptionalAction,
        help=say("native training steps; default where it saves time"),
    )  # fmt: skip
    for option, kind, metavar, words in (
        ("--seed", _seed, "N", say("of weights, batches and dropout; default 0")),
        ("--threads", _count, "N", say("threads of compiled steps and matrix products; default 1")),
    ):
        training.add_argument(option, type=kind, metavar=metavar, help=words)
    folder = say("the run's folder; default runs/RECIPE-DATE-TIME-N")
    training.add_argument("--out", type=Path, metavar="FOLDER", help=folder)
    _add_output(parser)
    parser.set_defaults(run=_train, parser=parser)


def _train_epilog() -> str:
    tries = examples(
        ("upriver train digits", ""),
        ("upriver train digits --hidden 128,64 --activation gelu --lr 0.003 --seed 7", ""),
        ("upriver train mnist --model cnn --epochs 4", ""),
        ("upriver train --data prices.csv --target price --epochs 50", ""),
        ("upriver train digits --json --quiet", say("one JSON object, for programs")),
        at=43,
    )
    threads = say(
        "threads: matrix products use one thread unless --threads, or the variable\n"
        "OPENBLAS_NUM_THREADS, says otherwise. For networks of this size one is usually\n"
        "the fastest, and on a busy machine two can be much slower than one."
    )
    status = say("exit status: 0 done, 1 failed, 2 wrong usage, 130 stopped by Ctrl-C (and saved).")
    return f"\n{tries}\n\n{threads}\n\n{status}\n"


def _add_resume(commands: Any) -> None:
    parser = commands.add_parser(
        "resume",
        help=say("go on with a run that was stopped"),
        description=say("Go on with a run exactly where it was stopped: the result is the same to the last bit."),
        epilog=examples(("upriver resume", ""), ("upriver resume runs/digits-20250101-120000-1", "")),
    )
    _add_run_name(parser)
    parser.add_argument(
        "--threads",
        type=_count,
        metavar="N",
        help=say("threads of compiled steps and matrix products; as before by default"),
    )
    _add_output(parser)
    parser.set_defaults(run=_resume, parser=parser)


def _add_runs(commands: Any) -> None:
    parser = commands.add_parser(
        "runs", help=say("list the runs"), description=say("List the runs in a folder, oldest first."),
        epilog=examples(("upriver runs", ""), ("upriver runs --json", "")),
    )  # fmt: skip
    parser.add_argument(
        "folder", nargs="?", type=Path, default=Path("runs"), metavar="FOLDER", help=say("default: runs")
    )
    _add_output(parser)
    parser.set_defaults(run=_runs, parser=parser)
    parser = commands.add_parser(
        "show", help=say("show one run in full"), description=say("Show what a run came to."),
        epilog=examples(("upriver show", ""), ("upriver show digits-20250101-120000-1", "")),
    )  # fmt: skip
    _add_run_name(parser)
    _add_output(parser)
    parser.set_defaults(run=_show, parser=parser)


def _add_run_name(parser: Any) -> None:
    words = say("its name or folder; default: the last")
    parser.add_argument("name", nargs="?", default="last", metavar="RUN", help=words)


def parse(argv: list[str]) -> Any:
    """The arguments as attributes; ``run`` is the function that carries them out.

    Raises:
        UsageError: they cannot be what was meant.
        SystemExit: help or the version was asked for, and printed.
    """
    with argparse_in_our_language():
        return _parse(argv)


def _parse(argv: list[str]) -> Any:
    parser = build_parser()
    commands = ("train", "resume", "runs", "show", "explain", "step", "blame", "learn", "site")
    if argv and not argv[0].startswith("-") and argv[0] not in commands:
        near = get_close_matches(argv[0], commands, 1, 0.5)
        meant = near[0] if near else f"train {argv[0]}" if argv[0] in RECIPES else None
        listed = ", ".join(commands)
        raise UsageError(
            f"there is no command {argv[0]!r}",
            f"Did you mean upriver {meant}? The commands are {listed}." if meant else f"The commands are {listed}.",
        )
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
    listed, command = ", ".join(RECIPES), "upriver train"
    if asked.recipe is None:
        if asked.data is None:
            raise UsageError(
                "nothing to train on was named",
                f"Name a recipe ({listed}) or --data FILE --target COLUMN.",
                command=command,
            )
        if asked.target is None:
            raise UsageError("--data needs to know what to predict", "Add --target COLUMN.", command=command)
        if asked.model == "cnn":
            raise UsageError("a table has no pictures for --model cnn", "Use --model mlp.", command=command)
        return
    if asked.recipe not in RECIPES:
        near = get_close_matches(asked.recipe, RECIPES, 1, 0.4)
        raise UsageError(
            f"there is no recipe {asked.recipe!r}",
            f"For a file of your own: --data {asked.recipe} --target COLUMN. The recipes are {listed}."
            if Path(asked.recipe).is_file()
            else f"Did you mean {near[0]}? The recipes are {listed}."
            if near
            else f"The recipes are {listed}.",
            command=command,
        )
    if asked.target is not None or (asked.data is not None and asked.recipe != "fashion"):
        raise UsageError(
            f"the recipe {asked.recipe} has its own data",
            "Leave out --data and --target, or leave out the recipe.",
            command=command,
        )
    if asked.model == "cnn" and asked.recipe not in ("digits", "mnist", "fashion"):
        raise UsageError(f"the recipe {asked.recipe} has no model 'cnn'", "Use --model mlp.", command=command)


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
