"""Where in the user's code something happened."""

from __future__ import annotations

import contextlib
import inspect
import subprocess
import sys
from functools import partial

import upriver as ur
from upriver.core import site


def here() -> int:
    """The line of the caller."""
    frame = inspect.currentframe()
    assert frame is not None
    assert frame.f_back is not None
    return frame.f_back.f_lineno


def line(tensor: ur.Tensor) -> int:
    file, number = site.line_of(tensor.node.site)
    assert file == __file__
    return number


def test_an_operator_a_function_and_a_method() -> None:
    x = ur.tensor([2.0], requires_grad=True)
    made = (x * 3.0, here())
    assert line(made[0]) == made[1]
    made = (ur.exp(x), here())
    assert line(made[0]) == made[1]
    made = (x.exp(), here())
    assert line(made[0]) == made[1]
    made = (x.mean(dim=0), here())
    assert line(made[0]) == made[1]


def test_the_line_of_an_operation_within_an_expression_of_several_lines() -> None:
    x = ur.tensor([2.0], requires_grad=True)
    first = here()
    y = (
        x
        * 3.0
        + ur.exp(x)
    )  # fmt: skip
    product, exponential, total = ur.Graph.of(y).nodes
    assert first < site.line_of(product.site)[1] <= first + 5
    assert site.line_of(exponential.site)[1] == first + 4
    assert site.line_of(total.site)[1] > first


def test_through_partial_lambda_map_and_context_managers() -> None:
    x = ur.tensor([2.0], requires_grad=True)
    double = partial(ur.mul, 2.0)
    with contextlib.nullcontext():
        made = (double(x), here())
    assert line(made[0]) == made[1]
    made = (next(map(ur.exp, [x])), here())
    assert line(made[0]) == made[1]

    @ur.enable_grad()
    def decorated() -> tuple[ur.Tensor, int]:
        return ur.exp(x), here()

    made = decorated()
    assert line(made[0]) == made[1]


def test_a_gradient_rule_is_charged_to_the_line_of_backward() -> None:
    x = ur.tensor(2.0, requires_grad=True)
    y = ur.exp(x * 3.0)
    (g,), at = ur.grad(y, x, create_graph=True), here()
    made_there = [node for node in ur.Graph.of(g) if site.line_of(node.site)[1] == at]
    assert made_there


def test_described() -> None:
    assert site.describe(None) == "(line not recorded)"
    x = ur.tensor(2.0, requires_grad=True) * 1.5  # this very line
    assert site.describe(x.node.site).endswith("x = ur.tensor(2.0, requires_grad=True) * 1.5  # this very line")
    code = compile("import upriver as ur\ny = ur.tensor(1.0, requires_grad=True) * 2", "nowhere.py", "exec")
    names: dict[str, ur.Tensor] = {}
    exec(code, names)
    assert site.describe(names["y"].node.site) == "nowhere.py:2"


def test_code_given_on_the_command_line_is_the_users() -> None:
    code = "import upriver as ur; w = ur.tensor(2.0, requires_grad=True); print(ur.explain(w * w, wrt=w).text())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "with w = 2" in done.stdout
    assert "<string>:1" in done.stdout
