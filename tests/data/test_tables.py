import csv
import gzip
import json

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings, strategies as st

from upriver.data import TableEncoder, read_table
from upriver.errors import ArgumentError, DataError, FileError


@pytest.fixture
def write(tmp_path):
    def write(text, name="table.csv"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


FLOWERS = """length,width,colour,wild,seen,note,kind
1.5,2,red,yes,2024-01-05,ok,rose
2.5,,blue,no,2024-02-05,ok,iris
3.5,4,,yes,2024-02-07,ok,rose
4.5,5,red,no,2024-03-01,ok,iris
"""


def test_columns_are_what_they_look_like(write):
    table = read_table(write(FLOWERS), target="kind")
    assert [c.kind for c in table.encoder.columns] == [
        "numeric", "numeric", "categorical", "boolean", "ignored", "ignored",
    ]  # fmt: skip
    assert table.features == ("length", "width", "colour=blue", "colour=red", "colour=(missing)", "wild")
    assert table.x.dtype == np.float32
    assert table.x.tolist() == [
        [1.5, 2, 0, 1, 0, 1],
        [2.5, 4, 1, 0, 0, 0],
        [3.5, 4, 0, 0, 1, 1],
        [4.5, 5, 0, 1, 0, 0],
    ]
    assert (table.y.tolist(), table.y.dtype) == ([1, 0, 1, 0], np.int64)
    assert (table.classes, table.task) == (("iris", "rose"), "classification")
    assert table.missing == {"width": 1, "colour": 1}
    assert table.categories == {"colour": ("blue", "red", "(missing)")}
    assert table.notes == (
        "Column 'width': 1 missing, filled with the median 4.",
        "Column 'colour': 1 missing, a category of their own.",
        "Column 'seen': dates or times are not used.",
        "Column 'note': the same value in every row.",
    )
    assert repr(table) == "Table(table.csv: 4 x 6, target 'kind', classification)"
    assert "width   numeric             1        1  1 missing, filled with the median 4" in table.describe()


def test_new_rows_by_the_same_maps(write):
    table = read_table(write(FLOWERS), target="kind")
    rows = [
        {"length": 1, "width": None, "colour": "green", "wild": True},
        {"length": "2", "width": float("nan"), "colour": None, "wild": "no"},
        {"length": np.float32(3), "width": 7, "colour": "red", "wild": None},
    ]
    expected = [[1, 4, 0, 0, 0, 1], [2, 4, 0, 0, 1, 0], [3, 7, 0, 1, 0, 0.5]]
    assert table.apply(rows).tolist() == expected
    assert table.apply({k: [r[k] for r in rows] for k in rows[0]}).tolist() == expected
    stored = TableEncoder.from_dict(json.loads(json.dumps(table.encoder.to_dict())))
    assert stored == table.encoder
    assert stored.apply(rows).tolist() == expected
    assert np.array_equal(stored.apply(table.path), table.x)
    assert table.apply([]).shape == (0, 6)


def test_new_rows_of_a_data_frame(write):
    pd = pytest.importorskip("pandas")
    table = read_table(write(FLOWERS), target="kind")
    assert np.array_equal(table.apply(pd.read_csv(table.path)), table.x)


def test_new_rows_that_do_not_fit(write):
    table = read_table(write(FLOWERS), target="kind")
    good = {"length": 1, "width": 2, "colour": "red", "wild": "yes"}
    with pytest.raises(DataError, match="row 2: there is no column 'colour'") as caught:
        table.apply([good, {"length": 1, "width": 2, "color": "red", "wild": "yes"}])
    assert "Did you mean 'color'?" in str(caught.value)
    with pytest.raises(DataError, match="rows, row 1, column 'length': 'long' is not a number"):
        table.apply([{**good, "length": "long"}])
    with pytest.raises(DataError, match="'perhaps' is neither true nor false"):
        table.apply([{**good, "wild": "perhaps"}])
    with pytest.raises(DataError, match="inf is not finite"):
        table.apply([{**good, "length": float("inf")}])
    with pytest.raises(ArgumentError, match="a list of dictionaries"):
        table.apply([[1, 2, "red", "yes"]])
    with pytest.raises(DataError, match="unequal lengths"):
        table.apply({"length": [1], "width": [1, 2], "colour": [], "wild": []})


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found_out(write, delimiter):
    table = read_table(write(FLOWERS.replace(",", delimiter)), target="kind")
    assert table.x.shape == (4, 6)
    assert read_table(write(FLOWERS.replace(",", delimiter)), target="kind", delimiter=delimiter).x.shape == (4, 6)


def test_forms_of_text(write):
    plain = read_table(write("a,b\n1,2\n3,5\n"))
    for text in (
        "\ufeffa,b\n1,2\n3,5\n",
        "a,b\r\n1,2\r\n3,5\r\n",
        "\n a , b \n\n 1, 2\n3 ,5\n\n",
        '"a","b"\n"1","2"\n"3","5"',
    ):
        table = read_table(write(text))
        assert table.features == ("a", "b")
        assert np.array_equal(table.x, plain.x)
    assert read_table(write("a\tb\n1\t2\n3\t5\n", "t.tsv")).x.tolist() == plain.x.tolist()
    packed = write(gzip.compress(b"a,b\n1,2\n3,5\n"), "t.csv.gz")
    assert read_table(packed).x.tolist() == plain.x.tolist()
    with pytest.raises(FileError, match="cannot be read"):
        read_table(write(packed.read_bytes()[:-9], "cut.csv.gz"))
    assert plain.y is None
    assert plain.task is None


def test_a_decimal_comma(write):
    table = read_table(write("a;b\n1,5;2\n-0,25;3\n"))
    assert table.x.tolist() == [[1.5, 2.0], [-0.25, 3.0]]
    assert "Column 'a': a decimal comma was read." in table.notes
    assert table.apply([{"a": "2,5", "b": 1}]).tolist() == [[2.5, 1.0]]


def test_quoted_values_and_lines(write):
    table = read_table(write('name,n,y\n"a, b",1,0\n"two\nlines",2,1\n"a, b",3,0\n"a ""b""",4,1\n'), target="y")
    assert table.categories["name"] == ('a "b"', "a, b", "two\nlines")
    with pytest.raises(DataError, match="line 4, column 'n': inf is not finite"):
        read_table(write('name,n\n"two\nlines",2\na,inf\n'))


@pytest.mark.parametrize("header", ["0,1,2", ",0,1", "town,2019,2020"])
def test_numbers_that_may_name_columns(write, header):
    assert read_table(write(f"{header}\n1.5,2,3\n2.5,3,5\n")).x.shape == (2, 3)


def test_identifiers_and_row_numbers_are_left_out(write):
    rows = "\n".join(f"{i},user{i},{i % 7},{i * 3 % 5}" for i in range(40))
    table = read_table(write(f",name,steps,y\n{rows}\n"), target="y")
    assert table.features == ("steps",)
    assert table.notes[0] == "Column 'column 1': it counts the rows."
    assert table.notes[1] == "Column 'name': 40 different texts: a name or free text."
    passengers = read_table(write("PassengerId,name,y\n1,a,3\n2,b,4\n3,c,5\n4,d,6\n5,e,7\n"))
    assert passengers.features == ("y",)
    counted = read_table(write("time,y\n" + "\n".join(f"{i},{i * 1.5}" for i in range(30))), target="y")
    assert counted.features == ("time",)


def test_numbers_with_underscores_are_names(write):
    assert read_table(write("part,y\n1_0,1\n1_1,2\n1_0,3\n")).features == ("part=1_0", "part=1_1", "y")


def test_columns_can_be_told_what_they_are(write):
    text = "code,n,y\n" + "\n".join(f"{i % 3},{i},{i % 2}" for i in range(30))
    table = read_table(write(text), target="y", categorical=["code"], ignore=["n"])
    assert table.features == ("code=0", "code=1", "code=2")
    assert table.encoder.columns[1].note == "left out"
    assert table.apply([{"code": 1.0}]).tolist() == [[0.0, 1.0, 0.0]]


# The target.


@pytest.mark.parametrize(
    ("values", "task", "classes"),
    [
        (["a", "b", "a"], "classification", ("a", "b")),
        (["yes", "no", "yes"], "classification", ("no", "yes")),
        ([0, 1, 1], "classification", ("0", "1")),
        ([-1, 1.0, 1], "classification", ("-1", "1")),
        ([1234567, 1234568] * 3, "classification", ("1234567", "1234568")),
        ([0, 1, 2, 3] * 5, "classification", ("0", "1", "2", "3")),
        ([3, 5, 9], "regression", ()),
        (list(range(40)), "regression", ()),
        ([0.5, 1.5] * 4, "regression", ()),
    ],
)
def test_the_task_follows_from_the_target(write, values, task, classes):
    text = "x,y\n" + "\n".join(f"{i * 0.5},{v}" for i, v in enumerate(values))
    table = read_table(write(text), target="y")
    assert (table.task, table.classes) == (task, classes)
    if task == "regression":
        assert (table.y.shape, table.y.dtype) == ((len(values), 1), np.float32)
        assert table.y[:, 0].tolist() == values
    else:
        assert [table.classes[k] for k in table.y] == [f"{v:g}" if isinstance(v, float) else str(v) for v in values]


def test_the_task_can_be_given(write):
    text = "x,y\n" + "\n".join(f"{i},{i % 3}" for i in range(30))
    assert read_table(write(text), target="y", task="regression").y.shape == (30, 1)
    short = write("x,y\n1,1\n2,3\n3,7\n")
    assert read_table(short, target="y", task="classification").classes == ("1", "3", "7")
    assert read_table(short, target="y", categorical=["y"]).classes == ("1", "3", "7")
    with pytest.raises(ArgumentError, match="task"):
        read_table(short, task="ranking")
    with pytest.raises(DataError, match="a target of text is no quantity"):
        read_table(write("x,y\n1,a\n2,b\n"), target="y", task="regression")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x,y\n1,a\n2,\n3,b\n4,?\n", r"line 3, column 'y': the target is missing \(in 2 of 4 rows\)"),
        ("x,y\n1,1\n2,nan\n", r"line 3, column 'y': the target is missing \(in 1 of 2 rows\)"),
        ("x,y\n1,a\n2,a\n", "column 'y': the target has the same value in every row"),
        ("x,y\n1,3\n2,3\n", "column 'y': the target has the same value in every row"),
        ("x,y\n1,3\n2,inf\n", "line 3, column 'y': inf is not finite"),
        ("x,y\n" + "\n".join(f"{i},name{i}" for i in range(25)), "25 different texts in 25 rows"),
        ("y\n1\n2\n", r"no column is left to learn from \(the target is the only one\)"),
        ("x,y\n1,1\n1,2\n", r"no column is left to learn from \(x: the same value in every row\)"),
    ],
)
def test_a_target_that_cannot_be_learnt(write, text, message):
    path = write(text)
    with pytest.raises(DataError, match=message) as caught:
        read_table(path, target="y")
    assert str(path) in str(caught.value)
    assert "  at  " not in str(caught.value)


