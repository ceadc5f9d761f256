"""Fashion-MNIST: photographs of clothes, 28×28 pixels, as the Debian package dataset-fashion-mnist installs them."""

from __future__ import annotations

from upriver import nn
from upriver.data import load_fashion_mnist
from upriver.i18n import say

from .base import Options, Recipe, Task, make_loaders, make_optimizer, make_schedule
from .models import MLP, ConvNet


def build(options: Options) -> Task:
    """The task of telling ten kinds of clothes apart."""
    clothes = load_fashion_mnist(options.data)
    train, val, test = make_loaders(options, clothes.x_train, clothes.y_train, clothes.x_test, clothes.y_test)
    if options.model == "cnn":
        model: nn.Module = ConvNet(28, options.hidden[0], 10, options.activation, options.dropout, channels=8)
    else:
        model = MLP(784, options.hidden, 10, options.activation, options.dropout)
    optimizer = make_optimizer(options, model)
    return Task(
        model=model,
        loss=nn.CrossEntropyLoss(),
        optimizer=optimizer,
        schedule=make_schedule(options, optimizer, train),
        train=train,
        val=val,
        test=test,
        classes=clothes.classes,
        about=say(
            "{train} + {test} photographs of clothes, 28×28 pixels",
            train=len(clothes.x_train),
            test=len(clothes.x_test),
        ),
    )


RECIPE = Recipe(
    name="fashion",
    build=build,
    defaults=Options(hidden=(256, 128), dropout=0.2, lr=3e-3, batch_size=256, epochs=10),
    models=("mlp", "cnn"),
    models_differ={"cnn": {"hidden": (128,), "lr": 4e-3, "epochs": 4}},
    ideas=lambda: (("--model cnn", say("convolutions: slower, and a few per cent better")),),
)
