"""Public weights, downloaded once when a person asks for it, never while a script runs."""

from __future__ import annotations

import hashlib
import logging
import os
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from dprox_core.errors import ParameterError
from dprox_core.priors.formats import WeightsError

__all__ = ["RELEASES", "Release", "cache_folder", "fetch"]

log = logging.getLogger(__name__)

KAIR = "https://github.com/cszn/KAIR/releases/download/v1.0"
DEEPINV = "https://huggingface.co/deepinv"
CHUNK = 1 << 18
UNSTATED = "see the publisher's page"


@dataclass(frozen=True)
class Release:
    """A public file of weights.

    Attributes:
        url: where it lies.
        sha256: its checksum; None where the publisher gives none. Then the checksum of the first
            download is kept beside the file, and any later change to the file is refused.
        licence: as its publisher states it.
    """

    url: str
    sha256: str | None = None
    licence: str = "MIT"


RELEASES: dict[str, Release] = {
    "dncnn": Release(f"{KAIR}/dncnn_gray_blind.pth"),
    "dncnn_color": Release(f"{KAIR}/dncnn_color_blind.pth"),
    "dncnn_15": Release(f"{KAIR}/dncnn_15.pth"),
    "dncnn_25": Release(f"{KAIR}/dncnn_25.pth"),
    "dncnn_50": Release(f"{KAIR}/dncnn_50.pth"),
    "fdncnn": Release(f"{KAIR}/fdncnn_gray.pth"),
    "fdncnn_color": Release(f"{KAIR}/fdncnn_color.pth"),
    "ffdnet": Release(f"{KAIR}/ffdnet_gray.pth"),
    "ffdnet_color": Release(f"{KAIR}/ffdnet_color.pth"),
    "ircnn": Release(f"{KAIR}/ircnn_gray.pth"),
    "ircnn_color": Release(f"{KAIR}/ircnn_color.pth"),
    "drunet": Release(f"{KAIR}/drunet_gray.pth"),
    "drunet_color": Release(f"{KAIR}/drunet_color.pth"),
    "dncnn_deepinv": Release(f"{DEEPINV}/dncnn/resolve/main/dncnn_sigma2_gray.pth", None, UNSTATED),
    "dncnn_deepinv_color": Release(
        f"{DEEPINV}/dncnn/resolve/main/dncnn_sigma2_color.pth", None, UNSTATED
    ),
}
"""What ``fetch`` knows by name."""


def cache_folder() -> Path:
    """Where fetched weights are kept: ``DPROX_WEIGHTS``, else the user's cache folder."""
    named = os.environ.get("DPROX_WEIGHTS")
    if named:
        return Path(named)
    from platformdirs import user_cache_path

    return user_cache_path("dprox-studio") / "weights"


def fetch(
    name: str,
    progress: Callable[[int, int | None], object] | None = None,
    folder: str | os.PathLike[str] | None = None,
    timeout: float = 30.0,
) -> Path:
    """Download public weights once, and give the file's path.

    Args:
        name: a name in ``RELEASES``, such as ``"drunet_color"``.
        progress: called with (bytes so far, bytes in all or None).
        folder: where to keep the file; the user's cache folder by default.
        timeout: seconds to wait for the server each time.

    Raises:
        ParameterError: the name is unknown.
        WeightsError: there is no connection, the server refuses, or the file arrives damaged.

    Example:
        >>> from dprox_core.priors import weights
        >>> net = weights.load(weights.fetch("drunet_color"))  # doctest: +SKIP

    Reference:
        https://github.com/cszn/KAIR (MIT) and https://huggingface.co/deepinv.
    """
    release = RELEASES.get(name)
    if release is None:
        raise ParameterError(
            f'No public weights are known as "{name}": choose one of {", ".join(RELEASES)}.',
            expected=", ".join(RELEASES),
            got=name,
            where="name",
        )
    place = Path(folder) if folder is not None else cache_folder()
    path = place / f"{name}{Path(release.url).suffix}"
    record = path.with_name(path.name + ".sha256")
    if path.exists():
        expected = release.sha256 or (record.read_text().strip() if record.exists() else None)
        if expected is None or _digest(path) == expected:
            return path
        log.warning("%s has changed since it was downloaded; fetching it again.", path)
    place.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    try:
        digest = _download(release, part, progress, timeout)
        if release.sha256 is not None and digest != release.sha256:
            raise WeightsError(
                f'The file for "{name}" from {release.url} arrived with another checksum than its '
                "publisher states; it was thrown away. Try again, and if it happens again do not "
                "trust the server.",
                expected=release.sha256,
                got=digest,
                where=release.url,
            )
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    record.write_text(digest + "\n")
    return path


def _download(
    release: Release, part: Path, progress: Callable[[int, int | None], object] | None, wait: float
) -> str:
    digest, done = hashlib.sha256(), 0
    request = urllib.request.Request(release.url, headers={"User-Agent": "dprox-studio"})
    try:
        with urllib.request.urlopen(request, timeout=wait) as answer, part.open("wb") as out:
            length = answer.headers.get("Content-Length")
            total = int(length) if length else None
            while chunk := answer.read(CHUNK):
                out.write(chunk)
                digest.update(chunk)
                done += len(chunk)
                if progress is not None:
                    progress(done, total)
    except urllib.error.HTTPError as error:
        raise WeightsError(
            f"{release.url} cannot be had: the server answers {error.code} ({error.reason}). "
            "Download the file by hand, or use the weights that come with the package.",
            got=error.code,
            where=release.url,
        ) from error
    except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
        raise WeightsError(
            f"{release.url} cannot be reached: is this machine connected to the network? Weights "
            "that come with the package need no connection: ffdnet_color, ffdnet, "
            "drunet_small_color, dncnn.",
            got=str(error),
            where=release.url,
        ) from error
    if total is not None and done != total:
        raise WeightsError(
            f"The download of {release.url} broke off after {done} of {total} bytes: try again.",
            expected=total,
            got=done,
            where=release.url,
        )
    return digest.hexdigest()


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
