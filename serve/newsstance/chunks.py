"""Chunks of the input: what is scored together, finished together and hashed together."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from newsstance.records import Fault, Record

_RECORDS: Final = 64
"""Records in one chunk at most: what a kill can cost, and how far apart repeated sentences are still scored once."""
_WEIGHT: Final = 1_000_000
"""Characters or bytes at which a chunk ends, so that long articles don't take more memory."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some records in a row; ``first`` is the position of the first of them in the whole input."""

    first: int
    records: tuple[Record, ...]

    @property
    def digest(self) -> str:
        """Give the SHA-256, in hex, of the records and their position."""
        digest = hashlib.sha256(f"{self.first}".encode())
        for record in self.records:
            for part in _parts(record):
                digest.update(f":{len(part)}:".encode() + part)
        return digest.hexdigest()


def chunks_of(records: Iterable[Record]) -> Iterator[Chunk]:
    """Part ``records`` into chunks, whose limits depend on the records alone."""
    held: list[Record] = []
    first = weight = 0
    for record in records:
        held.append(record)
        weight += record.weight
        if len(held) == _RECORDS or weight >= _WEIGHT:
            yield Chunk(first, tuple(held))
            first, held, weight = first + len(held), [], 0
    if held:
        yield Chunk(first, tuple(held))


def _parts(record: Record) -> tuple[bytes, ...]:
    content = record.content
    kind = f"{type(content).__name__}{record.html}"
    if isinstance(content, Fault):
        content = f"{content.reason}: {content.detail}"
    if isinstance(content, str):
        content = content.encode("utf-8", "surrogatepass")
    return (record.id.encode("utf-8", "surrogatepass"), kind.encode(), content)
