"""From the finished rows, which are JSON lines, to the format asked for."""

import csv
import json
from collections.abc import Iterator, Mapping
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import Any, Final, TextIO

from newsstance.errors import InputError, MissingLibraryError
from newsstance.files import sync

_ROWS_AT_ONCE: Final = 1_000
_ROW_GROUP: Final = 20
"""Times ``_ROWS_AT_ONCE`` rows make one row group of Parquet: enough to compress well, and a dozen MB in memory."""


class Output(StrEnum):
    """The formats that scores are written in, by suffix."""

    JSON_LINES = ".jsonl"
    CSV = ".csv"
    PARQUET = ".parquet"


def output_of(path: Path) -> Output:
    """Give the format that the suffix of ``path`` asks for; raises ``InputError`` if it is none of them."""
    try:
        return Output(path.suffix.lower())
    except ValueError as error:
        raise InputError(f"{path}: name a file that ends in {', '.join(Output)}") from error


def require_writer(output: Output) -> None:
    """Raise ``MissingLibraryError`` if what writes ``output`` isn't installed."""
    if output is Output.PARQUET:
        try:
            import pyarrow.parquet  # noqa: F401
        except ImportError as error:
            raise MissingLibraryError("Parquet needs pyarrow: pip install 'newsstance[parquet]'") from error


def write_output(rows: Path, columns: Mapping[str, type], output: Output, path: Path) -> None:
    """Write the JSON lines in the file ``rows``, which have ``columns``, to ``path``, and see it on the disk."""
    if output is Output.CSV:
        _write_csv(rows, columns, path)
    else:
        _write_parquet(rows, columns, path)
    sync(path)


def _read(rows: Path) -> Iterator[dict[str, Any]]:
    with rows.open("rb") as file:
        for line in file:
            yield json.loads(line)


def _write_csv(rows: Path, columns: Mapping[str, type], path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(_LineFeeds(file), list(columns), lineterminator="\r\n")
        writer.writeheader()
        writer.writerows(_read(rows))


class _LineFeeds:
    """Ends rows in a line feed alone.

    The csv library before Python 3.13 quotes a carriage return in a value only if rows end in one, and its readers take one
    outside quotation marks for the end of a row.
    """

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def write(self, row: str) -> None:
        self._file.write(row.removesuffix("\r\n") + "\n")


def _write_parquet(rows: Path, columns: Mapping[str, type], path: Path) -> None:
    import pyarrow
    from pyarrow.parquet import ParquetWriter

    types = {str: pyarrow.string(), int: pyarrow.int64(), float: pyarrow.float64()}
    schema = pyarrow.schema([(name, types[kind]) for name, kind in columns.items()])
    with ParquetWriter(path, schema, compression="zstd") as writer:
        remaining = _read(rows)
        tables = iter(lambda: pyarrow.Table.from_pylist(list(islice(remaining, _ROWS_AT_ONCE)), schema), schema.empty_table())
        while group := list(islice(tables, _ROW_GROUP)):
            writer.write_table(pyarrow.concat_tables(group))
