"""Records from tables of comma-, semicolon- or tab-separated values with a line of headings."""

import csv
import re
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import BinaryIO, Final

from newsstance.bounded import BoundedLines
from newsstance.columns import Columns, find_columns
from newsstance.errors import ColumnError, LineTooLongError
from newsstance.records import Fault, Reason, Record
from newsstance.rejects import decode
from newsstance.sentences import encodable

_SEPARATORS: Final = ",;\t|"
_BLANK: Final = b" \t\r\n\xef\xbb\xbf"
_MISREAD: Final = {
    "unexpected end": "a quotation mark is left open",
    "expected after": "a quotation mark is left open, or one inside a field isn't doubled",
    "new-line character": "a carriage return by itself, as old Macs end a line; convert it, for example with tr '\\r' '\\n'",
}
"""What the words of the csv library mean to who has the file."""
_RAW_BYTE: Final = re.compile("[\udc80-\udcff]")


def read_csv(place: str, file: BinaryIO, text: str | None, id: str | None, limit: int) -> Iterator[Record]:  # noqa: A002
    """Give a record for each row of ``file`` below its headings; which character separates them the headings decide."""
    lines = BoundedLines(file, limit)
    try:
        table, headings = open_table(place, lines, limit)
        columns = find_columns(headings, text, id)
    except (ColumnError, LineTooLongError) as error:
        yield Record(place, place, Fault(Reason.MALFORMED, str(error)))
        return
    while True:
        here = f"{place}:{lines.number + 1}"
        try:
            row = next(table, None)
        except (csv.Error, LineTooLongError) as error:
            yield Record(here, here, _misread(error, here, lines.number))
            continue
        if row is None:
            break
        if row:
            yield _record(here, row, headings, columns)


def open_table(place: str, lines: BoundedLines, limit: int) -> tuple[Iterator[list[str]], Sequence[str]]:
    """Give the rows below the headings, and the headings; raises ``ColumnError`` if none are there or can be read."""
    line = next(lines, b"")
    while line and not line.strip(_BLANK):
        line = next(lines, b"")
    content = decode(line)
    if isinstance(content, Fault):
        raise ColumnError(content.detail)
    csv.field_size_limit(limit)
    # Strict, since otherwise a quotation mark that is left open makes one row of all up to the next, without a word.
    table = csv.reader(chain([content], _Decoded(lines)), delimiter=_separator(place, content), strict=True)
    try:
        return table, next(table)
    except csv.Error as error:
        raise ColumnError(_in_words(error)) from error


def _separator(place: str, headings: str) -> str:
    """Give the separator that ``headings`` hold most of; where they hold none, what the name of the file tells."""
    usual = "\t" if place.lower().removesuffix(".gz").endswith(".tsv") else ","
    return max(usual + _SEPARATORS, key=headings.count)


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


def _misread(error: csv.Error | LineTooLongError, place: str, last: int) -> Fault:
    """Tell what is wrong with the row that begins at ``place`` and that was read up to the line ``last``."""
    if "field limit" in str(error):
        return Fault(Reason.SIZE, f"{error}; is a quotation mark left open?")
    if isinstance(error, LineTooLongError):
        return Fault(Reason.SIZE, str(error))
    lost = "" if place.endswith(f":{last}") else f"; all up to line {last} is lost"
    return Fault(Reason.MALFORMED, f"{_in_words(error)}{lost}")


def _in_words(error: csv.Error) -> str:
    return next((words for told, words in _MISREAD.items() if told in str(error)), str(error))
