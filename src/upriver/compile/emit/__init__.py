"""Emitters: from what a kernel is to compute to LLVM IR, as text."""
