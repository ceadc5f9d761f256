"""Text for models of the next character: vocabularies, context windows, blocks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from ..core.state import Array
from ..core.tensor import Tensor
from ..errors import ArgumentError, DataError


class CharVocab:
    """The characters of some text, and their numbers.

    Args:
        texts: a text, or several (words): all their characters become part of the vocabulary, sorted.
        special: a character that marks beginning and end, number 0; None for no such character.

    Raises:
        DataError: there is no character, or the texts contain the special one.

    Example:
        >>> from upriver.data import CharVocab
        >>> vocab = CharVocab(["emma", "ava"])
        >>> len(vocab), vocab.encode("eva").tolist(), vocab.decode([2, 4, 1])
        (5, [2, 4, 1], 'eva')
    """

    def __init__(self, texts: str | Iterable[str], special: str | None = ".") -> None:
        words = [texts] if isinstance(texts, str) else list(texts)
        found = set[str]().union(*words)
        if not found:
            raise DataError("CharVocab: the text is empty", "There must be at least one character.")
        if special is not None:
            if len(special) != 1:
                raise ArgumentError(f"CharVocab: special must be one character, not {special!r}")
            if special in found:
                raise DataError(
                    f"CharVocab: the text contains {special!r}, which marks beginning and end",
                    "Choose another character with special=, or special=None for running text.",
                )
        self.special = special
        self.chars: tuple[str, ...] = (() if special is None else (special,)) + tuple(sorted(found))
        self.stoi: dict[str, int] = {char: i for i, char in enumerate(self.chars)}
        self.itos: dict[int, str] = dict(enumerate(self.chars))

    def __len__(self) -> int:
        return len(self.chars)

    def __repr__(self) -> str:
        return f"CharVocab({len(self)} characters: {''.join(self.chars)!r})"

    def encode(self, text: str) -> Array:
        """The numbers of the characters of ``text``, int64 (len(text),).

        Raises:
            DataError: a character is not in the vocabulary.
        """
        table = self.stoi
        try:
            return np.array([table[char] for char in text], dtype=np.int64)
        except KeyError:
            at, char = next((i, c) for i, c in enumerate(text) if c not in table)
            raise DataError(
                f"CharVocab.encode: {char!r} at position {at} is none of the {len(self)} characters of the vocabulary",
                f"The vocabulary is {''.join(self.chars)!r}.",
            ) from None

    def decode(self, numbers: Any) -> str:
        """The text of the numbers (list, array or tensor).

        Raises:
            DataError: a number outside of 0 .. len(self) - 1.
        """
        values = np.asarray(numbers.array if isinstance(numbers, Tensor) else numbers, dtype=np.int64).ravel()
        if values.size and not 0 <= values.min() <= values.max() < len(self):
            wrong = next(int(i) for i in values if not 0 <= i < len(self))
            raise DataError(f"CharVocab.decode: {wrong} is none of the numbers 0 to {len(self) - 1}")
        return "".join([self.chars[i] for i in values.tolist()])


def context_windows(words: Sequence[str], block_size: int, vocab: CharVocab | None = None) -> tuple[Array, Array]:
    """For each character of each word, and for its end: the ``block_size`` characters before, and the character.

    Args:
        words: the words.
        block_size: how many characters of context, at least 1; before the beginning stands the special one.
        vocab: the vocabulary, with a special character; made of the words by default.

    Returns:
        x int64 (M, block_size) and y int64 (M,), with M = the number of characters + the number of words.

    Raises:
        DataError: there are no words, or a character is not in the vocabulary.

    Source:
        Bengio, Ducharme, Vincent and Jauvin, "A neural probabilistic language model" (2003), section 2.

    Example:
        >>> from upriver.data import CharVocab, context_windows
        >>> vocab = CharVocab(["ab"])
        >>> x, y = context_windows(["ab"], 2, vocab)
        >>> [(vocab.decode(row), vocab.decode(target)) for row, target in zip(x, y)]
        [('..', 'a'), ('.a', 'b'), ('ab', '.')]
    """
    _check_block("context_windows", block_size)
    if len(words) == 0:
        raise DataError("context_windows: there are no words", "Pass at least one.")
    vocab = CharVocab(words) if vocab is None else vocab
    if vocab.special is None:
        raise ArgumentError("context_windows: the vocabulary has no special character", "Use CharVocab(words).")
    # block_size marks before the first word and between words: then every window is a slice of one long line.
    marks = vocab.special * block_size
    line = vocab.encode(marks + marks.join(words) + marks)
    lengths = np.array([len(word) + 1 for word in words])
    within = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    starts = np.cumsum(lengths + block_size - 1) - (lengths + block_size - 1)
    first = np.repeat(starts, lengths) + within
    return line[first[:, None] + np.arange(block_size)], line[first + block_size]


def blocks(text: str | Any, block_size: int, vocab: CharVocab | None = None) -> tuple[Array, Array]:
    """Running text as (x, y): every stretch of ``block_size`` characters, and the same stretch one character on.

    Args:
        text: text, or its numbers, int64 (N,), N > block_size.
        block_size: length of a stretch.
        vocab: the vocabulary of a text; ``CharVocab(text, special=None)`` by default.

    Returns:
        x and y, int64 (N - block_size, block_size). They are read-only views of one array of N numbers.

    Raises:
        DataError: the text is shorter than ``block_size + 1``.

    Example:
        >>> from upriver.data import blocks
        >>> x, y = blocks("abab", 2)
        >>> x.tolist(), y.tolist()
        ([[0, 1], [1, 0]], [[1, 0], [0, 1]])
    """
    _check_block("blocks", block_size)
    if isinstance(text, str):
        if not text:
            raise DataError("blocks: the text is empty")
        numbers = (CharVocab(text, special=None) if vocab is None else vocab).encode(text)
    else:
        numbers = np.asarray(text.array if isinstance(text, Tensor) else text)
    if len(numbers) <= block_size:
        raise DataError(
            f"blocks: {len(numbers)} characters are too few for blocks of {block_size}",
            f"At least {block_size + 1} are needed, or a smaller block_size.",
        )
    windows: Array = np.lib.stride_tricks.sliding_window_view(numbers, block_size)
    return windows[:-1], windows[1:]


def split_text(text: str, val: float = 0.1) -> tuple[str, str]:
    """The beginning of a running text, to train on, and its end, the fraction ``val``, to validate on.

    Running text is not shuffled: neighbouring stretches overlap, and would be in both parts.

    Raises:
        ArgumentError: ``val`` leaves a part empty.

    Example:
        >>> from upriver.data import split_text
        >>> split_text("abcdefghij", val=0.2)
        ('abcdefgh', 'ij')
    """
    cut = len(text) - round(len(text) * val)
    if not 0 < cut < len(text):
        raise ArgumentError(f"split_text: val={val} of {len(text)} characters leaves a part empty")
    return text[:cut], text[cut:]


def _check_block(name: str, block_size: int) -> None:
    if block_size < 1:
        raise ArgumentError(f"{name}: block_size must be at least 1, not {block_size}")
