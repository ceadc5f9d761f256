"""Small networks as people paste them, read to a whitelist and computed by the engine."""
