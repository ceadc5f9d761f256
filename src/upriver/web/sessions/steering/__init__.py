"""The steering lab: a small network learns to steer a car by the edges of its road."""
