"""Handwritten digits of 8×8 pixels: 1,797 of them, which scikit-learn carries."""

from __future__ import annotations

from upriver import nn
from upriver.data import load_digits
from upriver.i18n import say

from .base import Options, Recipe, Task, make_loaders, make_optimizer, make_schedule
from .models import MLP, ConvNet


def build(options: Options) -> Task:
    """The task of telling the ten digits apart."""
    digits = load_digits()
    train, val, test = make_loaders(options, digits.x_train, digits.y_train, digits.x_test, digits.y_test)
    if options.model == "cnn":
        model: nn.Module = ConvNet(8, options.hidden[0], 10, options.activation, options.dropout)
    else:
        model = MLP(64, options.hidden, 10, options.activation, options.dropout)
    optimizer = make_optimizer(options, model)
    return Task(
        model=model,
        loss=nn.CrossEntropyLoss(),
        optimizer=optimizer,
        schedule=make_schedule(options, optimizer, train),
        train=train,
        val=val,
        test=test,
        classes=digits.classes,
        about=say(
            "{train} + {test} handwritten digits, 8×8 pixels", train=len(digits.x_train), test=len(digits.x_test)
        ),
    )


RECIPE = Recipe(
    name="digits",
    build=build,
    defaults=Options(hidden=(256, 128), dropout=0.3, lr=5e-3, epochs=30),
    models=("mlp", "cnn"),
    models_differ={"cnn": {"hidden": (64,), "lr": 3e-3, "epochs": 15}},
    ideas=lambda: (
        ("--model cnn", say("convolutions see shapes wherever they are")),
        ("--hidden 32,32,32,32,32,32 --activation sigmoid", say("watch the gradient vanish on its way back")),
        ("--optimizer momentum --lr 30 --schedule constant", say("a rate far too large: every unit dies")),
    ),
)
