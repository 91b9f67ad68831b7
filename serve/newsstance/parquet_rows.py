"""Records from Parquet files, read a few rows at a time."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from newsstance.columns import Columns, find_columns
from newsstance.errors import ColumnError, MissingLibraryError
from newsstance.records import Fault, Reason, Record
from newsstance.sentences import encodable
from newsstance.sources import Meter

if TYPE_CHECKING:
    from pyarrow import RecordBatch, Scalar
    from pyarrow.parquet import ParquetFile

_ROWS: Final = 64
_BUFFER: Final = 1 << 20
_UNTOLD: Final = (ValueError, ArithmeticError, LookupError)
"""What pyarrow raises for what Python can't hold: bytes that aren't UTF-8, a year above 9999, an unknown time zone."""


def read_parquet(place: str, text: str | None, id: str | None, meter: Meter) -> Iterator[Record]:  # noqa: A002
    """Give a record for each row of the file at ``place``; raises ``OSError`` or ``ValueError`` where it is damaged."""
    with open_parquet(place) as file:
        try:
            columns = parquet_columns(file, text, id)
        except ColumnError as error:
            yield Record(place, place, Fault(Reason.MALFORMED, str(error)))
            return
        number, size, rows = 0, Path(place).stat().st_size, max(file.metadata.num_rows, 1)
        wanted = [columns.text] if columns.id is None else list(dict.fromkeys([columns.text, columns.id]))
        for batch in file.iter_batches(_ROWS, columns=wanted, use_threads=False):
            for row in _rows(batch):
                number += 1
                yield _record(f"{place}:{number}", row, columns)
            meter.read += size * len(batch) // rows


def open_parquet(place: str) -> "ParquetFile":
    """Open the file at ``place``; raises ``MissingLibraryError`` without pyarrow."""
    try:
        from pyarrow.parquet import ParquetFile
    except ImportError as error:
        raise MissingLibraryError(f"{place}: Parquet needs pyarrow: pip install 'newsstance[parquet]'") from error
    return ParquetFile(place, pre_buffer=False, buffer_size=_BUFFER)


def parquet_columns(file: "ParquetFile", text: str | None, id: str | None) -> Columns:  # noqa: A002
    """Give the columns of text and of ids; raises ``ColumnError`` where they can't be told."""
    fields = list(file.schema_arrow)
    strings = [field.name for field in fields if "string" in str(field.type)]
    return find_columns([field.name for field in fields], text, id, strings)


def _rows(batch: "RecordBatch") -> list[dict[str, Any]]:
    """Give the rows of ``batch``, with a fault in the place of a value that Python can't hold."""
    try:
        rows: list[dict[str, Any]] = batch.to_pylist()
    except _UNTOLD:  # it doesn't tell where
        names = batch.schema.names
        rows = [dict(zip(names, map(_value, values), strict=True)) for values in zip(*batch.columns, strict=True)]
    return rows


def _value(scalar: "Scalar[Any]") -> Any:
    try:
        return scalar.as_py()
    except UnicodeDecodeError as error:
        return Fault(Reason.ENCODING, f"not UTF-8 (byte {error.start}); write the text in UTF-8")
    except _UNTOLD as error:
        return Fault(Reason.NOT_TEXT, f"a {scalar.type} that can't be read ({error})")


def _record(place: str, row: dict[str, Any], columns: Columns) -> Record:
    named = row[columns.id] if columns.id else None
    name = place if named is None or isinstance(named, Fault) else encodable(str(named))
    text = row[columns.text]
    if isinstance(text, str | Fault):
        return Record(name, place, text)
    if text is None:
        return Record(name, place, Fault(Reason.EMPTY, f"no text in the column {columns.text!r}"))
    detail = f"the column {columns.text!r} holds {type(text).__name__}, not text"
    return Record(name, place, Fault(Reason.NOT_TEXT, detail))
