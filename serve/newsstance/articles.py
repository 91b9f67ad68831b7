"""Articles from files, folders, JSON lines and standard input."""

import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from newsstance.errors import ArticleError
from newsstance.sentences import encodable

STDIN: Final = "-"
_FOLDER_SUFFIX: Final = ".txt"
_JSON_LINES: Final = (".jsonl", ".ndjson")


@dataclass(frozen=True, slots=True)
class Article:
    """A text to score, and where it comes from: a path, ``-``, or for a line of JSON its ``id`` or ``PATH:LINE``."""

    id: str
    text: str


def read_articles(places: Iterable[str]) -> Iterator[Article | ArticleError]:
    """Read every article in ``places``, in order: files of plain text or JSON lines, folders of .txt files, or ``-``.

    What can't be read comes as an ``ArticleError`` in its place, one line that names it; the others still come.
    """
    for place in places:
        try:
            yield from _read_place(place)
        except (OSError, ValueError) as error:
            yield ArticleError(f"{place!r}: {_reason(error)}")


def _read_place(place: str) -> Iterator[Article | ArticleError]:
    if place == STDIN:
        yield _guarded(STDIN, _standard_input)
    elif not place:
        yield ArticleError("an empty path names no article")
    elif Path(place).is_dir():
        yield from _folder(Path(place))
    elif Path(place).suffix.lower() in _JSON_LINES:
        yield from _json_lines(Path(place))
    else:
        yield _guarded(place, Path(place).read_bytes)


def _standard_input() -> bytes:
    if sys.stdin is None:
        raise ArticleError(f"{STDIN}: standard input is closed")
    return sys.stdin.buffer.read()


def _folder(folder: Path) -> Iterator[Article | ArticleError]:
    unreadable: list[OSError] = []
    paths = [
        Path(place, name)
        for place, _, names in os.walk(folder, onerror=unreadable.append)
        for name in names
        if name.endswith(_FOLDER_SUFFIX)
    ]
    yield from (ArticleError(f"{error.filename}: {_reason(error)}") for error in unreadable)
    if not paths and not unreadable:
        yield ArticleError(f"{folder}: no {_FOLDER_SUFFIX} files in this folder")
    for path in sorted(paths):
        yield _guarded(str(path), path.read_bytes)


def _guarded(name: str, read: Callable[[], bytes]) -> Article | ArticleError:
    try:
        return Article(name, _text(name, read()))
    except OSError as error:
        return ArticleError(f"{name}: {_reason(error)}")
    except ArticleError as error:
        return error


def _json_lines(path: Path) -> Iterator[Article | ArticleError]:
    empty = True
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if line.strip():
                empty = False
                yield _json_line(f"{path}:{number}", line)
    if empty:
        yield ArticleError(f"{path}: the file is empty")


def _json_line(place: str, line: bytes) -> Article | ArticleError:
    try:
        row = json.loads(_text(place, line))
    except ArticleError as error:
        return error
    except (ValueError, RecursionError):
        return ArticleError(f"{place}: not a line of JSON")
    text = row.get("text") if isinstance(row, dict) else None
    if not isinstance(text, str):
        return ArticleError(f"{place}: no text; a line is a JSON object with the article in the field 'text'")
    if not text.strip():
        return ArticleError(f"{place}: the article is empty")
    name = place if row.get("id") is None else str(row["id"])
    return Article(encodable(name), encodable(text))


def _text(name: str, content: bytes) -> str:
    if not content.strip():
        raise ArticleError(f"{name}: the file is empty")
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise ArticleError(f"{name}: encoded in UTF-16; convert it to UTF-8")
    if b"\0" in content:
        raise ArticleError(f"{name}: a binary file, not text")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ArticleError(f"{name}: not UTF-8 (byte {error.start}); convert it, for example with iconv") from error
    if not text.strip():
        raise ArticleError(f"{name}: the file is empty")
    return text


def _reason(error: OSError | ValueError) -> str:
    if isinstance(error, FileNotFoundError):
        return "no such file or folder"
    return f"can't be read ({error.strerror if isinstance(error, OSError) else error})"
