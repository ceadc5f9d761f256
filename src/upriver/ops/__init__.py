"""Every operation, one record each; importing this fills the registry."""

from . import activation, align, compare, conv, elementwise, linalg, pool, reduce, resize, shape
