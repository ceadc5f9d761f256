from __future__ import annotations

import errno
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

import upriver as ur
from upriver.errors import FileError
from upriver.train import files, load_checkpoint, save_checkpoint


def state() -> dict:
    rng = np.random.default_rng(0)
    return {
        "model": {"w": ur.Tensor(rng.normal(size=(3, 4)).astype(np.float32)), "scale": ur.Tensor(np.float64(2.5))},
        "optimizer": {"state": {0: {"step": 7, "m": rng.normal(size=(4, 3)).T}}, "groups": [{"betas": (0.9, 0.999)}]},
        "random": np.arange(5, dtype=np.uint8),
        "best": None,
        "flags": [True, 1, 1.5, "text"],
        "counter": 2**100,
        "tenth": 0.1,
        "number": np.float32(0.25),
        "empty": np.zeros((0, 3), np.float32),
        "mask": np.array([True, False]),
    }


def test_what_goes_in_comes_out(tmp_path: Path) -> None:
    path = tmp_path / "c.safetensors"
    save_checkpoint(path, state())
    found = load_checkpoint(path)
    given = state()
    assert np.array_equal(found["model"]["w"], given["model"]["w"].numpy())
    assert found["model"]["w"].dtype == np.float32
    assert found["model"]["scale"].shape == ()
    assert found["model"]["scale"] == 2.5
    assert np.array_equal(found["optimizer"]["state"][0]["m"], given["optimizer"]["state"][0]["m"])
    assert found["optimizer"]["state"][0]["step"] == 7
    assert found["optimizer"]["groups"] == [{"betas": (0.9, 0.999)}]
    assert found["flags"] == [True, 1, 1.5, "text"]
    assert found["counter"] == 2**100
    assert found["tenth"] == 0.1
    assert found["best"] is None
    assert found["empty"].shape == (0, 3)
    assert found["mask"].tolist() == [True, False]
    assert list(tmp_path.iterdir()) == [path]


def test_the_same_state_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        save_checkpoint(tmp_path / name, state())
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_what_cannot_be_stored_is_named_and_nothing_is_written(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="a/b is a object"):
        save_checkpoint(tmp_path / "c", {"a": {"b": object()}})
    assert list(tmp_path.iterdir()) == []


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="is not there"):
        load_checkpoint(tmp_path / "none.safetensors")


@pytest.mark.parametrize("share", [0.0, 0.001, 0.3, 0.9, 0.999])
def test_a_truncated_file(tmp_path: Path, share: float) -> None:
    path = tmp_path / "c.safetensors"
    save_checkpoint(path, state())
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(FileError, match="damaged") as caught:
        load_checkpoint(path)
    assert str(path) in str(caught.value)
    assert caught.value.fix


def test_every_damaged_byte_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "c.safetensors"
    save_checkpoint(path, {"w": np.arange(16, dtype=np.float32), "step": 3})
    data = path.read_bytes()
    start = data.index(b'"w"')
    for i in [*range(8), start, *range(len(data) - 64, len(data))]:
        path.write_bytes(data[:i] + bytes([data[i] ^ 0x41]) + data[i + 1 :])
        with pytest.raises(FileError):
            load_checkpoint(path)


def test_foreign_files(tmp_path: Path) -> None:
    path = tmp_path / "c.safetensors"
    path.write_bytes(b"PK\x03\x04 something else entirely, and longer than a header")
    with pytest.raises(FileError, match="not a safetensors file"):
        load_checkpoint(path)
    save_file({"w": np.ones(3, np.float32)}, path)
    with pytest.raises(FileError, match="not a checkpoint of Upriver"):
        load_checkpoint(path)
    save_file(
        {"w": np.ones(3, np.float32)},
        path,
        {"upriver": '{"format": "upriver checkpoint 99", "checksum": 0, "state": {}}'},
    )
    with pytest.raises(FileError, match="format 'upriver checkpoint 99'"):
        load_checkpoint(path)
    save_file({"w": np.ones(3, np.float32)}, path, {"upriver": "not json"})
    with pytest.raises(FileError, match="damaged"):
        load_checkpoint(path)


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_full_disk_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    path = tmp_path / "c.safetensors"
    save_checkpoint(path, {"step": 1})

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(*((files.os, "fsync", full) if call == "fsync" else (Path, "replace", full)))
    with pytest.raises(FileError, match="no space is left on the device") as caught:
        save_checkpoint(path, {"step": 2})
    assert "Free some space" in str(caught.value)
    monkeypatch.undo()
    assert load_checkpoint(path) == {"step": 1}
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(sys.platform == "win32", reason="limits of POSIX")
def test_a_real_limit_on_the_size_of_files(tmp_path: Path) -> None:
    script = """
import resource, signal, sys
import numpy as np
from upriver.errors import FileError
from upriver.train import save_checkpoint
save_checkpoint(sys.argv[1], {"step": 1})
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (10000, 10000))
try:
    save_checkpoint(sys.argv[1], {"w": np.ones(100000)})
except FileError as error:
    print(error)
"""
    path = tmp_path / "c.safetensors"
    done = subprocess.run([sys.executable, "-c", script, path], capture_output=True, text=True, check=True)
    assert "could not be written" in done.stdout
    assert load_checkpoint(path) == {"step": 1}
    assert list(tmp_path.iterdir()) == [path]


WRITER = """
import sys
import numpy as np
from upriver.train import save_checkpoint
k = 0
while True:
    k += 1
    save_checkpoint(sys.argv[1], {"k": k, "w": np.full(20000, k, np.int64), "v": np.full(7, k, np.float32)})
    if k == 1:
        print("ready", flush=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is POSIX's")
def test_killed_while_writing_the_last_whole_one_stays(tmp_path: Path) -> None:
    path = tmp_path / "c.safetensors"
    chance = random.Random(0)
    for _ in range(12):
        with subprocess.Popen([sys.executable, "-c", WRITER, path], stdout=subprocess.PIPE) as writer:
            assert writer.stdout is not None
            assert writer.stdout.readline() == b"ready\n"
            time.sleep(chance.uniform(0.0, 0.03))
            writer.send_signal(signal.SIGKILL)
        found = load_checkpoint(path)
        assert (found["w"] == found["k"]).all()
        assert (found["v"] == found["k"]).all()
        assert {p.name for p in tmp_path.iterdir()} <= {"c.safetensors", ".c.safetensors.part"}
