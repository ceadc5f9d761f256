"""What a recipe is made of: the options it takes, and the task that it builds from them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from upriver import nn, optim
from upriver.data import DataLoader, TensorDataset, split
from upriver.errors import ArgumentError, either
from upriver.train.metrics import ACCURACY, Metric

ACTIVATIONS = {
    "relu": "ReLU",
    "leaky_relu": "LeakyReLU",
    "elu": "ELU",
    "selu": "SELU",
    "gelu": "GELU",
    "silu": "SiLU",
    "softplus": "Softplus",
    "tanh": "Tanh",
    "sigmoid": "Sigmoid",
    "identity": "Identity",
}
# Each optimiser, and a learning rate that suits it; None is the recipe's own, which is meant for Adam and AdamW.
OPTIMIZERS: dict[str, float | None] = {
    "sgd": 0.1,
    "momentum": 0.05,
    "nesterov": 0.05,
    "rmsprop": 1e-3,
    "adagrad": 1e-2,
    "adam": None,
    "adamw": None,
}
SCHEDULES = ("constant", "cosine", "onecycle")


@dataclass(frozen=True)
class Options:
    """What can be chosen for a recipe; every recipe has its own defaults.

    Attributes:
        model: which of the recipe's models.
        hidden: the widths of its hidden layers.
        activation: one of ``ACTIVATIONS``.
        dropout: the share of hidden units that a training step leaves out.
        optimizer: one of ``OPTIMIZERS``.
        lr: the learning rate; with a schedule, its largest value.
        schedule: one of ``SCHEDULES``.
        weight_decay: for AdamW decoupled, else added to the gradient.
        batch_size: samples per step.
        epochs: passes over the training data.
        clip: the largest norm of all gradients together, or None.
        patience: epochs without a better validation loss before training stops, or None.
        seed: of the weights, the order of the batches and dropout.
        compile: whether training steps are compiled; None for where it saves time.
        data, target: for tables: the file and the column to predict.
    """

    model: str = "mlp"
    hidden: tuple[int, ...] = (64,)
    activation: str = "relu"
    dropout: float = 0.0
    optimizer: str = "adamw"
    lr: float = 3e-3
    schedule: str = "onecycle"
    weight_decay: float = 0.01
    batch_size: int = 64
    epochs: int = 30
    clip: float | None = None
    patience: int | None = None
    seed: int = 0
    compile: bool | None = None
    data: str | None = None
    target: str | None = None


@dataclass(frozen=True, kw_only=True)
class Task:
    """Everything that training needs, and what to look at afterwards.

    Attributes:
        model, loss, optimizer, schedule: as the Trainer takes them; the schedule advances each step.
        train, val, test: loaders.
        metrics: the first one is the task's own measure.
        about: the data in one line, for people.
        classes: their names, for a confusion matrix; empty where there are none.
        samples: what the trained model writes, for people.
        pictures: file names and SVG, of the trained model.
        notes: what was found in the data and is worth a line each.
        files: file names and plain data, to be kept with the run as JSON.
    """

    model: Any
    loss: Any
    optimizer: Any
    schedule: Any
    train: DataLoader
    val: DataLoader
    test: DataLoader
    metrics: tuple[Metric, ...] = (ACCURACY,)
    about: str = ""
    classes: tuple[str, ...] = ()
    samples: Callable[[], list[str]] | None = None
    pictures: Callable[[], dict[str, str]] | None = None
    notes: tuple[str, ...] = ()
    files: dict[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """A named task.

    Attributes:
        name: what it is called on the command line.
        build: makes the task. The global generator has been seeded before.
        defaults: its options where nothing else is said.
        models: the names of the models that it can build.
        models_differ: options that one of its models has other defaults for.
        ideas: gives options worth trying next, with the reason in the reader's language.
    """

    name: str
    build: Callable[[Options], Task]
    defaults: Options
    models: tuple[str, ...] = ("mlp",)
    models_differ: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    ideas: Callable[[], tuple[tuple[str, str], ...]] = tuple

    def options(self, **chosen: Any) -> Options:
        """The defaults, with what was chosen (None: not chosen) in their place.

        Raises:
            ArgumentError: the recipe has no such model.
        """
        given = {key: value for key, value in chosen.items() if value is not None}
        model = given.get("model", self.defaults.model)
        if model not in self.models:
            raise ArgumentError(
                f"the recipe {self.name} has no model {model!r}", f"Use {either(self.models)}.", at=False
            )
        rate = OPTIMIZERS[given.get("optimizer", self.defaults.optimizer)]
        suited = {} if rate is None else {"lr": rate}
        return replace(self.defaults, **{**self.models_differ.get(model, {}), **suited, **given})


def activation(name: str) -> nn.Module:
    """A new module of the activation of that name."""
    return getattr(nn, ACTIVATIONS[name])()


def make_optimizer(options: Options, model: nn.Module) -> Any:
    """The optimiser that the options name, over all parameters of ``model``."""
    parameters, lr, decay = model.parameters(), options.lr, options.weight_decay
    match options.optimizer:
        case "sgd":
            return optim.SGD(parameters, lr)
        case "momentum":
            return optim.SGD(parameters, lr, momentum=0.9)
        case "nesterov":
            return optim.SGD(parameters, lr, momentum=0.9, nesterov=True)
        case "rmsprop":
            return optim.RMSprop(parameters, lr)
        case "adagrad":
            return optim.Adagrad(parameters, lr)
        case "adam":
            return optim.Adam(parameters, lr)
        case _:
            return optim.AdamW(parameters, lr, weight_decay=decay)


def make_schedule(options: Options, optimizer: Any, train: DataLoader) -> Any:
    """The schedule that the options name, to be advanced after each step; None for a constant rate."""
    steps = options.epochs * len(train)
    match options.schedule:
        case "onecycle" if steps > 3:
            cycles = any(key in optimizer.param_groups[0] for key in ("betas",)) or bool(
                optimizer.param_groups[0].get("momentum")
            )
            return optim.lr_scheduler.OneCycleLR(
                optimizer, options.lr, total_steps=steps, cycle_momentum=cycles, final_div_factor=10.0
            )
        case "cosine":
            return optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=steps)
        case _:
            return None


def make_loaders(
    options: Options, x: Any, y: Any, x_test: Any, y_test: Any, *, stratify: bool = True
) -> tuple[DataLoader, DataLoader, DataLoader]:
    """Loaders of the training part less a tenth, of that tenth to validate on, and of the test part.

    The tenth is the same for every seed, so that runs can be compared.
    """
    part, held = split(len(x), test=0.1, seed=1, stratify=y if stratify else None)
    size = max(256, options.batch_size)
    return (
        DataLoader(TensorDataset(x[part], y[part]), options.batch_size, shuffle=True, seed=options.seed),
        DataLoader(TensorDataset(x[held], y[held]), size),
        DataLoader(TensorDataset(x_test, y_test), size),
    )
