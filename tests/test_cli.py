from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from upriver.cli import main
from upriver.train import Run, load_checkpoint


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def last_json(text: str) -> dict:
    return json.loads(text.strip().splitlines()[-1])


def test_help_shows_examples(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    assert "upriver train digits" in capsys.readouterr().out
    assert main(["train", "--help"]) == 0
    out = capsys.readouterr().out
    assert "examples:" in out
    assert "moons" in out
    assert max(map(len, out.splitlines())) <= 80
    assert main([]) == 0
    for command in ("runs", "show", "resume"):
        assert main([command, "--help"]) == 0
        assert f"upriver {command}" in capsys.readouterr().out


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("upriver ")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("train digit", "Did you mean digits?"),
        ("train nonsense", "The recipes are digits, mnist, fashion, names, xor, moons, spiral"),
        ("train", "--data FILE --target COLUMN"),
        ("train --data x.csv", "Add --target COLUMN"),
        ("train xor --target y", "has its own data"),
        ("train xor --model cnn", "Use --model mlp"),
        ("train digits --model rnn", "not one of mlp, cnn"),
        ("train digits --lr 0", "must be greater than 0"),
        ("train digits --lr -1", "must be greater than 0"),
        ("train digits --lr nan", "must be greater than 0"),
        ("train digits --lr fast", "'fast' is not a number"),
        ("train digits --epochs 0", "must be at least 1"),
        ("train digits --epochs 1.5", "not a whole number"),
        ("train digits --batch-size 0", "must be at least 1"),
        ("train digits --hidden 3,x", "not a whole number"),
        ("train digits --hidden 0", "must be at least 1"),
        ("train digits --dropout 1", "less than 1"),
        ("train digits --optimizer adma", "did you mean adam"),
        ("train digits --activation rellu", "did you mean relu"),
        ("train digits --sed 3", "did you mean --seed?"),
        ("train digits more", "more is not understood"),
        ("trian digits", "Did you mean upriver train?"),
        ("digits", "Did you mean upriver train digits?"),
        ("show a b", "b is not understood"),
    ],
)
def test_wrong_usage_is_2_and_says_what_is_right(
    arguments: str, said: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(arguments.split()) == 2
    out, err = capsys.readouterr()
    assert said in err
    assert "Traceback" not in err
    assert out == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("show nothing", "no run 'nothing'"),
        ("show", "no run"),
        ("resume nothing", "no run 'nothing'"),
        ("train --data none.csv --target y", "none.csv"),
    ],
)
def test_what_is_not_there_is_1_and_leaves_nothing(
    arguments: str, said: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main([*arguments.split(), "--json"]) == 1
    out, err = capsys.readouterr()
    assert said in err
    assert "fix" in err
    assert "Traceback" not in err
    assert last_json(out)["status"] == "failed"
    assert list(tmp_path.iterdir()) == []


def test_traceback_when_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", "nothing", "--traceback"]) == 1
    assert "Traceback" in capsys.readouterr().err


def test_no_runs_yet(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["runs", "--json"]) == 0
    out = capsys.readouterr().out
    assert "no runs" in out
    assert last_json(out) == {"runs": []}


XOR = ["train", "xor", "--epochs", "12"]


def test_train_show_runs_resume(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*XOR, "--json"]) == 0
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert "Gradient flow" in out
    assert "Largest gradients" in out
    told = last_json(out)
    assert {"run", "seconds", "test_accuracy", "test_loss", "epochs", "seed", "status"} <= set(told)
    assert told["test_accuracy"] > 0.9
    folder = Path(told["run"])
    expected = {"config.json", "environment.json", "metrics.jsonl", "checkpoints", "curves.svg", "gradient_flow.svg"}
    assert expected | {"confusion.svg", "plane.svg"} == {p.name for p in folder.iterdir()}
    assert load_checkpoint(folder / "checkpoints" / "best.safetensors")["model"].keys()
    assert main(["show", "last", "--json"]) == 0
    shown = capsys.readouterr().out
    assert "Confusion" in shown
    assert last_json(shown) == told
    assert main(["show", str(folder)]) == 0
    assert main(["runs", "--json"]) == 0
    listed = capsys.readouterr().out
    assert folder.name in listed
    assert last_json(listed)["runs"] == [told]
    assert main(["resume", folder.name]) == 0
    assert "nothing is left to do" in capsys.readouterr().out


