"""The module: parameters, buffers and other modules under one roof, and a forward pass."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Self

from ..core import state
from ..core.backward import forget_gradients
from ..core.dtypes import as_dtype, float16, float32, float64
from ..core.state import no_grad, scope
from ..core.tensor import Buffer, Parameter, Tensor
from ..errors import ArgumentError, CompileError, DTypeError
from ..ops.align import check_device
from .state import Keys, entries, load

_REGISTRIES = {"_parameters": "parameter", "_buffers": "buffer", "_modules": "module"}


class Module:
    """Base of every layer and model. Assign parameters, buffers and modules to attributes: they are registered.

    A subclass calls ``super().__init__()`` first, makes its parts, and defines ``forward``. Calling the
    module runs ``forward`` and lets every operation in it know in which module it ran.

    Attributes:
        training: True after :meth:`train` (the default), False after :meth:`eval`.

    Example:
        >>> import upriver as ur
        >>> class Line(ur.nn.Module):
        ...     def __init__(self):
        ...         super().__init__()
        ...         self.w = ur.nn.Parameter(ur.tensor(2.0))
        ...     def forward(self, x):
        ...         return self.w * x
        >>> line = Line()
        >>> line(3.0).item(), [name for name, _ in line.named_parameters()]
        (6.0, ['w'])
    """

    training: bool
    _parameters: dict[str, Parameter | None]
    _buffers: dict[str, Tensor | None]
    _modules: dict[str, Any]
    _transient: set[str]

    def __init__(self) -> None:
        put = super().__setattr__
        put("training", True)
        put("_parameters", {})
        put("_buffers", {})
        put("_modules", {})
        put("_transient", set())  # names of the buffers that are left out of the state dictionary

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """The output for an input. Every subclass defines it.

        Raises:
            NotImplementedError: the subclass does not.
        """
        raise NotImplementedError(f"{type(self).__name__} does not define forward(self, ...)")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        token = scope.set((self, scope.get()))
        try:
            return self.forward(*args, **kwargs)
        finally:
            scope.reset(token)

    # Attributes.

    def __setattr__(self, name: str, value: Any) -> None:
        own = self.__dict__
        if isinstance(value, Tensor) and state.recorder() is not None and self._kept_in_program(name, value):
            return
        state.note_structure()
        if isinstance(value, Parameter):
            self._registry("_parameters", name)[name] = value
        elif isinstance(value, Module):
            self._registry("_modules", name)[name] = value
        elif isinstance(value, Buffer):
            self._registry("_buffers", name)[name] = value
        else:
            for registry, kind in _REGISTRIES.items():
                if name in own.get(registry, ()):
                    own[registry][name] = self._part(name, value, kind)
                    return
            super().__setattr__(name, value)

    def _kept_in_program(self, name: str, value: Tensor) -> bool:
        """Whether ``value`` went into the buffer that is there: in a program, a name cannot be given to another tensor.

        Raises:
            CompileError: there is no such buffer.
        """
        if isinstance(value, Parameter):
            return False
        buffer = self.__dict__.get("_buffers", {}).get(name)
        if buffer is None or buffer.shape != value.shape or buffer.dtype != value.dtype:
            raise CompileError(
                f"compile: {type(self).__name__}.{name} is given a tensor in a compiled function",
                "Register a buffer of that shape and dtype, whose values a program can change; or return the tensor.",
            )
        with no_grad():
            buffer.copy_(value)
        return True

    def _part(self, name: str, value: Any, kind: str) -> Any:
        """What is kept of ``value``, assigned to the part ``name``: a parameter stays one, a module too."""
        if value is None or (kind == "buffer" and isinstance(value, Tensor)):
            return _as_buffer(value)
        raise DTypeError(
            f"{type(self).__name__}.{name} is a {kind} and cannot become a {type(value).__name__}",
            "Assign a part of its kind, or None; change values with .data = ...; or `del` it first.",
        )

    def _registry(self, registry: str, name: str) -> dict[str, Any]:
        """The dictionary to put ``name`` into, after taking it out of everywhere else."""
        own = self.__dict__
        state.note_structure()
        if "_parameters" not in own:
            raise ArgumentError(
                f"{type(self).__name__}: .{name} was assigned before the module was initialised",
                "Call super().__init__() first in its __init__.",
            )
        own.pop(name, None)
        for other in _REGISTRIES:
            if other != registry:
                own[other].pop(name, None)
        if registry != "_buffers":
            self._transient.discard(name)
        return own[registry]

    def __getattr__(self, name: str) -> Any:
        own = self.__dict__
        if "_parameters" in own:
            for registry in _REGISTRIES:
                if name in own[registry]:
                    return own[registry][name]
        elif not name.startswith("__"):
            raise AttributeError(
                f"{type(self).__name__} has no attribute {name!r}: it was not initialised; "
                "call super().__init__() first in its __init__"
            )
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __delattr__(self, name: str) -> None:
        state.note_structure()
        for registry in _REGISTRIES:
            if name in self.__dict__.get(registry, ()):
                del self.__dict__[registry][name]
                self._transient.discard(name)
                return
        super().__delattr__(name)

    def __dir__(self) -> Iterable[str]:
        return sorted({*super().__dir__(), *self._parameters, *self._buffers, *self._modules})

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Make ``param`` the parameter ``name``; None keeps the name for "there is none"."""
        self._check_name("_parameters", name)
        if param is not None and not isinstance(param, Parameter):
            raise DTypeError(f"register_parameter: {name} is a {type(param).__name__}", "Use ur.nn.Parameter(...).")
        self._registry("_parameters", name)[name] = param

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """Make ``tensor`` the buffer ``name``: state that is not trained.

        Args:
            name: the attribute's name.
            tensor: its value, or None.
            persistent: whether it belongs to the state dictionary.
        """
        self._check_name("_buffers", name)
        if tensor is not None and not isinstance(tensor, Tensor):
            raise DTypeError(f"register_buffer: {name} is a {type(tensor).__name__}", "Use ur.tensor(...).")
        self._registry("_buffers", name)[name] = _as_buffer(tensor)
        (self._transient.discard if persistent else self._transient.add)(name)

    def register_module(self, name: str, module: Module | None) -> None:
        """Make ``module`` the child ``name``."""
        self._check_name("_modules", name)
        if module is not None and not isinstance(module, Module):
            raise DTypeError(f"register_module: {name} is a {type(module).__name__}, not a module")
        self._registry("_modules", name)[name] = module

    add_module = register_module

    def _check_name(self, registry: str, name: str) -> None:
        if not isinstance(name, str) or not name or "." in name:
            raise ArgumentError(f"{name!r} cannot be the name of a part of a module", "Use a name without dots.")
        if hasattr(self, name) and name not in self.__dict__.get(registry, ()):
            raise ArgumentError(f"{type(self).__name__} has an attribute {name!r} already", "Use another name.")

    # Walks. A part that is reached by two ways (tied weights) comes once, under its first name.

    def named_modules(
        self, memo: set[Module] | None = None, prefix: str = "", remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Module]]:
        """This module and all below it, with their paths, parents first."""
        memo = set() if memo is None else memo
        if self in memo:
            return
        if remove_duplicate:
            memo.add(self)
        yield prefix, self
        for name, module in self._modules.items():
            if module is not None:
                yield from module.named_modules(memo, f"{prefix}.{name}" if prefix else name, remove_duplicate)

    def modules(self) -> Iterator[Module]:
        """This module and all below it."""
        return (module for _, module in self.named_modules())

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """The modules directly below, with their names."""
        seen: set[Module] = set()
        for name, module in self._modules.items():
            if module is not None and module not in seen:
                seen.add(module)
                yield name, module

    def children(self) -> Iterator[Module]:
        """The modules directly below."""
        return (module for _, module in self.named_children())

    def _named(self, registry: str, prefix: str, recurse: bool, once: bool) -> Iterator[tuple[str, Any]]:
        seen: set[Any] = set()
        modules = self.named_modules(prefix=prefix, remove_duplicate=once) if recurse else [(prefix, self)]
        for path, module in modules:
            for name, value in module.__dict__[registry].items():
                if value is None or value in seen:
                    continue
                if once:
                    seen.add(value)
                yield f"{path}.{name}" if path else name, value

    def named_parameters(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Parameter]]:
        """The parameters with their paths.

        Example:
            >>> import upriver as ur
            >>> [name for name, _ in ur.nn.Sequential(ur.nn.Linear(2, 1)).named_parameters()]
            ['0.weight', '0.bias']
        """
        return self._named("_parameters", prefix, recurse, remove_duplicate)

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        """The parameters: what an optimiser takes."""
        return (p for _, p in self.named_parameters(recurse=recurse))

    def named_buffers(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Tensor]]:
        """The buffers with their paths."""
        return self._named("_buffers", prefix, recurse, remove_duplicate)

    def buffers(self, recurse: bool = True) -> Iterator[Tensor]:
        """The buffers."""
        return (b for _, b in self.named_buffers(recurse=recurse))

    def get_submodule(self, target: str) -> Module:
        """The module at the path ``target``; itself for the empty path.

        Raises:
            AttributeError: there is none.
        """
        module: Any = self
        for name in target.split(".") if target else ():
            module = getattr(module, name)
            if not isinstance(module, Module):
                raise AttributeError(f"{target!r}: {name!r} is not a module")
        return module

    def _get(self, registry: str, target: str) -> Any:
        path, _, name = target.rpartition(".")
        found = self.get_submodule(path).__dict__[registry]
        if name not in found:
            raise AttributeError(f"{target!r} is not a {_REGISTRIES[registry]} of {type(self).__name__}")
        return found[name]

    def get_parameter(self, target: str) -> Parameter:
        """The parameter at the path ``target``.

        Raises:
            AttributeError: there is none.
        """
        return self._get("_parameters", target)

    def get_buffer(self, target: str) -> Tensor:
        """The buffer at the path ``target``.

        Raises:
            AttributeError: there is none.
        """
        return self._get("_buffers", target)

    # State.

    def state_dict(self, *, prefix: str = "", keep_vars: bool = False) -> dict[str, Tensor]:
        """Every parameter and persistent buffer by its path: PyTorch's keys and shapes.

        The tensors share memory with the module's (``copy.deepcopy`` them to keep them).

        Args:
            prefix: put in front of every key, as in ``"model."``.
            keep_vars: give the parameters themselves, instead of tensors without history.

        Example:
            >>> import upriver as ur
            >>> {key: t.shape for key, t in ur.nn.Linear(3, 2).state_dict().items()}
            {'weight': (2, 3), 'bias': (2,)}
        """
        return {prefix + key: t if keep_vars else t.detach() for key, t in entries(self)}

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False) -> Keys:
        """Take over the values of ``state_dict``, into the parameters and buffers that are there.

        Nothing is changed unless everything fits.

        Args:
            state_dict: tensors or arrays by path.
            strict: refuse keys that are missing or unexpected.
            assign: take over the dtypes too.

        Returns:
            ``(missing_keys, unexpected_keys)``.

        Raises:
            ShapeError: a shape differs, or (if ``strict``) a key is missing or unexpected; all are listed.
        """
        return load(self, state_dict, strict, assign)

    # Modes and conversions.

    def train(self, mode: bool = True) -> Self:
        """Switch this module and all below to training: dropout drops, batch statistics are used."""
        if not isinstance(mode, bool):
            raise ArgumentError(f"train: the mode is {mode!r}", "Use model.train() or model.train(False).")
        for module in self.modules():
            module.training = mode
        return self

    def eval(self) -> Self:
        """Switch this module and all below to evaluation."""
        return self.train(False)

    def apply(self, fn: Callable[[Module], Any]) -> Self:
        """Call ``fn`` on every module below and then on this one, as for initialising weights.

        Example:
            >>> import upriver as ur
            >>> order = []
            >>> _ = ur.nn.Sequential(ur.nn.Tanh()).apply(lambda m: order.append(type(m).__name__))
            >>> order
            ['Tanh', 'Sequential']
        """
        for module in self.children():
            module.apply(fn)
        fn(self)
        return self

    def to(self, *args: Any, dtype: Any = None, device: Any = None, **_: Any) -> Self:
        """Convert floating-point parameters, their gradients and buffers to ``dtype``, in place.

        Raises:
            DTypeError: a device other than the CPU, or a dtype without gradients.
        """
        for arg in args:
            if isinstance(arg, Tensor):
                dtype = arg.dtype
            elif isinstance(arg, str) and not arg.startswith(("float", "int", "bool", "uint")):
                device = arg
            elif arg is not None and not isinstance(arg, bool):
                dtype = arg
        check_device(device)
        if dtype is None:
            return self
        wanted = as_dtype(dtype)
        if wanted.kind != "f":
            raise DTypeError(f"Module.to: parameters cannot be {wanted}", "Use ur.float32, ur.float64 or ur.float16.")
        for t in (*self.parameters(), *self.buffers()):
            if t.dtype.kind == "f" and t.dtype != wanted:
                t.data = t.array.astype(wanted)
                if t.grad is not None:
                    t.grad = Tensor(t.grad.array.astype(wanted))
        return self

    def float(self) -> Self:
        """Convert to float32."""
        return self.to(float32)

    def double(self) -> Self:
        """Convert to float64."""
        return self.to(float64)

    def half(self) -> Self:
        """Convert to float16: half the memory to store, not faster to compute with."""
        return self.to(float16)

    def cpu(self) -> Self:
        """Itself: the CPU is where everything is."""
        return self

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Thaw, or freeze, all parameters."""
        for p in self.parameters():
            p.requires_grad = requires_grad
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Clear the gradients, which :meth:`Tensor.backward` otherwise adds to.

        Args:
            set_to_none: forget them (the default), instead of filling them with zeros.
        """
        forget_gradients(self.parameters(), set_to_none)

    # Text.

    def extra_repr(self) -> str:
        """What stands between the parentheses of its representation; layers say their sizes here."""
        return ""

    def _get_name(self) -> str:
        return type(self).__name__

    def __repr__(self) -> str:
        extra = self.extra_repr()
        lines = extra.split("\n") if extra else []
        children = [f"({name}): " + _indented(repr(module)) for name, module in self._modules.items()]
        if len(lines) == 1 and not children:
            return f"{self._get_name()}({lines[0]})"
        body = "".join(f"\n  {line}" for line in (*lines, *children))
        return f"{self._get_name()}({body}\n)" if body else f"{self._get_name()}()"


def _indented(text: str) -> str:
    """``text`` with every line but the first moved to the right."""
    return text.replace("\n", "\n  ")


def _as_buffer(tensor: Tensor | None) -> Tensor | None:
    """``tensor`` as a cell that shares its memory; one with a history stays what it is."""
    if tensor is None or tensor.node is not None or type(tensor) is not Tensor:
        return tensor
    return Buffer(tensor.array, requires_grad=tensor.requires_grad)
