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
from typing import Any

# Overflow and 0/0 in a kernel show up as inf and NaN, which the engine traces; NumPy's warning about the
# line inside this package would only be noise. The filter names our modules: user code keeps its warnings.
warnings.filterwarnings("ignore", category=RuntimeWarning, module=r"upriver\.")

from . import ops as ops
from .core.backward import grad as grad
from .core.dtypes import (
    bool_ as bool,
    float16 as float16,
    float16 as half,
    float32 as float,
    float32 as float32,
    float64 as double,
    float64 as float64,
    get_default_dtype as get_default_dtype,
    int8 as int8,
    int16 as int16,
    int32 as int,
    int32 as int32,
    int64 as int64,
    int64 as long,
    set_default_dtype as set_default_dtype,
    uint8 as uint8,
)
from .core.graph import Graph as Graph
from .core.memory import keep_freed_memory as _keep_freed_memory
from .core.registry import ops as _registry
from .core.site import record_source_lines as record_source_lines
from .core.state import (
    enable_grad as enable_grad,
    inference_mode as inference_mode,
    is_grad_enabled as is_grad_enabled,
    no_grad as no_grad,
    set_grad_enabled as set_grad_enabled,
)
from .core.tensor import Parameter as Parameter, Tensor as Tensor, as_tensor as as_tensor
from .version import __version__ as __version__

_keep_freed_memory()

_LAZY = {"autograd", "cuda", "data", "nn", "optim", "train", "utils"}


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return importlib.import_module(f"{__name__}.{name}")
    if name == "gradcheck":
        return importlib.import_module(f"{__name__}.core.gradcheck").gradcheck
    try:
        return getattr(_registry, name)
    except AttributeError:
        raise AttributeError(f"module 'upriver' has no attribute {name!r}") from None
