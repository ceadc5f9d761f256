"""Convolution: a small weight slid over an image, and its two gradients, each the derivative of the others.

A convolution is linear in its input and in its weight, so three operations are closed under
differentiation: the convolution, its gradient with respect to the input (the *transposed* convolution) and
its gradient with respect to the weight. Each one's rules are the other two, hence any order works.
Dumoulin and Visin, "A guide to convolution arithmetic for deep learning" (2016), https://arxiv.org/abs/1603.07285.
"""

from __future__ import annotations

import math
from operator import index
from typing import Any

from ..core.op import CALL, REALS, SUM, Case, Formula, Op
from ..core.registry import front_door
from ..core.tensor import Tensor, as_tensor
from ..errors import ArgumentError, ShapeError
from . import conv_kernels
from .conv_kernels import Pads, Shape, conv_shape
from .linalg import product_dtype
from .reduce import sum
from .shape import reshape


def _conv_flops(out: Shape, x: Shape, w: Shape, *_: Shape, **__: Any) -> int:
    return 2 * math.prod(out) * math.prod(w[1:])


_NO_PADS = ((0, 0), (0, 0))
_PLAIN = {"stride": (1, 1), "padding": _NO_PADS, "dilation": (1, 1), "groups": 1}
_STRIDED = {"stride": (2, 1), "padding": ((1, 1), (0, 2)), "dilation": (1, 2), "groups": 2}


def _conv_recipe(m: Any, x: Any, w: Any, *bias: Any, **attrs: Any) -> Any:
    out = m.conv(x, w, conv_shape(x.shape, w.shape, **attrs), **attrs)
    for b in bias:
        out = out + m.reshape(b, (*b.shape, 1, 1))
    return out


_conv2d = Op(
    name="conv2d",
    forward=conv_kernels.convolve,
    vjps=(
        lambda ct, _y, _x, w, *_b, **attrs: _transposed(ct, w, size=_x.shape[2:], **attrs),
        lambda ct, _y, x, _w, *_b, **attrs: _weight_grad(x, ct, size=_w.shape[2:], **attrs),
        lambda ct, _y, _x, _w, _b, **attrs: sum(ct, (0, 2, 3)),
    ),
    shape=conv_shape,
    dtype=product_dtype("conv2d"),
    formula=Formula("conv2d({0}, {1}, {2})", r"{1} \star {0} + {2}", SUM),
    domain=REALS,
    flops=_conv_flops,
    lower=lambda m, x, w, *bias, **attrs: _conv_recipe(m, x, w, *bias, **attrs),
    cases=(
        Case(((2, 3, 5, 4), (4, 3, 3, 2), (4,)), _PLAIN),
        Case(((2, 4, 5, 6), (2, 2, 3, 2), (2,)), _STRIDED),
        Case(((1, 1, 1, 1), (1, 1, 1, 1)), _PLAIN),
        Case(((0, 1, 3, 3), (2, 1, 2, 2), (2,)), _PLAIN),
        Case(((1, 2, 3, 3), (2, 1, 3, 3)), _PLAIN | {"padding": ((3, 2), (1, 4)), "groups": 2}),
    ),
)

_transposed: Op = Op(
    name="conv_transpose2d",
    forward=conv_kernels.transposed,
    vjps=(
        lambda ct, _x, _y, w, size, **attrs: _conv2d(ct, w, **attrs),
        lambda ct, _x, y, _w, size, **attrs: _weight_grad(ct, y, size=_w.shape[2:], **attrs),
    ),
    shape=lambda y, w, size, groups, **_: (y[0], w[1] * groups, *size),
    dtype=product_dtype("conv_transpose2d"),
    formula=Formula("conv_transpose2d({0}, {1})", r"{1}^T \star {0}", CALL),
    domain=REALS,
    flops=lambda out, y, w, **_: 2 * math.prod(y) * math.prod(w[1:]),
    lower=lambda m, y, w, size, groups, **attrs: m.conv_input(
        y, w, (y.shape[0], w.shape[1] * groups, *size), groups=groups, **attrs
    ),
    cases=(
        Case(((2, 4, 3, 3), (4, 3, 3, 2)), _PLAIN | {"size": (5, 4)}),
        Case(((2, 2, 3, 6), (2, 2, 3, 2)), _STRIDED | {"size": (5, 6)}),
        Case(((2, 2, 2, 1), (2, 1, 2, 1)), _PLAIN | {"stride": (3, 2), "size": (6, 2)}),
    ),
)

