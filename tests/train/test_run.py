from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

from upriver.errors import FileError
from upriver.train import Run


def test_a_new_run_says_what_and_where(tmp_path: Path) -> None:
    run = Run.create("digits", {"options": {"lr": 0.1}}, root=tmp_path / "runs", seed=3)
    assert run.folder.parent == tmp_path / "runs"
    assert run.name.startswith("digits-")
    assert run.config == {"recipe": "digits", "options": {"lr": 0.1}}
    assert {"upriver", "python", "numpy", "processor", "cores", "threads", "seed", "command"} <= set(run.environment)
    assert run.environment["seed"] == 3


def test_two_runs_of_one_second_have_two_folders(tmp_path: Path) -> None:
    runs = [Run.create("xor", {}, root=tmp_path) for _ in range(3)]
    assert len({run.folder for run in runs}) == 3
    assert {run.name for run in Run.all(tmp_path)} == {run.name for run in runs}


def test_metrics_can_be_read_while_they_are_written(tmp_path: Path) -> None:
    run = Run.create("x", {}, root=tmp_path)
    run.log(event="step", step=1, loss=np.float32(0.5), bad=float("nan"))
    lines = (run.folder / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == [{"event": "step", "step": 1, "loss": 0.5, "bad": None}]
    run.close()


def test_a_cut_last_line_is_passed_over_and_stays_a_line_of_its_own(tmp_path: Path) -> None:
    run = Run.create("x", {}, root=tmp_path)
    run.log(event="step", step=1)
    run.close()
    path = run.folder / "metrics.jsonl"
    with path.open("a") as file:
        file.write('{"event": "step", "ste')
    assert [record["step"] for record in run.records()] == [1]
    run.log(event="step", step=2)
    run.close()
    assert [record["step"] for record in Run(run.folder).records()] == [1, 2]


def test_what_was_done_again_after_a_crash_counts_once(tmp_path: Path) -> None:
    run = Run.create("x", {}, root=tmp_path)
    run.log(event="start", step=0, pid=-1)
    for step in (1, 2, 3):
        run.log(event="step", step=step, loss=1.0)
    run.log(event="resume", step=1, pid=-1)
    for step in (2, 3):
        run.log(event="step", step=step, loss=2.0)
    run.close()
    assert [(r["step"], r["loss"]) for r in run.events("step")] == [(1, 1.0), (2, 2.0), (3, 2.0)]


def test_status(tmp_path: Path) -> None:
    run = Run.create("x", {}, root=tmp_path)
    assert run.status == "failed"
    run.log(event="start", step=0, pid=os.getpid())
    assert run.status == "running"
    run.log(event="start", step=0, pid=2**22 + 1)
    assert run.status == "killed"
    run.log(event="end", status="finished", step=3)
    assert run.status == "finished"
    run.close()


def test_opening(tmp_path: Path) -> None:
    run = Run.create("moons", {}, root=tmp_path)
    assert Run.open(run.name, tmp_path).folder == run.folder
    assert Run.open(run.folder).folder == run.folder
    assert Run.open("last", tmp_path).folder == run.folder
    with pytest.raises(FileError, match="no run 'moon-1'") as caught:
        Run.open("moon-1", tmp_path)
    assert caught.value.fix
    with pytest.raises(FileError, match="no run"):
        Run.open("last", tmp_path / "none")


def test_a_folder_that_is_taken(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(FileError, match="not empty"):
        Run.create("x", {}, out=tmp_path)
    file = tmp_path / "notes.txt"
    with pytest.raises(FileError, match="could not be written"):
        Run.create("x", {}, out=file / "run")
    with pytest.raises(FileError, match="could not be written"):
        Run.create("x", {}, root=file)


def test_a_broken_config_is_named(tmp_path: Path) -> None:
    run = Run.create("x", {}, root=tmp_path)
    (run.folder / "config.json").write_text("{")
    with pytest.raises(FileError, match=r"config\.json is not JSON"):
        _ = run.config


def test_a_full_disk_leaves_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import errno

    from upriver.train import files

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(FileError, match="no space is left"):
        Run.create("x", {}, root=tmp_path)
    assert list(tmp_path.iterdir()) == []