def test_a_column_that_is_not_there(write):
    path = write("weight,height,species\n1,2,a\n2,3,b\n")
    with pytest.raises(DataError, match=r"table\.csv: there is no column 'Specis'") as caught:
        read_table(path, target="Specis")
    assert "Did you mean 'species'? The columns are: weight, height, species." in str(caught.value)
    for keyword in ("ignore", "categorical"):
        with pytest.raises(DataError, match="no column 'xyz'") as caught:
            read_table(path, **{keyword: ["xyz"]})
        assert "Did you mean" not in str(caught.value)


# Files that are no tables.


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the file is empty"),
        ("\n\n", "the file is empty"),
        ("a,b\n", "there is a header, but no rows"),
        ("1,2\n3,4\n", r"line 1: numbers \(1, 2, \.\.\.\), where the columns' names should be"),
        ("8,307.0,ford\n6,200.5,vw\n", r"line 1: numbers \(8, 307\.0, \.\.\.\), where"),
        ("a,b,a\n1,2,3\n", "line 1: two columns are named 'a'"),
        ("a,b\n1,2\n3\n", "line 3: 1 values, the header has 2"),
        ("a,b\n1,2\n3,4,5\n", "line 3: 3 values, the header has 2"),
        ("a,b\n1,2\n1e39,4\n", "line 3, column 'a': 1e\\+39 is not finite in single precision"),
        ("a,b\n1,2\n-inf,4\n", "line 3, column 'a': -inf is not finite"),
        ("a,b\n" + "1,2\n" * 20 + "x1,4\n2,3\n", "line 22, column 'a': 'x1' is not a number, but 21 of 22 values are"),
    ],
)
def test_tables_that_are_wrong(write, text, message):
    path = write(text)
    with pytest.raises(DataError, match=message) as caught:
        read_table(path)
    assert str(path) in str(caught.value)
    assert caught.value.site is None


