"""The cache of objects: found again, never trusted where it should not be, never in the way."""

import os
import subprocess
import sys
import threading
import warnings

import pytest

pytest.importorskip("llvmlite")

from upriver.compile.native import cache
from upriver.compile.native.jit import CodeError, Library
from upriver.compile.native.target import target

from .native_kernels import add


@pytest.fixture
def folder(tmp_path, monkeypatch):
    where = tmp_path / "cache"
    monkeypatch.setenv("UPRIVER_CACHE", str(where))
    cache._warn.cache_clear()
    return where


def files(folder):
    return sorted(folder.iterdir())


def test_found_again(folder):
    assert not Library([add(5)]).cached
    assert Library([add(5)]).cached
    assert not Library([add(6)]).cached
    assert len(files(folder)) == 2
    assert folder.stat().st_mode & 0o777 == 0o700


def test_the_processor_is_part_of_the_name(folder, monkeypatch):
    first = cache.key("text", target())
    monkeypatch.setenv("UPRIVER_CPU", "x86-64-v2")
    assert cache.key("text", target()) != first
    assert cache.key("text2", target()) != cache.key("text", target())


def test_off(folder, monkeypatch):
    monkeypatch.setenv("UPRIVER_CACHE", "off")
    Library([add(5)])
    assert not Library([add(5)]).cached
    assert not folder.exists()


@pytest.mark.parametrize("harm", ["cut", "flip", "empty", "longer", "header"])
def test_a_broken_file_is_dropped_and_made_again(folder, harm):
    Library([add(5)])
    (path,) = files(folder)
    data = bytearray(path.read_bytes())
    if harm == "cut":
        del data[-10:]
    elif harm == "flip":
        data[len(data) // 2] ^= 1
    elif harm == "empty":
        data.clear()
    elif harm == "longer":
        data += b"x"
    else:
        data[0] ^= 1
    path.write_bytes(data)
    assert cache.load(path.name) is None
    assert not path.exists()
    assert not Library([add(5)]).cached
    assert Library([add(5)]).cached


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="no owners of files here")
@pytest.mark.parametrize("what", ["folder", "file"])
@pytest.mark.parametrize("mode", [0o020, 0o002])
def test_what_others_can_write_is_not_loaded(folder, what, mode):
    Library([add(5)])
    (path,) = files(folder)
    bad = folder if what == "folder" else path
    bad.chmod(bad.stat().st_mode | mode)
    with pytest.warns(RuntimeWarning, match="others can write it"):
        assert cache.load(path.name) is None
    with warnings.catch_warnings():  # said once
        warnings.simplefilter("error")
        assert not Library([add(5)]).cached


@pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() != 0, reason="only root can give files away")
def test_what_others_own_is_not_loaded(folder):
    Library([add(5)])
    (path,) = files(folder)
    os.chown(path, 12345, 12345)
    with pytest.warns(RuntimeWarning, match="belongs to somebody else"):
        assert cache.load(path.name) is None


def test_a_link_is_not_followed(folder, tmp_path):
    Library([add(5)])
    (path,) = files(folder)
    elsewhere = tmp_path / "object"
    path.rename(elsewhere)
    path.symlink_to(elsewhere)
    assert cache.load(path.name) is None


def test_a_folder_that_cannot_be_made_is_no_error(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("UPRIVER_CACHE", str(tmp_path / "file" / "cache"))
    assert Library([add(5)]).address("add_5")


def test_what_was_not_used_for_longest_goes_first(folder, monkeypatch):
    monkeypatch.setattr(cache, "LIMIT", 2500)
    for i, name in enumerate("abc"):
        cache.store(name, bytes(700))
        os.utime(folder / name, (i, i))
    assert cache.load("a") is not None  # used now
    cache.store("d", bytes(700))
    assert {path.name for path in files(folder)} == {"a", "c", "d"}


def test_many_writers(folder):
    wrong = []

    def work(i):
        for k in range(50):
            cache.store("same", bytes([i]) * 5000)
            found = cache.load("same")
            if found is None or len(set(found)) != 1 or len(found) != 5000:
                wrong.append((i, k))

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not wrong
    assert [path.name for path in files(folder)] == ["same"]


def test_two_processes_at_once(folder):
    source = "from upriver.compile.native.runtime import runtime; runtime()"
    processes = [subprocess.Popen([sys.executable, "-c", source]) for _ in range(3)]
    assert [p.wait() for p in processes] == [0, 0, 0]
    assert len(files(folder)) == 2  # the runtime, and what remembers its name


def test_errors_show_the_function(folder):
    good, bad = add(5), add(6)
    object.__setattr__(bad, "ir", bad.ir.replace("fadd", "fadded"))
    with pytest.raises(CodeError) as error:
        Library([good, bad])
    assert "add_6" in str(error.value)
    assert "> " in str(error.value)
    assert "add_5" not in str(error.value)


def test_a_function_that_is_not_there(folder, capfd):
    with pytest.raises(CodeError, match="neither defined nor given"):
        Library([], "declare void @nowhere()\ndefine void @f() {\n  call void @nowhere()\n  ret void\n}", ["f"])


def test_two_kernels_of_one_name(folder):
    other = add(5)
    object.__setattr__(other, "ir", other.ir.replace("fadd", "fsub"))
    with pytest.raises(CodeError, match="two kernels"):
        Library([add(5), other])
