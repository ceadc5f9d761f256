"""Every operation as a method of the tensor, under PyTorch's names.

One line each: the operation itself is reached through the registry, so that this layer knows none of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from ..errors import DimError
from .dtypes import DType, as_dtype, bool_, float16, float32, float64, int32, int64
from .operators import Operators
from .registry import ops

if TYPE_CHECKING:
    from .tensor import Tensor

Int: TypeAlias = int  # inside the class the plain names are its methods
Bool: TypeAlias = bool


class Methods(Operators):
    """The operations of a tensor; see the function of the same name for each one's documentation."""

    __slots__ = ()

    if TYPE_CHECKING:
        array: Any
        detach: Any

    # One value from one value.
    def abs(self) -> Tensor:
        return ops.abs(self)

    def neg(self) -> Tensor:
        return ops.neg(self)

    def exp(self) -> Tensor:
        return ops.exp(self)

    def expm1(self) -> Tensor:
        return ops.expm1(self)

    def exp2(self) -> Tensor:
        return ops.exp2(self)

    def log(self) -> Tensor:
        return ops.log(self)

    def log1p(self) -> Tensor:
        return ops.log1p(self)

    def log2(self) -> Tensor:
        return ops.log2(self)

    def log10(self) -> Tensor:
        return ops.log10(self)

    def sqrt(self) -> Tensor:
        return ops.sqrt(self)

    def rsqrt(self) -> Tensor:
        return ops.rsqrt(self)

    def square(self) -> Tensor:
        return ops.square(self)

    def reciprocal(self) -> Tensor:
        return ops.reciprocal(self)

    def sin(self) -> Tensor:
        return ops.sin(self)

    def cos(self) -> Tensor:
        return ops.cos(self)

    def tan(self) -> Tensor:
        return ops.tan(self)

    def asin(self) -> Tensor:
        return ops.asin(self)

    def acos(self) -> Tensor:
        return ops.acos(self)

    def atan(self) -> Tensor:
        return ops.atan(self)

    def sinh(self) -> Tensor:
        return ops.sinh(self)

    def cosh(self) -> Tensor:
        return ops.cosh(self)

    def tanh(self) -> Tensor:
        return ops.tanh(self)

    def asinh(self) -> Tensor:
        return ops.asinh(self)

    def acosh(self) -> Tensor:
        return ops.acosh(self)

    def atanh(self) -> Tensor:
        return ops.atanh(self)

    def erf(self) -> Tensor:
        return ops.erf(self)

    def sigmoid(self) -> Tensor:
        return ops.sigmoid(self)

    def relu(self) -> Tensor:
        return ops.relu(self)

    def sign(self) -> Tensor:
        return ops.sign(self)

    def floor(self) -> Tensor:
        return ops.floor(self)

    def ceil(self) -> Tensor:
        return ops.ceil(self)

    def round(self) -> Tensor:
        return ops.round(self)

    def trunc(self) -> Tensor:
        return ops.trunc(self)

    def isnan(self) -> Tensor:
        return ops.isnan(self)

    def isinf(self) -> Tensor:
        return ops.isinf(self)

    def isfinite(self) -> Tensor:
        return ops.isfinite(self)

    def logical_not(self) -> Tensor:
        return ops.logical_not(self)

    def t(self) -> Tensor:
        return ops.t(self)

    def contiguous(self, memory_format: Any = None) -> Tensor:
        return ops.contiguous(self)

    def clone(self, *, memory_format: Any = None) -> Tensor:
        return ops.clone(self)

    def diag(self, diagonal: Int = 0) -> Tensor:
        return ops.diag(self, diagonal)

    def diagonal(self, offset: Int = 0, dim1: Int = 0, dim2: Int = 1) -> Tensor:
        return ops.diagonal(self, offset, dim1, dim2)

    def nonzero(self, *, as_tuple: Bool = False) -> Any:
        return ops.nonzero(self, as_tuple=as_tuple)

    # With another operand.
    def add(self, other: Any) -> Tensor:
        return ops.add(self, other)

    def sub(self, other: Any) -> Tensor:
        return ops.sub(self, other)

    def mul(self, other: Any) -> Tensor:
        return ops.mul(self, other)

    def div(self, other: Any) -> Tensor:
        return ops.div(self, other)

    def pow(self, other: Any) -> Tensor:
        return ops.pow(self, other)

    def remainder(self, other: Any) -> Tensor:
        return ops.remainder(self, other)

    def floor_divide(self, other: Any) -> Tensor:
        return ops.floor_divide(self, other)

    def maximum(self, other: Any) -> Tensor:
        return ops.maximum(self, other)

    def minimum(self, other: Any) -> Tensor:
        return ops.minimum(self, other)

    def atan2(self, other: Any) -> Tensor:
        return ops.atan2(self, other)

    def eq(self, other: Any) -> Tensor:
        return ops.eq(self, other)

    def ne(self, other: Any) -> Tensor:
        return ops.ne(self, other)

    def lt(self, other: Any) -> Tensor:
        return ops.lt(self, other)

    def le(self, other: Any) -> Tensor:
        return ops.le(self, other)

    def gt(self, other: Any) -> Tensor:
        return ops.gt(self, other)

    def ge(self, other: Any) -> Tensor:
        return ops.ge(self, other)

    def logical_and(self, other: Any) -> Tensor:
        return ops.logical_and(self, other)

    def logical_or(self, other: Any) -> Tensor:
        return ops.logical_or(self, other)

    def logical_xor(self, other: Any) -> Tensor:
        return ops.logical_xor(self, other)

    def isclose(self, other: Any, rtol: Any = 1e-5, atol: Any = 1e-8, equal_nan: Bool = False) -> Tensor:
        return ops.isclose(self, other, rtol, atol, equal_nan)

    def allclose(self, other: Any, rtol: Any = 1e-5, atol: Any = 1e-8, equal_nan: Bool = False) -> Bool:
        """Whether all entries are close."""
        return ops.allclose(self, other, rtol, atol, equal_nan)

    def equal(self, other: Any) -> Bool:
        """Whether both have the same shape and values."""
        return ops.equal(self, other)

    def matmul(self, other: Any) -> Tensor:
        return ops.matmul(self, other)

    def mm(self, other: Any) -> Tensor:
        return ops.mm(self, other)

    def bmm(self, other: Any) -> Tensor:
        return ops.bmm(self, other)

    def mv(self, other: Any) -> Tensor:
        return ops.mv(self, other)

    def dot(self, other: Any) -> Tensor:
        return ops.dot(self, other)

    def outer(self, other: Any) -> Tensor:
        return ops.outer(self, other)

    def inner(self, other: Any) -> Tensor:
        return ops.inner(self, other)

    def addmm(self, mat1: Any, mat2: Any, *, beta: Any = 1, alpha: Any = 1) -> Tensor:
        return ops.addmm(self, mat1, mat2, beta=beta, alpha=alpha)

    def baddbmm(self, batch1: Any, batch2: Any, *, beta: Any = 1, alpha: Any = 1) -> Tensor:
        return ops.baddbmm(self, batch1, batch2, beta=beta, alpha=alpha)

    def trace(self) -> Tensor:
        return ops.trace(self)

    def type_as(self, other: Any) -> Tensor:
        return ops.type_as(self, other)

    def expand_as(self, other: Any) -> Tensor:
        return ops.expand_as(self, other)

    def view_as(self, other: Any) -> Tensor:
        return ops.view_as(self, other)

    def reshape_as(self, other: Any) -> Tensor:
        return ops.reshape_as(self, other)

    # Elementwise, with arguments.
    def clamp(self, min: Any = None, max: Any = None) -> Tensor:
        return ops.clamp(self, min, max)

    clip = clamp

    def lerp(self, end: Any, weight: Any) -> Tensor:
        return ops.lerp(self, end, weight)

    def where(self, condition: Any, other: Any) -> Tensor:
        return ops.where(condition, self, other)

    def masked_fill(self, mask: Any, value: Any) -> Tensor:
        return ops.masked_fill(self, mask, value)

    def softmax(self, dim: Int) -> Tensor:
        return ops.softmax(self, dim)

    def log_softmax(self, dim: Int) -> Tensor:
        return ops.log_softmax(self, dim)

    # Reductions. ``axis=`` and ``keepdims=`` are NumPy's names for ``dim=`` and ``keepdim=``.
    def sum(self, dim: Any = None, keepdim: Bool = False, **kwargs: Any) -> Tensor:
        return ops.sum(self, dim, keepdim, **kwargs)

    def mean(self, dim: Any = None, keepdim: Bool = False, **kwargs: Any) -> Tensor:
        return ops.mean(self, dim, keepdim, **kwargs)

    def var(self, dim: Any = None, unbiased: Bool = True, keepdim: Bool = False, **kwargs: Any) -> Tensor:
        return ops.var(self, dim, unbiased, keepdim, **kwargs)

    def std(self, dim: Any = None, unbiased: Bool = True, keepdim: Bool = False, **kwargs: Any) -> Tensor:
        return ops.std(self, dim, unbiased, keepdim, **kwargs)

    def prod(self, dim: Any = None, keepdim: Bool = False, **kwargs: Any) -> Tensor:
        return ops.prod(self, dim, keepdim, **kwargs)

    def max(self, dim: Any = None, keepdim: Bool = False, **kwargs: Any) -> Any:
        return ops.max(self, dim, keepdim, **kwargs)

    def min(self, dim: Any = None, keepdim: Bool = False, **kwargs: Any) -> Any:
        return ops.min(self, dim, keepdim, **kwargs)

    def amax(self, dim: Any = None, keepdim: Bool = False, **kwargs: Any) -> Tensor:
        return ops.amax(self, dim, keepdim, **kwargs)

    def amin(self, dim: Any = None, keepdim: Bool = False, **kwargs: Any) -> Tensor:
        return ops.amin(self, dim, keepdim, **kwargs)

    def argmax(self, dim: Any = None, keepdim: Bool = False, **kwargs: Any) -> Tensor:
        return ops.argmax(self, dim, keepdim, **kwargs)

    def argmin(self, dim: Any = None, keepdim: Bool = False, **kwargs: Any) -> Tensor:
        return ops.argmin(self, dim, keepdim, **kwargs)

    def any(self, dim: Any = None, keepdim: Bool = False, **kwargs: Any) -> Tensor:
        return ops.any(self, dim, keepdim, **kwargs)

    def all(self, dim: Any = None, keepdim: Bool = False, **kwargs: Any) -> Tensor:
        return ops.all(self, dim, keepdim, **kwargs)

    def logsumexp(self, dim: Any, keepdim: Bool = False, **kwargs: Any) -> Tensor:
        return ops.logsumexp(self, dim, keepdim, **kwargs)

    def norm(self, p: Any = 2, dim: Any = None, keepdim: Bool = False, **kwargs: Any) -> Tensor:
        return ops.norm(self, p, dim, keepdim, **kwargs)

    def median(self, dim: Any = None, keepdim: Bool = False, **kwargs: Any) -> Any:
        return ops.median(self, dim, keepdim, **kwargs)

    def count_nonzero(self, dim: Any = None) -> Tensor:
        return ops.count_nonzero(self, dim)

    def cumsum(self, dim: Int = 0, **kwargs: Any) -> Tensor:
        return ops.cumsum(self, dim, **kwargs)

    def cumprod(self, dim: Int = 0, **kwargs: Any) -> Tensor:
        return ops.cumprod(self, dim, **kwargs)

    # Shape.
    @property
    def T(self) -> Tensor:  # noqa: N802 (PyTorch's and NumPy's name)
        """All dimensions in reverse order."""
        return ops.permute(self, tuple(range(self.array.ndim))[::-1])

    @property
    def mT(self) -> Tensor:  # noqa: N802
        """The last two dimensions exchanged."""
        return ops.transpose(self, -2, -1)

    def size(self, dim: Int | None = None) -> Any:
        """The shape, or the length of one dimension."""
        if dim is None:
            return self.array.shape
        try:
            return self.array.shape[dim]
        except IndexError:
            n = self.array.ndim
            fix = f"Use one of {-n} to {n - 1}." if n else "It has no dimensions."
            raise DimError(
                f"size: dim {dim} is out of range for a tensor of shape {list(self.array.shape)}", fix
            ) from None

    def dim(self) -> Int:
        """The number of dimensions."""
        return self.array.ndim

    def numel(self) -> Int:
        """The number of entries."""
        return self.array.size

    nelement = numel

    def view(self, *shape: Any) -> Tensor:
        return ops.reshape(self, *shape)

    def reshape(self, *shape: Any) -> Tensor:
        return ops.reshape(self, *shape)

    def flatten(self, start_dim: Int = 0, end_dim: Int = -1) -> Tensor:
        return ops.flatten(self, start_dim, end_dim)

    def unflatten(self, dim: Int, sizes: Any) -> Tensor:
        return ops.unflatten(self, dim, sizes)

    def squeeze(self, dim: Any = None) -> Tensor:
        return ops.squeeze(self, dim)

    def unsqueeze(self, dim: Int) -> Tensor:
        return ops.unsqueeze(self, dim)

    def transpose(self, dim0: Int, dim1: Int) -> Tensor:
        return ops.transpose(self, dim0, dim1)

    swapaxes = transpose

    def permute(self, *dims: Any) -> Tensor:
        return ops.permute(self, *dims)

    def movedim(self, source: Any, destination: Any) -> Tensor:
        return ops.movedim(self, source, destination)

    def expand(self, *shape: Any) -> Tensor:
        return ops.expand(self, *shape)

    def broadcast_to(self, shape: Any) -> Tensor:
        return ops.expand(self, shape)

    def repeat(self, *times: Any) -> Tensor:
        return ops.repeat(self, *times)

    def tile(self, *dims: Any) -> Tensor:
        return ops.tile(self, *dims)

    def repeat_interleave(self, repeats: Any, dim: Int | None = None) -> Tensor:
        return ops.repeat_interleave(self, repeats, dim)

    def split(self, size: Any, dim: Int = 0) -> tuple[Tensor, ...]:
        return ops.split(self, size, dim)

    def chunk(self, chunks: Int, dim: Int = 0) -> tuple[Tensor, ...]:
        return ops.chunk(self, chunks, dim)

    def unbind(self, dim: Int = 0) -> tuple[Tensor, ...]:
        return ops.unbind(self, dim)

    def flip(self, *dims: Any) -> Tensor:
        return ops.flip(self, *dims)

    def roll(self, shifts: Any, dims: Any = None) -> Tensor:
        return ops.roll(self, shifts, dims)

    def unfold(self, dimension: Int, size: Int, step: Int) -> Tensor:
        return ops.unfold(self, dimension, size, step)

    def tril(self, diagonal: Int = 0) -> Tensor:
        return ops.tril(self, diagonal)

    def triu(self, diagonal: Int = 0) -> Tensor:
        return ops.triu(self, diagonal)

    # Indexing and order.
    def narrow(self, dim: Int, start: Int, length: Int) -> Tensor:
        return ops.narrow(self, dim, start, length)

    def select(self, dim: Int, index: Int) -> Tensor:
        return ops.select(self, dim, index)

    def index_select(self, dim: Int, index: Any) -> Tensor:
        return ops.index_select(self, dim, index)

    def gather(self, dim: Int, index: Any) -> Tensor:
        return ops.gather(self, dim, index)

    def scatter_add(self, dim: Int, index: Any, src: Any) -> Tensor:
        return ops.scatter_add(self, dim, index, src)

    def scatter(self, dim: Int, index: Any, src: Any = None, **kwargs: Any) -> Tensor:
        return ops.scatter(self, dim, index, src, **kwargs)

    def index_add(self, dim: Int, index: Any, source: Any, *, alpha: Any = 1) -> Tensor:
        return ops.index_add(self, dim, index, source, alpha=alpha)

    def take_along_dim(self, indices: Any, dim: Int | None = None) -> Tensor:
        return ops.take_along_dim(self, indices, dim)

    def masked_select(self, mask: Any) -> Tensor:
        return ops.masked_select(self, mask)

    def sort(self, dim: Int = -1, descending: Bool = False, stable: Bool = True) -> Any:
        return ops.sort(self, dim, descending, stable)

    def argsort(self, dim: Int = -1, descending: Bool = False, stable: Bool = True) -> Tensor:
        return ops.argsort(self, dim, descending, stable)

    def topk(self, k: Int, dim: Int = -1, largest: Bool = True, sorted: Bool = True) -> Any:
        return ops.topk(self, k, dim, largest, sorted)

    def kthvalue(self, k: Int, dim: Int = -1, keepdim: Bool = False) -> Any:
        return ops.kthvalue(self, k, dim, keepdim)

    def unique(
        self, sorted: Bool = True, return_inverse: Bool = False, return_counts: Bool = False, dim: Int | None = None
    ) -> Any:
        return ops.unique(self, sorted, return_inverse, return_counts, dim)

    def bincount(self, weights: Any = None, minlength: Int = 0) -> Tensor:
        return ops.bincount(self, weights, minlength)

    def histogram(self, bins: Any = 100, **kwargs: Any) -> Any:
        return ops.histogram(self, bins, **kwargs)

    # Random.
    def multinomial(self, num_samples: Int, replacement: Bool = False, *, generator: Any = None) -> Tensor:
        return ops.multinomial(self, num_samples, replacement, generator=generator)

    def bernoulli(self, p: Any = None, *, generator: Any = None) -> Tensor:
        return ops.bernoulli(self, p, generator=generator)

    # New ones of its dtype.
    def new_zeros(self, *size: Any, dtype: Any = None, **kwargs: Any) -> Tensor:
        return ops.zeros(*size, dtype=self.array.dtype if dtype is None else dtype, **kwargs)

    def new_ones(self, *size: Any, dtype: Any = None, **kwargs: Any) -> Tensor:
        return ops.ones(*size, dtype=self.array.dtype if dtype is None else dtype, **kwargs)

    def new_empty(self, *size: Any, dtype: Any = None, **kwargs: Any) -> Tensor:
        return ops.empty(*size, dtype=self.array.dtype if dtype is None else dtype, **kwargs)

    def new_full(self, size: Any, fill_value: Any, *, dtype: Any = None, **kwargs: Any) -> Tensor:
        return ops.full(size, fill_value, dtype=self.array.dtype if dtype is None else dtype, **kwargs)

    def new_tensor(self, data: Any, *, dtype: Any = None, **kwargs: Any) -> Tensor:
        return ops.tensor(data, dtype=self.array.dtype if dtype is None else dtype, **kwargs)

    # Dtype.
    def cast(self, dtype: DType) -> Tensor:
        return ops.to(self, as_dtype(dtype))

    def to(self, *args: Any, **kwargs: Any) -> Tensor:
        """Converted to a dtype, or to the dtype of another tensor; a device other than ``"cpu"`` is an error."""
        return ops.to(self, *args, **kwargs)

    def float(self) -> Tensor:
        return ops.to(self, float32)

    def double(self) -> Tensor:
        return ops.to(self, float64)

    def half(self) -> Tensor:
        return ops.to(self, float16)

    def long(self) -> Tensor:
        return ops.to(self, int64)

    def int(self) -> Tensor:
        return ops.to(self, int32)

    def bool(self) -> Tensor:
        return ops.to(self, bool_)

    def is_floating_point(self) -> Any:
        """Whether the dtype is floating."""
        return self.array.dtype.kind == "f"

    def cpu(self) -> Tensor:
        """Itself: the CPU is where everything is."""
        return self  # type: ignore[return-value]

    def cuda(self, device: Any = None) -> Tensor:
        """An error: there is no GPU here."""
        return ops.to(self, device="cuda")

    @property
    def is_cuda(self) -> Bool:
        """Always False."""
        return False

    def is_contiguous(self) -> Bool:
        """Whether the entries lie in memory in row-major order without gaps. No operation asks for it."""
        return self.array.flags.c_contiguous

    def stride(self) -> tuple[Int, ...]:
        """How many entries lie between neighbours along each dimension."""
        return tuple([step // self.array.itemsize for step in self.array.strides])