def test_files_that_are_wrong(write, tmp_path):
    write(FLOWERS, "flowers.csv")
    with pytest.raises(FileError, match="no such file") as caught:
        read_table(tmp_path / "flower.csv")
    assert "there are flowers.csv" in str(caught.value)
    with pytest.raises(FileError, match="There is no folder"):
        read_table(tmp_path / "none" / "flower.csv")
    with pytest.raises(FileError, match="a folder, not a table"):
        read_table(tmp_path)
    with pytest.raises(FileError, match="not UTF-8"):
        read_table(write("naïve,b\n1,2\n".encode("latin-1"), "latin.csv"))
    with pytest.raises(FileError, match="not known as a table"):
        read_table(write(b"PK", "table.xlsx"))
    with pytest.raises((FileError, DataError)):
        read_table(write(b"\x00\x00\x01,\x00\n", "binary.csv"))


def test_a_split_for_training(write):
    text = "x,y\n" + "\n".join(f"{i * 0.1:.1f},{'ab'[i % 2]}" for i in range(50))
    data = read_table(write(text), target="y").split(test=0.2, seed=1)
    assert (data.x_train.shape, data.x_test.shape) == ((40, 1), (10, 1))
    assert np.bincount(data.y_test).tolist() == [5, 5]
    assert data.classes == ("a", "b")
    with pytest.raises(DataError, match="no target"):
        read_table(write(text)).split()


