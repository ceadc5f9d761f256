"""Which processor code is made for."""

import pytest

pytest.importorskip("llvmlite")

from upriver.compile.native import runtime
from upriver.compile.native.jit import compile_text
from upriver.compile.native.target import Target, describe, target
from upriver.errors import ArgumentError


@pytest.mark.parametrize(
    ("cpu", "bits", "registers", "lanes", "fma"),
    [
        ("x86-64", 128, 16, 8, False),
        ("x86-64-v2", 128, 16, 8, False),
        ("x86-64-v3", 256, 16, 16, True),
        ("x86-64-v4", 512, 32, 16, True),
    ],
)
def test_levels(monkeypatch, cpu, bits, registers, lanes, fma):
    monkeypatch.setenv("UPRIVER_CPU", cpu)
    t = target()
    assert (t.cpu, t.bits, t.registers, t.lanes, t.fma) == (cpu, bits, registers, lanes, fma)
    assert f'"prefer-vector-width"="{bits}"' in t.attributes
    assert t.has("avx2") == (bits >= 256)


def test_arm():
    t = describe("apple-m1", "+neon,+fp-armv8", "arm64")
    assert (t.bits, t.registers, t.lanes, t.fma, t.x86) == (128, 32, 8, True, False)


def test_unknown(monkeypatch):
    monkeypatch.setenv("UPRIVER_CPU", "z80")
    with pytest.raises(ArgumentError, match="UPRIVER_CPU=z80"):
        target()


@pytest.mark.parametrize("system", ["linux", "darwin", "win32"])
def test_the_runtime_compiles_for_every_system(monkeypatch, system):
    monkeypatch.setattr(runtime.sys, "platform", system)
    monkeypatch.setenv("UPRIVER_VERIFY", "1")
    assert compile_text(runtime.text() + target().attributes.replace("#0", "#9"))


def test_the_runtime_compiles_for_arm(monkeypatch):
    from llvmlite import binding

    arm = Target("generic", "+neon", 128, 32, 8, True, False)
    monkeypatch.setattr(runtime, "target", lambda: arm)
    text = runtime.text()
    assert "x86" not in text
    module = binding.parse_assembly(text)
    module.verify()
