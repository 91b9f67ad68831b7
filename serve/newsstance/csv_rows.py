"""Records from tables of comma-, semicolon- or tab-separated values with a line of headings."""

import csv
import re
from collections.abc import Iterator, Sequence
from typing import BinaryIO, Final

from newsstance.bounded import BoundedLines
from newsstance.columns import Columns, find_columns
from newsstance.errors import ColumnError, LineTooLongError
from newsstance.records import Fault, Reason, Record
from newsstance.rejects import decode
from newsstance.sentences import encodable

_SEPARATORS: Final = ",;\t|"
_RAW_BYTE: Final = re.compile("[\udc80-\udcff]")


def read_csv(place: str, file: BinaryIO, text: str | None, id: str | None, limit: int) -> Iterator[Record]:  # noqa: A002
    """Give a record for each row of ``file`` below its headings; which character separates them the headings decide."""
    lines = BoundedLines(file, limit)
    try:
        table, headings = open_table(lines, limit)
        columns = find_columns(headings, text, id)
    except (ColumnError, LineTooLongError) as error:
        yield Record(place, place, Fault(Reason.MALFORMED, str(error)))
        return
    while True:
        here = f"{place}:{lines.number + 1}"
        try:
            row = next(table, None)
        except (csv.Error, LineTooLongError) as error:
            yield Record(here, here, _misread(error))
            continue
        if row is None:
            break
        if row:
            yield _record(here, row, headings, columns)


def open_table(lines: BoundedLines, limit: int) -> tuple[Iterator[list[str]], Sequence[str]]:
    """Give the rows below the headings, and the headings; raises ``ColumnError`` if there are none."""
    content = decode(next(lines, b""))
    if isinstance(content, Fault):
        raise ColumnError(content.detail)
    separator = max(_SEPARATORS, key=content.count)
    csv.field_size_limit(limit)
    return csv.reader(_Decoded(lines), delimiter=separator), next(csv.reader([content], delimiter=separator))


class _Decoded:
    """Lines as text, in which a byte that isn't UTF-8 stays to be found in its row.

    A class, since a generator ends with the first error, and the lines after one that is too long still count.
    """

    def __init__(self, lines: BoundedLines) -> None:
        self._lines = lines

    def __iter__(self) -> "_Decoded":
        return self

    def __next__(self) -> str:
        return next(self._lines).decode("utf-8", "surrogateescape")


def _record(place: str, row: Sequence[str], headings: Sequence[str], columns: Columns) -> Record:
    if len(row) != len(headings):
        detail = f"{len(row)} fields where the headings name {len(headings)}; quote a field that holds a separator"
        return Record(place, place, Fault(Reason.MALFORMED, detail))
    fields = dict(zip(headings, row, strict=True))
    name = encodable(fields[columns.id]) if columns.id else ""
    text = fields[columns.text]
    if _RAW_BYTE.search(text):
        return Record(name or place, place, Fault(Reason.ENCODING, "not UTF-8; convert it, for example with iconv"))
    return Record(name or place, place, text)


def _misread(error: csv.Error | LineTooLongError) -> Fault:
    if "field limit" in str(error):
        return Fault(Reason.SIZE, f"{error}; is a quotation mark left open?")
    return Fault(Reason.SIZE if isinstance(error, LineTooLongError) else Reason.MALFORMED, str(error))
