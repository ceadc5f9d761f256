"""A run on disk: one folder that says what was run, where, how it went, and what came out.

config.json        what was asked for
environment.json   versions, processor, threads, seed, command
metrics.jsonl      one JSON object per line, appended and flushed as training goes
checkpoints/       last.safetensors and best.safetensors
*.svg              pictures
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import sys
import time
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import IO, Any

import numpy as np

from ..errors import FileError
from ..version import __version__
from . import threads
from .files import read_json, write_error, write_json

ROOT = Path("runs")


class Run:
    """The folder of one training run.

    Args:
        folder: where it is. Use :meth:`create` or :meth:`open` rather than this.

    Example:
        >>> import tempfile
        >>> from upriver.train import Run
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     run = Run.create("digits", {"epochs": 3}, root=folder)
        ...     run.log(event="epoch", epoch=1, train_loss=0.5)
        ...     run.close()
        ...     [record["train_loss"] for record in run.records()]
        [0.5]
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self._file: IO[str] | None = None

    @classmethod
    def create(
        cls,
        recipe: str,
        config: dict[str, Any],
        *,
        out: str | Path | None = None,
        root: str | Path = ROOT,
        seed: int | None = None,
    ) -> Run:
        """A new folder ``root/<recipe>-<date-time>-<n>``, or ``out``, with what was asked for and where it runs.

        Raises:
            FileError: the folder cannot be made, or ``out`` holds something already.
        """
        run = cls(_new_folder(recipe, Path(root)) if out is None else _given_folder(Path(out)))
        try:
            write_json(run.folder / "config.json", {"recipe": recipe, **config})
            write_json(run.folder / "environment.json", environment(seed))
        except FileError:
            shutil.rmtree(run.folder, ignore_errors=True)  # it was made, or was empty, a moment ago
            raise
        return run

    @classmethod
    def open(cls, name: str | Path, root: str | Path = ROOT) -> Run:
        """The run of that name or path; ``last`` is the newest.

        Raises:
            FileError: there is no such run.
        """
        root = Path(root)
        for folder in (Path(name), root / name):
            if (folder / "config.json").is_file():
                return cls(folder)
        known = cls.all(root)
        if str(name) == "last" and known:
            return known[-1]
        if str(name) == "last":
            raise FileError(f"there is no run in {root} yet", "upriver train digits makes one.", at=False)
        near = _closest(str(name), [run.name for run in known])
        fix = f"Did you mean {near}?" if near else "`upriver runs` lists the runs of this folder."
        raise FileError(f"there is no run {str(name)!r} here", fix, at=False)

    @classmethod
    def all(cls, root: str | Path = ROOT) -> list[Run]:
        """The runs in ``root``, oldest first."""
        root = Path(root)
        folders = [path.parent for path in root.glob("*/config.json")] if root.is_dir() else []
        return [
            cls(folder) for folder in sorted(folders, key=lambda f: ((f / "config.json").stat().st_mtime_ns, f.name))
        ]

    @property
    def name(self) -> str:
        """The folder's own name."""
        return self.folder.resolve().name

    @property
    def config(self) -> dict[str, Any]:
        """What was asked for."""
        return read_json(self.folder / "config.json")

    @property
    def environment(self) -> dict[str, Any]:
        """Where it ran."""
        return read_json(self.folder / "environment.json")

    def checkpoint(self, name: str) -> Path:
        """The path of the checkpoint ``"last"`` or ``"best"``; its folder is made."""
        folder = self.folder / "checkpoints"
        try:
            folder.mkdir(exist_ok=True)
        except OSError as error:
            raise write_error(folder, error) from None
        return folder / f"{name}.safetensors"

    def log(self, **record: Any) -> None:
        """Append one line to metrics.jsonl, and flush it, so that it can be read at once.

        Raises:
            FileError: it could not be written.
        """
        path = self.folder / "metrics.jsonl"
        try:
            if self._file is None:
                self._file = path.open("a+", encoding="utf-8")
                if _ends_in_mid_line(path):
                    self._file.write("\n")  # a writer was killed here: its piece stays a line of its own
            self._file.write(json.dumps(_plain(record), ensure_ascii=False, allow_nan=False) + "\n")
            self._file.flush()
        except OSError as error:
            raise write_error(path, error) from None

    def records(self) -> list[dict[str, Any]]:
        """The lines of metrics.jsonl that hold: a cut line is passed over, and so is what a resumed run did again."""
        path = self.folder / "metrics.jsonl"
        found: list[dict[str, Any]] = []
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines() if path.is_file() else []
        for line in lines:
            try:
                record = json.loads(line)
            except ValueError:
                continue
            if not isinstance(record, dict):
                continue
            if record.get("event") in ("start", "resume"):
                found = [r for r in found if r.get("step", 0) <= record["step"] and r.get("event") != "end"]
            found.append(record)
        return found

    def events(self, event: str) -> list[dict[str, Any]]:
        """The records of one kind."""
        return [record for record in self.records() if record.get("event") == event]

    @property
    def status(self) -> str:
        """``running``, ``finished``, ``interrupted``, ``failed`` or ``killed``."""
        records = [r for r in self.records() if r.get("event") in ("start", "resume", "end")]
        if not records:
            return "failed"
        if records[-1]["event"] == "end":
            return str(records[-1]["status"])
        return "running" if _alive(int(records[-1].get("pid", -1))) else "killed"

    def close(self) -> None:
        """Close metrics.jsonl; a later :meth:`log` opens it again."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def __repr__(self) -> str:
        return f"<Run {self.folder}>"


def _new_folder(recipe: str, root: Path) -> Path:
    stamp = datetime.now().strftime("%Y%m%d-%H%M%S")
    n = 1
    while True:
        folder = root / f"{recipe}-{stamp}-{n}"
        try:
            folder.mkdir(parents=True)
        except FileExistsError as error:
            if not folder.exists():  # a file stands where one of its parents should be
                raise write_error(folder, error) from None
            n += 1
        except OSError as error:
            raise write_error(folder, error) from None
        else:
            return folder


def _given_folder(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        taken = any(folder.iterdir())
    except OSError as error:
        raise write_error(folder, error) from None
    if taken:
        raise FileError(
            f"{folder} is not empty, and a run needs a folder of its own",
            "Name another with --out, or continue what is there with `upriver resume`.",
            at=False,
        )
    return folder


def _closest(name: str, known: Iterable[str]) -> str | None:
    from difflib import get_close_matches

    return next(iter(get_close_matches(name, list(known), 1, 0.5)), None)


def _ends_in_mid_line(path: Path) -> bool:
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        if size == 0:
            return False
        file.seek(size - 1)
        return file.read(1) != b"\n"


def _plain(value: Any) -> Any:
    """``value`` as JSON can say it: NumPy's numbers as Python's, what is not finite as null."""
    if isinstance(value, dict):
        return {str(key): _plain(v) for key, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not np.isfinite(value) else value


def _alive(pid: int) -> bool:
    if pid <= 0:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def environment(seed: int | None) -> dict[str, Any]:
    """What a result depends on besides the configuration."""
    return {
        "upriver": __version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "platform": platform.platform(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "threads": threads.get(),
        "seed": seed,
        "command": [Path(sys.argv[0]).name, *sys.argv[1:]],
        "started": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
    }


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
