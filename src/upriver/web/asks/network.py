"""A pasted network: computed, derived, laid out, each operation with its line of the text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...core.site import sites_off
from ...core.state import tracing
from ...core.tensor import Tensor
from ...errors import ArgumentError
from ...explain.derivation import derive
from ...explain.page import content
from ...explain.reading import Trace
from ..pasted.network import Network
from .computation import Computation
from .given import ENTRIES, text, whole

LONGEST = 20_000
"""The longest text, in characters."""


def answer(given: Mapping[str, Any]) -> dict[str, Any]:
    """What a page needs to draw and walk through a network.

    Args:
        given: ``code``, in the language of :mod:`upriver.web.pasted.network`; ``seed`` of the initial weights; ``wrt``,
            names with commas between, by default everything that wants a gradient.

    Returns:
        What :func:`upriver.explain.page.content` gives, and ``names`` (what has a gradient), ``seed`` and ``code``.

    Raises:
        UpriverError: the code cannot be meant, or is beyond what is computed here; the message names the line.

    Example:
        >>> code = '''model = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1))
        ... x = torch.tensor([[1., 2.]])
        ... loss = F.mse_loss(model(x), torch.tensor([[1.]]))'''
        >>> found = answer({"code": code})
        >>> [module["type"] for module in found["trace"]["modules"]], found["trace"]["nodes"][-1]["line"]["line"]
        (['Sequential', 'Linear', 'Tanh', 'Linear'], 3)
    """
    model = pasted(given)
    asked = Computation(model.run, model.source)
    wrt = [part.strip() for part in text(given, "wrt").split(",")] if given.get("wrt") else []
    leaves = [x for x in asked.graph.leaves if x.requires_grad]
    chosen: list[Any] = [asked.find({"name": name})[1] for name in wrt] or list(leaves)
    if not chosen:
        raise ArgumentError(
            "nothing here wants a gradient", "Use a layer, or tensor(2.0, requires_grad=True).", at=False
        )
    with model.lines():
        with sites_off(), tracing():
            found = derive(asked.root, [(key, None) for key in dict.fromkeys(chosen)], asked.known)
        document = found.trace()
    names = [asked.known[x] for x in leaves if x in asked.known]
    return {**content(Trace(document), steady=True), "names": names, "seed": model.seed, "code": model.source}


def pasted(given: Mapping[str, Any]) -> Network:
    """The network that was given as text.

    Raises:
        ArgumentError: it is outside the language; the message names the line.
    """
    return Network(text(given, "code", LONGEST), seed=whole(given, "seed", 0, 2**31, 0), most=ENTRIES)


def leaf(asked: Computation, key: Any, name: str) -> Tensor:
    """The tensor that was given or made, for what can be changed only there.

    Raises:
        ArgumentError: it is computed, or wants no gradient.
    """
    if not isinstance(key, Tensor) or not key.requires_grad:
        names = [asked.known.get(x, "") for x in asked.graph.leaves if x.requires_grad]
        raise ArgumentError(
            f"{name} is computed from other values", f"Choose {', '.join([n for n in names if n][:8])}.", at=False
        )
    return key
