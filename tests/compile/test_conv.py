"""Native convolutions beside the operations' own kernels in float64, with guards around every buffer."""

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("llvmlite")

from upriver.compile.emit.conv import emit_conv
from upriver.compile.emit.conv_axis import forward_axis, input_phases
from upriver.compile.kernels import ConvKernel, Statement
from upriver.compile.native.target import target
from upriver.ops import conv_kernels

from .guarded import Guarded, access, stored
from .native_call import call

NHWC, NCHW, CWHN = (0, 2, 3, 1), (0, 1, 2, 3), (1, 3, 2, 0)
PLAIN = {"stride": (1, 1), "padding": ((0, 0), (0, 0)), "dilation": (1, 1), "groups": 1}
NARROW = replace(target(), bits=128, registers=16)
MIDDLE = replace(target(), bits=256, registers=16)


def make(kind, a, b, size, out, window, attrs, body):
    """The kernel of a convolution of whole arrays in slots 0 and 1; ``size`` is (n, c, o, h, w)."""
    n, c, o, h, w = size
    padding = (attrs["padding"][0][0], attrs["padding"][1][0])
    shape = (kind, n, c, o, (h, w), out, window, attrs["stride"], padding, attrs["dilation"], attrs["groups"])
    return ConvKernel(*shape, access(0, a), access(1, b), body)


