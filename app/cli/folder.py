"""The folder a run writes to: every file whole, or none of them."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from pathlib import Path
from types import TracebackType

from app.cli.errors import FAILED, CommandError

__all__ = ["OutputFolder", "reason"]


def reason(error: OSError) -> str:
    """Why the system refused, as the end of a sentence."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return "there is no room left"
    if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
        return "it is read-only"
    if error.errno in (errno.ENOTDIR, errno.EEXIST):
        return "a file is in the way"
    text = error.strerror or os.strerror(error.errno or errno.EIO)
    return text[:1].lower() + text[1:]


class OutputFolder:
    """A folder to be filled in one step.

    Files are written into a hidden folder inside it, ``stage``, and ``commit`` gives them their
    names when all of them are there. Leaving the ``with`` block without it leaves nothing behind,
    not even the folder, where it did not exist before.

    Args:
        path: the folder.

    Raises:
        CommandError: it cannot be written to; said before anything is computed.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._made: list[Path] = []
        try:
            self._make(path)
            self.stage = Path(tempfile.mkdtemp(prefix=".dprox-studio-", dir=path))
            probe = self.stage / "probe"
            probe.write_bytes(bytes(4096))
            probe.unlink()
        except OSError as error:
            self._clear()
            raise CommandError(
                f"The folder “{path}” cannot be written to: {reason(error)}. "
                "Choose another with --out."
            ) from error

    def __enter__(self) -> OutputFolder:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._clear()

    def commit(self) -> list[Path]:
        """Give every file its name; what had that name before is replaced.

        Returns:
            The files, as a person would name them.

        Raises:
            CommandError: the disk is full or the folder has changed; the new files are gone.
        """
        try:
            staged = sorted(path for path in self.stage.rglob("*") if path.is_file())
            for path in staged:
                with path.open("rb") as file:
                    os.fsync(file.fileno())
            written = []
            for path in staged:
                target = self.path / path.relative_to(self.stage)
                target.parent.mkdir(parents=True, exist_ok=True)
                path.replace(target)
                written.append(target)
        except OSError as error:
            raise self.failure(error) from error
        self._made.clear()
        return written

    def failure(self, error: OSError) -> CommandError:
        """The sentence for what could not be written at the end."""
        return CommandError(
            f"The results could not be written to “{self.path}”: {reason(error)}. "
            "Nothing was left half-written.",
            code=FAILED,
        )

    def _make(self, path: Path) -> None:
        missing = []
        while not path.exists():
            missing.append(path)
            if path == path.parent:
                break
            path = path.parent
        for folder in reversed(missing):
            folder.mkdir()
            self._made.append(folder)

    def _clear(self) -> None:
        stage = getattr(self, "stage", None)
        if stage is not None:
            shutil.rmtree(stage, ignore_errors=True)
        for folder in reversed(self._made):
            try:
                folder.rmdir()
            except OSError:
                break
