"""Files that are whole or not there: written beside their place, then renamed into it, and known by their hash."""

import hashlib
import os
import tempfile
from io import RawIOBase
from pathlib import Path


def write_atomically(path: Path, content: bytes) -> None:
    """Write ``content`` to ``path`` so that a reader finds the old file or the whole new one, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, beside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(beside).chmod(0o644)
        Path(beside).replace(path)
    except BaseException:
        Path(beside).unlink(missing_ok=True)
        raise


def file_sha256(path: Path) -> str:
    """Give the SHA-256, in hex, of the file at ``path``."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_all(file: RawIOBase, content: bytes) -> None:
    """Write all of ``content`` to an unbuffered ``file``, which may take it in pieces, and see it on the disk."""
    rest = memoryview(content)
    while rest:
        rest = rest[file.write(rest) or 0 :]
    os.fsync(file.fileno())


def sync(path: Path) -> None:
    """See the file or folder at ``path`` on the disk: of a folder, that its names are."""
    if os.name == "nt" and path.is_dir():  # Windows can't, and needn't
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
