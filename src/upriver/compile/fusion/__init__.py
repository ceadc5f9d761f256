"""Which primitives run in one kernel."""
