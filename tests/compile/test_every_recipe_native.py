"""Every recipe of the registry through rewrites, fusion and emitters: native code gives what the kernel gives."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

from upriver.compile.recording.program import Instruction, Program, Value
from upriver.core.op import Case, Op
from upriver.ops.elementwise import Elementwise
from upriver.ops.random import Draw

from .test_expand import RECORDS, SPECIAL, filled, label

pytest.importorskip("llvmlite")

Runs = list[tuple[list[Any], dict[str, Any]]]


def run_all(op: Op, runs: Runs) -> list[tuple[np.ndarray, np.ndarray]]:
    """What native code and what the kernel makes of each of the runs (inputs, attributes), in one program."""
    from upriver.compile.build import build

    program, arrays, wanted = Program(), [], []
    for inputs, attrs in runs:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            out = np.asarray(op.forward(*inputs, **attrs))
        values = []
        for x in inputs:
            if isinstance(x, np.ndarray):
                values.append(Value(x.shape, x.dtype))
                program.inputs.append(values[-1])
                arrays.append(np.ascontiguousarray(x).reshape(x.shape))
            else:
                values.append(x)
        made = Value(out.shape, out.dtype)
        program.instructions.append(Instruction(op, tuple(values), attrs, made))
        program.outputs.append(made)
        wanted.append(out)
    executable = build(program).executable
    return list(zip(executable.run(arrays, [], []), wanted, strict=True))


def compare(op: Op, runs: Runs) -> None:
    for (got, out), (inputs, attrs) in zip(run_all(op, runs), runs, strict=True):
        assert (got.shape, got.dtype) == (out.shape, out.dtype)
        tolerance = 2e-5 if out.dtype == np.float32 else 1e-10
        np.testing.assert_allclose(got, out, rtol=tolerance, atol=tolerance, err_msg=f"{attrs} {inputs}"[:500])


@pytest.mark.parametrize("op", [op for op in RECORDS if op.lower and not isinstance(op, Draw)], ids=label)
def test_cases(op: Op) -> None:
    cases: list[tuple[Case, Any]] = [(case, dtype) for case in op.cases for dtype in (np.float32, np.float64)]
    compare(op, [(filled(op, case, dtype), case.attrs) for case, dtype in cases])


@pytest.mark.parametrize("op", [op for op in RECORDS if isinstance(op, Elementwise)], ids=label)
def test_special_values(op: Op) -> None:
    if not isinstance(op.cases[0].inputs[0], tuple):
        pytest.skip("its operands are integers and booleans")
    n = max(len(case.inputs) for case in op.cases)
    grid = np.array(np.meshgrid(*[SPECIAL] * n)).reshape(n, -1)
    every = {str(case.attrs): case.attrs for case in op.cases}.values()
    compare(op, [([x.astype(t) for x in grid], attrs) for attrs in every for t in (np.float32, np.float64)])
