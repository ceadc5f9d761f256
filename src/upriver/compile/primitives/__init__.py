"""Primitives: what every operation is made of, how recipes build them, and their value by NumPy."""
