"""Upriver: a deep-learning engine whose every gradient can be opened."""
from .core.backward import grad
from .core.tensor import Tensor, Parameter, as_tensor
from .core.graph import Graph
from .core.state import no_grad
from . import ops
def tensor(data, dtype=None, requires_grad=False):
    from .core.tensor import to_array
    return Tensor(to_array(data, dtype).copy(), requires_grad=requires_grad)