def test_quiet_and_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*XOR, "--quiet", "--out", "here"]) == 0
    assert capsys.readouterr().out == ""
    assert (Path("here") / "metrics.jsonl").exists()
    assert main([*XOR, "--quiet", "--json"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 1
    assert main([*XOR, "--quiet", "--out", "here"]) == 1
    assert "not empty" in capsys.readouterr().err


def test_a_seed_decides_everything(capsys: pytest.CaptureFixture[str]) -> None:
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        assert main([*XOR, "--quiet", "--seed", str(seed), "--out", name]) == 0
    weights = {n: load_checkpoint(f"{n}/checkpoints/last.safetensors")["model"]["output.weight"] for n in "abc"}
    assert (weights["a"] == weights["b"]).all()
    assert (weights["a"] != weights["c"]).any()
    del capsys


def test_diverging_says_where_and_saves_nothing_broken(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*XOR, "--optimizer", "sgd", "--lr", "1e30", "--schedule", "constant", "--out", "r", "--json"]) == 1
    out, err = capsys.readouterr()
    assert "training stopped in epoch 1, at step" in err
    assert "learning rate" in err
    assert last_json(out)["run"] == "r"
    assert not (Path("r") / "checkpoints" / "last.safetensors").exists()
    assert Run.open("r").status == "failed"
    assert main(["show", "r"]) == 0


def test_a_table_of_classes(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [f"{i % 7},{'ab'[i % 2]},{'yes' if (i % 7 > 3) == (i % 2 == 0) else 'no'}" for i in range(200)]
    Path("t.csv").write_text("\n".join(["n,letter,answer", *rows]))
    assert main(["train", "--data", "t.csv", "--target", "answer", "--epochs", "20", "--json"]) == 0
    told = last_json(capsys.readouterr().out)
    assert told["test_accuracy"] > 0.95
    assert (Path(told["run"]) / "table.json").exists()
    assert main(["train", "--data", "t.csv", "--target", "anser"]) == 1
    assert "answer" in capsys.readouterr().err


def test_a_table_with_a_quantity(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [f"{i * 37 % 101},{i * 53 % 89},{1000 + 3 * (i * 37 % 101) + 0.5}" for i in range(300)]
    Path("prices.csv").write_text("\n".join(["a,b,price", *rows]))
    assert main(["train", "--data", "prices.csv", "--target", "price", "--epochs", "30", "--json"]) == 0
    told = last_json(capsys.readouterr().out)
    assert told["test_rmse"] < 30
    assert "test_accuracy" not in told


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_stopped_and_resumed_is_as_if_never_stopped(number: int, capsys: pytest.CaptureFixture[str]) -> None:
    common = ["train", "spiral", "--epochs", "25", "--dropout", "0.1"]
    assert main([*common, "--quiet", "--out", "whole"]) == 0
    command = [sys.executable, "-m", "upriver", *common, "--out", "cut"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        metrics = Path("cut/metrics.jsonl")
        while not (metrics.exists() and metrics.read_text().count('"epoch"') > 12) and process.poll() is None:
            time.sleep(0.005)
        process.send_signal(number)
        _, err = process.communicate()
    if number == signal.SIGINT and process.returncode == 130:
        assert "upriver resume cut" in err
        assert Run.open("cut").status == "interrupted"
    assert main(["resume", "cut", "--quiet"]) == 0
    whole, cut = (load_checkpoint(f"{name}/checkpoints/last.safetensors") for name in ("whole", "cut"))
    assert whole["model"].keys() == cut["model"].keys()
    assert all((whole["model"][key] == cut["model"][key]).all() for key in whole["model"])
    losses = [[r["train_loss"] for r in Run.open(name).events("epoch")] for name in ("whole", "cut")]
    assert losses[0] == losses[1]
    assert len(losses[0]) == 25
    del capsys


def test_a_reader_that_leaves_early() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-m", "upriver", "runs"], stdout=writer, stderr=subprocess.PIPE, text=True, check=False
    )
    os.close(writer)
    assert "Traceback" not in done.stderr


def test_an_early_stop_is_final_and_told(capsys: pytest.CaptureFixture[str]) -> None:
    options = ["train", "moons", "--epochs", "60", "--patience", "2", "--schedule", "constant", "--lr", "0.05"]
    assert main([*options, "--json", "--out", "r"]) == 0
    told = last_json(capsys.readouterr().out)
    assert told["epochs"] < 60
    assert "no better val_loss" in Run.open("r").events("end")[-1]["reason"]
    # As if it had been killed between the last epoch and the test:
    metrics = Path("r/metrics.jsonl")
    lines = [line for line in metrics.read_text().splitlines() if '"test"' not in line]
    metrics.write_text("\n".join(lines) + "\n")
    assert main(["resume", "r", "--quiet", "--json"]) == 0
    again = last_json(capsys.readouterr().out)
    assert {**again, "seconds": 0} == {**told, "seconds": 0}


def test_a_terminal_without_unicode() -> None:
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(
        [sys.executable, "-m", "upriver", "train", "--help"], capture_output=True, env=environment, check=False
    )
    assert done.returncode == 0
    assert b"8?8 pixels" in done.stdout
    assert done.stderr == b""


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_a_polite_kill_is_saved_too() -> None:
    command = [sys.executable, "-m", "upriver", "train", "spiral", "--epochs", "5000", "--out", "r", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        metrics = Path("r/metrics.jsonl")
        while not (metrics.exists() and metrics.read_text().count('"epoch"') > 2) and process.poll() is None:
            time.sleep(0.005)
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate()
    assert process.returncode == 143, err
    assert "upriver resume r" in err
    assert last_json(out) == {"run": "r", "status": "interrupted"}
    assert load_checkpoint("r/checkpoints/last.safetensors")["position"]["step"] > 0


def test_what_cannot_be_resumed(capsys: pytest.CaptureFixture[str]) -> None:
    run = Run.create("mine", {"note": "made by a program"})
    assert main(["resume", run.name]) == 1
    assert "is not of a recipe" in capsys.readouterr().err
    assert main([*XOR, "--quiet", "--out", "r"]) == 0
    again = Run.open("r")
    again.log(event="start", step=0, pid=os.getpid())
    again.close()
    assert main(["resume", "r"]) == 1
    assert "still running" in capsys.readouterr().err


def test_a_damaged_checkpoint_is_named_and_left_alone(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*XOR, "--quiet", "--out", "r"]) == 0
    metrics = Path("r/metrics.jsonl")
    metrics.write_text("".join(line for line in metrics.read_text().splitlines(True) if '"end"' not in line))
    with metrics.open("a") as file:
        file.write('{"event": "end", "status": "interrupted", "step": 5}\n')
    last = Path("r/checkpoints/last.safetensors")
    last.write_bytes(last.read_bytes()[:-40])
    damaged = last.read_bytes()
    assert main(["resume", "r"]) == 1
    err = capsys.readouterr().err
    assert "last.safetensors is damaged" in err
    assert "fix" in err
    assert last.read_bytes() == damaged


def test_an_error_that_was_not_foreseen(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    from upriver.cli import train

    monkeypatch.setattr(train, "_build", lambda *_: 1 / 0)
    assert main(XOR) == 1
    assert "ZeroDivisionError" in capsys.readouterr().err
    assert not Path("runs").exists()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="/dev/full is Linux's")
@pytest.mark.parametrize("options", [[], ["--json", "--quiet"]])
def test_standard_output_that_is_full_or_closed(tmp_path: Path, options: list[str]) -> None:
    command = f"{sys.executable} -m upriver train xor --epochs 1 {' '.join(options)} --out"
    full = subprocess.run(f"{command} {tmp_path / 'a'} > /dev/full", shell=True, capture_output=True, text=True)
    assert full.returncode == 1
    assert "No space left" in full.stderr
    assert "Traceback" not in full.stderr
    closed = subprocess.run(f"{command} {tmp_path / 'b'} >&-", shell=True, capture_output=True, text=True)
    assert (closed.returncode, closed.stderr) == (0, "")
