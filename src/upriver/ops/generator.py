"""Where random numbers come from: draws that can be repeated, since each is a function of a seed and a number.

A generator holds a seed and counts its draws. Draw number c of seed s is the stream of the Philox generator
with the key (s, c), so a draw inside a graph keeps two integers and gives the same numbers whenever it is
run again; two generators never disturb each other.

Source: Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC (2011), section 3.3.
"""

from __future__ import annotations

import os
import threading
from typing import Any, Self

import numpy as np

from ..core.registry import front_door
from ..core.state import Array
from ..core.tensor import Tensor, to_array, wrap
from ..errors import ArgumentError
from .align import check_device

_WORD = 2**64


@front_door
class Generator:
    """A source of random numbers of its own: a seed, and how many draws have been made.

    Args:
        device: the CPU.

    Example:
        >>> import upriver as ur
        >>> g = ur.Generator().manual_seed(7)
        >>> a = ur.rand(3, generator=g)
        >>> b = ur.rand(3, generator=ur.Generator().manual_seed(7))
        >>> (a == b).all().item()
        True
    """

    __slots__ = ("_counter", "_lock", "_seed")

    def __init__(self, device: Any = None) -> None:
        check_device(device)
        self._lock = threading.Lock()
        self._seed, self._counter = 0, 0

    @property
    def device(self) -> str:
        """Always ``"cpu"``."""
        return "cpu"

    def manual_seed(self, seed: int) -> Self:
        """Start the sequence that belongs to ``seed`` (any integer, taken modulo 2**64), and return itself."""
        with self._lock:
            self._seed, self._counter = int(seed) % _WORD, 0
        return self

    def seed(self) -> int:
        """Start a sequence that nobody can foresee, and return its seed."""
        self.manual_seed(int.from_bytes(os.urandom(8), "little"))
        return self._seed

    def initial_seed(self) -> int:
        """The seed that the sequence was started with."""
        return self._seed

    def get_state(self) -> Tensor:
        """The seed and the count, as 16 bytes (uint8)."""
        with self._lock:
            return wrap(np.frombuffer(np.array([self._seed, self._counter], "<u8").tobytes(), np.uint8).copy(), None)

    def set_state(self, state: Any) -> Self:
        """Go on from ``state``, which :meth:`get_state` gave.

        Raises:
            ArgumentError: it is not such a state.
        """
        data = np.frombuffer(state, np.uint8) if isinstance(state, (bytes, bytearray)) else to_array(state)
        if data.shape != (16,):
            raise ArgumentError(
                f"set_state: a state has 16 bytes, not shape {list(data.shape)}", "Pass what get_state() returned."
            )
        seed, counter = np.frombuffer(data.astype(np.uint8).tobytes(), "<u8").tolist()
        with self._lock:
            self._seed, self._counter = seed, counter
        return self

    def draw(self) -> dict[str, int]:
        """The seed and the number of the next draw, as attributes of an operation; the count moves on."""
        with self._lock:
            counter = self._counter
            self._counter = (counter + 1) % _WORD
            return {"seed": self._seed, "counter": counter}

    def rewind(self, counter: int) -> None:
        """Go back to draw ``counter``: what was drawn since did not happen."""
        with self._lock:
            self._counter = counter

    def __deepcopy__(self, memo: dict[int, Any]) -> Generator:
        return Generator().set_state(self.get_state())

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, (self.get_state().array.tobytes(),)

    def __repr__(self) -> str:
        return f"<Generator with seed {self._seed} after {self._counter} draws>"


def _restored(state: bytes) -> Generator:
    return Generator().set_state(state)


default_generator = Generator()
default_generator.seed()


@front_door
def manual_seed(seed: int) -> Generator:
    """Start the default generator with ``seed``, so that a program gives the same numbers each time; returns it.

    Example:
        >>> import upriver as ur
        >>> _ = ur.manual_seed(0)
        >>> a = ur.rand(2)
        >>> _ = ur.manual_seed(0)
        >>> (ur.rand(2) == a).all().item()
        True
    """
    return default_generator.manual_seed(seed)


@front_door
def seed() -> int:
    """Start the default generator with a seed that nobody can foresee, and return the seed.

    Example:
        >>> import upriver as ur
        >>> type(ur.seed()) is int
        True
        >>> _ = ur.manual_seed(0)
    """
    return default_generator.seed()


@front_door
def initial_seed() -> int:
    """The seed of the default generator.

    Example:
        >>> import upriver as ur
        >>> _ = ur.manual_seed(7)
        >>> ur.initial_seed()
        7
    """
    return default_generator.initial_seed()


@front_door
def get_rng_state() -> Tensor:
    """The state of the default generator, as 16 bytes (uint8).

    Example:
        >>> import upriver as ur
        >>> state = ur.get_rng_state()
        >>> first = ur.rand(2)
        >>> ur.set_rng_state(state)
        >>> bool((ur.rand(2) == first).all())
        True
    """
    return default_generator.get_state()


@front_door
def set_rng_state(state: Any) -> None:
    """Put the default generator back into ``state``.

    Example:
        >>> import upriver as ur
        >>> state = ur.get_rng_state()
        >>> first = ur.rand(2)
        >>> ur.set_rng_state(state)
        >>> bool((ur.rand(2) == first).all())
        True
    """
    default_generator.set_state(state)


class _Streams(threading.local):
    """This thread's Philox generator: setting its state is ten times as fast as making one."""

    generator: np.random.Generator | None = None
    state: Any

    def at(self, seed: int, counter: int) -> np.random.Generator:
        """The generator, at the beginning of a stream."""
        if self.generator is None:  # not before a draw: the import of NumPy's generators takes time
            self.generator = np.random.Generator(np.random.Philox(key=[0, 0]))
            self.state = self.generator.bit_generator.state
        self.state["state"]["key"][:] = (seed, counter)
        self.generator.bit_generator.state = self.state
        return self.generator


_streams = _Streams()


def stream(seed: int, counter: int) -> np.random.Generator:
    """NumPy's generator at the beginning of draw ``counter`` of ``seed``; valid until this thread's next call."""
    return _streams.at(seed, counter)


def raw_bits(seed: int, counter: int, n: int) -> Array:
    """``n`` integers of 32 random bits."""
    bits: Any = stream(seed, counter).bit_generator
    return bits.random_raw((n + 1) // 2).view(np.uint32)[:n]
