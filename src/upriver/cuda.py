"""``upriver.cuda``: what programs ask before they choose a device. There is none."""


def is_available() -> bool:
    """Always False: everything runs on the CPU.

    Example:
        >>> import upriver as ur
        >>> ur.cuda.is_available()
        False
    """
    return False


def device_count() -> int:
    """Always 0."""
    return 0
