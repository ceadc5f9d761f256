"""What failed outside is said in the reader's language: the system's errors, a table's notes."""

from __future__ import annotations

import errno
import os
import re
from pathlib import Path

import pytest

from upriver.causes import cause
from upriver.cli import main
from upriver.data import read_table
from upriver.errors import FileError
from upriver.i18n import languages, use
from upriver.train.files import read_json, write_error

OTHERS = languages()[1:]
_ENGLISH = re.compile(r"[A-Za-z]{3,} [a-z]{2,}")


@pytest.mark.parametrize("language", OTHERS)
@pytest.mark.parametrize("number", [errno.ENOENT, errno.EACCES, errno.ENOSPC, errno.EISDIR, errno.EROFS])
def test_the_usual_errors_of_the_system(language: str, number: int) -> None:
    with use(language):
        message = write_error(Path("runs"), OSError(number, os.strerror(number))).message
    assert not _ENGLISH.search(message)


@pytest.mark.parametrize("language", OTHERS)
def test_the_rest_is_named_by_number_and_quoted(language: str) -> None:
    with use(language):
        message = write_error(Path("runs"), OSError(errno.EXDEV, os.strerror(errno.EXDEV))).message
    assert str(errno.EXDEV) in message
    assert os.strerror(errno.EXDEV) in message


def test_causes_in_english() -> None:
    assert cause(FileNotFoundError(errno.ENOENT, "x")) == "there is no such file or folder"
    assert cause(ValueError("bad magic\nmore")) == "Python says “bad magic”"


@pytest.mark.parametrize("language", OTHERS)
def test_json_that_is_none(language: str, tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text('{"a": }')
    with use(language), pytest.raises(FileError) as caught:
        read_json(tmp_path / "x.json")
    assert not _ENGLISH.search(str(caught.value).replace(str(tmp_path), ""))


@pytest.mark.parametrize("language", OTHERS)
def test_a_tables_notes(language: str, tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(
        "id,day,w,same,kind\n1,2024-01-01,1.5,7,a\n2,2024-01-02,,7,b\n3,2024-01-03,2,7,a\n4,2024-01-04,3,7,b\n"
    )
    with use(language):
        table = read_table(path, target="kind")
        assert len(table.notes) == 4
        assert not _ENGLISH.search("\n".join([*table.notes, table.describe()]))
        with pytest.raises(ValueError, match="same"):
            read_table(path, target="same")


def test_a_sentence_within_argparses_runs_in_the_readers_direction(capsys: pytest.CaptureFixture[str]) -> None:
    with use("ar"):
        assert main(["learn", "--port", "abc"]) == 2
    # Set apart as code it would run from left to right.
    assert "\u2066\u200f" not in capsys.readouterr().err
