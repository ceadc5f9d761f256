"""Where in a model something happened: the path of the module in whose call an operation ran.

Modules are known here by what they can do: ``named_modules()`` names those within one.
"""

from __future__ import annotations

from typing import Any


class Paths:
    """The paths of scopes, with what was found before: each module that calls others is walked once.

    Example:
        >>> import upriver as ur
        >>> model = ur.nn.Sequential(ur.nn.Linear(2, 2), ur.nn.Sequential(ur.nn.Tanh()))
        >>> y, of = model(ur.tensor([[1.0, 2.0]])), Paths()
        >>> [of(node.scope) for node in ur.Graph.of(y)]
        ['0', '1.0']
    """

    def __init__(self) -> None:
        # By the id of the scope or module, which is kept beside what was found, so that its id stays its own.
        self._found: dict[int, tuple[Any, str]] = {}
        self._within: dict[int, tuple[Any, dict[int, str]]] = {}

    def __call__(self, scope: Any) -> str:
        """Where an operation ran, as in ``blocks.3.mlp.fc1``: the path from the outermost module called.

        Args:
            scope: a node's ``(module, outer scope)``, or None.

        Returns:
            The path; empty for the outermost module itself and for None. A module that its caller does not
            own is named by its class.
        """
        calls: list[Any] = []
        while scope is not None and id(scope) not in self._found:
            calls.append(scope)
            scope = scope[1]
        path = "" if scope is None else self._found[id(scope)][1]
        for call in reversed(calls):
            module, outer = call
            if outer is not None and outer[0] is not module:
                own = self._own(outer[0], module)
                path = f"{path}.{own}" if path else own
            self._found[id(call)] = (call, path)
        return path

    def _own(self, caller: Any, called: Any) -> str:
        """What a module is called by the one that calls it."""
        if id(caller) not in self._within:
            walk = getattr(caller, "named_modules", lambda: ())
            self._within[id(caller)] = (caller, {id(module): name for name, module in reversed([*walk()])})
        return self._within[id(caller)][1].get(id(called), type(called).__name__)


def path_of(scope: Any) -> str:
    """Where one operation ran; see :class:`Paths`, which is for many.

    Example:
        >>> import upriver as ur
        >>> model = ur.nn.Sequential(ur.nn.Linear(2, 2))
        >>> path_of(model(ur.tensor([[1.0, 2.0]])).node.scope)
        '0'
    """
    return Paths()(scope)
