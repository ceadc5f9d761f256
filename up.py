#!/usr/bin/env python3
"""Set Upriver up in .venv beside this file, and run it. Needs Python 3.11 or later with pip, and nothing else.

    python3 up.py                 train a network on handwritten digits and show what happened
    python3 up.py learn           the lesson, the lab and the playground, in the browser
    python3 up.py test            run every check and every test
    python3 up.py train moons     any other command of `upriver`

Delete .venv to start over.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
VENV = HERE / ".venv"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = BIN / ("python.exe" if os.name == "nt" else "python")

CHECKS = [
    ("style", ["ruff", "check", "."]),
    ("format", ["ruff", "format", "--check", "."]),
    ("types", ["mypy"]),
    ("layers", ["lint-imports", "--no-cache"]),
    ("pages", ["npm", "--prefix", "web", "run", "check"]),
    ("page tests", ["npm", "--prefix", "web", "test"]),
    ("tests", ["pytest", "-n", "auto", "--cov", "--cov-report=term:skip-covered"]),
    ("packages", ["python", "-m", "build", "--outdir", str(VENV / "dist")]),
]


def pip_install(*what: str) -> None:
    """Install into .venv, with its own pip or, where Python came without ensurepip, with this one."""
    own = subprocess.run([PYTHON, "-m", "pip", "--version"], capture_output=True, check=False).returncode == 0
    pip = [str(PYTHON), "-m", "pip"] if own else [sys.executable, "-m", "pip", "--python", str(PYTHON)]
    subprocess.run([*pip, "install", "--quiet", "--disable-pip-version-check", *what], cwd=HERE, check=True)


def set_up(extras: str) -> None:
    """Make .venv and install the project into it with ``extras``, unless that was done for this very pyproject."""
    if not PYTHON.exists():
        print(f"making {VENV}", flush=True)
        try:
            venv.create(VENV, with_pip=True)
        except (subprocess.CalledProcessError, SystemExit):
            venv.create(VENV, with_pip=False, clear=True)
    stamp = VENV / f"installed-{extras.replace(',', '-')}"
    wanted = fingerprint()
    if not stamp.exists() or stamp.read_text() != wanted:
        print(f"installing upriver[{extras}] (once)", flush=True)
        pip_install("--editable", f".[{extras}]")
        stamp.write_text(wanted)


def fingerprint() -> str:
    """What an installation depends on: pyproject, and the sources of the pages, which are built with it."""
    folders = [HERE / "web" / "src", HERE / "web" / "build", HERE / "src" / "upriver" / "i18n"]
    files = [HERE / "pyproject.toml", *(path for folder in folders for path in folder.rglob("*.*"))]
    hashed = hashlib.sha256()
    for path in sorted(path for path in files if path.is_file() and path.suffix != ".pyc"):
        hashed.update(path.read_bytes())
    return hashed.hexdigest()


def check(arguments: list[str]) -> int:
    """Run every check in turn and say which failed; arguments go to pytest, and then only it runs."""
    environment = {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", "VIRTUAL_ENV": str(VENV)}
    # Several test processes share the cores, and a busy machine makes BLAS threads wait for each other.
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        environment.setdefault(name, "1")
    failed = []
    for name, command in [("tests", ["pytest", *arguments])] if arguments else CHECKS:
        print(f"\n== {name}: {' '.join(command)}", flush=True)
        if subprocess.run([BIN / command[0], *command[1:]], cwd=HERE, env=environment, check=False).returncode:
            failed.append(name)
    print(f"\nfailed: {', '.join(failed)}" if failed else "\neverything passed", flush=True)
    return 1 if failed else 0


def main() -> int:
    """Do what the command line asks for."""
    if sys.version_info < (3, 11):  # noqa: UP036 (people run this with whatever python3 they have)
        print(f"Upriver needs Python 3.11 or later; this is {sys.version.split()[0]}. Run it with a newer python3.")
        return 2
    arguments = sys.argv[1:]
    try:
        if arguments[:1] == ["test"]:
            set_up("all,dev")
            return check(arguments[1:])
        set_up("all")
    except subprocess.CalledProcessError as error:
        print(f"Setting up failed: {error}. Is pip there, and can it reach a package index?", file=sys.stderr)
        return 1
    code = subprocess.run([PYTHON, "-m", "upriver", *(arguments or ["train", "digits"])], check=False).returncode
    if not arguments:
        print(f"\n`upriver` is {BIN.relative_to(HERE)}{os.sep}upriver here; `python3 up.py train ...` runs it too.")
    return code


if __name__ == "__main__":
    sys.exit(main())
