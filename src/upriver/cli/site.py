"""``upriver site``: the lesson and the slides as files that any web host can serve, without Python."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from ..i18n import say
from .words import examples


def add(commands: Any) -> None:
    """Register the command."""
    tries = examples(
        ("upriver site public", say("writes the folder public")),
        ("python -m http.server -d public", say("to look at it")),
        at=35,
    )
    about = say(
        "Write the lesson, the slides, the questions and the glossary as a static site.\n\n"
        "Everything that their figures can ask is computed now and written beside the\n"
        "pages, so that any host can serve them, from any folder, without Python. What\n"
        "needs the engine itself (the lab, the playground) says so there."
    )
    parser = commands.add_parser(
        "site", help=say("the lesson and slides as a static site"), description=about, epilog=f"\n{tries}\n"
    )
    parser.add_argument("out", type=Path, metavar="OUT", help=say("the folder to write"))
    parser.add_argument("--quiet", action="store_true", help=say("print nothing but errors"))
    parser.add_argument(
        "--traceback", action="store_true", help=say("on an error, show where in the program it happened")
    )
    parser.set_defaults(run=run, parser=parser)


def run(asked: Any) -> int:
    """Write the site."""
    from ..web.built import built_pages
    from ..web.site import write_site

    pages = built_pages()
    if asked.quiet or not sys.stdout.isatty():
        site = write_site(pages, asked.out)
    else:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (TextColumn(say("recording")), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, transient=True) as shown:
            task = shown.add_task("")
            site = write_site(
                pages, asked.out, progress=lambda done, total: shown.update(task, completed=done, total=total)
            )
    if not asked.quiet:
        told = say("{n} recorded answers, {size} MB", n=site.recorded, size=f"{site.size / 2**20:.1f}")
        print(f"{site.folder}  {told}")
    return 0
