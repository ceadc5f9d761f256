"""The processor that code is made for: its name, what it can do, and how wide its vectors are.

``UPRIVER_CPU`` names another one (``x86-64``, ``x86-64-v2``, ``x86-64-v3`` or ``x86-64-v4``) in place of the one that
is found. It has to be one whose instructions this machine has; tests use it to run what other machines would.
"""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from functools import cache

_LEVELS = {
    "x86-64": "sse,sse2",
    "x86-64-v2": "sse,sse2,sse3,ssse3,sse4.1,sse4.2,popcnt",
    "x86-64-v3": "sse,sse2,sse3,ssse3,sse4.1,sse4.2,popcnt,avx,avx2,fma,f16c,bmi,bmi2,lzcnt",
    "x86-64-v4": "sse,sse2,sse3,ssse3,sse4.1,sse4.2,popcnt,avx,avx2,fma,f16c,bmi,bmi2,lzcnt,"
    "avx512f,avx512bw,avx512cd,avx512dq,avx512vl",
}


@dataclass(frozen=True)
class Target:
    """A processor.

    Attributes:
        cpu: LLVM's name for it.
        features: as LLVM takes them, ``+avx2,-avx512f,…``.
        bits: of one vector register.
        registers: how many vector registers there are.
        lanes: float32 entries in the vectors that kernels are written with: one register of AVX-512, else two.
        fma: whether a multiplication and an addition are one instruction.
        x86: whether it is an x86-64, for the few instructions that have no common name.
    """

    cpu: str
    features: str
    bits: int
    registers: int
    lanes: int
    fma: bool
    x86: bool

    def has(self, feature: str) -> bool:
        """Whether the processor has it, by LLVM's name, such as ``avx2``."""
        return f"+{feature}" in self.features.split(",")

    @property
    def attributes(self) -> str:
        """The attributes of every function, as the text of LLVM's group 0."""
        return f'attributes #0 = {{ nounwind "prefer-vector-width"="{self.bits}" }}'


def describe(cpu: str, features: str, machine: str) -> Target:
    """The processor of that name and features; ``machine`` as ``platform.machine`` gives it."""
    on = {item[1:] for item in features.split(",") if item.startswith("+")}
    x86 = machine.lower() in ("x86_64", "amd64")
    if {"avx512f", "avx512vl", "avx512bw", "avx512dq"} <= on:
        bits, registers = 512, 32
    elif "avx2" in on:
        bits, registers = 256, 16
    else:
        bits, registers = 128, 16 if x86 else 32
    fma = "fma" in on or not x86
    return Target(cpu, features, bits, registers, max(8, min(16, bits // 16)), fma, x86)


@cache
def _named(name: str) -> Target:
    machine = platform.machine()
    if name:
        if name not in _LEVELS:
            from ...errors import ArgumentError

            known = ", ".join(_LEVELS)
            raise ArgumentError(f"UPRIVER_CPU={name}: no such processor is known", f"use one of {known}", at=False)
        return describe(name, ",".join("+" + item for item in _LEVELS[name].split(",")), machine)
    from llvmlite import binding

    return describe(binding.get_host_cpu_name(), binding.get_host_cpu_features().flatten(), machine)


def target() -> Target:
    """The processor that code is made for, here and now.

    Example:
        >>> target().lanes in (8, 16)
        True
    """
    return _named(os.environ.get("UPRIVER_CPU", ""))
