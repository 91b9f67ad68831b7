"""What a batch has finished, kept so that it goes on from there whenever and however it was stopped.

The folder holds ``header.json``, which tells what the batch is; ``scores.jsonl`` and ``rejects.jsonl``, to which each finished
chunk is appended; and ``journal.jsonl``, to which then a line is appended that tells how far the chunk reaches and of which
input it was made. Only what the journal tells of counts: whatever lies beyond is cut off when the batch goes on.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from io import RawIOBase
from pathlib import Path
from typing import Any, Final

from newsstance.errors import BatchError
from newsstance.files import sync, write_all, write_atomically

SCORES: Final = "scores.jsonl"
REJECTS: Final = "rejects.jsonl"
_PARTS: Final = (SCORES, REJECTS)
_HEADER: Final = "header.json"
_JOURNAL: Final = "journal.jsonl"
RESTART: Final = "start anew with --restart"


@dataclass(frozen=True, slots=True)
class Finished:
    """A finished chunk: the lines it adds to the scores and to the rejects, and how much it counts."""

    scores: bytes
    rejects: bytes
    scored: int
    rejected: int
    sentences: int
    reasons: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the journal: the hash of the chunk's input, what it counts, and where its lines end and what they hash to."""

    input: str
    scored: int
    rejected: int
    sentences: int
    reasons: Mapping[str, int]
    ends: tuple[int, int]
    hashes: tuple[str, str]


class Journal:
    """The journal in ``folder``, which is made if it isn't there. First ``recall`` what is finished, then ``append``."""

    def __init__(self, folder: Path, header: Mapping[str, Any]) -> None:
        self._folder = folder
        self._begin(header)
        self._file = (folder / _JOURNAL).open("r+b", buffering=0)
        self._parts = [(folder / name).open("r+b", buffering=0) for name in _PARTS]
        self._end, self._ends = 0, (0, 0)
        self._recalling = (folder / _JOURNAL).open("rb")

    def _begin(self, header: Mapping[str, Any]) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        before = read_json(self._folder / _HEADER)
        if before is None:
            for name in (*_PARTS, _JOURNAL):
                (self._folder / name).unlink(missing_ok=True)
            write_atomically(self._folder / _HEADER, json.dumps(header, indent=1, sort_keys=True).encode())
        else:
            require_same(self._folder, before, header)
        for name in (*_PARTS, _JOURNAL):
            (self._folder / name).touch()
        sync(self._folder)

    def recall(self, digest: str) -> Entry | None:
        """Give the next entry if the chunk whose input hashes to ``digest`` is finished, or ``None`` once none is left.

        Raises ``BatchError`` if the chunk finished here was of another input.
        """
        if self._recalling.closed:
            return None
        line = self._recalling.readline()
        entry = _parse(line)
        if entry is None or not self._holds(entry):
            self._cut()
            return None
        if entry.input != digest:
            raise changed(self._folder)
        self._end, self._ends = self._end + len(line), entry.ends
        return entry

    def append(self, digest: str, chunk: Finished) -> Entry:
        """Add a finished chunk whose input hashes to ``digest``."""
        lines = (chunk.scores, chunk.rejects)
        for file, content in zip(self._parts, lines, strict=True):
            if content:
                write_all(file, content)
        ends = (self._ends[0] + len(lines[0]), self._ends[1] + len(lines[1]))
        hashes = (hashlib.sha256(lines[0]).hexdigest(), hashlib.sha256(lines[1]).hexdigest())
        entry = Entry(digest, chunk.scored, chunk.rejected, chunk.sentences, dict(chunk.reasons), ends, hashes)
        line = (json.dumps(asdict(entry)) + "\n").encode()
        write_all(self._file, line)
        self._end, self._ends = self._end + len(line), ends
        return entry

    def close(self) -> None:
        """Close the files; all of it lies on the disk already."""
        for file in (self._recalling, self._file, *self._parts):
            file.close()

    def require_end(self) -> None:
        """See that what was recalled and appended is all there is; raises ``BatchError`` if more of another input is."""
        if not self._recalling.closed:
            if _parse(self._recalling.readline()):
                raise changed(self._folder)
            self._cut()

    def _holds(self, entry: Entry) -> bool:
        contents = [
            _read_exactly(file, end - start) for file, start, end in zip(self._parts, self._ends, entry.ends, strict=True)
        ]
        return entry.hashes == tuple(hashlib.sha256(content).hexdigest() for content in contents)

    def _cut(self) -> None:
        self._recalling.close()
        for file, end in zip((self._file, *self._parts), (self._end, *self._ends), strict=True):
            file.truncate(end)
            file.seek(end)


def read_json(path: Path) -> dict[str, Any] | None:
    """Give the JSON object at ``path``, or ``None`` if there is no such file or it holds something else."""
    try:
        content = json.loads(path.read_bytes())
    except (FileNotFoundError, ValueError):
        return None
    return content if isinstance(content, dict) else None


def changed(folder: Path) -> BatchError:
    """Tell that the input isn't the one that the batch in ``folder`` began with."""
    return BatchError(f"{folder}: begun with another input, or it has changed since; {RESTART}")


def require_same(folder: Path, before: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """Raise ``BatchError``, a line that names the first difference, unless ``before`` and ``now`` tell of the same batch."""
    if before.get("input") != now["input"]:
        raise changed(folder)
    for name in sorted({*before, *now}):
        if before.get(name) != now.get(name):
            told = f"{name.replace('_', ' ')} {before.get(name)!r}, and now it is {now.get(name)!r}"
            raise BatchError(f"{folder}: begun with the {told}; go back to that, or {RESTART}")


def _read_exactly(file: RawIOBase, count: int) -> bytes:
    content = b""
    while len(content) < count and (piece := file.read(count - len(content))):
        content += piece
    return content


def _parse(line: bytes) -> Entry | None:
    if not line.endswith(b"\n"):
        return None
    try:
        content = json.loads(line)
        return Entry(**{**content, "ends": tuple(content["ends"]), "hashes": tuple(content["hashes"])})
    except (ValueError, TypeError, KeyError):
        return None
