"""Upriver: a deep-learning engine whose every gradient can be opened.

    import upriver as ur

    w = ur.tensor(2.0, requires_grad=True)
    loss = (w * 3.0 - 10.0) ** 2
    loss.backward()
    w.grad                      # tensor(-24.)

Names and behaviour are PyTorch's wherever PyTorch has one. ``ur.nn``, ``ur.optim``, ``ur.data`` and the other
subpackages are imported when they are first touched, so that ``import upriver`` costs little more than NumPy.
"""

from __future__ import annotations

import importlib
import warnings
from math import e, inf, nan, pi
from typing import TYPE_CHECKING, Any

# Overflow and 0/0 in a kernel show up as inf and NaN, which the engine traces; NumPy's warning about the
# line inside this package would only be noise. The filter names our modules: user code keeps its warnings.
warnings.filterwarnings("ignore", category=RuntimeWarning, module=r"upriver\.")

from . import errors, ops
from .core.backward import grad
from .core.device import device
from .core.dtypes import (
    bool_ as bool,
    float16,
    float16 as half,
    float32,
    float32 as float,
    float64,
    float64 as double,
    get_default_dtype,
    int8,
    int16,
    int32,
    int32 as int,
    int64,
    int64 as long,
    set_default_dtype,
    uint8,
)
from .core.gradcheck import gradcheck
from .core.graph import Graph
from .core.memory import keep_freed_memory
from .core.site import record_source_lines
from .core.state import enable_grad, inference_mode, is_grad_enabled, no_grad, set_grad_enabled
from .core.tensor import Parameter, Tensor, as_tensor
from .core.threads import get_num_threads, set_num_threads
from .ops.activation import prelu, relu, sigmoid
from .ops.align import broadcast_tensors, broadcast_to_ as broadcast_to
from .ops.arrange import diag, diagonal, flip, meshgrid, roll, tril, triu, unfold
from .ops.compare import (
    allclose,
    bitwise_and,
    bitwise_not,
    bitwise_or,
    bitwise_xor,
    eq,
    equal,
    ge,
    gt,
    isclose,
    isfinite,
    isinf,
    isnan,
    le,
    logical_and,
    logical_not,
    logical_or,
    logical_xor,
    lt,
    ne,
)
from .ops.create import (
    arange,
    empty,
    empty_like,
    eye,
    from_numpy,
    full,
    full_like,
    is_tensor,
    linspace,
    logspace,
    numel,
    ones,
    ones_like,
    tensor,
    zeros,
    zeros_like,
)
from .ops.deviation import std, var
from .ops.dropout import dropout
from .ops.einsum import einsum, inner, tensordot, trace
from .ops.elementwise import (
    abs,
    add,
    ceil,
    clamp,
    clip,
    div,
    erf,
    exp,
    exp2,
    expm1,
    floor,
    floor_divide,
    lerp,
    log,
    log1p,
    log2,
    log10,
    masked_fill,
    maximum,
    minimum,
    mul,
    neg,
    pow,
    reciprocal,
    remainder,
    round,
    rsqrt,
    sign,
    sqrt,
    square,
    sub,
    trunc,
    where,
)
from .ops.extremes import all, amax, amin, any, argmax, argmin, max, median, min
from .ops.gather import index_add, index_select
from .ops.generator import Generator, get_rng_state, initial_seed, manual_seed, seed, set_rng_state
from .ops.index import argwhere, index_put, masked_select, nonzero
from .ops.join import cat, concat, concatenate, hstack, repeat_interleave, stack, tile, vstack
from .ops.linalg import addmm, addmv, baddbmm, bmm, dot, kron, matmul, mm, mv, outer
from .ops.order import argsort, bincount, bucketize, histogram, kthvalue, msort, searchsorted, sort, topk, unique
from .ops.random import bernoulli, multinomial, normal, rand, rand_like, randint, randn, randn_like, randperm
from .ops.reduce import count_nonzero, mean, norm, prod, sum, vecdot
from .ops.scan import cumprod, cumsum
from .ops.scatter import gather, scatter, scatter_add, take_along_dim
from .ops.shape import (
    atleast_1d,
    atleast_2d,
    atleast_3d,
    clone,
    flatten,
    movedim,
    permute,
    reshape,
    squeeze,
    swapaxes,
    t,
    transpose,
    unflatten,
    unsqueeze,
)
from .ops.similarity import cosine_similarity
from .ops.slices import narrow, select
from .ops.softmax import log_softmax, logsumexp, softmax
from .ops.split import chunk, split, unbind
from .ops.trigonometry import acos, acosh, asin, asinh, atan, atan2, atanh, cos, cosh, sin, sinh, tan, tanh
from .version import __version__

