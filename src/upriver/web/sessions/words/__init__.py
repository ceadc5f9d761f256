"""The next-word lab: a small transformer learns to say which symbol comes next."""
