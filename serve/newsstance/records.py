"""What the readers give: one record an article, with the reason if it can't be one."""

from dataclasses import dataclass
from enum import StrEnum


class Reason(StrEnum):
    """Why a record is rejected."""

    EMPTY = "empty"
    ENCODING = "encoding"
    FAILED = "failed"
    LANGUAGE = "language"
    MALFORMED = "malformed"
    NOT_TEXT = "not text"
    SIZE = "size"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a record can't be scored: the kind of ``reason``, and the ``detail`` in words that say what to do."""

    reason: Reason
    detail: str


@dataclass(frozen=True, slots=True)
class Record:
    """One record of the input, before it is known to be an article.

    ``id`` is the field named so, or else ``place``: the path, ``PATH:LINE`` for a line of text or ``PATH:ROW`` for a row of
    Parquet. ``content`` is text, the bytes of a whole file, or what made it impossible to have either; ``html`` tells that it
    is a page rather than plain text.
    """

    id: str
    place: str
    content: str | bytes | Fault
    html: bool = False

    @property
    def weight(self) -> int:
        """Give the length of its content, in characters or bytes: what it takes of memory."""
        return 0 if isinstance(self.content, Fault) else len(self.content)