def run(kernel, memory, cpu=None, parts=1):
    """Run it on the memory's arrays, its units cut in ``parts``."""
    code = emit_conv(kernel, cpu or target())
    arrays = list(memory.arrays)
    if code.pack is not None:
        packed = memory.array(np.full(code.packed, 255, np.uint8))
        call(code.pack, [arrays[1], packed])
        arrays[1] = packed
    units = code.main.units
    for i in reversed(range(parts)):
        call(code.main, arrays, units * i // parts, units * (i + 1) // parts)
    assert memory.intact()
    return code


def check(size, window, dtype=np.float32, order=NHWC, cpu=None, parts=1, **attrs):
    """The convolution and its gradients."""
    n, c, o, h, w = size
    attrs = PLAIN | attrs
    out = conv_kernels.conv_shape((n, c, h, w), (o, c, *window), **attrs)
    tolerance = 2e-6 if dtype == np.float32 else 1e-14
    image, weight = (n, c, h, w), (o, c // attrs["groups"], *window)
    cases = [
        ("conv", image, weight, out, conv_kernels.convolve, {}),
        ("conv_input", out, weight, image, conv_kernels.transposed, {"size": (h, w)}),
        ("conv_weight", image, out, weight, conv_kernels.weight_gradient, {"size": window}),
    ]
    for kind, first, second, result, reference, extra in cases:
        memory = Guarded()
        a = memory.normal(first, dtype, order)
        b = memory.normal(second, dtype, order if kind == "conv_weight" else NCHW)
        y = memory.empty(result, dtype, NCHW if kind == "conv_weight" else order)
        run(make(kind, a, b, size, out[2:], window, attrs, stored(2, y)), memory, cpu, parts)
        wide = [x.astype(np.float64) for x in (a, b)]
        scale = reference(*[abs(x) for x in wide], **extra, **attrs).max(initial=1)
        np.testing.assert_allclose(y, reference(*wide, **extra, **attrs), rtol=0, atol=tolerance * scale, err_msg=kind)


@pytest.mark.parametrize("order", [NHWC, NCHW, CWHN])
@pytest.mark.parametrize("size", [(3, 1, 16, 12, 12), (2, 16, 32, 12, 12), (1, 3, 20, 9, 17), (2, 5, 1, 7, 8)])
def test_five_by_five(size, order):
    check(size, (5, 5), order=order)


@pytest.mark.parametrize("channels", [1, 2, 7, 15, 16, 17, 33, 100])
def test_numbers_of_channels(channels):
    check((2, 3, channels, 6, 7), (3, 3), padding=((1, 1), (1, 1)), parts=2)
    check((2, channels, 3, 6, 7), (3, 3), padding=((1, 1), (1, 1)), parts=2)


@pytest.mark.parametrize("width", [5, 13, 16, 17, 31, 70])
def test_widths(width):
    check((1, 2, 17, 5, width), (2, 3), padding=((0, 1), (1, 1)))


@pytest.mark.parametrize(
    "attrs",
    [
        {"stride": (2, 2)},
        {"stride": (2, 3), "padding": ((1, 1), (2, 0))},
        {"dilation": (2, 3), "padding": ((2, 2), (3, 3))},
        {"stride": (2, 3), "dilation": (3, 2), "padding": ((3, 3), (2, 2))},
        {"stride": (4, 4), "dilation": (2, 2)},
        {"padding": ((4, 4), (6, 5))},
        {"stride": (3, 2), "padding": ((1, 1), (1, 0)), "dilation": (1, 2), "groups": 2},
        {"groups": 2, "padding": ((1, 1), (1, 1))},
    ],
)
@pytest.mark.parametrize("window", [(3, 3), (1, 1), (2, 4)])
def test_options(attrs, window):
    check((2, 4, 6, 11, 13), window, **attrs)


@pytest.mark.parametrize("groups", [3, 16, 40])
@pytest.mark.parametrize("order", [NHWC, NCHW])
def test_depthwise(groups, order):
    check((2, groups, groups, 9, 11), (3, 3), order=order, groups=groups, padding=((1, 1), (1, 1)))
    check((2, groups, groups, 9, 11), (3, 2), order=order, groups=groups, stride=(2, 2))


def test_more_outputs_in_each_group_of_one():
    check((2, 3, 6, 5, 6), (3, 3), groups=3)


@pytest.mark.parametrize(
    ("kernel", "padding", "dilation"), [(5, 2, 1), (12, 0, 1), (31, 15, 1), (30, 40, 3), (3, 100, 100)]
)
def test_one_dimension(kernel, padding, dilation):
    space = {"padding": ((0, 0), (padding, padding)), "dilation": (1, dilation)}
    check((2, 3, 4, 1, 120), (1, kernel), **space)


def test_double_precision():
    check((2, 5, 19, 8, 9), (3, 3), np.float64, padding=((1, 1), (1, 1)))


@pytest.mark.parametrize("cpu", [NARROW, MIDDLE])
def test_other_processors(cpu):
    check((2, 3, 20, 9, 11), (3, 3), cpu=cpu, padding=((1, 1), (1, 1)), parts=2)
    check((2, 4, 6, 9, 11), (3, 3), cpu=cpu, stride=(2, 2), groups=2)
    check((2, 9, 9, 9, 11), (3, 3), cpu=cpu, groups=9)


def test_sums_are_kept_between_tiles_of_many_images():
    size = (40, 32, 32, 12, 12)  # both operands together do not fit into a core's cache
    for parts, order in ((1, NHWC), (3, NHWC), (2, NCHW)):
        check(size, (3, 3), padding=((1, 1), (1, 1)), parts=parts, order=order)


@pytest.mark.parametrize("size", [(0, 3, 4, 5, 5), (2, 3, 4, 2, 2)])
def test_nothing_to_do(size):
    check(size, (2, 2), padding=((0, 0), (0, 0)))


def test_a_window_may_see_nothing_but_padding():
    check((1, 1, 1, 1, 1), (1, 1), padding=((2, 2), (2, 2)))


def test_epilogue_of_bias_and_rectifier_with_strided_results():
    memory = Guarded()
    x, w = memory.normal((2, 3, 8, 9), order=NHWC), memory.normal((18, 3, 3, 3))
    y, bias = memory.empty((2, 18, 6, 7), order=NCHW), memory.normal((18,))
    mask = memory.array(np.full((2, 18, 6, 7), 9, np.uint8), NHWC)
    f, flag = y.dtype, np.dtype(bool)
    body = (
        Statement("result", f),
        Statement("load", f, access=replace(access(3, bias), strides=(0, 1, 0, 0))),
        Statement("map", f, (0, 1), "add"),
        Statement("number", f, value=0.0),
        Statement("map", flag, (2, 3), "gt"),
        Statement("map", f, (4, 2, 3), "where"),
        Statement("store", f, (5,), access=access(2, y)),
        Statement("store", flag, (4,), access=replace(access(4, mask), dtype=flag)),
        Statement("index", np.dtype(np.int64), dim=3),
    )
    run(make("conv", x, w, (2, 3, 18, 8, 9), (6, 7), (3, 3), PLAIN, body), memory)
    z = conv_kernels.convolve(x.astype(float), w.astype(float), **PLAIN) + bias.reshape(1, -1, 1, 1)
    np.testing.assert_allclose(y, np.maximum(z, 0), atol=1e-4)
    assert (mask == (y > 0)).all()


def test_update_of_a_weight_in_place():
    memory = Guarded()
    x, dy = memory.normal((3, 5, 8, 8), order=NHWC), memory.normal((3, 20, 6, 6), order=NHWC)
    w = memory.normal((20, 5, 3, 3))
    before, f = w.copy(), w.dtype
    body = (
        Statement("result", f),
        Statement("number", f, value=-0.1),
        Statement("load", f, access=access(2, w)),
        Statement("map", f, (0, 1), "mul"),
        Statement("map", f, (3, 2), "add"),
        Statement("store", f, (4,), access=access(2, w)),
    )
    run(make("conv_weight", x, dy, (3, 5, 20, 8, 8), (6, 6), (3, 3), PLAIN, body), memory, parts=2)
    gradient = conv_kernels.weight_gradient(x.astype(float), dy.astype(float), size=(3, 3), **PLAIN)
    np.testing.assert_allclose(w, before - 0.1 * gradient, atol=1e-4)


def test_what_is_no_number_stays_where_it_is():
    memory = Guarded()
    x = memory.normal((1, 2, 9, 20), order=NHWC)
    x[0, 1, 4, 10], x[0, 0, 8, 19] = np.nan, np.inf
    w, y = memory.normal((3, 2, 3, 3)), memory.empty((1, 3, 7, 18), order=NHWC)
    run(make("conv", x, w, (1, 2, 3, 9, 20), (7, 18), (3, 3), PLAIN, stored(2, y)), memory)
    with np.errstate(invalid="ignore"):
        expected = conv_kernels.convolve(x.copy(), w.copy(), **PLAIN)
    np.testing.assert_allclose(y, expected, atol=1e-5)
    assert np.isnan(y).sum() == 27
    assert np.isinf(y).sum() == 3


def test_images_are_the_units():
    memory = Guarded()
    x, w = memory.normal((9, 2, 6, 6), order=NHWC), memory.normal((3, 2, 3, 3))
    y = memory.empty((9, 3, 4, 4), order=NHWC)
    code = emit_conv(make("conv", x, w, (9, 2, 3, 6, 6), (4, 4), (3, 3), PLAIN, stored(2, y)), target())
    packed = memory.array(np.zeros(code.packed, np.uint8))
    call(code.pack, [w, packed])
    call(code.main, [x, packed, y], 2, 4)
    assert (code.main.units, code.main.rows) == (9, True)
    assert (y[[0, 1, 4, 5, 6, 7, 8]] == 777).all()
    assert (y[2:4] != 777).all()


def test_rows_of_few_images_are_the_units():
    memory = Guarded()
    x, w = memory.normal((1, 2, 9, 6), order=NHWC), memory.normal((3, 2, 3, 3))
    y = memory.empty((1, 3, 7, 4), order=NHWC)
    code = run(make("conv", x, w, (1, 2, 3, 9, 6), (7, 4), (3, 3), PLAIN, stored(2, y)), memory, parts=7)
    assert (code.main.units, code.main.rows) == (7, False)
    assert (y != 777).all()


@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("dilation", [1, 2, 3])
@pytest.mark.parametrize("padding", [0, 1, 4])
def test_phases_are_the_gradient_of_taps(stride, dilation, padding):
    length, window, rng = 12, 3, np.random.default_rng(0)
    count = conv_kernels.out_length(length, window, stride, (padding, padding), dilation)
    x, w, dy = rng.standard_normal(length), rng.standard_normal(window), rng.standard_normal(count)

    def summed(axis, source, result):
        for i in range(axis.count):
            for t in axis.reads(i):
                result[axis.start + i * axis.apart] += (
                    source[i * axis.step + axis.first + t * axis.gap] * w[axis.taps[t]]
                )
        return result

    y = summed(forward_axis(length, count, window, stride, padding, dilation), x, np.zeros(count))
    dx = np.zeros(length)
    for phase in input_phases(length, count, window, stride, padding, dilation):
        summed(phase, dy, dx)
    np.testing.assert_allclose(dy @ y, dx @ x)  # one is the other's adjoint
