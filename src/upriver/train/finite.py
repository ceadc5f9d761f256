"""Numbers that stopped being numbers: found at the step where it happens, before anything is changed or saved."""

from __future__ import annotations

import math
import sys
from typing import Any

import numpy as np

from ..errors import UpriverError
from ..i18n import say
from ..ops.checks import check_range


class TrainingError(UpriverError, ArithmeticError):
    """Training that cannot go on: the loss, a gradient or a weight is not a finite number."""


REMEDY = (
    "Try a learning rate ten times smaller, or clip the gradients (--clip 1); "
    "check that the inputs are finite and of about unit size."
)


def check_loss(value: Any, model: Any, inputs: Any, targets: Any) -> None:
    """Refuse to go on with a loss that is not finite. Its gradients are there, to tell where it began.

    Raises:
        TrainingError: it is NaN or infinite.
    """
    number = float(value.array)
    check_range(value, -sys.float_info.max, sys.float_info.max)
    if not math.isfinite(number):
        for what, given in (("inputs", inputs), ("targets", targets)):
            array = np.asarray(getattr(given, "array", given))
            if array.dtype.kind == "f" and not np.isfinite(array).all():
                sample = int(np.argwhere(~np.isfinite(array))[0][0]) if array.ndim else 0
                raise TrainingError(
                    f"the loss is {_name(number)}, and so are the {what} of the batch, first in its sample {sample}",
                    "Drop such samples, or fill in the values, before training.",
                    at=False,
                )
        where = _where(model)
        raise TrainingError(
            f"the loss is {_name(number)}\n{where}" if where else f"the loss is {_name(number)}", REMEDY, at=False
        )


def check_gradients(norm: Any, model: Any) -> None:
    """Refuse to take a step along gradients that are not finite: their norm tells.

    Raises:
        TrainingError: an entry of a gradient is NaN or infinite.
    """
    check_range(norm, 0.0, sys.float_info.max)
    if not math.isfinite(norm.array) and (where := _where(model)):
        raise TrainingError(f"the loss is finite, but its gradient is not\n{where}", REMEDY, at=False)


def check_weights(model: Any) -> None:
    """Refuse to keep weights that are not finite.

    Raises:
        TrainingError: a parameter has an entry that is NaN or infinite.
    """
    for name, parameter in model.named_parameters():
        if not np.isfinite(parameter.array).all():
            raise TrainingError(f"the last update made {name} infinite or NaN", REMEDY, at=False)


def _name(number: float) -> str:
    return "NaN (not a number)" if math.isnan(number) else "infinite"


def _where(model: Any) -> str:
    """The layer where backpropagation first met a number that is not finite, as lines; empty if there is none.

    The walk goes from the loss back to the inputs, so it is the last of the layers.
    """
    bad = [
        name
        for name, parameter in model.named_parameters()
        if parameter.grad is not None and not np.isfinite(parameter.grad.array).all()
    ]
    weights = [name for name, parameter in model.named_parameters() if not np.isfinite(parameter.array).all()]
    lines: list[str] = []
    if bad:
        layers = list(dict.fromkeys(name.rpartition(".")[0] or name for name in bad))
        told = {"parameter": bad[-1], "layer": layers[-1]}
        lines.append(
            say(
                "  first not finite on the way back: the gradient of {parameter} (layer {layer}, and {n} more before "
                "it)",
                **told, n=len(layers) - 1,
            )
            if len(layers) > 1
            else say("  first not finite on the way back: the gradient of {parameter} (layer {layer})", **told)
        )  # fmt: skip
    if weights:
        lines.append(say("  the update before had already made {parameter} infinite or NaN", parameter=weights[0]))
    return "\n".join(lines)
