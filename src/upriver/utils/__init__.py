"""Data under PyTorch's spelling, ``upriver.utils.data``."""

from . import data as data
