"""Sentences put together: a paragraph of several, a name with its value, and the words that many sentences share."""

from __future__ import annotations

from collections.abc import Sequence

from ..i18n import Message, catalogue, icu, language, say


def paragraph(sentences: Sequence[str]) -> str:
    """Sentences one after the other, with between them what the language puts there.

    Example:
        >>> paragraph([say("No path contributes."), say("The largest path comes.")])
        'No path contributes. The largest path comes.'
    """
    told = sentences[0]
    for sentence in sentences[1:]:
        told = say("{first} {then}", first=told, then=sentence)
    return told


def listed(items: Sequence[str]) -> str:
    """Things one after the other, with the language's comma between.

    Example:
        >>> listed(["w", "b"])
        'w, b'
    """
    return icu.shown(list(items), catalogue.about(language()))


def equation(name: str, value: str) -> str:
    """``w = 2``; where the value is told in words, a message."""
    return say("{name} = {value}", name=name, value=value) if isinstance(value, Message) else f"{name} = {value}"


def convention(ties: str) -> str:
    """What holds where a derivative does not exist, as the operations' records state it (``Domain.ties``)."""
    known = (
        say("the derivative at 0 is 0"),
        say("the derivative at 0 is the one from the left"),
        say("the derivative at a bound is 0"),
        say("the derivative at a bound is 1"),
        say("the derivative is 0, also at the jumps"),
        say("jumps at multiples of the divisor"),
        say("where both are equal each gets half"),
        say("equal extremes share the gradient evenly"),
        say("of equal entries the first gets all"),
        say("where two go to one place the last one stays, and each gets its gradient"),
    )
    return next((said for said in known if said.text == ties), ties)
