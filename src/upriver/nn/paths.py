"""Where in a model something happened."""

from __future__ import annotations

from typing import Any

from .module import Module


def path_of(found: Any) -> str:
    """Where a node's module is, as in ``blocks.3.mlp.fc1``: the path from the outermost module called.

    Args:
        found: a node's ``scope``, ``(module, outer scope)`` or None.

    Returns:
        The path; empty for the outermost module itself and for None. A module that its caller does not
        own is named by its class.

    Example:
        >>> import upriver as ur
        >>> model = ur.nn.Sequential(ur.nn.Linear(2, 2))
        >>> y = model(ur.tensor([[1.0, 2.0]]))
        >>> path_of(y.node.scope)
        '0'
    """
    chain: list[Module] = []
    while found is not None:
        chain.append(found[0])
        found = found[1]
    names: list[str] = []
    while len(chain) > 1:
        caller, called = chain.pop(), chain[-1]
        if called is not caller:
            names.append(next((n for n, m in caller.named_modules() if m is called), type(called).__name__))
    return ".".join(names)
