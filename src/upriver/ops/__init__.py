"""Every operation, one record each; importing this fills the registry."""

from . import activation, adaptive_pool, align, compare, conv, einsum, elementwise, linalg, pool, reduce, resize, shape
from . import affine, attention, class_loss, deviation, extremes, gelu, loss, normalise, piecewise, scan, similarity, softmax
from . import arrange, create, dropout, gather, generator, index, join, order, random, scatter, slices, split
