from __future__ import annotations

import codecs
import json
import os
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import upriver as ur
from upriver.cli import main
from upriver.cli.explain import explain_expression
from upriver.cli.keys import split
from upriver.cli.step import Walk
from upriver.explain.encoding import dumps
from upriver.explain.reading import load_trace
from upriver.explain.trace import trace

WORKED = ["(w*x-y)**2", "w=2", "x=3", "y=10"]


def walk() -> Walk:
    return Walk(load_trace(trace(explain_expression(WORKED[0], WORKED[1:], "w"))))


def test_without_a_terminal_all_frames_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["step", *WORKED]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines == [
        "1/9  start     Given: w = 2, x = 3, y = 10.",
        "2/9  forward   mul: w * x = 6, from w = 2 and x = 3.",
        "3/9  forward   sub: w * x - y = -4, from w * x = 6 and y = 10.",
        "4/9  forward   pow: L = (w * x - y)**2 = 16, from w * x - y = -4.",
        "5/9  backward  Backward begins at L: dL/dL = 1.",
        "6/9  backward  pow: dL/d(w * x - y): upstream 1 × local -8 = -8.",
        "               dL/d(w * x - y) = 2 * (w * x - y)",
        "7/9  backward  sub: dL/d(w * x): upstream -8 × local 1 = -8.",
        "               d(w * x - y)/d(w * x) = 1",
        "8/9  backward  mul: dL/dw: upstream -8 × local 3 = -24.",
        "               d(w * x)/dw = x",
        "9/9  result    dL/dw = -24: raising w lowers L, at first by 24 for each unit.",
    ]


def test_a_trace_from_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "t.json"
    assert main(["explain", *WORKED, "--trace", str(path)]) == 0
    capsys.readouterr()
    assert main(["step", str(path)]) == 0
    assert "8/9  backward  mul: dL/dw: upstream -8 × local 3 = -24." in capsys.readouterr().out


