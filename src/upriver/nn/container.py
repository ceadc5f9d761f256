"""Modules that hold modules, or parameters: in a row, in a list, by name, around."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Self, overload

from ..core.tensor import Parameter, Tensor
from ..errors import DimError, DTypeError
from .module import Module


def _position(index: Any, length: int, what: str) -> int:
    """``index`` counted from the front.

    Raises:
        DimError: there is nothing there.
    """
    i = operator.index(index)
    if not -length <= i < length:
        raise DimError(f"{what}: index {i} is out of range: it has {length} entries")
    return i % length


class Sequential(Module):
    """Modules one after another: each takes the output of the one before.

    Args:
        *args: modules, or one dictionary of names and modules.

    Example:
        >>> import upriver as ur
        >>> model = ur.nn.Sequential(ur.nn.Linear(4, 8), ur.nn.ReLU(), ur.nn.Linear(8, 1))
        >>> model(ur.zeros(5, 4)).shape
        (5, 1)
    """

    def __init__(self, *args: Any) -> None:
        super().__init__()
        given: Any = args[0].items() if len(args) == 1 and isinstance(args[0], Mapping) else enumerate(args)
        for name, module in given:
            if not isinstance(module, Module):
                raise DTypeError(
                    f"Sequential: {module!r} is not a module",
                    "Call the class, as in ur.nn.ReLU(); wrap a function in a Module.",
                )
            self.add_module(str(name), module)

    def forward(self, input: Any) -> Any:
        """The output of the last module."""
        for module in self._modules.values():
            input = module(input)  # noqa: A001
        return input

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[Module]:
        return iter(list(self._modules.values()))

    @overload
    def __getitem__(self, index: int) -> Module: ...
    @overload
    def __getitem__(self, index: slice) -> Sequential: ...
    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return type(self)(dict(list(self._modules.items())[index]))
        return list(self._modules.values())[_position(index, len(self), "Sequential")]

    def __setitem__(self, index: int, module: Module) -> None:
        setattr(self, list(self._modules)[_position(index, len(self), "Sequential")], module)

    def __delitem__(self, index: int | slice) -> None:
        modules = list(self._modules.values())
        del modules[index]
        if all(key.isdecimal() for key in self._modules):
            self._modules.clear()
            self._modules.update((str(i), m) for i, m in enumerate(modules))
        else:
            keep = set(map(id, modules))
            for key in [key for key, m in self._modules.items() if id(m) not in keep]:
                del self._modules[key]

    def __add__(self, other: Sequential) -> Sequential:
        return Sequential(*self, *other)

    def append(self, module: Module) -> Self:
        """Put ``module`` at the end."""
        self.add_module(str(len(self)), module)
        return self

    def extend(self, modules: Iterable[Module]) -> Self:
        """Put ``modules`` at the end."""
        for module in modules:
            self.append(module)
        return self

    def insert(self, index: int, module: Module) -> Self:
        """Put ``module`` in front of position ``index``."""
        _insert(self, index, module)
        return self


def _insert(holder: Module, index: int, module: Module) -> None:
    modules = list(holder._modules.values())
    modules.insert(index, module)
    for i, m in enumerate(modules):
        setattr(holder, str(i), m)


class ModuleList(Module):
    """Modules in a list, registered; the owner's ``forward`` says how they are used.

    Example:
        >>> import upriver as ur
        >>> layers = ur.nn.ModuleList([ur.nn.Linear(2, 2) for _ in range(3)])
        >>> len(layers), len(list(layers.parameters()))
        (3, 6)
    """

    def __init__(self, modules: Iterable[Module] | None = None) -> None:
        super().__init__()
        self.extend(modules or ())

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[Any]:
        return iter(list(self._modules.values()))

    def __contains__(self, module: object) -> bool:
        return any(m is module for m in self._modules.values())

    def __getitem__(self, index: int | slice) -> Any:
        modules = list(self._modules.values())
        if isinstance(index, slice):
            return ModuleList(modules[index])
        return modules[_position(index, len(modules), "ModuleList")]

    def __setitem__(self, index: int, module: Module) -> None:
        setattr(self, str(_position(index, len(self), "ModuleList")), module)

    def __delitem__(self, index: int | slice) -> None:
        modules = list(self._modules.values())
        del modules[index]
        self._modules.clear()
        self._modules.update((str(i), m) for i, m in enumerate(modules))

    def __iadd__(self, modules: Iterable[Module]) -> Self:
        return self.extend(modules)

    def __add__(self, modules: Iterable[Module]) -> ModuleList:
        return ModuleList([*self, *modules])

    def append(self, module: Module) -> Self:
        """Put ``module`` at the end."""
        self.add_module(str(len(self)), module)
        return self

    def extend(self, modules: Iterable[Module]) -> Self:
        """Put ``modules`` at the end."""
        for module in modules:
            self.append(module)
        return self

    def insert(self, index: int, module: Module) -> None:
        """Put ``module`` in front of position ``index``."""
        _insert(self, index, module)

    def pop(self, index: int = -1) -> Module:
        """Take the module at ``index`` out, and return it."""
        module = self[index]
        del self[index]
        return module


class ModuleDict(Module):
    """Modules by name, registered.

    Example:
        >>> import upriver as ur
        >>> act = ur.nn.ModuleDict({"relu": ur.nn.ReLU(), "tanh": ur.nn.Tanh()})
        >>> act["relu"](ur.tensor([-1.0, 2.0])).tolist()
        [0.0, 2.0]
    """

    def __init__(self, modules: Any = None) -> None:
        super().__init__()
        self.update(modules or {})

    def __getitem__(self, key: str) -> Any:
        return self._modules[key]

    def __setitem__(self, key: str, module: Module) -> None:
        self.add_module(key, module)

    def __delitem__(self, key: str) -> None:
        del self._modules[key]

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[str]:
        return iter(self._modules)

    def __contains__(self, key: object) -> bool:
        return key in self._modules

    def keys(self) -> Iterable[str]:
        """The names."""
        return self._modules.keys()

    def values(self) -> Iterable[Any]:
        """The modules."""
        return self._modules.values()

    def items(self) -> Iterable[tuple[str, Any]]:
        """Names and modules."""
        return self._modules.items()

    def pop(self, key: str) -> Module | None:
        """Take the module ``key`` out, and return it."""
        return self._modules.pop(key)

    def clear(self) -> None:
        """Take everything out."""
        self._modules.clear()

    def update(self, modules: Any) -> None:
        """Put in every module of a dictionary, or of pairs."""
        for key, module in modules.items() if hasattr(modules, "items") else modules:
            self[key] = module


def _as_parameter(value: Any) -> Any:
    return Parameter(value) if isinstance(value, Tensor) and not isinstance(value, Parameter) else value


class ParameterList(Module):
    """Parameters in a list, registered. Tensors put into it become parameters.

    Example:
        >>> import upriver as ur
        >>> weights = ur.nn.ParameterList([ur.zeros(2), ur.ones(3)])
        >>> [tuple(p.shape) for p in weights]
        [(2,), (3,)]
    """

    def __init__(self, values: Iterable[Any] | None = None) -> None:
        super().__init__()
        self._size = 0
        self.extend(values or ())

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[Any]:
        return iter([self[i] for i in range(self._size)])

    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return ParameterList([self[i] for i in range(*index.indices(self._size))])
        return getattr(self, str(_position(index, self._size, "ParameterList")))

    def __setitem__(self, index: int, value: Any) -> None:
        setattr(self, str(_position(index, self._size, "ParameterList")), _as_parameter(value))

    def __iadd__(self, values: Iterable[Any]) -> Self:
        return self.extend(values)

    def append(self, value: Any) -> Self:
        """Put ``value`` at the end."""
        self._size += 1
        self[self._size - 1] = value
        return self

    def extend(self, values: Iterable[Any]) -> Self:
        """Put ``values`` at the end."""
        for value in values:
            self.append(value)
        return self

    def extra_repr(self) -> str:
        return "\n".join(_line(str(i), p) for i, p in enumerate(self))


class ParameterDict(Module):
    """Parameters by name, registered. Tensors put into it become parameters.

    Example:
        >>> import upriver as ur
        >>> weights = ur.nn.ParameterDict({"scale": ur.ones(1)})
        >>> [name for name, _ in weights.named_parameters()]
        ['scale']
    """

    def __init__(self, parameters: Any = None) -> None:
        super().__init__()
        self._keys: dict[str, None] = {}
        self.update(parameters or {})

    def __getitem__(self, key: str) -> Any:
        if key not in self._keys:
            raise KeyError(key)
        return getattr(self, key)

    def __setitem__(self, key: str, value: Any) -> None:
        self._keys[key] = None
        setattr(self, key, _as_parameter(value))

    def __delitem__(self, key: str) -> None:
        del self._keys[key]
        delattr(self, key)

    def __len__(self) -> int:
        return len(self._keys)

    def __iter__(self) -> Iterator[str]:
        return iter(self._keys)

    def __contains__(self, key: object) -> bool:
        return key in self._keys

    def keys(self) -> Iterable[str]:
        """The names."""
        return self._keys.keys()

    def values(self) -> Iterable[Any]:
        """The parameters."""
        return [self[key] for key in self._keys]

    def items(self) -> Iterable[tuple[str, Any]]:
        """Names and parameters."""
        return [(key, self[key]) for key in self._keys]

    def update(self, parameters: Any) -> None:
        """Put in every parameter of a dictionary, or of pairs."""
        for key, value in parameters.items() if hasattr(parameters, "items") else parameters:
            self[key] = value

    def extra_repr(self) -> str:
        return "\n".join(_line(key, p) for key, p in self.items())


def _line(key: str, value: Any) -> str:
    """How a parameter is listed in the representation of its holder."""
    if not isinstance(value, Tensor):
        return f"({key}): Object of type: {type(value).__name__}"
    kind = "Parameter" if isinstance(value, Parameter) else "Tensor"
    return f"({key}): {kind} containing: [{value.dtype} of size {'x'.join(map(str, value.shape))}]"


class Residual(Module):
    """``x + module(x)``: a highway around a module, on which the gradient passes it undiminished.

    Args:
        module: a module whose output has the shape of its input.
        *modules: more of them, one after another.

    Source: He, Zhang, Ren and Sun, "Deep Residual Learning for Image Recognition" (2016), equation 1.

    Example:
        >>> import upriver as ur
        >>> block = ur.nn.Residual(ur.nn.Linear(4, 4), ur.nn.Tanh())
        >>> block(ur.zeros(2, 4)).shape
        (2, 4)
    """

    def __init__(self, module: Module, *modules: Module) -> None:
        super().__init__()
        self.module = Sequential(module, *modules) if modules else module

    def forward(self, x: Any) -> Any:
        """``x + module(x)``."""
        return x + self.module(x)
