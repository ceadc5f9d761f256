"""From a call of a function to a program: what happened, operation by operation; and its replay by NumPy."""
