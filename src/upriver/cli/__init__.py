"""The command ``upriver``: arguments in, exit status out. What the commands do is in the modules beside.

argparse, since it starts in a few milliseconds and needs no installation; rich is imported only where something is
drawn. Exit status: 0 done, 1 failed, 2 wrong usage, 130 stopped by Ctrl-C (143 by a polite kill).
"""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Sequence
from typing import Any

from ..errors import UpriverError
from ..i18n import say
from .arguments import UsageError, parse


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; its exit status.

    Args:
        argv: the arguments; those of the process by default.
    """
    asked: Any = None
    if sys.stdout is None:  # closed by whoever started us
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115, PTH123
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal that has no × shows ? rather than an error
    try:
        asked = parse(list(sys.argv[1:] if argv is None else argv))
        status = int(asked.run(asked) or 0)
        sys.stdout.flush()
    except UsageError as error:
        print(f"{error.command}: {error}", file=sys.stderr)
        return 2
    except SystemExit as done:  # --help and --version
        return int(done.code or 0)
    except BrokenPipeError:
        _drop_output()  # whoever was reading has seen enough
        return 0
    except KeyboardInterrupt as error:
        return _interrupted(asked, error)
    except Exception as error:  # the edge of the program: every error becomes a message
        return _failed(asked, error)
    else:
        return status


def _interrupted(asked: Any, error: KeyboardInterrupt) -> int:
    number = getattr(error, "signal", 2)
    run = getattr(error, "run", None)
    print(f"\n{error}" if str(error) else f"\n{say('stopped')}", file=sys.stderr)
    _tell(asked, {"run": run, "status": "interrupted"})
    return 128 + int(number)


def _failed(asked: Any, error: Exception) -> int:
    if getattr(asked, "traceback", False):
        import traceback

        traceback.print_exception(error)
    elif isinstance(error, UpriverError):
        print(say("error: {message}", message=str(error)), file=sys.stderr)
    else:
        print(say("error: {message}", message=f"{type(error).__name__}: {error}"), file=sys.stderr)
        print(say("  fix  {fix}", fix=say("This was not foreseen; --traceback shows where.")), file=sys.stderr)
    told = error.message if isinstance(error, UpriverError) else str(error)
    _tell(asked, {"run": getattr(asked, "folder", None), "status": "failed", "error": told})
    return 1


def _tell(asked: Any, outcome: dict[str, Any]) -> None:
    """The last line for a program that asked for JSON; standard output may be what has just failed."""
    try:
        if getattr(asked, "json", False):
            print(json.dumps(outcome))
        sys.stdout.flush()
    except OSError:
        _drop_output()


def _drop_output() -> None:
    """What is still buffered must not be written at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
