import numpy as np
import pytest
from hypothesis import given, strategies as st

import upriver as ur
from upriver.data import CharVocab, blocks, context_windows, split_text
from upriver.errors import ArgumentError, DataError

words = st.lists(st.text("abcdefgé", min_size=0, max_size=8), min_size=1, max_size=10).filter(any)


@given(words)
def test_decoding_undoes_encoding(texts):
    vocab = CharVocab(texts)
    for text in texts:
        assert vocab.decode(vocab.encode(text)) == text
    assert vocab.chars == (".", *sorted(set("".join(texts))))
    assert vocab.stoi["."] == 0
    assert vocab.itos[0] == "."


def test_what_is_not_in_the_vocabulary():
    vocab = CharVocab("abc")
    with pytest.raises(DataError, match=r"'z' at position 1 is none of the 4 characters") as caught:
        vocab.encode("az")
    assert "'.abc'" in str(caught.value)
    with pytest.raises(DataError, match="-1 is none of the numbers 0 to 3"):
        vocab.decode([0, -1])
    assert vocab.decode(ur.tensor([1, 2])) == "ab"
    assert vocab.decode(3) == "c"
    assert repr(vocab) == "CharVocab(4 characters: '.abc')"


def test_special_characters():
    assert CharVocab("a.b", special=None).chars == (".", "a", "b")
    with pytest.raises(DataError, match="marks beginning and end"):
        CharVocab("a.b")
    with pytest.raises(ArgumentError, match="one character"):
        CharVocab("ab", special="..")
    with pytest.raises(DataError, match="empty"):
        CharVocab([])


@given(words, st.integers(1, 5))
def test_windows_are_what_a_loop_gives(texts, block_size):
    vocab = CharVocab(texts)
    x, y = context_windows(texts, block_size, vocab)
    expected_x, expected_y = [], []
    for text in texts:
        context = [0] * block_size
        for char in text + ".":
            expected_x.append(context)
            expected_y.append(vocab.stoi[char])
            context = [*context[1:], expected_y[-1]]
    assert x.tolist() == expected_x
    assert y.tolist() == expected_y
    assert x.dtype == y.dtype == np.int64


def test_windows_of_wrong_arguments():
    with pytest.raises(ArgumentError, match="block_size"):
        context_windows(["a"], 0)
    with pytest.raises(DataError, match="no words"):
        context_windows([], 3)
    with pytest.raises(ArgumentError, match="no special character"):
        context_windows(["a"], 3, CharVocab("a", special=None))
    with pytest.raises(DataError, match="'b' at position"):
        context_windows(["ab"], 3, CharVocab("a"))


def test_blocks_are_shifted_by_one():
    x, y = blocks("hello", 3)
    vocab = CharVocab("hello", special=None)
    assert [vocab.decode(row) for row in x] == ["hel", "ell"]
    assert [vocab.decode(row) for row in y] == ["ell", "llo"]
    x, y = blocks(np.arange(10), 4)
    assert x.shape == (6, 4)
    assert np.array_equal(x[1:], y[:-1])
    assert blocks(ur.tensor([1, 2, 3]), 2)[1].tolist() == [[2, 3]]
    for text in ("abc", ""):
        with pytest.raises(DataError, match=r"too few|empty"):
            blocks(text, 3)


def test_text_is_split_without_shuffling():
    assert split_text("abcdefghij", 0.3) == ("abcdefg", "hij")
    for val in (0.0, 1.0):
        with pytest.raises(ArgumentError, match="leaves a part empty"):
            split_text("abc", val)