def test_by_module(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ur.manual_seed(0)
    model = ur.nn.Sequential(ur.nn.Linear(2, 3), ur.nn.Tanh(), ur.nn.Linear(3, 1))
    path = tmp_path / "t.json"
    path.write_text(dumps(trace(model(ur.ones(4, 2)).mean())))
    assert main(["step", str(path), "--by", "module"]) == 0
    out = capsys.readouterr().out
    assert "2 (Linear): 3 steps back" in out
    assert "test_step.py:" in out
    main(["step", str(path)])
    assert len(capsys.readouterr().out.splitlines()) > len(out.splitlines())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["(w*x-y)**2", "w=2", "x=3"], "no value for y"),
        (["import os", "w=1"], "only assignments"),
        (["none.json"], "none.json: cannot be read"),
        (["broken.json"], "is not a trace of Upriver"),
        (["newer.json"], "Update Upriver"),
        (["broken.json", "--wrt", "w"], "Leave out --wrt"),
        (["w*2", "w=2", "--by", "layer"], "invalid choice"),
        ([], "required: EXPRESSION"),
    ],
)
def test_wrong_usage_is_2(
    arguments: list[str], said: str, tmp_path: Path, monkeypatch: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("broken.json").write_text("{}")
    Path("newer.json").write_text(json.dumps({"format": "upriver-trace", "version": 7}))
    assert main(["step", *arguments]) == 2
    err = capsys.readouterr().err
    assert said in err
    assert "Traceback" not in err


def test_what_each_frame_knows() -> None:
    w = walk()
    rows, at = w.rows(0)
    assert rows[3] == ("w * x", "", "", False)
    rows, at = w.rows(6)
    assert at == 3
    assert rows[0] == ("w", "2", "", False)
    assert rows[3] == ("w * x", "6", "-8", True)
    rows, _ = w.rows(8)
    assert rows[0] == ("w", "2", "-24", False)


def test_shares_are_shown_as_they_grow() -> None:
    w = Walk(load_trace(trace(explain_expression("w*w + w", ["w=3"], "w"))))
    seen = [w.rows(i)[0][0][2] for i in range(len(w.frames))]
    assert list(dict.fromkeys(seen)) == ["", "1 so far", "4 so far", "7"]


def test_turning_to_modules_and_back_stays_where_it_is() -> None:
    ur.manual_seed(0)
    model = ur.nn.Sequential(ur.nn.Linear(2, 3), ur.nn.Tanh(), ur.nn.Linear(3, 1))
    w = Walk(load_trace(trace(model(ur.ones(4, 2)).mean())))
    for i in range(len(w.frames)):
        j = w.turn(i)
        assert w.trace.module_frames[j]["first"] <= i <= w.trace.module_frames[j]["last"]
        assert w.turn(j) == w.trace.module_frames[j]["last"]


def test_keys() -> None:
    assert split("\x1b[C\x1b[D\x1bOC\x1b[H\x1b[4~\x1b[1;5C q?\x1b") == [
        "right", "left", "right", "home", "end", "", "space", "q", "?", "escape",
    ]  # fmt: skip


# In a terminal.


class Terminal:
    """A program in a pseudo-terminal of 80 columns, and what it has written."""

    def __init__(self, arguments: list[str], **environment: str) -> None:
        import fcntl
        import pty
        import struct
        import termios

        self.master, worker = pty.openpty()
        fcntl.ioctl(worker, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        env = {**os.environ, "TERM": "xterm", "PYTHONUTF8": "1", **environment}
        env.pop("COLUMNS", None)
        command = [sys.executable, "-m", "upriver", *arguments]
        self.process = subprocess.Popen(
            command, stdin=worker, stdout=worker, stderr=worker, env=env, start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # so that Ctrl-C reaches it
        )  # fmt: skip
        os.close(worker)
        self.raw = ""
        self.decode = codecs.getincrementaldecoder("utf-8")("replace").decode

    def wait_for(self, text: str, whole: bool = True, seconds: float = 30) -> str:
        """What was written since the last time, when ``text`` has come up (and the frame with it to its foot)."""
        import select

        deadline, seen = time.monotonic() + seconds, ""
        while time.monotonic() < deadline:
            if select.select([self.master], [], [], 0.1)[0]:
                try:
                    data = os.read(self.master, 65536)
                except OSError:
                    data = b""
                if not data:
                    break
                text_read = self.decode(data)
                self.raw += text_read
                seen += text_read
            plain = re.sub(r"\x1b(\[[0-9;?]*[A-Za-z]|[()][A-Z0-9])", "", seen)
            if text in plain and (not whole or "q leave" in plain[plain.index(text) :]):
                return plain
        pytest.fail(f"{text!r} did not come up in {seen[-3000:]!r}")

    def type(self, text: str) -> None:
        os.write(self.master, text.encode())

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self.master)


@pytest.fixture
def terminal() -> Iterator[Any]:
    pytest.importorskip("pty", reason="no pseudo-terminals on this system")
    opened: list[Terminal] = []

    def start(*arguments: str, **environment: str) -> Terminal:
        opened.append(Terminal(list(arguments), **environment))
        return opened[-1]

    yield start
    for one in opened:
        one.close()


@pytest.mark.parametrize("plain", [False, True], ids=["colours", "no colours"])
def test_arrow_keys_both_ways(terminal: Any, plain: bool) -> None:
    t = terminal("step", *WORKED, **({"NO_COLOR": "1"} if plain else {}))
    shown = t.wait_for("q leave")
    assert "start · 1 of 9" in shown
    t.type("\x1b[C")
    assert "mul: w * x = 6" in t.wait_for("forward · 2 of 9")
    t.type("\x1b[C\x1b[C\x1b[C\x1b[C")
    assert "upstream 1 × local -8 = -8" in t.wait_for("2 * (w * x - y)")
    t.type("\x1b[D")
    t.wait_for("backward · 5 of 9")
    t.type("\x1b[F")
    shown = t.wait_for("dL/dw = -24: raising w lowers L")
    assert "result · 9 of 9" in shown
    t.type("\x1b[C")
    t.wait_for("result · 9 of 9")
    t.type("\x1b[H\x1b[D")
    t.wait_for("start · 1 of 9")
    t.type("?")
    t.wait_for("one step forward")
    t.type("?")
    t.wait_for("Given: w = 2")
    t.type("q")
    t.wait_for("dL/dw = -24", False)
    assert t.process.wait(10) == 0
    assert "\x1b[?1049h" in t.raw
    assert "\x1b[?1049l" in t.raw
    assert bool(re.search(r"\x1b\[[\d;]*3[1-7]", t.raw)) != plain


def test_the_terminal_is_as_it_was_after_ctrl_c(terminal: Any) -> None:
    t = terminal("step", *WORKED)
    t.wait_for("q leave")
    t.type("\x03")
    t.wait_for("stopped", False)
    assert t.process.wait(60) == 130
    assert "\x1b[?1049l" in t.raw


def test_a_dumb_terminal_and_all(terminal: Any) -> None:
    t = terminal("step", *WORKED, TERM="dumb")
    t.wait_for("9/9  result", False)
    assert t.process.wait(10) == 0
    t = terminal("step", *WORKED, "--all")
    t.wait_for("9/9  result", False)
    assert t.process.wait(10) == 0


PAGE = (Path(__file__).parents[2] / "docs" / "trace.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(("command", "expected"), re.findall(r"```console\n\$ upriver (.*)\n((?:.*\n)*?)```", PAGE))
def test_the_output_on_the_page(command: str, expected: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(shlex.split(command)) == 0
    assert capsys.readouterr().out == expected
