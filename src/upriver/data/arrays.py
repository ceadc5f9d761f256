"""A folder of .npy files as data to train on."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..causes import cause
from ..core.state import Array
from ..errors import ArgumentError, DataError, FileError
from .checks import check_finite
from .dataset import split
from .encoder import number_text
from .sources import Task, TrainTest
from .tables import MOST_CLASSES


def read_arrays(folder: str | Path, *, task: Task | None = None, test: float = 0.2, seed: int = 0) -> TrainTest:
    """The data of a folder with ``x.npy`` and ``y.npy``; or with ``x_train``, ``y_train``, ``x_test`` and ``y_test``.

    x may have any shape (N, ...). It becomes float32; bytes (uint8) are taken for images and divided by 255.
    y of integers or truth values (N,) or (N, 1) makes a classification, the classes being the values that occur; y of
    floats (N,) or (N, K) a regression, but for whole numbers of at most 20 kinds, five times each on the average.

    Args:
        folder: the folder.
        task: ``"classification"`` or ``"regression"``, whatever y looks like.
        test: the fraction to test on, where the folder has no parts of its own.
        seed: which split.

    Raises:
        FileError: a file is missing, damaged, or holds Python objects.
        DataError: lengths or shapes that do not go together, no rows, a value that is not finite, one class only,
            or a class in the test part that is not in the training part.

    Example:
        >>> import upriver as ur
        >>> import pathlib, tempfile
        >>> import numpy as np
        >>> folder = pathlib.Path(tempfile.mkdtemp())
        >>> np.save(folder / "x.npy", np.arange(40.0).reshape(20, 2))
        >>> np.save(folder / "y.npy", np.arange(20) % 2)
        >>> data = ur.data.read_arrays(folder)
        >>> data.x_train.shape, data.x_test.shape, data.classes
        ((16, 2), (4, 2), ('0', '1'))
    """
    if task not in (None, "classification", "regression"):
        raise ArgumentError(f"read_arrays: task must be 'classification' or 'regression', not {task!r}")
    place = Path(folder)
    if not place.is_dir():
        raise FileError(f"{place}: there is no such folder", at=False)
    parts = ["_train", "_test"] if (place / "x_train.npy").exists() else [""]
    xs = [_inputs(place / f"x{part}.npy") for part in parts]
    ys = [_load(place / f"y{part}.npy") for part in parts]
    for part, x, y in zip(parts, xs, ys, strict=True):
        if len(x) != len(y):
            raise DataError(
                f"{place}: x{part}.npy has {len(x):,} rows (shape {list(x.shape)}), y{part}.npy {len(y):,} "
                f"(shape {list(y.shape)})",
                "Row i of y must be the target of row i of x.",
                at=False,
            )
    if len(xs) == 2 and (xs[0].shape[1:] != xs[1].shape[1:] or ys[0].shape[1:] != ys[1].shape[1:]):
        raise DataError(
            f"{place}: rows of the training part are of shapes {list(xs[0].shape[1:])} and {list(ys[0].shape[1:])}, "
            f"of the test part {list(xs[1].shape[1:])} and {list(ys[1].shape[1:])}",
            at=False,
        )
    found, classes = _task(place / f"y{parts[0]}.npy", ys[0], task)
    targets = [_targets(place / f"y{part}.npy", y, classes, found) for part, y in zip(parts, ys, strict=True)]
    if len(xs) == 1:
        train, held = split(len(xs[0]), test, seed, stratify=targets[0] if found == "classification" else None)
        xs, targets = [xs[0][train], xs[0][held]], [targets[0][train], targets[0][held]]
    names = tuple(number_text(float(c)) for c in classes.tolist()) if found == "classification" else ()
    features = tuple(f"column {k}" for k in range(xs[0].shape[1])) if xs[0].ndim == 2 else ()
    return TrainTest(
        place.name, found, xs[0], targets[0], xs[1], targets[1], names, features,
        f"{len(xs[0]) + len(xs[1]):,} rows of shape {list(xs[0].shape[1:])}.", str(place), "the user's own",
    )  # fmt: skip


def _load(file: Path) -> Array:
    if not file.is_file():
        there = sorted(p.name for p in file.parent.glob("*.npy"))
        listed = f"There are {', '.join(there[:8])}." if there else "There is no .npy file in that folder."
        raise FileError(
            f"{file}: there is no such file",
            f"{listed} Expected: x.npy and y.npy; or x_train.npy, y_train.npy, x_test.npy and y_test.npy.",
            at=False,
        )
    try:
        array: Array = np.load(file, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise FileError(f"{file}: cannot be read ({cause(error)})", "Save it again: numpy.save.", at=False) from None
    if array.dtype.kind not in "fiub":
        raise DataError(
            f"{file}: values of dtype {array.dtype} are no numbers", "Convert them before saving.", at=False
        )
    if array.ndim == 0 or len(array) == 0:
        raise DataError(f"{file}: there are no rows (shape {list(array.shape)})", at=False)
    check_finite(str(file), array, at=False)
    return array


def _inputs(file: Path) -> Array:
    array = _load(file)
    if array.ndim == 1:
        array = array[:, None]
    if array.dtype == np.uint8:
        return np.divide(array, np.float32(255.0), dtype=np.float32)
    with np.errstate(over="ignore"):
        small = array.astype(np.float32)
    check_finite(f"{file}, in single precision", small, at=False)
    return small


def _task(file: Path, y: Array, task: Task | None) -> tuple[Task, Array]:
    """Classification or regression, and the classes."""
    kinds = np.unique(y)
    if len(kinds) == 1:
        raise DataError(
            f"{file}: the target has the one value {kinds[0]:g}, so there is nothing to learn",
            "At least two classes, or two values, are needed.",
            at=False,
        )
    column = y.ndim == 1 or y.shape[1:] == (1,)
    whole = y.dtype.kind in "iub" or (len(kinds) <= MOST_CLASSES and bool((kinds == np.rint(kinds)).all()))
    few = y.dtype.kind in "iub" or len(kinds) == 2 or len(y) >= 5 * len(kinds)
    if task == "classification" and not column:
        raise DataError(f"{file}: classes must be of shape (N,) or (N, 1), not {list(y.shape)}", at=False)
    if task is None:
        task = "classification" if column and whole and few else "regression"
    return task, kinds


def _targets(file: Path, y: Array, classes: Array, task: Task) -> Array:
    if task == "regression":
        return (y[:, None] if y.ndim == 1 else y).astype(np.float32)
    flat = y.reshape(-1)
    unknown = ~np.isin(flat, classes)
    if unknown.any():
        row = int(unknown.argmax())
        raise DataError(
            f"{file}, row {row}: the class {flat[row]:g} is none of the {len(classes)} in the training part", at=False
        )
    return np.searchsorted(classes, flat).astype(np.int64)
