"""Code that is dropped gives its memory back, and leaves alone what is still used."""

import gc
import os
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("llvmlite")

from upriver.compile.kernels import KernelCode
from upriver.compile.native import jit
from upriver.compile.native.jit import Library

from .native_call import call
from .native_kernels import add


def many(count):
    """A library of so many small functions."""
    ir = "define void @small.{0}(ptr %args, i64 %begin, i64 %end, ptr %scratch) {{\n  ret void\n}}"
    return [KernelCode(f"small.{i}", ir.format(i), (), 1, 1, False, 0, 0, 0, "") for i in range(count)]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="memory is read from /proc")
def test_dropped_libraries_leave_nothing(monkeypatch):
    monkeypatch.setattr(jit, "_LINKED", 16)
    codes = many(30)

    def grown(times):
        for _ in range(times):
            Library(codes)
        gc.collect()
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    before = grown(64)
    assert grown(400) - before < 400 * 3_000  # one linker for all of them keeps about 13 kB of each


def test_code_outlives_its_linker(monkeypatch):
    monkeypatch.setattr(jit, "_LINKED", 2)
    x, y, out = np.ones(5, np.float32), np.full(5, 2.0, np.float32), np.zeros(5, np.float32)
    kept = add(5)
    for _ in range(3):
        call(kept, [x, y, out])
        assert out.tolist() == [3.0] * 5
        out[:] = 0.0
        for _ in range(5):
            Library(many(2))
