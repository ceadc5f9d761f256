"""The native functions that run a program: the walk over its calls, the pool's workers, and the door from Python.

They are LLVM IR like the kernels, compiled once and cached. Their structures are arrays of 64-bit words; their text
lies beside this file (``*.ll``) and reads and writes fields with three forms of its own, which :func:`_expand` turns
into IR::

    %x = get i64 %p.field       the field's value
    put i64 %x, %p.field        write it
    %a = at %p.field            its address

How work is shared. ``claim`` holds the number of the job in its upper half and in its lower half the first and the
last of the chunks that are left. Whoever moves an end by one, with a compare-and-swap, has taken a chunk: the caller
from the front and workers from the back, so that a thread finds in its cache what it wrote in the call before. A
worker reads what the job is before it swaps: if the job was another one by then, the number differs and the swap
fails. So the caller waits only for chunks that were taken, never for a worker that has not woken.

On a busy machine threads hinder each other: one that has lost its processor to another program holds up all. It
shows in three ways: the caller waits longer than a chunk could last, the system took the processor from it, or a
worker that spins finds that much time has passed. After any of them programs work alone for a while: eight times as
long as was lost and at least 5 ms, twice as long each time that it happens again soon after.
"""

from __future__ import annotations

import ctypes
import re
import sys
from functools import cache as once
from pathlib import Path
from typing import Any

from . import cache
from .jit import Library
from .target import target

PROGRAM = (  # of a program; where two stand in a row, the second is how many there are
    "calls n_calls first patches n_patches bases specs n_inputs checks n_checks "
    "pool scratch stride slots estimate release callback times status failed array_type none true false"
).split()
ENTRY = "fn args units chunk chunks span cost kind".split()  # of one call
MANY = "steps feeds n_feeds scalars to_scalars scalar_bytes draws to_draws draw_bytes outs n_outs step".split()
FEED = "base step_bytes indices rows row_bytes buffer input spare".split()  # of one input over many steps
OUT = "to bytes from spare".split()  # of one output over many steps
_POOL = {  # words apart by 8 lie in different cache lines
    "claim": 0, "done": 8, "waiting": 16,
    "job": 24, "job_span": 25, "job_chunks": 26, "job_chunk": 27, "job_units": 28, "job_scratch": 29, "job_stride": 30,
    "job_slots": 31,
    "sleepers": 40, "held": 48, "held_since": 49, "losses_then": 50,
    "wanted": 56, "workers": 57, "alone_until": 58, "penalty": 59, "missing": 60, "troubles": 61,
}  # fmt: skip
POOL_WORDS = 64
KERNEL, HOST, CHECKS = range(3)  # kinds of entries
DONE, RAISED, FAILED = range(3)  # what `run` returns

SHARED = 7_000  # ns: a shorter call is not shared
_NUMBERS = {  # ns, but where something else is said
    "SPIN": 40_000,  # a worker, or a caller that waits, spins so long before it sleeps
    "WAKE": 25_000,  # a shorter call does not wake a sleeping worker
    "SHARED": SHARED,
    "WORTH": 40_000,  # a shorter program does not ask for the pool
    "GAP": 1_000_000,  # a spinning worker that misses so much was not running
    "RARE": 2_000_000,  # losing the processor more rarely than that is nothing
    "ALONE": 1_000_000,  # without workers after a trouble,
    "ALONE_MOST": 40_000_000,  # and at most
    "NAP_WORKER": 1_000_000_000,  # a worker that sleeps looks up so often
    "NAP_CALLER": 50_000_000,
}
_HERE = Path(__file__).parent
_PARTS = "pool", "walk", "many", "door"


@once
def _fields() -> dict[str, int]:
    found = dict(_POOL)
    for structure in (PROGRAM, ENTRY, MANY, FEED, OUT):
        for i, name in enumerate(structure):
            if found.setdefault(name, i) != i and name != "spare":
                raise AssertionError(f"two fields are called {name}")
    return found


def field(name: str) -> int:
    """Where a field lies in its structure, in words. Names are unique over all structures."""
    return _fields()[name]


def _expand(text: str) -> str:
    """Turn get, put and at into IR."""
    count = iter(range(1 << 30))

    def get(found: re.Match[str]) -> str:
        into, kind, base, name = found.groups()
        address = f"%at.{next(count)}"
        return f"  {address} = getelementptr i64, ptr {base}, i64 {field(name)}\n  {into} = load {kind}, ptr {address}"

    def put(found: re.Match[str]) -> str:
        value, base, name = found.groups()
        address = f"%at.{next(count)}"
        return f"  {address} = getelementptr i64, ptr {base}, i64 {field(name)}\n  store {value}, ptr {address}"

    def at(found: re.Match[str]) -> str:
        into, base, name = found.groups()
        return f"  {into} = getelementptr i64, ptr {base}, i64 {field(name)}"

    text = re.sub(r"^  (%\w+) = get (\w+) (%\w+)\.(\w+)$", get, text, flags=re.MULTILINE)
    text = re.sub(r"^  put (\w+ [%\w]+), (%\w+)\.(\w+)$", put, text, flags=re.MULTILINE)
    return re.sub(r"^  (%\w+) = at (%\w+)\.(\w+)$", at, text, flags=re.MULTILINE)


def text() -> str:
    """The runtime's IR for this platform."""
    system = sys.platform if sys.platform in ("linux", "win32") else "darwin"
    body = "\n".join([(_HERE / f"{name}.ll").read_text("utf-8") for name in (system, *_PARTS)])
    if target().x86:
        body += "declare void @llvm.x86.sse2.pause()\n"
    values = {
        **_NUMBERS,
        "PAUSE": "call void @llvm.x86.sse2.pause()" if target().x86 else "fence seq_cst",
        "FUTEX": 202 if target().x86 else 98,
    }
    return _expand(re.sub(r"\b[A-Z_]{3,}\b", lambda found: str(values.get(found[0], found[0])), body))


class Runtime:
    """The runtime's functions, as ctypes calls them."""

    def __init__(self) -> None:
        names = ("work", "kick", "run", "run_many", "enter")
        api: Any = ctypes.pythonapi
        symbols = {
            name: ctypes.cast(getattr(api, name), ctypes.c_void_p).value or 0
            for name in ("Py_IncRef", "PyEval_SaveThread", "PyEval_RestoreThread")
        }
        # Putting its text together takes longer than all else, so what it came to is remembered.
        alias = cache.key(f"runtime {cache.package()}", target())
        known = cache.load(alias)
        stored = None if known is None else cache.load(known.decode())
        library = Library([], "" if stored else text(), names, symbols, stored)
        if stored is None:
            cache.store(alias, library.key.encode())
        library.keep()  # workers wait in it
        pointer, word = ctypes.c_void_p, ctypes.c_int64
        self.work = ctypes.CFUNCTYPE(None, pointer, word)(library.address("work"))
        self.kick = ctypes.CFUNCTYPE(None, pointer)(library.address("kick"))
        self.run = ctypes.CFUNCTYPE(word, pointer)(library.address("run"))
        self.run_many = ctypes.CFUNCTYPE(word, pointer, pointer)(library.address("run_many"))
        self.enter = library.address("enter")


@once
def runtime() -> Runtime:
    """The runtime, compiled or loaded when it is first needed."""
    return Runtime()