_weight_grad: Op = Op(
    name="conv2d_weight_grad",
    forward=conv_kernels.weight_gradient,
    vjps=(
        lambda ct, _w, _x, y, size, **attrs: _transposed(y, ct, size=_x.shape[2:], **attrs),
        lambda ct, _w, x, _y, size, **attrs: _conv2d(x, ct, **attrs),
    ),
    shape=lambda x, y, size, groups, **_: (y[1], x[1] // groups, *size),
    dtype=product_dtype("conv2d_weight_grad"),
    formula=Formula("conv2d_weight_grad({0}, {1})", r"{1} \star {0}", CALL),
    domain=REALS,
    flops=lambda out, x, y, **_: 2 * math.prod(y) * math.prod(out[1:]),
    lower=lambda m, x, y, size, groups, **attrs: m.conv_weight(
        x, y, (y.shape[1], x.shape[1] // groups, *size), groups=groups, **attrs
    ),
    cases=(
        Case(((2, 3, 5, 4), (2, 4, 3, 3)), _PLAIN | {"size": (3, 2)}),
        Case(((2, 4, 5, 6), (2, 2, 3, 6)), _STRIDED | {"size": (3, 2)}),
    ),
)


# The ways in.


def lengths(name: str, what: str, value: Any, ndim: int, low: int) -> Shape:
    """``value`` (a number, or one for each dimension) as a tuple.

    Raises:
        ArgumentError: the wrong number of values, one that is no integer, or one below ``low``.
    """
    values: tuple[Any, ...] = tuple(value) if isinstance(value, (tuple, list)) else (value,)
    try:
        found = tuple([index(v) for v in (values * ndim if len(values) == 1 else values)])
    except TypeError:
        found = ()
    if len(found) != ndim or min(found) < low:
        raise ArgumentError(f"{name}: {what}={value!r}", f"Give one integer, or {ndim}, not below {low}.")
    return found


def batched(name: str, x: Tensor, ndim: int) -> Tensor:
    """``x`` with a batch dimension and two dimensions of space, (N, C, H, W), whether or not it had them.

    Raises:
        ShapeError: it is neither (C, *space) nor (N, C, *space) with ``ndim`` dimensions of space.
    """
    space = ("length", "height, width")[ndim - 1]
    if x.ndim not in (ndim + 1, ndim + 2):
        raise ShapeError(
            f"{name}: an input of shape {list(x.shape)} has {x.ndim} dimensions",
            f"It must be (batch, channels, {space}), or (channels, {space}) without a batch.",
        )
    s = x.shape if x.ndim == ndim + 2 else (1, *x.shape)
    return reshape(x, s if ndim == 2 else (s[0], s[1], 1, s[2])) if x.ndim != 4 or ndim == 1 else x


def unbatched(y: Tensor, x: Tensor, ndim: int) -> Tensor:
    """``y`` (N, C, H, W) with the dimensions that ``x`` came with."""
    if x.ndim == 4 and ndim == 2:
        return y
    s = y.shape if ndim == 2 else (y.shape[0], y.shape[1], y.shape[3])
    return reshape(y, s if x.ndim == ndim + 2 else s[1:])


def _operands(
    name: str, x: Any, weight: Any, bias: Any, ndim: int, groups: int, transposed: bool
) -> tuple[Tensor, Tensor, Tensor, Tensor | None]:
    """The input as it came, and input, weight and bias as those of two dimensions, checked."""
    x, weight = as_tensor(x), as_tensor(weight)
    image = batched(name, x, ndim)
    s, channels = weight.shape, image.shape[1]
    lengths(name, "groups", groups, 1, 1)
    kernel = ", ".join(("kernel_height", "kernel_width") if ndim == 2 else ("kernel_length",))
    form = f"(in, out / groups, {kernel})" if transposed else f"(out, in / groups, {kernel})"
    if len(s) != ndim + 2:
        raise ShapeError(f"{name}: a weight of shape {list(s)} is not {form}", "Reshape the weight.")
    if s[0] % groups or channels % groups:
        raise ArgumentError(
            f"{name}: groups={groups} does not divide the {channels} channels of the input and the {s[0]} of the weight"
        )
    expected = s[0] if transposed else s[1] * groups
    if channels != expected:
        raise ShapeError(
            f"{name}: an input of shape {list(x.shape)} has {channels} channels, a weight of shape {list(s)} {form} "
            f"with groups={groups} takes {expected}",
            "Channels come before height and width; is the input transposed, or groups wrong?",
        )
    outputs = s[1] * groups if transposed else s[0]
    bias = None if bias is None else as_tensor(bias)
    if bias is not None and bias.shape != (outputs,):
        raise ShapeError(f"{name}: a bias of shape {list(bias.shape)} does not fit {outputs} output channels")
    product_dtype(name)(*[t.dtype for t in (x, weight, bias) if t is not None])
    if 0 in s[2:]:
        raise ShapeError(f"{name}: a weight of shape {list(s)} has no entries")
    return x, image, weight if ndim == 2 else reshape(weight, (s[0], s[1], 1, s[2])), bias


def _two(values: Shape, fill: int) -> Shape:
    return values if len(values) == 2 else (fill, *values)


def _pads(name: str, padding: Any, kernel: Shape, stride: Shape, dilation: Shape, ndim: int) -> Pads:
    if padding == "same":
        if max(stride) > 1:
            raise ArgumentError(f"{name}: padding='same' with stride {stride}", "Use stride 1, or give numbers.")
        total = [d * (k - 1) for d, k in zip(dilation, kernel, strict=True)]
        return ((total[0] // 2, total[0] - total[0] // 2), (total[1] // 2, total[1] - total[1] // 2))
    if isinstance(padding, str) and padding != "valid":
        raise ArgumentError(f"{name}: padding={padding!r}", "Use 'same', 'valid' or numbers.")
    p = _two(lengths(name, "padding", 0 if padding == "valid" else padding, ndim, 0), 0)
    return ((p[0], p[0]), (p[1], p[1]))


def _convolve(
    name: str, x: Any, weight: Any, bias: Any, stride: Any, padding: Any, dilation: Any, groups: int, ndim: int
) -> Tensor:
    x, image, w, b = _operands(name, x, weight, bias, ndim, groups, transposed=False)
    stride = _two(lengths(name, "stride", stride, ndim, 1), 1)
    dilation = _two(lengths(name, "dilation", dilation, ndim, 1), 1)
    pads = _pads(name, padding, w.shape[2:], stride, dilation, ndim)
    attrs: dict[str, Any] = {"stride": stride, "padding": pads, "dilation": dilation, "groups": groups}
    out = conv_shape(image.shape, w.shape, **attrs)
    if min(out[2:]) < 1:
        raise ShapeError(
            f"{name}: a weight of shape {list(weight.shape)} with dilation {dilation[-ndim:]} does not fit into an "
            f"input of shape {list(x.shape)} with padding {padding!r}",
            "Use a smaller weight, more padding, or a larger input.",
        )
    return unbatched(_conv2d.run((image, w) if b is None else (image, w, b), attrs), x, ndim)


@front_door
def conv2d(
    input: Any,
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Tensor:
    """The weight slid over the image: at each place the products of the two, summed.

    Args:
        input: (N, C, H, W), or (C, H, W).
        weight: (O, C / groups, kh, kw).
        bias: (O,) or None.
        stride: how far apart the places are; a number, or one for rows and one for columns.
        padding: rows and columns of zeros around the input; numbers, ``"valid"`` (none) or ``"same"``
            (so many that the output has the input's height and width; stride 1 only).
        dilation: how far apart the entries of the weight are laid.
        groups: channels are divided into so many groups, each with weights of its own.

    Returns:
        (N, O, OH, OW) with OH = ⌊(H + 2·padding − dilation·(kh − 1) − 1) / stride⌋ + 1, and OW alike.

    Raises:
        ShapeError: the shapes do not fit, or the weight does not fit into the input.
        DTypeError: the dtypes differ.
        ArgumentError: a stride or dilation below 1, a negative padding, groups that do not divide the channels.

    Source:
        Goodfellow, Bengio and Courville, "Deep Learning" (2016), eq. 9.6; Dumoulin and Visin (2016), §2, §5.1.

    Example:
        >>> import upriver as ur
        >>> import upriver.nn.functional as F
        >>> F.conv2d(ur.ones(1, 1, 3, 3), ur.ones(1, 1, 2, 2)).tolist()
        [[[[4.0, 4.0], [4.0, 4.0]]]]
    """
    return _convolve("conv2d", input, weight, bias, stride, padding, dilation, groups, 2)


@front_door
def conv1d(
    input: Any,
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Tensor:
    """The weight slid along the sequence: see :func:`conv2d`, with one dimension of space.

    Args:
        input: (N, C, L), or (C, L).
        weight: (O, C / groups, k).
        bias: (O,) or None.
        stride: as for :func:`conv2d`, one number.
        padding: likewise.
        dilation: likewise.
        groups: likewise.

    Returns:
        (N, O, OL).

    Raises:
        ShapeError, DTypeError, ArgumentError: as for :func:`conv2d`.

    Source:
        Goodfellow, Bengio and Courville, "Deep Learning" (2016), eq. 9.3.

    Example:
        >>> import upriver as ur
        >>> import upriver.nn.functional as F
        >>> F.conv1d(ur.tensor([[1.0, 2.0, 4.0]]), ur.tensor([[[-1.0, 1.0]]])).tolist()
        [[1.0, 2.0]]
    """
    return _convolve("conv1d", input, weight, bias, stride, padding, dilation, groups, 1)


def _transpose(
    name: str,
    x: Any,
    weight: Any,
    bias: Any,
    stride: Any,
    padding: Any,
    extra: Any,
    groups: int,
    dilation: Any,
    ndim: int,
) -> Tensor:
    x, image, w, b = _operands(name, x, weight, bias, ndim, groups, transposed=True)
    stride = _two(lengths(name, "stride", stride, ndim, 1), 1)
    dilation = _two(lengths(name, "dilation", dilation, ndim, 1), 1)
    p = _two(lengths(name, "padding", padding, ndim, 0), 0)
    more = _two(lengths(name, "output_padding", extra, ndim, 0), 0)
    if more[0] >= stride[0] or more[1] >= stride[1]:
        raise ArgumentError(
            f"{name}: output_padding={extra!r} is not smaller than stride {stride[-ndim:]}",
            "It chooses among the input sizes that a convolution of this stride maps to one output size.",
        )
    size = tuple(
        [
            (n - 1) * s - 2 * q + d * (k - 1) + e + 1
            for n, s, q, d, k, e in zip(image.shape[2:], stride, p, dilation, w.shape[2:], more, strict=True)
        ]
    )
    if min(size) < 1:
        raise ShapeError(
            f"{name}: an input of shape {list(x.shape)} with padding {padding!r} would give an output of {list(size)}",
            "Use less padding.",
        )
    pads: Pads = ((p[0], p[0]), (p[1], p[1]))
    out = _transposed.run(
        (image, w), {"size": size, "stride": stride, "padding": pads, "dilation": dilation, "groups": groups}
    )
    return unbatched(out if b is None else out + reshape(b, (1, -1, 1, 1)), x, ndim)


@front_door
def conv_transpose2d(
    input: Any,
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Tensor:
    """The gradient of a convolution with respect to its input, as a layer: each entry paints the weight.

    Args:
        input: (N, C, H, W), or (C, H, W).
        weight: (C, O / groups, kh, kw).
        bias: (O,) or None.
        stride: that of the convolution whose gradient it is.
        padding: likewise.
        output_padding: which of the sizes that this convolution maps to (H, W) shall come out; below stride.
        groups: those of the convolution.
        dilation: likewise.

    Returns:
        (N, O, OH, OW) with OH = (H − 1)·stride − 2·padding + dilation·(kh − 1) + output_padding + 1.

    Raises:
        ShapeError, DTypeError, ArgumentError: as for :func:`conv2d`.

    Source:
        Dumoulin and Visin (2016), §4, relationship 14.

    Example:
        >>> import upriver as ur
        >>> import upriver.nn.functional as F
        >>> F.conv_transpose2d(ur.tensor([[[[1.0, 2.0]]]]), ur.ones(1, 1, 1, 2), stride=2).tolist()
        [[[[1.0, 1.0, 2.0, 2.0]]]]
    """
    return _transpose("conv_transpose2d", input, weight, bias, stride, padding, output_padding, groups, dilation, 2)


@front_door
def conv_transpose1d(
    input: Any,
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Tensor:
    """The gradient of :func:`conv1d` with respect to its input, as a layer: see :func:`conv_transpose2d`.

    Args:
        input: (N, C, L), or (C, L).
        weight: (C, O / groups, k).
        bias: (O,) or None.
        stride: as for :func:`conv_transpose2d`, one number.
        padding: likewise.
        output_padding: likewise.
        groups: likewise.
        dilation: likewise.

    Returns:
        (N, O, OL).

    Raises:
        ShapeError, DTypeError, ArgumentError: as for :func:`conv2d`.

    Source:
        Dumoulin and Visin (2016), §4, relationship 14.

    Example:
        >>> import upriver as ur
        >>> import upriver.nn.functional as F
        >>> F.conv_transpose1d(ur.tensor([[1.0, 2.0]]), ur.tensor([[[1.0, 10.0]]])).tolist()
        [[1.0, 12.0, 20.0]]
    """
    return _transpose("conv_transpose1d", input, weight, bias, stride, padding, output_padding, groups, dilation, 1)
