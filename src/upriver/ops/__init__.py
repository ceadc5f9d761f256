"""Every operation, one record each; importing this fills the registry."""

from . import activation, align, compare, elementwise, linalg, reduce, shape