# Round trips.

finite = st.floats(-(2.0**100), 2.0**100, width=32).map(lambda v: v + 0.0)
label = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc", "Zs", "Zl", "Zp")), min_size=1, max_size=5)


@given(
    rows=st.lists(st.tuples(finite, st.one_of(st.none(), finite), st.sampled_from("pqr"), st.booleans()), min_size=3),
    delimiter=st.sampled_from([",", ";", "\t", "|"]),
    target=st.booleans(),
)
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_numbers_survive_a_csv_file(tmp_path, rows, delimiter, target):
    numbers = np.array([[a, np.nan if b is None else b] for a, b, _, _ in rows])
    there = numbers[~np.isnan(numbers[:, 1]), 1]
    assume(len(set(numbers[:, 0])) > 1 and len(set(there)) > 1)
    path = tmp_path / "t.csv"
    with path.open("w", newline="", encoding="utf-8") as stream:
        out = csv.writer(stream, delimiter=delimiter)
        out.writerow(["alpha", "beta", "kind", "flag"])
        out.writerows([[a, "" if b is None else b, k, f] for a, b, k, f in rows])
    kinds = [k for _, _, k, _ in rows]
    assume(not target or len(set(kinds)) > 1)
    table = read_table(path, target="kind" if target else None)
    columns = dict(zip(table.features, table.x.T, strict=True))
    assert columns["alpha"].tolist() == numbers[:, 0].astype(np.float32).tolist()
    beta = np.where(np.isnan(numbers[:, 1]), np.median(there), numbers[:, 1]).astype(np.float32)
    assert np.array_equal(columns["beta"], beta)
    if target:
        assert [table.classes[k] for k in table.y] == kinds
    elif len(set(kinds)) > 1:
        for kind in set(kinds):
            assert columns[f"kind={kind}"].tolist() == [float(k == kind) for k in kinds]
    if len({f for *_, f in rows}) == 2:
        assert columns["flag"].tolist() == [float(f) for *_, f in rows]
    assert np.array_equal(table.apply(path), table.x)


