"""What can be told before a batch begins: that its inputs are there, its columns known and its libraries installed."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from newsstance.bounded import BoundedLines
from newsstance.columns import find_columns
from newsstance.csv_rows import open_table
from newsstance.errors import ColumnError, InputError, LineTooLongError
from newsstance.pages import require_trafilatura
from newsstance.parquet_rows import open_parquet, parquet_columns
from newsstance.readers import Reading
from newsstance.sources import STDIN, Form, Meter, Source, find_sources, open_source, told


def require_inputs(places: Sequence[str], stdin: Form, reading: Reading, out: Path) -> None:
    """Raise ``InputError`` if one of ``places`` isn't there, is ``out`` or is a table without a column for the text.

    Raises ``MissingLibraryError`` if a page or a table is to be read and what reads it isn't installed. Of a folder only the
    first of each form is looked at, and a table in it without such a column is left to the rejects.
    """
    for place in places:
        if place != STDIN:
            _require_place(place, out)
    for source in _samples(places, stdin):
        try:
            _require(source, reading)
        except (ColumnError, LineTooLongError) as error:
            if source.named:
                raise InputError(f"{source.place}: {error}") from error
        except (OSError, ValueError, EOFError):
            continue  # a damaged file is a reject


def _require_place(place: str, out: Path) -> None:
    path = Path(place)
    try:
        if not place or not path.exists():
            raise InputError(f"{place or repr('')}: no such file or folder")
        if not path.is_file() and not path.is_dir():
            raise InputError(f"{place}: a pipe or a device, which can't be read twice; give it on standard input, as {STDIN}")
        if out.exists() and path.samefile(out):
            raise InputError(f"{place}: the output would overwrite the input; name another file")
    except (OSError, ValueError) as error:
        raise InputError(f"{place}: {told(error)}") from error


def _samples(places: Sequence[str], stdin: Form) -> Iterator[Source]:
    seen: set[Form] = set()
    for source in find_sources(places, stdin=stdin):
        if isinstance(source, Source) and source.place != STDIN and (source.named or source.form not in seen):
            seen.add(source.form)
            yield source


def _require(source: Source, reading: Reading) -> None:
    if source.form is Form.HTML:
        require_trafilatura()
    elif source.form is Form.PARQUET:
        with open_parquet(source.place) as file:
            parquet_columns(file, reading.text_column, reading.id_column)
    elif source.form is Form.CSV:
        with open_source(source, Meter()) as file:
            _, headings = open_table(source.place, BoundedLines(file, reading.line_bytes), reading.line_bytes)
            find_columns(headings, reading.text_column, reading.id_column)
