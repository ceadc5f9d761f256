"""Where tensors live: on the CPU. The name is there because programs ask for it."""

from __future__ import annotations

from typing import Any

from ..errors import DTypeError


class device(str):  # noqa: N801 (PyTorch's name)
    """A device by name, equal to that name; ``"cpu"`` is the only one.

    Raises:
        DTypeError: another device was asked for.

    Example:
        >>> import upriver as ur
        >>> device = ur.device("cuda" if ur.cuda.is_available() else "cpu")
        >>> ur.zeros(2, device=device).device
        device('cpu')
        >>> device.type, device == "cpu"
        ('cpu', True)
    """

    __slots__ = ()

    def __new__(cls, name: Any = "cpu") -> device:
        if str(name).split(":")[0] != "cpu":
            raise DTypeError(f"device {str(name)!r} is not here: everything runs on the CPU", "Use device='cpu'.")
        return super().__new__(cls, "cpu")

    @property
    def type(self) -> str:
        """The kind of device."""
        return str(self)

    def __repr__(self) -> str:
        return "device('cpu')"


CPU = device()
