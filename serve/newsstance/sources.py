"""Where articles come from: files by their suffix, the files of folders, and standard input."""

import io
import os
import stat
import sys
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from gzip import GzipFile
from pathlib import Path
from typing import BinaryIO, Final, cast

from newsstance.records import Fault, Reason, Record

STDIN: Final = "-"
_GZIP: Final = ".gz"


class Form(StrEnum):
    """How a source holds its articles."""

    TEXT = "text"
    HTML = "html"
    JSON_LINES = "jsonl"
    CSV = "csv"
    PARQUET = "parquet"


SUFFIXES: Final = {
    ".txt": Form.TEXT, ".html": Form.HTML, ".htm": Form.HTML, ".jsonl": Form.JSON_LINES, ".ndjson": Form.JSON_LINES,
    ".csv": Form.CSV, ".tsv": Form.CSV, ".parquet": Form.PARQUET,
}  # fmt: skip
"""What is read in a folder. A file that is named by itself and ends otherwise is plain text."""


@dataclass(frozen=True, slots=True)
class Source:
    """One file, or standard input where ``place`` is ``-``; ``named`` tells that the user asked for it by itself."""

    place: str
    form: Form
    gzipped: bool = False
    named: bool = True

    def size(self) -> int:
        """Give its size in bytes as it lies on the disk, 0 for standard input or what can't be told."""
        try:
            return 0 if self.place == STDIN else Path(self.place).stat().st_size
        except OSError:
            return 0


@dataclass(slots=True)
class Meter:
    """How many bytes of the input, as they lie on the disk, have been read."""

    read: int = 0


class _CountedFile(io.FileIO):
    def __init__(self, place: str, meter: Meter) -> None:
        super().__init__(place)
        self._meter = meter

    def readinto(self, buffer: "bytearray | memoryview", /) -> int:  # type: ignore[override]
        count = super().readinto(buffer) or 0
        self._meter.read += count
        return count

    def readall(self) -> bytes:
        content = super().readall()
        self._meter.read += len(content)
        return content


@contextmanager
def open_source(source: Source, meter: Meter) -> Iterator[BinaryIO]:
    """Open ``source`` for reading, unpacked, and close it unless it is standard input; raises ``OSError`` if that fails."""
    if source.place == STDIN:
        if sys.stdin is None:
            raise OSError(None, "standard input is closed")
        reader = io.BufferedReader(cast(io.RawIOBase, sys.stdin.buffer))
        try:
            yield cast(BinaryIO, reader)
        finally:
            reader.detach()
        return
    with io.BufferedReader(_CountedFile(source.place, meter), 1 << 16) as file:
        yield cast(BinaryIO, GzipFile(fileobj=file) if source.gzipped else file)


def find_sources(places: Iterable[str], skip: Collection[Path] = (), stdin: Form = Form.TEXT) -> Iterator[Source | Record]:
    """Give every source in ``places``, in order, and of a folder all that have a known suffix, sorted, except ``skip``.

    A place that holds none comes as a record that tells why.
    """
    for place in places:
        if place == STDIN:
            yield Source(STDIN, stdin)
        elif not place:
            yield Record("", "", Fault(Reason.UNREADABLE, "an empty path names no article"))
        elif _is_folder(place):
            yield from _folder(place, skip)
        else:
            yield _source(place, named=True) or Source(place, Form.TEXT)


def _is_folder(place: str) -> bool:
    try:
        return Path(place).is_dir()
    except (OSError, ValueError):  # such as a name that is too long, or holds a null character
        return False


def _source(place: str, *, named: bool) -> Source | None:
    gzipped = place.lower().endswith(_GZIP)
    suffix = Path(place[: -len(_GZIP)] if gzipped else place).suffix.lower()
    form = SUFFIXES.get(suffix)
    if form is None and named and gzipped:
        form = Form.TEXT
    if form is None or (gzipped and form is Form.PARQUET):
        return None
    return Source(place, form, gzipped, named)


def _folder(folder: str, skip: Collection[Path]) -> Iterator[Source | Record]:
    empty = True
    for found in _walk(folder, {path.parent.resolve() / path.name for path in skip}):
        empty = False
        yield found
    if empty:
        suffixes = ", ".join(SUFFIXES)
        yield Record(folder, folder, Fault(Reason.EMPTY, f"no {suffixes} files in this folder"))


def _walk(folder: str, skip: Collection[Path], above: tuple[Path, ...] = ()) -> Iterator[Source | Record]:
    """Give what is in ``folder``, through links too, but for one to a folder ``above``, which would lead round and round."""
    try:
        with os.scandir(folder) as entries:
            found = sorted((entry.name, _kind(entry)) for entry in entries)
    except OSError as error:
        yield Record(folder, folder, Fault(Reason.UNREADABLE, told(error)))
        return
    resolved = Path(folder).resolve()
    if resolved in above:
        return
    for name, kind in found:
        place = str(Path(folder, name))
        if resolved / name in skip:
            continue
        if kind == stat.S_IFDIR:
            yield from _walk(place, skip, (*above, resolved))
        elif source := _source(place, named=False):
            yield source if kind == stat.S_IFREG else Record(place, place, Fault(Reason.UNREADABLE, "a pipe or a device"))


def _kind(entry: "os.DirEntry[str]") -> int:
    """Give the kind of ``entry``, or of what it links to, as ``stat.S_IFMT`` does; a link to nothing passes for a file."""
    try:
        return stat.S_IFREG if entry.is_file(follow_symlinks=False) else stat.S_IFMT(entry.stat().st_mode)
    except OSError:
        return stat.S_IFREG


def told(error: OSError | ValueError) -> str:
    """Tell in words why a place can't be read."""
    if isinstance(error, FileNotFoundError):
        return "no such file or folder"
    return f"can't be read ({error.strerror if isinstance(error, OSError) and error.strerror else error})"
