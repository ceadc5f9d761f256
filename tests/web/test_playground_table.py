"""The learner's own table in the playground: what becomes of it, and what is said where nothing can."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from upriver.errors import UpriverError
from upriver.web.sessions.playground.config import MOST_TEXT, Config
from upriver.web.sessions.playground.data import points
from upriver.web.sessions.playground.session import Playground

FRUIT = "weight,colour,length,kind\n" + "\n".join(
    f"{120 + i},red,{5 + i % 3},{'apple' if i % 2 else 'pear'}" for i in range(20)
)


def of(text, **more):
    return points(Config.of({"data": "table", "table": {"text": text, **more}}))


def test_columns_are_found():
    made = of(FRUIT)
    assert made.about["x"] == "weight"
    assert made.about["y"] == "length"
    assert made.about["target"] == "kind"
    assert made.about["values"] == ["apple", "pear"]
    assert made.about["numbers"] == ["weight", "length"]
    assert set(made.target.tolist()) == {-1.0, 1.0}
    assert (made.at.min(), made.at.max()) == (-5.0, 5.0)
    other = of(FRUIT, x="length", y="weight", yes="pear")
    assert np.array_equal(other.at[:, ::-1], made.at)
    assert np.array_equal(other.target, -made.target)


def test_a_quantity_and_missing_values():
    text = "a;b;c\n" + "\n".join(f"{i};{i * i};{i / 3}" for i in range(30)) + "\n;1;2\n3;;1\n"
    made = of(text)
    assert made.quantity
    assert len(made.at) == 30
    assert (made.target.min(), made.target.max()) == (-1.0, 1.0)
    assert [str(note) for note in made.notes] == ["2 rows are left out: a value is missing in them."]


def test_many_rows_and_several_classes():
    rows = "\n".join(f"{i % 91},{i % 77},{'abc'[i % 3]}" for i in range(3000))
    made = of("x,y,kind\n" + rows, yes="b")
    assert len(made.at) == 1000
    assert [str(note) for note in made.notes] == [
        "Of 3,000 rows, 1,000 are taken at random.",
        "b is told apart from all other values of kind.",
    ]


@pytest.mark.parametrize(
    ("text", "more", "said"),
    [
        ("", {}, "empty"),
        ("a,b,c\n", {}, "no rows"),
        ("a,b,c\n1,2\n", {}, "line 2: 2 values, the header has 3"),
        ("1,2,3\n4,5,6\n", {}, "where the columns' names should be"),
        ("a,a,c\n1,2,3\n", {}, "two columns are named 'a'"),
        ("a,b,c\n1,2,3\n2,3,4\n", {}, "2 points are too few"),
        ("a,b,c\n" + "1,2,x\n" * 5, {}, "all points are of one class"),
        ("a,b,c\n" + "1,red,x\n1,blue,y\n" * 5, {}, "the map needs two"),
        (FRUIT, {"target": "taste"}, "there is no column 'taste'"),
        (FRUIT, {"x": "colour"}, "it is no axis of the map"),
        (FRUIT, {"yes": "plum"}, "there is no value 'plum'"),
        ("a,b,c\n" + "\n".join(f"1,{i},t{i}" for i in range(60)), {}, "which are no classes"),
        ("a,b,c\n" + "1,2,\n" * 5, {}, "in every row a value is missing"),
        (",".join(f"c{i}" for i in range(61)) + "\n" + ",".join("1" * 61), {}, "at most 60 are read"),
        ("a,b,c\n1e300,2,3\n2,3,4\n3,1,2\n5,2,7\n", {}, "the map needs two"),
        ('a,b,c\n"1,2,3\n', {}, "values"),
        ("a\0,b\n1,2\n", {}, ""),
    ],
)
def test_what_cannot_be_used_is_told(text, more, said):
    with pytest.raises(UpriverError) as caught:
        of(text, **more)
    assert said in str(caught.value)


def test_a_table_is_bounded():
    with pytest.raises(UpriverError, match="at most 400,000 are read"):
        of("a,b,c\n" + "1,2,3\n" * MOST_TEXT)


cells = st.one_of(
    st.sampled_from(["1", "2.5", "-3", "", "nan", "inf", "x", "yes", '"', "1e40", "é", "\t", "0"]), st.text()
)


@settings(max_examples=150)
@given(st.lists(st.lists(cells, min_size=1, max_size=4).map(",".join), max_size=12), st.sampled_from(["", "a,b,c\n"]))
def test_any_text_gives_points_or_a_sentence(rows, header):
    config = Config.of({"data": "table", "table": {"text": header + "\n".join(rows)}})
    try:
        made = points(config)
    except UpriverError:
        return
    assert np.isfinite(made.at).all()
    assert np.isfinite(made.target).all()
    assert np.abs(made.at).max() <= 6.0
    session = Playground({"sides": [{**config.plain(), "layers": [2]}]})
    session.tell("step", {"count": 2})
    assert session.advance(0.0) is not None
