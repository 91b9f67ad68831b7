"""Records from JSON lines: an object a line."""

import json
from collections.abc import Iterator
from typing import Any, BinaryIO, Final

from newsstance.bounded import BoundedLines
from newsstance.columns import Columns, usual_id, usual_text
from newsstance.errors import LineTooLongError
from newsstance.records import Fault, Reason, Record
from newsstance.rejects import decode
from newsstance.sentences import encodable

_USUAL: Final = Columns("text", "id")


def read_json_lines(place: str, file: BinaryIO, text: str | None, id: str | None, limit: int) -> Iterator[Record]:  # noqa: A002
    """Give a record for each line of ``file`` that isn't blank, whose columns the first that has a text decides."""
    lines = BoundedLines(file, limit)
    columns: Columns | None = None
    empty = True
    while True:
        try:
            line = next(lines, None)
        except LineTooLongError as error:
            yield _faulty(f"{place}:{lines.number}", Fault(Reason.SIZE, str(error)))
            empty = False
            continue
        if line is None:
            break
        if not line.strip():
            continue
        empty, here = False, f"{place}:{lines.number}"
        row = _row(line)
        if isinstance(row, Fault):
            yield _faulty(here, row)
            continue
        found = columns or _columns(row, text, id)
        record = _record(here, row, found)
        if isinstance(record.content, str) and record.content.strip():
            columns = found
        yield record
    if empty:
        yield _faulty(place, Fault(Reason.EMPTY, "the file is empty"))


def _columns(row: dict[str, Any], text: str | None, id: str | None) -> Columns:  # noqa: A002
    """Give the fields asked for, or else those of ``row`` with a usual name: another line may have other fields."""
    strings = [name for name, value in row.items() if isinstance(value, str)]
    usual = usual_text([name for name, value in row.items() if value is None or name in strings]) or usual_text(strings)
    return Columns(text or usual or _USUAL.text, id or usual_id(list(row)) or _USUAL.id)


def _row(line: bytes) -> dict[str, Any] | Fault:
    content = decode(line)
    if isinstance(content, Fault):
        return content
    try:
        row = json.loads(content)
    except (ValueError, RecursionError):
        return Fault(Reason.MALFORMED, "not a line of JSON")
    return row if isinstance(row, dict) else Fault(Reason.MALFORMED, "no text; a line is a JSON object")


def _record(place: str, row: dict[str, Any], columns: Columns) -> Record:
    named = row.get(columns.id) if columns.id else None
    name = place if named is None else encodable(str(named))
    text = row.get(columns.text)
    if isinstance(text, str):
        return Record(name, place, encodable(text))
    if text is None:
        detail = f"no text; a line is a JSON object with the article in the field {columns.text!r}"
        return Record(name, place, Fault(Reason.EMPTY, detail))
    return Record(name, place, Fault(Reason.NOT_TEXT, f"the field {columns.text!r} holds {type(text).__name__}, not text"))


def _faulty(place: str, fault: Fault) -> Record:
    return Record(place, place, fault)
