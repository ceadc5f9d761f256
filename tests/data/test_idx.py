import gzip
import struct

import numpy as np
import pytest

from upriver.data import read_idx
from upriver.errors import FileError


def idx(array, kind=0x08):
    return bytes([0, 0, kind, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


@pytest.mark.parametrize(
    ("kind", "dtype"), [(8, ">u1"), (9, ">i1"), (0xB, ">i2"), (0xC, ">i4"), (0xD, ">f4"), (0xE, ">f8")]
)
@pytest.mark.parametrize("packed", [True, False])
def test_every_kind_plain_and_packed(tmp_path, kind, dtype, packed):
    values = np.arange(6).reshape(2, 3).astype(dtype)
    raw = idx(values, kind)
    (tmp_path / "a").write_bytes(gzip.compress(raw) if packed else raw)
    out = read_idx(tmp_path / "a")
    assert np.array_equal(out, values)
    assert out.dtype.isnative
    out += 1  # it can be written


def test_broken_files(tmp_path):
    raw = idx(np.zeros((3, 2), np.uint8))
    broken = {
        "cut": (raw[:-1], "17 bytes, its header promises 18"),
        "long": (raw + b"x", "19 bytes, its header promises 18"),
        "head": (raw[:6], "6 bytes"),
        "foreign": (b"PK\x03\x04....", "not an IDX file"),
        "empty": (b"", "not an IDX file"),
        "packed": (gzip.compress(raw)[:-9], "cannot be read"),
        "spoilt": (gzip.compress(raw)[:12] + b"spoilt" + gzip.compress(raw)[18:], "cannot be read"),
    }
    for name, (content, message) in broken.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(FileError, match=message) as caught:
            read_idx(tmp_path / name)
        assert name in str(caught.value)
    with pytest.raises(FileError, match="no such file"):
        read_idx(tmp_path / "none")
