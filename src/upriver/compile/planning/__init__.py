"""From groups of primitives to calls of kernels: bodies, order, memory, code."""
