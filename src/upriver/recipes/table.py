"""A table of the user's own: CSV or Parquet, one row per sample, classes or a quantity to predict."""

from __future__ import annotations

from dataclasses import replace

from upriver import nn
from upriver.data import Standardize, read_table
from upriver.errors import ArgumentError, DataError
from upriver.i18n import say
from upriver.train.metrics import ACCURACY, MAE, RMSE, Metric

from .base import Options, Recipe, Task, make_loaders, make_optimizer, make_schedule
from .models import MLP

_FEWEST = 4  # so that each part has a row


def build(options: Options) -> Task:
    """The task of predicting the target column from the others."""
    if options.data is None or options.target is None:
        raise ArgumentError("a table needs a file and a target", "Give --data FILE --target COLUMN.", at=False)
    table = read_table(options.data, target=options.target)
    if len(table.x) < _FEWEST:
        raise DataError(
            f"{table.path}: {len(table.x)} rows are too few to train on, to validate on and to test on",
            f"At least {_FEWEST} are needed; for a useful result, some hundreds.",
            at=False,
        )
    parts = table.split()
    scale = Standardize().fit(parts.x_train)
    x, x_test = scale(parts.x_train), scale(parts.x_test)
    y, y_test = parts.y_train, parts.y_test
    kept = {"encoder": table.encoder.to_dict(), "scale": scale.state_dict()}
    classify = parts.task == "classification"
    metrics: tuple[Metric, ...] = (ACCURACY,)
    if not classify:
        # The network learns the quantity in units of its own spread; errors are told in the user's units.
        unit = Standardize().fit(y)
        y, y_test, spread = unit(y), unit(y_test), float(unit.std[0])
        metrics = (
            replace(RMSE, of_batch=lambda out, t, loss: RMSE.of_batch(out, t, loss) * spread**2),
            replace(MAE, of_batch=lambda out, t, loss: MAE.of_batch(out, t, loss) * spread),
        )
        kept["target_scale"] = unit.state_dict()
    train, val, test = make_loaders(options, x, y, x_test, y_test, stratify=classify)
    outputs = len(parts.classes) if classify else 1
    model = MLP(x.shape[1], options.hidden, outputs, options.activation, options.dropout)
    optimizer = make_optimizer(options, model)
    return Task(
        model=model,
        loss=nn.CrossEntropyLoss() if classify else nn.MSELoss(),
        optimizer=optimizer,
        schedule=make_schedule(options, optimizer, train),
        train=train,
        val=val,
        test=test,
        metrics=metrics,
        classes=parts.classes,
        about=say(
            "{train} + {test} rows, {features} features; predicts {target}",
            train=len(x),
            test=len(x_test),
            features=x.shape[1],
            target=options.target,
        ),
        notes=table.notes,
        files={"table.json": kept},
    )


RECIPE = Recipe(
    name="table",
    build=build,
    defaults=Options(hidden=(64, 32), lr=5e-3, batch_size=32, epochs=40, dropout=0.1),
)
