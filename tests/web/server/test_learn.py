"""The commands `learn` and `site`, as they are typed."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request

import pytest

pytest.importorskip("starlette")


def run(*arguments, pages=None, **more):
    environment = {**os.environ, "PYTHONUNBUFFERED": "1", "UPRIVER_LANG": "en", "UPRIVER_PAGES": str(pages or "")}
    command = [sys.executable, "-m", "upriver", *arguments]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment, start_new_session=True,
        **more,
    )  # fmt: skip


def failed(*arguments, **more):
    """What it says on standard error, and its status."""
    with run(*arguments, **more) as process:
        _, said = process.communicate(timeout=60)
        return said, process.returncode


@pytest.fixture
def taken():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other.getsockname()[1]


def workers(pid):
    found = subprocess.run(["ps", "-eo", "ppid,pid,args"], capture_output=True, text=True, check=True).stdout
    return [int(line.split()[1]) for line in found.splitlines()[1:] if int(line.split()[0]) == pid]


@pytest.mark.skipif(os.name == "nt", reason="signals are others there")
def test_it_serves_on_the_next_free_port_until_interrupted(pages, taken):
    with run("learn", "--no-browser", "--port", str(taken), pages=pages) as process:
        line = process.stdout.readline()
        found = re.fullmatch(r"Upriver is at (http://127\.0\.0\.1:(\d+)/)  \(Ctrl-C ends it\)\n", line)
        assert taken < int(found[2]) <= taken + 20
        assert b"<title>Upriver" in urllib.request.urlopen(found[1], timeout=10).read()
        end = time.monotonic() + 20
        while not (there := workers(process.pid)) and time.monotonic() < end:
            time.sleep(0.05)
        assert there
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to the whole group
        said, wrong = process.communicate(timeout=20)
        assert (process.returncode, said.strip(), wrong) == (0, "", "")
    for pid in there:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


@pytest.mark.skipif(os.name == "nt", reason="signals are others there")
def test_workers_do_not_outlive_a_server_that_is_killed(pages):
    with run("learn", "--no-browser", pages=pages) as process:
        process.stdout.readline()
        end = time.monotonic() + 20
        while not (there := workers(process.pid)) and time.monotonic() < end:
            time.sleep(0.05)
        process.kill()
    end = time.monotonic() + 20
    while any(os.path.exists(f"/proc/{pid}") for pid in there) and time.monotonic() < end:  # noqa: PTH110
        time.sleep(0.05)
    for pid in there:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_pages_that_are_not_built(tmp_path):
    for arguments in (["learn"], ["site", str(tmp_path / "out")]):
        said, status = failed(*arguments, pages=tmp_path)
        assert status == 1
        assert said.startswith("error: the pages are not built")
        assert "npm run build" in said


def test_without_the_extra(pages):
    script = "import sys; sys.modules['starlette'] = None; from upriver.cli import main; sys.exit(main(['learn']))"
    environment = {**os.environ, "UPRIVER_PAGES": str(pages), "UPRIVER_LANG": "en"}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 1
    assert 'pip install "upriver[web]"' in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--port", "0"], "is not a port"),
        (["--port", "65536"], "is not a port"),
        (["--port", "x"], "is not a port"),
        (["--host", "no such host"], "there is no such address"),
        (["--host", "192.0.2.1"], "--host 192.0.2.1: "),
        (["--prot", "1"], "did you mean --port?"),
    ],
)
def test_wrong_usage(pages, arguments, words):
    said, status = failed("learn", "--no-browser", *arguments, pages=pages)
    assert status == 2
    assert words in said
    assert "Traceback" not in said


def test_no_free_port(pages, monkeypatch, taken):
    from upriver.cli import learn
    from upriver.cli.arguments import UsageError

    monkeypatch.setattr(learn, "_TRIES", 0)
    with pytest.raises(UsageError, match="no port from"):
        learn.listen("127.0.0.1", taken)


def test_what_to_type_in():
    from upriver.cli.learn import addresses

    assert addresses("127.0.0.1", 80) == ["Upriver is at http://127.0.0.1:80/  (Ctrl-C ends it)"]
    assert addresses("::1", 80)[0].startswith("Upriver is at http://[::1]:80/")
    everyone = addresses("0.0.0.0", 80)
    assert everyone[0].startswith("Upriver is at http://127.0.0.1:80/")
    assert all(line.startswith("for a class:  http://") for line in everyone[1:])
