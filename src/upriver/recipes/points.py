"""Points of the plane in classes that no line divides: what hidden layers are for. And a picture of the result."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import upriver as ur
from upriver import nn
from upriver.i18n import say
from upriver.train.pictures import plane

from .base import Options, Task, make_loaders, make_optimizer, make_schedule
from .models import MLP

Points = tuple[Any, Any]


def build_points(options: Options, points: Callable[[], Points], held_out: Callable[[], Points], what: str) -> Task:
    """The task of telling apart what ``points()`` draws; tested on what ``held_out()`` draws."""
    x, y = points()
    x_test, y_test = held_out()
    classes = int(y.max()) + 1
    train, val, test = make_loaders(options, x, y, x_test, y_test)
    model = MLP(2, options.hidden, classes, options.activation, options.dropout)
    optimizer = make_optimizer(options, model)

    def probabilities(positions: Any) -> Any:
        with ur.no_grad():
            return model(ur.as_tensor(positions.astype(np.float32))).softmax(1).numpy()

    return Task(
        model=model,
        loss=nn.CrossEntropyLoss(),
        optimizer=optimizer,
        schedule=make_schedule(options, optimizer, train),
        train=train,
        val=val,
        test=test,
        classes=tuple(str(i) for i in range(classes)),
        about=say("{train} + {test} {points}", train=len(x), test=len(x_test), points=what),
        pictures=lambda: {"plane.svg": plane(probabilities, x_test, y_test, say("What the network says of the plane"))},
    )
