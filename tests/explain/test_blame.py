"""Rankings against plain sorting; the coming update against the step that is then taken."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from itertools import pairwise

import numpy as np
import pytest

import upriver as ur
import upriver.nn.functional as F
from upriver import nn, optim
from upriver.errors import ArgumentError, GradError
from upriver.explain.blame import MEASURES, SENSITIVITY, TIMES_WEIGHT, UPDATE, blame
from upriver.explain.coming import coming_changes


def network(*widths: int, batch: int = 8) -> tuple[nn.Module, ur.Tensor]:
    ur.manual_seed(0)
    rng = np.random.default_rng(0)
    layers = [z for a, b in pairwise(widths) for z in (nn.Linear(a, b), nn.Tanh())][:-1]
    model = nn.Sequential(*layers)
    x = ur.Tensor(rng.standard_normal((batch, widths[0])).astype(np.float32))
    loss = F.cross_entropy(model(x), ur.Tensor(rng.integers(0, widths[-1], batch)))
    loss.backward()
    return model, loss


def all_weights(model, value):
    found = [
        (f"{name}[{', '.join(map(str, at))}]", float(value(p)[at]))
        for name, p in model.named_parameters()
        for at in np.ndindex(*p.shape)
    ]
    return sorted(found, key=lambda item: -abs(item[1]))


def test_single_weights_are_those_that_sorting_gives() -> None:
    model, loss = network(5, 7, 3)
    found = blame(loss, model, lr=0.1)
    assert found.measures == MEASURES
    for measure, value in (
        (SENSITIVITY, lambda p: p.grad.array),
        (UPDATE, lambda p: p.grad.array * (p.grad.array * np.float32(-0.1))),
        (TIMES_WEIGHT, lambda p: p.grad.array * p.array),
    ):
        expected = all_weights(model, value)
        assert [(w.name, w.value) for w in found.weights(measure, 9)] == expected[:9]
        everything = found.weights(measure, 10_000)
        assert len(everything) == found.count == 5 * 7 + 7 + 7 * 3 + 3
        if measure != SENSITIVITY:
            assert found.total(measure) == pytest.approx(sum(v for _, v in expected), rel=1e-6)
            # modules and units are sums, and so add up to the same
            for parts in (found.modules(measure, 99), found.units(measure, 99)):
                assert sum(item.value for item in parts) == pytest.approx(found.total(measure), rel=1e-6)


def test_modules_and_units_by_sensitivity_are_norms() -> None:
    model, loss = network(5, 7, 3)
    found = blame(loss, model)
    gradients = {m: (model[m].weight.grad.array, model[m].bias.grad.array) for m in (0, 2)}
    for item in found.modules():
        w, b = gradients[int(item.name)]
        assert item.value == pytest.approx(np.sqrt((w**2).sum() + (b**2).sum()), rel=1e-6)
    units = found.units(k=99)
    assert len(units) == 7 + 3
    for item in units:
        module, _, row = item.name.split()
        w, b = gradients[int(module)]
        assert item.value == pytest.approx(np.sqrt((w[int(row)] ** 2).sum() + b[int(row)] ** 2), rel=1e-6)
    assert found.total(SENSITIVITY) == pytest.approx(np.sqrt(sum(i.value**2 for i in found.modules())), rel=1e-6)


@pytest.mark.parametrize(
    "make",
    [
        lambda p: optim.SGD(p, lr=0.1),
        lambda p: optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.01),
        lambda p: optim.Adam(p, lr=0.01),
        lambda p: optim.AdamW(p, lr=0.01, weight_decay=0.1),
        lambda p: optim.RMSprop(p, lr=0.01),
        lambda p: optim.Adagrad(p, lr=0.01),
    ],
)
@pytest.mark.parametrize("steps", [0, 2])
def test_the_coming_update_is_the_one_that_comes(make, steps) -> None:
    model, loss = network(5, 7, 3)
    optimizer = make(model.parameters())
    for _ in range(steps):
        optimizer.step()
    before = {id(p): p.array.copy() for p in model.parameters()}
    state = json.dumps(optimizer.state_dict(), default=lambda x: x.tolist())
    changes = coming_changes(optimizer)
    assert all((p.array == before[id(p)]).all() for p in model.parameters())
    assert json.dumps(optimizer.state_dict(), default=lambda x: x.tolist()) == state
    if not steps:  # the graph is still good, since nothing was changed
        found = blame(loss, model, optimizer=optimizer)
        assert type(optimizer).__name__ in found.step
        effect = sum(float((p.grad.array * changes[id(p)]).sum()) for p in model.parameters())
        assert found.total(UPDATE) == pytest.approx(effect, rel=1e-5)
        assert effect < 0
        found.paths()
    optimizer.step()
    for p in model.parameters():
        assert (p.array - before[id(p)] == changes[id(p)]).all()


def test_the_predicted_change_is_the_real_one_for_a_small_step() -> None:
    model, loss = network(5, 7, 3)
    predicted = blame(loss, model, lr=1e-3).total(UPDATE)
    norm = sum(float((p.grad.array.astype(np.float64) ** 2).sum()) for p in model.parameters())
    assert predicted == pytest.approx(-1e-3 * norm, rel=1e-5)


def test_the_first_weight_down_to_its_paths() -> None:
    model, loss = network(5, 7, 3)
    found = blame(loss, model)
    way = found.paths(k=4)
    assert way.name == way.by("sample").name == found.weights(k=1)[0].name
    assert way.gradient == way.stored == found.weights(k=1)[0].value
    first = found.weights(k=1, within="0")[0]
    assert first == next(w for w in found.weights(k=999) if w.name.startswith("0."))
    assert found.paths(k=4, within="0").name == first.name
    assert found.owners == ("0", "2")
    with pytest.raises(ArgumentError, match="no module 'nowhere'"):
        found.weights(within="nowhere")


def test_weights_that_the_model_itself_owns() -> None:
    model = nn.Linear(2, 2)
    loss = model(ur.ones(1, 2)).sum()
    loss.backward()
    found = blame(loss, model)
    assert found.modules()[0].name == "Linear"
    assert found.units(k=1)[0].name == "Linear unit 0"
    assert found.weights(k=1)[0].name == "weight[0, 0]"


def test_a_million_weights() -> None:
    model, loss = network(784, 1000, 200, 10, batch=16)
    found = blame(loss, model, lr=0.1)
    assert found.count == 987_210
    for measure in MEASURES:
        assert len(found.weights(measure, 10)) == len(found.units(measure, 10)) == 10
    top = max(float(np.abs(p.grad.array).max()) for p in model.parameters())
    assert abs(found.weights(k=1)[0].value) == top


def test_nothing_is_copied() -> None:
    model, loss = network(5, 7, 3)
    found = blame(loss, model)
    assert all(part.gradient is part.parameter.grad.array for part in found._parts)


def test_not_a_number_comes_first() -> None:
    model, loss = network(5, 7, 3)
    model[0].bias.grad.array[2] = np.nan
    found = blame(loss, model)
    assert found.weights(k=1)[0].name == "0.bias[2]"
    assert found.units(k=1)[0].name == "0 unit 2"
    assert found.modules(k=1)[0].name == "0"
    json.dumps(found.to_dict(), allow_nan=False)
    ET.fromstring(found.svg())


def test_shown_as_text_picture_table_and_data() -> None:
    from io import StringIO

    from rich.console import Console

    model, loss = network(5, 7, 3)
    found = blame(loss, model, lr=0.5)
    text = found.text()
    for measure in MEASURES:
        assert found.weights(measure, 1)[0].name in text
    assert "sensitivity" in text
    assert "a plain step, -0.5 x gradient" in text
    picture = found.svg()
    ET.fromstring(picture)
    assert "url(#minus)" in picture
    assert found._repr_svg_() == picture
    out = StringIO()
    for table in found.tables(UPDATE):
        Console(file=out, width=100).print(table)
    assert found.weights(UPDATE, 1)[0].name in out.getvalue()
    told = json.loads(json.dumps(found.to_dict(3), allow_nan=False))
    assert [x["name"] for x in told["measures"][UPDATE]["weights"]] == [x.name for x in found.weights(UPDATE, 3)]


def test_the_sign_is_told_in_words_and_by_the_side_of_the_bar() -> None:
    model = nn.Linear(2, 1, bias=False)
    model.weight.data = ur.tensor([[1.0, -3.0]])
    loss = (model(ur.tensor([[2.0, -1.0]])) * ur.tensor([[1.0]])).sum()
    loss.backward()  # d loss / d weight is the input: 2 and -1
    b = blame(loss, model)
    rows = [line.split() for line in b.text().splitlines() if ": raising it" in line]
    assert [(row[0:2], row[-3]) for row in rows] == [
        (["weight[0,", "0]"], "raises"),
        (["weight[0,", "1]"], "lowers"),
    ]
    space = "{http://www.w3.org/2000/svg}"
    bars = [bar for bar in ET.fromstring(b.svg()).iter(f"{space}rect") if "[" in bar.findtext(f"{space}title", "")]
    right, left = bars[:2]  # by sensitivity, which comes first
    assert float(left.get("x")) + float(left.get("width")) == float(right.get("x"))
    assert (right.get("fill"), left.get("fill")) == (None, "url(#minus)")


def test_a_gradient_that_was_not_computed_is_told_apart_from_zero() -> None:
    model, loss = network(5, 7, 3)
    model[0].bias.grad = None
    found = blame(loss, model)
    assert found.missing == ("0.bias",)
    assert "which is not zero" in found.text()
    assert not any(w.name.startswith("0.bias") for w in found.weights(k=999))


def test_wrong_input() -> None:
    model, loss = network(5, 7, 3)
    with pytest.raises(ArgumentError, match="no measure 'update'"):
        blame(loss, model).weights("update")
    with pytest.raises(ArgumentError, match="no measure 'guilt'"):
        blame(loss, model, lr=1.0).weights("guilt")
    with pytest.raises(ArgumentError, match="k = 0"):
        blame(loss, model).weights(k=0)
    with pytest.raises(ArgumentError, match="both"):
        blame(loss, model, lr=0.1, optimizer=optim.SGD(model.parameters(), lr=0.1))
    with pytest.raises(ArgumentError, match="not a tensor of one number"):
        blame(model(ur.ones(2, 5)), model)
    with pytest.raises(ArgumentError, match="not a tensor of one number"):
        blame(3.0, model)
    with pytest.raises(GradError, match="no history"):
        blame(loss.detach(), model)
    with pytest.raises(ArgumentError, match="no parameters"):
        blame(loss, nn.Tanh())
    model.zero_grad()
    with pytest.raises(GradError, match=r"backward\(\) has not been called"):
        blame(loss, model)
