"""Records from sources of every form. What can't be read comes as a record that tells why, and the others still come."""

import io
import re
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final, cast

from newsstance.bounded import read_bounded
from newsstance.csv_rows import read_csv
from newsstance.json_lines import read_json_lines
from newsstance.parquet_rows import read_parquet
from newsstance.records import Fault, Reason, Record
from newsstance.sources import STDIN, Form, Meter, Source, open_source, told

MAX_CHARS: Final = 1_000_000
"""Characters in one article at most, unless the user says otherwise: about the length of a thick book."""

_BYTES_PER_CHAR: Final = 4
"""The most that UTF-8 takes; a page may take as much again for its markup."""
_LINE_BYTES_PER_CHAR: Final = 8
"""An escape of JSON takes 6 bytes; the other fields of the line need room too."""
_JSON_OBJECT: Final = re.compile(rb"(\xef\xbb\xbf)?\s*\{\s*[\"}]")
_UNPACKING: Final = (EOFError, zlib.error)


@dataclass(frozen=True, slots=True)
class Reading:
    """How to read: the columns asked for, and the most characters an article may have."""

    text_column: str | None = None
    id_column: str | None = None
    max_chars: int = MAX_CHARS

    @property
    def line_bytes(self) -> int:
        """Give the most bytes a line may have."""
        return self.max_chars * _LINE_BYTES_PER_CHAR


def read_records(sources: Iterable[Source | Record], reading: Reading, meter: Meter) -> Iterator[Record]:
    """Give the records of all ``sources``, in order; ``meter`` tells how far it has read."""
    for source in sources:
        if isinstance(source, Record):
            yield source
            continue
        try:
            yield from read_source(source, reading, meter)
        except (OSError, ValueError, *_UNPACKING) as error:
            reason = told(error) if isinstance(error, OSError | ValueError) else "a damaged or cut-off .gz file"
            yield Record(source.place, source.place, Fault(Reason.UNREADABLE, reason))


def read_source(source: Source, reading: Reading, meter: Meter) -> Iterator[Record]:
    """Give the records of one source; raises ``OSError`` and its like where it can't be read any further."""
    if source.form is Form.PARQUET:
        yield from read_parquet(source.place, reading.text_column, reading.id_column, meter)
        return
    with open_source(source, meter) as file:
        form = _form_of_input(file) if source.place == STDIN and source.form is Form.TEXT else source.form
        columns = (reading.text_column, reading.id_column, reading.line_bytes)
        if form is Form.JSON_LINES:
            yield from read_json_lines(source.place, file, *columns)
        elif form is Form.CSV:
            yield from read_csv(source.place, file, *columns)
        else:
            yield _whole(source.place, file, form is Form.HTML, reading.max_chars)


def _form_of_input(file: BinaryIO) -> Form:
    start = cast(io.BufferedReader, file).peek(64)
    return Form.JSON_LINES if _JSON_OBJECT.match(start) else Form.TEXT


def _whole(place: str, file: BinaryIO, html: bool, max_chars: int) -> Record:
    content = read_bounded(file, max_chars * _BYTES_PER_CHAR * (2 if html else 1))
    if content is None:
        return Record(place, place, Fault(Reason.SIZE, f"more than {max_chars:,} characters; --max-chars raises that"))
    return Record(place, place, content, html)
