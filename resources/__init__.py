"""Files that travel with the program: example graphs, sample images, icons and lessons."""

from pathlib import Path

_ROOT = Path(__file__).resolve().parent

__all__ = ["path"]


def path(relative: str) -> Path:
    """Where a shipped file lies on this machine.

    Args:
        relative: the file's path below the resources folder, such as ``images/coffee.png``.

    Returns:
        The absolute path; the file need not exist.
    """
    return _ROOT / relative