@given(st.lists(label, min_size=2, max_size=15))
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_survives_as_a_class(tmp_path, labels):
    labels = [f"~{v}" for v in labels]  # not a number, a truth value or a sign for a missing value
    assume(len(set(labels)) > 1)
    path = tmp_path / "t.csv"
    with path.open("w", newline="", encoding="utf-8") as stream:
        out = csv.writer(stream)
        out.writerow(["x", "label"])
        out.writerows([[i * 0.5, v] for i, v in enumerate(labels)])
    table = read_table(path, target="label", delimiter=",")
    assert [table.classes[k] for k in table.y] == labels


# Parquet.


@pytest.fixture
def parquet(tmp_path):
    pa = pytest.importorskip("pyarrow")
    pq = pytest.importorskip("pyarrow.parquet")

    def write(columns):
        pq.write_table(pa.table(columns), tmp_path / "t.parquet")
        return tmp_path / "t.parquet"

    return write


def test_parquet_is_read_like_csv(parquet, write):
    import datetime

    pa = pytest.importorskip("pyarrow")
    path = parquet(
        {
            "n": pa.array([1, 2, None, 4], pa.int32()),
            "f": pa.array([1.5, float("nan"), 2.5, 3.5]),
            "d": pa.array(["a", "b", "a", None]).dictionary_encode(),
            "b": pa.array([True, False, True, True]),
            "when": pa.array([datetime.date(2024, 1, d) for d in range(1, 5)]),
            "nothing": pa.nulls(4),
            "list": pa.array([[1], [2], [3], [4]]),
            "y": pa.array([0, 1, 0, 1], pa.int8()),
        }
    )
    table = read_table(path, target="y")
    assert table.features == ("n", "f", "d=a", "d=b", "d=(missing)", "b")
    assert table.x.tolist() == [
        [1, 1.5, 1, 0, 0, 1],
        [2, 2.5, 0, 1, 0, 0],
        [2, 2.5, 1, 0, 0, 1],
        [4, 3.5, 0, 0, 1, 1],
    ]
    assert table.classes == ("0", "1")
    notes = {c.name: c.note for c in table.encoder.columns}
    assert notes["when"] == "dates or times are not used"
    assert notes["list"].startswith("values of type list<")
    assert notes["nothing"] == "no value in any row"
    csv_path = write("n,f,d,b,y\n1,1.5,a,true,0\n2,,b,false,1\n,2.5,a,true,0\n4,3.5,,true,1\n")
    assert np.array_equal(read_table(csv_path, target="y").x, table.x)
    assert np.array_equal(table.apply(csv_path), table.x)


def test_parquet_that_is_wrong(parquet, tmp_path, monkeypatch):
    with pytest.raises(DataError, match="row 2, column 'x': inf is not finite"):
        read_table(parquet({"x": [1.0, float("inf")], "y": [1.0, 2.0]}))
    with pytest.raises(DataError, match="no rows"):
        read_table(parquet({"x": []}))
    with pytest.raises(DataError, match="row 2, column 'y': the target is missing"):
        read_table(parquet({"x": [1.0, 2.0], "y": ["a", None]}), target="y")
    (tmp_path / "cut.parquet").write_bytes((tmp_path / "t.parquet").read_bytes()[:-20])
    with pytest.raises(FileError, match=r"cut\.parquet: cannot be read"):
        read_table(tmp_path / "cut.parquet")
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(DataError, match="needs the Python package pyarrow") as caught:
        read_table(tmp_path / "t.parquet")
    assert "pip install pyarrow" in str(caught.value)
