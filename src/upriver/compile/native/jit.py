"""From LLVM IR to addresses of machine code.

A :class:`Library` puts the text of many kernels together, asks the disk whether that text was compiled before, and
if not has LLVM make an object of it; then it is linked into the process. No optimisation passes run: the text says
already which vectors to use, and passes would cost more time than they save.
"""

from __future__ import annotations

import itertools
import os
import re
import threading
from collections.abc import Iterable, Mapping
from typing import Any

from ..kernels import KernelCode
from . import cache
from .target import Target, target

_lock = threading.Lock()
_machines: dict[Target, Any] = {}
_linkers: dict[Target, Any] = {}
_numbers = itertools.count()
_LINKED = 128
"""Libraries of one linker: it keeps some kB of names of each, also when the code itself is gone."""


class CodeError(RuntimeError):
    """LLVM refused the text of a kernel: an error of this package, never of the user's."""


def _machine(cpu: Target) -> Any:
    """LLVM's code generator for this processor."""
    from llvmlite import binding

    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    triple = binding.Target.from_default_triple()
    return triple.create_target_machine(cpu=cpu.cpu, features=cpu.features, opt=2, jit=True)


def _link(builder: Any, cpu: Target) -> Any:
    """What keeps a library in this process. A linker is left after so many: it goes when the last of them does."""
    from llvmlite import binding

    number = next(_numbers)
    if number % _LINKED == 0:
        for left in _linkers.values():
            left._owned = False
            left.close()
        _linkers.clear()
    if cpu not in _linkers:
        _linkers[cpu] = binding.create_lljit_compiler(_machine(cpu), use_jit_link=False)
        _linkers[cpu]._owned = True  # its code may be running in a waiting thread when the interpreter ends
    return builder.link(_linkers[cpu], f"upriver.{number}")


def assemble(codes: Iterable[KernelCode], extra_ir: str = "") -> str:
    """One module's text: every declaration and every definition once, with the target's attributes."""
    declares: dict[str, None] = {}
    bodies: dict[str, str] = {}
    for code in codes:
        if bodies.setdefault(code.name, code.ir) != code.ir:
            raise CodeError(f"two kernels of different text are called {code.name}")
        declares.update(dict.fromkeys(code.declares))
    text = "\n".join([*declares, extra_ir, *bodies.values(), target().attributes, ""])
    return re.sub(r"^(define [^{]*?\))[ ]*(?:#0 ?)?\{$", r"\1 #0 {", text, flags=re.MULTILINE)


def _function_at(text: str, message: str) -> str:
    """The function that an error of LLVM's is about, by the line or the name that it mentions."""
    lines = text.split("\n")
    where = re.search(r":(\d+):\d+: error", message)
    named = re.search(r"@([\w.$]+)", message)
    if where is not None:
        at = min(int(where[1]), len(lines)) - 1
    elif named is not None:
        at = next((i for i, line in enumerate(lines) if line.startswith("define") and named[0] in line), 0)
    else:
        return text
    first = next((i for i in range(at, -1, -1) if lines[i].startswith(("define", "declare"))), at)
    last = next((i for i in range(at, len(lines)) if lines[i] == "}"), at)
    return "\n".join(("> " if i == at else "  ") + lines[i] for i in range(first, max(last, at) + 1))


def compile_text(text: str) -> bytes:
    """The object that LLVM makes of a module's text; ``UPRIVER_VERIFY=1`` has it verified first.

    Raises:
        CodeError: LLVM does not accept it; the message shows the function.
    """
    from llvmlite import binding

    machine = _machines.get(target()) or _machines.setdefault(target(), _machine(target()))
    try:
        module = binding.parse_assembly(text)
        if os.environ.get("UPRIVER_VERIFY"):
            module.verify()
    except RuntimeError as error:
        raise CodeError(f"{error}\n{_function_at(text, str(error))}") from None
    module.triple = machine.triple
    module.data_layout = str(machine.target_data)
    return bytes(machine.emit_object(module))


class Library:
    """Kernels as machine code in this process, for as long as the library lives.

    Args:
        codes: the kernels; those of the same name are taken once.
        extra_ir: further definitions, declarations and globals that they share.
        exports: names of functions in ``extra_ir`` whose address is wanted.
        symbols: addresses of functions that are declared and not defined, besides those of the C library.
        stored: the object, made of them before; their text does not matter then.

    Attributes:
        key: the name of the object on disk.
        size: bytes of the object.
        cached: whether the object came from the disk.

    Raises:
        CodeError: LLVM does not accept the text, or a function that it calls is not there.
    """

    def __init__(
        self,
        codes: Iterable[KernelCode],
        extra_ir: str = "",
        exports: Iterable[str] = (),
        symbols: Mapping[str, int] | None = None,
        stored: bytes | None = None,
    ) -> None:
        from llvmlite import binding

        codes = list(codes)
        self.key = ""
        with _lock:
            text = ""
            if stored is None:
                text = assemble(codes, extra_ir)
                self.key = cache.key(text, target())
                stored = cache.load(self.key)
            self.cached = stored is not None
            image = compile_text(text) if stored is None else stored
            self.size = len(image)
            builder = binding.JITLibraryBuilder().add_object_img(image).add_current_process()
            for name, address in (symbols or {}).items():
                builder.import_symbol(name, address)
            for name in dict.fromkeys([*(code.name for code in codes), *exports]):
                builder.export_symbol(name)
            try:
                self._linked = _link(builder, target())
            except RuntimeError as error:
                raise CodeError(f"{error}: a function is declared, and neither defined nor given") from None
        if not self.cached:
            cache.store(self.key, image)

    def address(self, name: str) -> int:
        """The address of a kernel or an exported function."""
        return int(self._linked[name])

    def keep(self) -> None:
        """Leave the code in memory until the process ends."""
        self._linked.detach()
