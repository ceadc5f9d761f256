"""Terms: primitives as recipes write with them, in operators."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ...core.dtypes import DType
    from .maths import Maths
    from .prims import Prim, Shape


class Term:
    """A primitive, with the operators of an array. Comparisons make terms, so that a term is neither true nor hashed.

    Attributes:
        maths: what it was made by.
        prim: the primitive.
        weak: whether it has no dtype to impose, as a Python number: a learning rate, and what is made of it alone.
    """

    __slots__ = ("maths", "prim", "weak")
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, maths: Maths, prim: Prim, weak: bool = False) -> None:
        self.maths, self.prim, self.weak = maths, prim, weak

    @property
    def shape(self) -> Shape:
        """The shape of the primitive."""
        return self.prim.shape

    @property
    def ndim(self) -> int:
        """The number of its dimensions."""
        return len(self.prim.shape)

    @property
    def dtype(self) -> DType:
        """Its dtype."""
        return self.prim.dtype

    def __bool__(self) -> bool:
        raise TypeError("a recipe cannot ask for a value: it is not known yet; use m.where")

    def __add__(self, other: Any) -> Term:
        return self.maths.map("add", self, other)

    def __radd__(self, other: Any) -> Term:
        return self.maths.map("add", other, self)

    def __sub__(self, other: Any) -> Term:
        return self.maths.map("sub", self, other)

    def __rsub__(self, other: Any) -> Term:
        return self.maths.map("sub", other, self)

    def __mul__(self, other: Any) -> Term:
        return self.maths.map("mul", self, other)

    def __rmul__(self, other: Any) -> Term:
        return self.maths.map("mul", other, self)

    def __truediv__(self, other: Any) -> Term:
        return self.maths.map("div", self, other)

    def __rtruediv__(self, other: Any) -> Term:
        return self.maths.map("div", other, self)

    def __floordiv__(self, other: Any) -> Term:
        return self.maths.map("floordiv", self, other)

    def __rfloordiv__(self, other: Any) -> Term:
        return self.maths.map("floordiv", other, self)

    def __mod__(self, other: Any) -> Term:
        return self.maths.map("mod", self, other)

    def __rmod__(self, other: Any) -> Term:
        return self.maths.map("mod", other, self)

    def __neg__(self) -> Term:
        return self.maths.map("neg", self)

    def __lt__(self, other: Any) -> Term:
        return self.maths.map("lt", self, other)

    def __le__(self, other: Any) -> Term:
        return self.maths.map("le", self, other)

    def __gt__(self, other: Any) -> Term:
        return self.maths.map("gt", self, other)

    def __ge__(self, other: Any) -> Term:
        return self.maths.map("ge", self, other)

    def __eq__(self, other: Any) -> Term:  # type: ignore[override]
        return self.maths.map("eq", self, other)

    def __ne__(self, other: Any) -> Term:  # type: ignore[override]
        return self.maths.map("ne", self, other)

    def __and__(self, other: Any) -> Term:
        return self.maths.map("and", self, other)

    def __rand__(self, other: Any) -> Term:
        return self.maths.map("and", other, self)

    def __or__(self, other: Any) -> Term:
        return self.maths.map("or", self, other)

    def __ror__(self, other: Any) -> Term:
        return self.maths.map("or", other, self)

    def __xor__(self, other: Any) -> Term:
        return self.maths.map("xor", self, other)

    def __rxor__(self, other: Any) -> Term:
        return self.maths.map("xor", other, self)

    def __invert__(self) -> Term:
        return self.maths.map("not", self)
