"""What Upriver says, in the reader's language: the English in the code is the key, as with gettext.

``say("{n, plural, one {# step} other {# steps}}", n=3)`` looks its template up in the catalogue of the language of
the moment and fills it in. What comes back is a string that remembers its template and its arguments, so that a page
can say the same again in another language.

The language of the moment is that of :func:`use`, else of the environment: ``UPRIVER_LANG``, then the locale.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import Any

_ENGLISH = "en"
_chosen: ContextVar[str | None] = ContextVar("upriver_language", default=None)
_of_environment: dict[tuple[str | None, ...], str] = {}
_VARIABLES = ("UPRIVER_LANG", "LC_ALL", "LC_MESSAGES", "LANG")


class Message(str):
    """A text in one language that can be said again in another.

    Attributes:
        text: its template, in English.
        args: what was filled in: strings, numbers, messages, lists of these.

    Example:
        >>> from upriver.i18n import say
        >>> message = say("{name} = {value}", name="w", value="2")
        >>> message, message.data()
        ('w = 2', {'text': '{name} = {value}', 'args': {'name': 'w', 'value': '2'}})
    """

    text: str
    args: Mapping[str, Any]

    @classmethod
    def of(cls, shown: str, text: str, args: Mapping[str, Any]) -> Message:
        """The message that shows ``shown``."""
        made = cls(shown)
        made.text, made.args = text, args
        return made

    def data(self) -> dict[str, Any]:
        """Template and arguments, for JSON."""
        return {"text": self.text, "args": {name: _data(value) for name, value in self.args.items()}}

    def __reduce__(self) -> Any:
        return Message.of, (str(self), self.text, dict(self.args))


def _data(value: Any) -> Any:
    if isinstance(value, Message):
        return value.data()
    if isinstance(value, list | tuple):
        return [_data(item) for item in value]
    return value if isinstance(value, str | int | float) else str(value)


def say(text: str, /, **args: Any) -> Message:
    """Say a sentence in the language of the moment.

    Args:
        text: the template, in English, as a literal: the catalogues are checked against the literals in the code.
            A subset of ICU's MessageFormat: ``{name}``, ``{n, plural, one {…} other {…}}``, ``{x, select, …}``.
            ``verb|Step`` is "Step", told apart from another "Step" for translators.
        **args: strings are set as they are, integers with separators of thousands, lists with commas between.

    Raises:
        KeyError: the template names an argument that is not given.

    Example:
        >>> from upriver.i18n import say, use
        >>> str(say("{n, plural, one {# step} other {# steps}}", n=1200))
        '1,200 steps'
        >>> with use("ar"):
        ...     str(say("nothing that any catalogue has"))
        'nothing that any catalogue has'
    """
    fill, catalogue = _parts()
    code = language()
    if code == _ENGLISH:
        return Message.of(fill(text, args, catalogue.about(code)), text, args)
    there = {name: again(value) for name, value in args.items()}
    return Message.of(fill(catalogue.of(code).get(text) or text, there, catalogue.about(code)), text, args)


@cache
def _parts() -> tuple[Any, Any]:
    """What saying takes; imported when something is said first."""
    from . import catalogue, icu

    return icu.fill, catalogue


def again(value: Any) -> Any:
    """A message (or those in a list) said again in the language of the moment; anything else as it is."""
    if isinstance(value, Message):
        return say(value.text, **value.args)
    return [again(item) for item in value] if isinstance(value, list | tuple) else value


def from_data(data: Mapping[str, Any]) -> Message:
    """The message that :meth:`Message.data` was of, in the language of the moment.

    Raises:
        KeyError, TypeError, ValueError: it was of none.

    Example:
        >>> from upriver.i18n import from_data, say
        >>> from_data(say("Given: {values}.", values=["w = 2"]).data())
        'Given: w = 2.'
    """

    def value(x: Any) -> Any:
        return from_data(x) if isinstance(x, Mapping) else [value(item) for item in x] if isinstance(x, list) else x

    return say(data["text"], **{str(name): value(x) for name, x in data["args"].items()})


def languages() -> tuple[str, ...]:
    """The codes of the languages there are: the folders beside this file; English first."""
    from . import catalogue

    return catalogue.languages()


def language() -> str:
    """The code of the language of the moment.

    Example:
        >>> from upriver.i18n import language, use
        >>> with use("ja"):
        ...     language()
        'ja'
    """
    chosen = _chosen.get()
    if chosen is not None:
        return chosen
    wanted = tuple([os.environ.get(name) for name in _VARIABLES])
    if wanted not in _of_environment:
        _of_environment[wanted] = nearest(next((code for code in wanted if code), ""))
    return _of_environment[wanted]


def nearest(wanted: str) -> str:
    """The language that there is for a code such as ``zh_CN.UTF-8`` or ``ar-EG``; English if there is none.

    Example:
        >>> from upriver.i18n import nearest
        >>> nearest("zh_CN.UTF-8"), nearest("C"), nearest("ar-EG")
        ('zh', 'en', 'ar')
    """
    code = wanted.replace("_", "-").split(".")[0].split("-")[0].lower()
    return code if code in languages() else _ENGLISH


@contextmanager
def use(code: str | None) -> Iterator[None]:
    """Say everything in this language inside the block; with None, in that of the environment.

    Example:
        >>> from upriver.i18n import say, use
        >>> with use("en"):
        ...     print(say("{n, plural, one {# layer} other {# layers}}", n=2))
        2 layers
    """
    token = _chosen.set(None if code is None else nearest(code))
    try:
        yield
    finally:
        _chosen.reset(token)
