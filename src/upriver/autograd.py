"""``upriver.autograd``: the gradient functions under PyTorch's module name."""

from .core.backward import grad as grad
from .core.state import enable_grad as enable_grad, no_grad as no_grad, set_grad_enabled as set_grad_enabled
