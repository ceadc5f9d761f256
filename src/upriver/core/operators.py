"""What Python's operators do on tensors: each hands over to the operation of its name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..errors import DTypeError
from .registry import ops

if TYPE_CHECKING:
    from .tensor import Tensor


class Operators:
    """Arithmetic, comparison, logic and indexing."""

    __slots__ = ()

    # Arithmetic.
    def __add__(self, other: Any) -> Tensor:
        return ops.add(self, other)

    def __radd__(self, other: Any) -> Tensor:
        return ops.add(other, self)

    def __sub__(self, other: Any) -> Tensor:
        return ops.sub(self, other)

    def __rsub__(self, other: Any) -> Tensor:
        return ops.sub(other, self)

    def __mul__(self, other: Any) -> Tensor:
        return ops.mul(self, other)

    def __rmul__(self, other: Any) -> Tensor:
        return ops.mul(other, self)

    def __truediv__(self, other: Any) -> Tensor:
        return ops.div(self, other)

    def __rtruediv__(self, other: Any) -> Tensor:
        return ops.div(other, self)

    def __floordiv__(self, other: Any) -> Tensor:
        return ops.floor_divide(self, other)

    def __rfloordiv__(self, other: Any) -> Tensor:
        return ops.floor_divide(other, self)

    def __mod__(self, other: Any) -> Tensor:
        return ops.remainder(self, other)

    def __rmod__(self, other: Any) -> Tensor:
        return ops.remainder(other, self)

    def __pow__(self, other: Any) -> Tensor:
        return ops.pow(self, other)

    def __rpow__(self, other: Any) -> Tensor:
        return ops.pow(other, self)

    def __matmul__(self, other: Any) -> Tensor:
        return ops.matmul(self, other)

    def __rmatmul__(self, other: Any) -> Tensor:
        return ops.matmul(other, self)

    def __neg__(self) -> Tensor:
        return ops.neg(self)

    def __pos__(self) -> Tensor:
        return self  # type: ignore[return-value]

    def __abs__(self) -> Tensor:
        return ops.abs(self)

    # Comparison and logic.
    def __eq__(self, other: object) -> Tensor:  # type: ignore[override]
        try:
            return ops.eq(self, other)
        except DTypeError:  # not a number: then Python compares identities, so that ``t == None`` is False
            return NotImplemented

    def __ne__(self, other: object) -> Tensor:  # type: ignore[override]
        try:
            return ops.ne(self, other)
        except DTypeError:
            return NotImplemented

    def __lt__(self, other: Any) -> Tensor:
        return ops.lt(self, other)

    def __le__(self, other: Any) -> Tensor:
        return ops.le(self, other)

    def __gt__(self, other: Any) -> Tensor:
        return ops.gt(self, other)

    def __ge__(self, other: Any) -> Tensor:
        return ops.ge(self, other)

    def __and__(self, other: Any) -> Tensor:
        return ops.bitwise_and(self, other)

    def __or__(self, other: Any) -> Tensor:
        return ops.bitwise_or(self, other)

    def __xor__(self, other: Any) -> Tensor:
        return ops.bitwise_xor(self, other)

    def __invert__(self) -> Tensor:
        return ops.bitwise_not(self)

    __rand__, __ror__, __rxor__ = __and__, __or__, __xor__

    def __getitem__(self, key: Any) -> Tensor:
        return ops.index(self, key)
