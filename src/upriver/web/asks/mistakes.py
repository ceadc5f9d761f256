"""A learner's number, matched to the mistake that makes it: computed from the real derivation, not from a list."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...core.tensor import Tensor
from ...errors import ArgumentError, GradError
from ...explain.labels import number as shown
from ...explain.render import derivative
from ...i18n import Message, say
from .chains import Chain, chains, entry_name
from .computation import Computation, computation
from .given import choice, number

_LARGEST = 1e300
_CLOSE = 0.005
"""An answer this close, as a part of the right number, is that number rounded."""
_OTHERS = 200
"""Of no more numbers than this one is looked for that was given in place of the right one."""


@dataclass(frozen=True)
class Guess:
    """A number that a mistake gives.

    Attributes:
        mistake: its name.
        value: the number.
        message: what to say to it.
    """

    mistake: str
    value: float
    message: Message


def answer(given: Mapping[str, Any]) -> dict[str, Any]:
    """Which mistake gives this number, said with the numbers that were added, forgotten or mixed up.

    Args:
        given: ``expression`` and ``values``, or ``code``; ``name`` of any value, and ``entry`` if it has several (by
            default the first), whose gradient was asked for; ``given``, the learner's number; ``kind``: "gradient", or
            "update" for the value after one step with ``lr``.

    Returns:
        ``right``, ``mistake`` (its name; null where it is right, or no mistake that is known), ``answer`` (the right
        number) and ``message``.

        The mistakes: "overwrote" (one of several paths instead of their sum), "multiplied-paths", "sign", "added",
        "forgot-upstream", "forgot-local", "forgot-factor" (one factor of a longer chain, or the 2 of a square),
        "other-name", "after-update", "forward-value"; of an update "sign", "forgot-rate", "step-alone", "gradient".

    Raises:
        UpriverError: the expression cannot be computed, or the number is none.

    Example:
        >>> asked = {"expression": "(w*x - y)**2", "values": {"w": 2, "x": 3, "y": 10}, "name": "w", "given": -5}
        >>> found = answer(asked)
        >>> found["mistake"], str(found["message"])
        ('added', 'You added: −8 + 3 = −5. Along a path the factors are multiplied: −8 × 3 = −24.')
    """
    guess = number(given, "given", -_LARGEST, _LARGEST)
    kind = choice(given, "kind", ("gradient", "update"), "gradient")
    rate = number(given, "lr", 0.0, 1e6, 0.01)
    question = _Question(computation(given), given)
    right = question.value - rate * question.gradient if kind == "update" else question.gradient
    guesses = question.updates(rate) if kind == "update" else question.guesses(rate)
    symbol = say("new {name}", name=question.name) if kind == "update" else question.symbol
    if _same(guess, right):
        message = say("Right: {symbol} = {value}.", symbol=symbol, value=shown(right))
        return {"right": True, "mistake": None, "answer": right, "message": message}
    for found in guesses:
        if _same(guess, found.value, right):
            return {"right": False, "mistake": found.mistake, "answer": right, "message": found.message}
    if kind == "update":
        message = say(
            "Not yet. Multiply the gradient by the learning rate, and take that away from {name}.", name=question.name
        )
    else:
        message = say(
            "Not yet. Walk back from {root}: at each step, upstream gradient × local derivative; "
            "where paths meet, add them up.",
            root=question.root,
        )
    return {"right": False, "mistake": None, "answer": right, "message": message}


def _same(a: float, b: float, beside: float | None = None) -> bool:
    """Whether one number is the other, perhaps rounded; ``beside``: another that it must not be closer to."""
    if not math.isfinite(b):
        return False
    if beside is not None and _same(b, beside):
        return False
    return abs(a - b) <= max(_CLOSE * abs(b), 1e-9)


def _sum(factors: list[float]) -> str:
    text = shown(factors[0])
    for f in factors[1:]:
        text += f" − {shown(-f)}" if f < 0 else f" + {shown(f)}"
    return text


def _product(factors: list[float]) -> str:
    return " × ".join([shown(f) if f >= 0 or i == 0 else f"({shown(f)})" for i, f in enumerate(factors)])


class _Question:
    """The derivation that was asked about, and the numbers that come up in it."""

    def __init__(self, asked: Computation, given: Mapping[str, Any]) -> None:
        self.asked = asked
        self.plain, self.key, at = asked.find(given)
        shape = self.key.shape
        if 0 in shape:
            raise ArgumentError(f"{self.plain} has no entries", "Ask about another value.", at=False)
        self.at: tuple[int, ...] = at if at else (0,) * len(shape)
        self.e = asked.explain(self.key)
        answer = self.e.answers[0]
        value = self.e.values[answer.value]
        self.flat = int(np.ravel_multi_index(self.at, shape)) if shape else 0
        self.name = entry_name(value, self.flat)
        self.root = self.e.values[self.e.root].name
        self.symbol = derivative(self.root, self.name)
        self.gradient = float(np.asarray(answer.gradient)[self.at])
        self.value = float(value.array[self.at])
        self.chains: list[Chain] = chains(self.e, asked.root, self.at)

    def guesses(self, rate: float) -> Iterator[Guess]:
        """The wrong answers, the most telling first."""
        yield from self._several()
        yield Guess(
            "sign",
            -self.gradient,
            say(
                "The size is right, the sign is not: {symbol} = {value}. Follow the minus signs along the path.",
                symbol=self.symbol, value=shown(self.gradient),
            ),
        )  # fmt: skip
        yield from self._added()
        yield from self._forgot()
        yield from self._others()
        yield from self._after(rate)
        yield from self._forward()
        for chain in self.chains:
            yield self._sum_of(list(chain.factors), chain)  # with factors of 1 too: rarer than a forward value

    def _several(self) -> Iterator[Guess]:
        if len(self.chains) < 2:
            return
        products = [chain.product for chain in self.chains]
        told, total = _sum(products), shown(self.gradient)
        for chain in self.chains:
            yield Guess(
                "overwrote",
                chain.product,
                say(
                    "{value} comes along one path ({factors}). {name} reaches {root} along {n, plural, one {# path} "
                    "other {# paths}}, and what comes along them is added up: {sum} = {total}.",
                    value=shown(chain.product), factors=_product(chain.telling), name=self.name, root=self.root,
                    n=len(products), sum=told, total=total,
                ),
            )  # fmt: skip
        yield Guess(
            "multiplied-paths",
            math.prod(products),
            say(
                "You multiplied what comes along different paths. Along one path we multiply; where paths meet, "
                "we add: {sum} = {total}.",
                sum=told, total=total,
            ),
        )  # fmt: skip

        exponents = {max([link.exponent for link in chain.links], default=0.0) for chain in self.chains}
        exponent = exponents.pop()
        if not exponents and exponent not in (0.0, 1.0):
            yield Guess(
                "forgot-factor",
                self.gradient / exponent,
                say(
                    "The factor {exponent} of the power is missing in each path: {sum} = {total}.",
                    exponent=shown(exponent), sum=told, total=total,
                ),
            )  # fmt: skip

    def _sum_of(self, factors: list[float], chain: Chain) -> Guess:
        return Guess(
            "added",
            math.fsum(factors),
            say(
                "You added: {sum} = {value}. Along a path the factors are multiplied: {product} = {right}.",
                sum=_sum(factors), value=shown(math.fsum(factors)), product=_product(factors),
                right=shown(chain.product),
            ),
        )  # fmt: skip

    def _added(self) -> Iterator[Guess]:
        for chain in self.chains:
            if len(chain.telling) < 2 or 0 in chain.telling:  # a sum with 0 is the other number: forgotten, not added
                continue
            yield self._sum_of(chain.telling, chain)
            upstream, local = math.prod(chain.factors[:-1]), chain.factors[-1]
            yield self._sum_of([upstream, local], chain)
            sizes = [abs(f) for f in chain.telling]
            yield Guess(
                "added",
                math.copysign(math.fsum(sizes), chain.product),
                say(
                    "You added the sizes: {sum} = {value}. Along a path the factors are multiplied: "
                    "{product} = {right}.",
                    sum=_sum(sizes), value=shown(math.fsum(sizes)), product=_product(chain.telling),
                    right=shown(chain.product),
                ),
            )  # fmt: skip

    def _forgot(self) -> Iterator[Guess]:
        for chain in self.chains:
            factors = chain.factors
            if len(chain.telling) >= 2:
                told, total = _product(chain.telling), shown(chain.product)
                yield Guess(
                    "forgot-upstream",
                    factors[-1],
                    say(
                        "{value} is the local derivative of the last step alone. It is multiplied by the upstream "
                        "gradient {upstream}: {product} = {total}.",
                        value=shown(factors[-1]), upstream=shown(math.prod(factors[:-1])), product=told, total=total,
                    ),
                )  # fmt: skip
                yield Guess(
                    "forgot-local",
                    math.prod(factors[:-1]),
                    say(
                        "{value} is the gradient that arrives at the last step: {symbol}. It is still multiplied by "
                        "the local derivative {local}: {product} = {total}.",
                        value=shown(math.prod(factors[:-1])), local=shown(factors[-1]), product=told, total=total,
                        symbol=derivative(self.root, chain.links[-1].source),
                    ),
                )  # fmt: skip
            yield from self._without_factor(chain)

    def _without_factor(self, chain: Chain) -> Iterator[Guess]:
        """One factor left out of a longer chain, and the exponent left out of the derivative of a power."""
        for i, (link, factor) in enumerate(zip(chain.links, chain.factors, strict=True)):
            others = math.prod([f for j, f in enumerate(chain.factors) if j != i])
            local, exponent = derivative(link.source, link.target), link.exponent
            if exponent not in (0.0, 1.0):
                yield Guess(
                    "forgot-factor",
                    others * factor / exponent,
                    say(
                        "The factor {exponent} is missing: {symbol} = {formula} = {factor}, not {wrong}.",
                        exponent=shown(exponent), symbol=local, formula=link.formula, factor=shown(factor),
                        wrong=shown(factor / exponent),
                    ),
                )  # fmt: skip
                yield Guess(
                    "forgot-factor",
                    others * link.power,
                    say(
                        "You used the value {wrong} itself. Its derivative belongs here: "
                        "{symbol} = {formula} = {factor}.",
                        symbol=local, formula=link.formula, factor=shown(factor),
                        wrong=shown(link.power),
                    ),
                )  # fmt: skip
            if factor not in (1.0, 0.0) and len(chain.telling) > 2:
                yield Guess(
                    "forgot-factor",
                    others,
                    say(
                        "One factor is missing: {symbol} = {factor}. All together: {product} = {total}.",
                        symbol=local, factor=shown(factor), product=_product(chain.telling), total=shown(chain.product),
                    ),
                )  # fmt: skip

    def _others(self) -> Iterator[Guess]:
        e = self.asked.explain_all()
        own = [answer for answer in e.answers if e.values[answer.value].name == self.plain]
        many = 0
        for answer in [*own, *[answer for answer in e.answers if answer not in own]]:  # its own entries first
            value = e.values[answer.value]
            many += value.array.size
            if many > _OTHERS:
                return
            for at, g in enumerate(np.reshape(answer.gradient, -1)):
                if answer in own and at == self.flat:
                    continue
                yield Guess(
                    "other-name",
                    float(g),
                    say(
                        "That is {other}. Asked for is {symbol}: follow the path that leads to {name}.",
                        other=derivative(self.root, entry_name(value, at)), symbol=self.symbol, name=self.name,
                    ),
                )  # fmt: skip

    def _after(self, rate: float) -> Iterator[Guess]:
        if not isinstance(self.key, Tensor) or not rate:
            return
        array = self.key.array
        before = array[self.at].copy()
        array[self.at] = before - rate * self.gradient
        try:
            again = self.asked.anew()
            after = float(np.asarray(again.explain(again.keys[self.plain]).answers[0].gradient)[self.at])
        except (KeyError, GradError):  # it is made anew by each run, or lies behind a switch that closed
            return
        finally:
            array[self.at] = before
        yield Guess(
            "after-update",
            after,
            say(
                "{value} is the gradient after {name} has been updated. Asked for is the one that the update is made "
                "of: {right}.",
                value=shown(after), name=self.name, right=shown(self.gradient),
            ),
        )  # fmt: skip

    def _forward(self) -> Iterator[Guess]:
        many = 0
        for value in reversed(self.e.values):
            many += value.array.size
            if value.kind == "constant" or many > _OTHERS:
                continue
            for at, forward in enumerate(value.array.reshape(-1).astype(np.float64)):
                yield Guess(
                    "forward-value",
                    float(forward),
                    say(
                        "{number} is a value from the forward pass: {name}. The gradient {symbol} says how quickly "
                        "{root} changes as {asked} does: {right}.",
                        number=shown(float(forward)), name=entry_name(value, at), symbol=self.symbol, root=self.root,
                        asked=self.name, right=shown(self.gradient),
                    ),
                )  # fmt: skip

    def updates(self, rate: float) -> Iterator[Guess]:
        """The wrong values after one update."""
        w, g, step = self.value, self.gradient, rate * self.gradient
        told = f"{shown(w)} − {shown(rate)} × {shown(g) if g >= 0 else f'({shown(g)})'} = {shown(w - step)}"
        yield Guess(
            "sign",
            w + step,
            say("You went uphill: the update goes against the gradient. {sum}.", sum=told),
        )
        for wrong in (w - g, w + g):
            yield Guess(
                "forgot-rate",
                wrong,
                say("The learning rate {rate} is missing: it shortens the step. {sum}.", rate=shown(rate), sum=told),
            )
        for wrong in (step, -step):
            yield Guess(
                "step-alone",
                wrong,
                say("{step} is the step alone. It is taken from {w}: {sum}.", step=shown(wrong), w=shown(w), sum=told),
            )
        yield Guess(
            "gradient", g, say("{g} is the gradient. The update takes a part of it away: {sum}.", g=shown(g), sum=told)
        )
        yield Guess("unchanged", w, say("{w} is the value before the update: {sum}.", w=shown(w), sum=told))