if TYPE_CHECKING:
    from . import autograd, cuda, data, explain, nn, optim, recipes, train, utils

# fmt: off
__all__ = [
    "Generator", "Graph", "Parameter", "Tensor", "__version__", "abs", "acos", "acosh", "add", "addmm", "addmv", "all",
    "allclose", "amax", "amin", "any", "arange", "argmax", "argmin", "argsort", "argwhere", "as_tensor", "asin",
    "asinh", "atan", "atan2", "atanh", "atleast_1d", "atleast_2d", "atleast_3d", "baddbmm", "bernoulli", "bincount",
    "bitwise_and", "bitwise_not", "bitwise_or", "bitwise_xor", "bmm", "bool", "broadcast_tensors", "broadcast_to",
    "bucketize", "cat", "ceil", "chunk", "clamp", "clip", "clone", "concat", "concatenate", "cos", "cosh",
    "cosine_similarity", "count_nonzero", "cumprod", "cumsum", "device", "diag", "diagonal", "div", "dot", "double",
    "dropout", "e", "einsum", "empty", "empty_like", "enable_grad", "eq", "equal", "erf", "errors", "exp", "exp2",
    "expm1", "eye", "flatten", "flip", "float", "float16", "float32", "float64", "floor", "floor_divide", "from_numpy",
    "full", "full_like", "gather", "ge", "get_default_dtype", "get_num_threads", "get_rng_state", "grad", "gradcheck",
    "gt", "half", "histogram", "hstack", "index_add", "index_put", "index_select", "inf", "inference_mode",
    "initial_seed", "inner", "int", "int8", "int16", "int32", "int64", "is_grad_enabled", "is_tensor", "isclose",
    "isfinite", "isinf", "isnan", "kron", "kthvalue", "le", "lerp", "linspace", "log", "log1p", "log2", "log10",
    "log_softmax", "logical_and", "logical_not", "logical_or", "logical_xor", "logspace", "logsumexp", "long", "lt",
    "manual_seed", "masked_fill", "masked_select", "matmul", "max", "maximum", "mean", "median", "meshgrid", "min",
    "minimum", "mm", "movedim", "msort", "mul", "multinomial", "mv", "nan", "narrow", "ne", "neg", "no_grad", "nonzero",
    "norm", "normal", "numel", "ones", "ones_like", "ops", "outer", "permute", "pi", "pow", "prelu", "prod", "rand",
    "rand_like", "randint", "randn", "randn_like", "randperm", "reciprocal", "record_source_lines", "relu", "remainder",
    "repeat_interleave", "reshape", "roll", "round", "rsqrt", "scatter", "scatter_add", "searchsorted", "seed",
    "select", "set_default_dtype", "set_grad_enabled", "set_num_threads", "set_rng_state", "sigmoid", "sign", "sin",
    "sinh", "softmax", "sort", "split", "sqrt", "square", "squeeze", "stack", "std", "sub", "sum", "swapaxes", "t",
    "take_along_dim", "tan", "tanh", "tensor", "tensordot", "tile", "topk", "trace", "transpose", "tril", "triu",
    "trunc", "uint8", "unbind", "unflatten", "unfold", "unique", "unsqueeze", "var", "vecdot", "vstack", "where",
    "zeros", "zeros_like",
]
# fmt: on

keep_freed_memory()

_SUBPACKAGES = {"autograd", "compile", "cuda", "data", "explain", "nn", "optim", "recipes", "train", "utils"}
_ABSENT = {
    "save": "use upriver.train.save_checkpoint, or safetensors.numpy.save_file on the arrays of state_dict()",
    "load": "use upriver.train.load_checkpoint, or safetensors.numpy.load_file and model.load_state_dict",
    "bfloat16": "NumPy has no such dtype; use float32",
    "linalg": "norms are upriver.norm; numpy.linalg takes x.detach().numpy()",
    "backends": "leave the line out: there is no such thing to set",
}
_EXPLANATIONS = {"blame", "draw", "load_trace", "nudge", "paths", "step_profile", "why"}


def __getattr__(name: str) -> Any:
    if name in _SUBPACKAGES:
        return importlib.import_module(f"{__name__}.{name}")
    if name in _EXPLANATIONS:
        return getattr(importlib.import_module(f"{__name__}.explain"), name)
    hint = f"; {_ABSENT[name]}" if name in _ABSENT else ""
    raise AttributeError(f"module 'upriver' has no attribute {name!r}{hint}")
