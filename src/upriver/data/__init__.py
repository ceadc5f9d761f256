"""Data: sets of samples, loaders, the data sets that the recipes use, and the user's own files."""

from . import toys as toys
from .arrays import read_arrays as read_arrays
from .checks import check_finite as check_finite
from .collate import default_collate as default_collate, default_convert as default_convert
from .dataset import (
    ConcatDataset as ConcatDataset,
    Dataset as Dataset,
    IterableDataset as IterableDataset,
    Subset as Subset,
    TensorDataset as TensorDataset,
    random_split as random_split,
    split as split,
)
from .encoder import Column as Column, TableEncoder as TableEncoder
from .idx import read_idx as read_idx
from .loader import DataLoader as DataLoader
from .samplers import (
    BatchSampler as BatchSampler,
    RandomSampler as RandomSampler,
    Sampler as Sampler,
    SequentialSampler as SequentialSampler,
    SubsetRandomSampler as SubsetRandomSampler,
    WeightedRandomSampler as WeightedRandomSampler,
)
from .sources import (
    Names as Names,
    TrainTest as TrainTest,
    load_breast_cancer as load_breast_cancer,
    load_diabetes as load_diabetes,
    load_digits as load_digits,
    load_fashion_mnist as load_fashion_mnist,
    load_iris as load_iris,
    load_mnist_5k as load_mnist_5k,
    load_names as load_names,
    load_wine as load_wine,
)
from .tables import Table as Table, read_table as read_table
from .text import (
    CharVocab as CharVocab,
    blocks as blocks,
    context_windows as context_windows,
    split_text as split_text,
)
from .toys import (
    blobs as blobs,
    circles as circles,
    hills as hills,
    moons as moons,
    plane as plane,
    sine as sine,
    spiral as spiral,
    xor as xor,
)
from .transforms import (
    OneHot as OneHot,
    RandomShift as RandomShift,
    Standardize as Standardize,
    flatten as flatten,
    pad_images as pad_images,
    to_float as to_float,
)
