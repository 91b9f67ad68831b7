"""Which column holds the text and which the id: as the user says, or by name where that is obvious."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from newsstance.errors import ColumnError

_TEXT_NAMES: Final = (
    ("text",),
    ("article_text", "full_text", "fulltext", "article", "body", "content"),
    ("story", "maintext", "main_text", "document"),
)
_ID_NAMES: Final = (("id",), ("article_id", "doc_id", "document_id", "uid", "uuid", "guid"), ("url", "link"))


@dataclass(frozen=True, slots=True)
class Columns:
    """The names of the column of text and of the column of ids, which may be missing."""

    text: str
    id: str | None


def find_columns(
    names: Sequence[str],
    text: str | None = None,
    id: str | None = None,  # noqa: A002
    texts: Sequence[str] | None = None,
) -> Columns:
    """Give the columns among ``names``: those asked for, or else the ones with a usual name; the text may stand alone.

    ``texts`` are the names of those that can hold text, by default all. Raises ``ColumnError`` if one asked for isn't there,
    or if no column or more than one could be the text.
    """
    for asked in (text, id):
        if asked is not None and asked not in names:
            raise ColumnError(f"no column {asked!r}; its columns are {_listed(names)}")
    found = usual_id(names) if id is None else id
    return Columns(_text_column(names if texts is None else texts, found) if text is None else text, found)


def _text_column(names: Sequence[str], of_ids: str | None) -> str:
    others = [name for name in names if name != of_ids]
    usual = usual_text(others) or (others[0] if len(others) == 1 else None)
    if usual is None:
        raise ColumnError(f"which column is the text? Name one with --text-column: {_listed(names)}")
    return usual


def usual_text(names: Sequence[str]) -> str | None:
    """Give the one of ``names`` that usually means the text, or ``None`` if none or more than one does."""
    return _usual(names, _TEXT_NAMES)


def usual_id(names: Sequence[str]) -> str | None:
    """Give the one of ``names`` that usually means an id, or ``None`` if none or more than one does."""
    return _usual(names, _ID_NAMES)


def _usual(names: Sequence[str], tiers: Sequence[Sequence[str]]) -> str | None:
    for tier in tiers:
        found = [name for name in names if name.strip().casefold() in tier]
        if found:
            return found[0] if len(found) == 1 else None
    return None


def _listed(names: Sequence[str]) -> str:
    return ", ".join(map(repr, names[:20])) + (", ..." if len(names) > 20 else "")
