"""Reading that takes a bounded amount of memory whatever the file holds."""

from typing import BinaryIO

from newsstance.errors import LineTooLongError

_PIECE = 1 << 16


class BoundedLines:
    """The lines of ``file``, each of at most ``limit`` bytes; after a longer one, ``LineTooLongError``, the next still come."""

    def __init__(self, file: BinaryIO, limit: int) -> None:
        self._file = file
        self._limit = limit
        self.number = 0

    def __iter__(self) -> "BoundedLines":
        return self

    def __next__(self) -> bytes:
        line = self._file.readline(self._limit + 1)
        if not line:
            raise StopIteration
        self.number += 1
        if len(line) > self._limit and not line.endswith(b"\n"):
            while (piece := self._file.readline(_PIECE)) and not piece.endswith(b"\n"):
                pass
            raise LineTooLongError(f"a line of more than {self._limit:,} bytes")
        return line


def read_bounded(file: BinaryIO, limit: int) -> bytes | None:
    """Read ``file`` to its end, or give ``None`` if it holds more than ``limit`` bytes."""
    pieces, left = [], limit + 1
    while left > 0 and (piece := file.read(min(left, 1 << 20))):
        pieces.append(piece)
        left -= len(piece)
    return b"".join(pieces) if left > 0 else None
