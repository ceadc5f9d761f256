"""Primitives: the few things that every operation is made of, as a graph on whole arrays.

An operation's ``lower`` says how it is made of them (see :mod:`.expand`). Rewrites, fusion and the kernels know
primitives only. Each kind can be computed with NumPy (see :mod:`.evaluate`), which is what tests compare with.

Kinds, with what ``attrs`` holds:

``input`` index · ``cell`` index · ``scalar`` index · ``constant`` array · ``number`` value (shape ()) ·
``draw`` op, op_attrs (without seed and counter), index; fn (uniform, mask) if a kernel can draw it
``map`` fn (see MAPS): entry by entry, arguments of the result's shape or of shape ()
``reduce`` fn (add, mul, max, min, and, or), dims: reduced dimensions stay, with length 1; of nothing, what changes
nothing: 0, 1, −∞, ∞, true, false
``reshape`` · ``permute`` dims · ``expand`` (length 1 → n) · ``slice`` starts, steps (may be negative): views
``place`` starts, steps: the argument put into zeros, where ``slice`` would take it from · ``concat`` dim
``iota`` dim: the position along ``dim``, int64
``gemm``: (..., M, K), (..., K, N) with equal leading dimensions → (..., M, N)
``gemms``: A₁, B₁, A₂, B₂, …: the sum of the products
``conv`` (x, w) · ``conv_input`` (y, w) · ``conv_weight`` (x, y) stride, dilation (rows, columns),
padding ((top, bottom), (left, right)), groups: the product of an image (N, C, H, W) and a weight
(O, C / groups, kh, kw), and its gradients
``pool`` fn (max, add), window, stride, dilation, padding (top, left): each window of an image reduced; what lies
outside does not count · ``pool_back`` likewise: its gradient; (y, x, maxima), of one dtype, for max: y added where
the first of the largest stood, or to the last entry where the maximum is NaN; (y,) for add: y added to all of the
window
``take`` (table, index): rows of the first dimension · ``put`` rows, (index, x): rows added into zeros
``gather`` dim, (x, index): for each entry of ``index`` the one of x at its place, but for ``dim``: there it says where
``scatter`` dim, (x, index, source): source added to x where ``gather`` would take it from
``scan`` fn (add, mul, max, min), dim, reverse
``host`` op, op_attrs, numbers: the operation's own ``forward``, called with its arguments and, where ``numbers`` is not
None, that Python number

An index is int64 and not negative. One that is out of range is an error of the program: a kernel touches nothing then.
"""

from __future__ import annotations

from typing import Any

from ...core.dtypes import DType

Shape = tuple[int, ...]

VIEWS = frozenset({"reshape", "permute", "expand", "slice"})
MAPS = {
    **dict.fromkeys(("add", "sub", "mul", "div", "max", "min", "pow", "atan2", "mod", "floordiv"), 2),
    **dict.fromkeys(("lt", "le", "gt", "ge", "eq", "ne", "and", "or", "xor"), 2),
    **dict.fromkeys(("neg", "abs", "sqrt", "exp", "expm1", "log", "log1p", "tanh", "erf", "not", "cast"), 1),
    **dict.fromkeys(("floor", "ceil", "rint", "trunc", "sin", "cos", "tan", "asin", "acos", "atan"), 1),
    **dict.fromkeys(("sinh", "cosh", "asinh", "acosh", "atanh"), 1),
    "where": 3,
}
"""What ``map`` can do, with the number of arguments. All arguments have one dtype, which is the result's, except:
comparisons answer bool, ``where`` takes a bool first, and ``cast`` converts (to bool: whether it is not 0).

As NumPy does: ``max`` and ``min`` give NaN if either is NaN; every comparison with NaN is false but ``ne``; ``rint``
rounds halves to even; ``mod`` has the divisor's sign (``a - b * floordiv``), integers divided by 0 give 0; ``and``,
``or``, ``xor``, ``not`` work on booleans, and on the bits of integers. ``div`` and what follows from ``sqrt`` on are
for floats; ``add``, ``mul``, ``max``, ``min`` of booleans are or, and, or, and.
"""

LEAVES = frozenset({"input", "cell", "scalar", "constant", "number", "draw", "iota"})


class Prim:
    """One primitive: a kind, its arguments, and the shape and dtype of its result. Never changed once made."""

    __slots__ = ("args", "attrs", "dtype", "kind", "origin", "shape")

    def __init__(
        self, kind: str, args: tuple[Prim, ...], shape: Shape, dtype: DType, attrs: dict[str, Any], origin: Any = None
    ) -> None:
        self.kind, self.args, self.shape, self.dtype, self.attrs = kind, args, shape, dtype, attrs
        self.origin = origin  # the Instruction that it was expanded from, for reports and errors

    def __repr__(self) -> str:
        fn = self.attrs.get("fn", "")
        return f"<{self.kind}{' ' + fn if fn else ''} {list(self.shape)} {self.dtype}>"
