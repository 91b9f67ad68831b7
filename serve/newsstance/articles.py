"""Articles from files, folders, tables and standard input, for scoring to a terminal or a pipe."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from newsstance.errors import ArticleError
from newsstance.readers import Reading, read_records
from newsstance.records import Fault
from newsstance.rejects import article_text
from newsstance.sentences import encodable
from newsstance.sources import Form, Meter, find_sources


@dataclass(frozen=True, slots=True)
class Article:
    """A text to score, and its id; see ``Record``."""

    id: str
    text: str


def read_articles(places: Iterable[str], reading: Reading, stdin: Form = Form.TEXT) -> Iterator[Article | ArticleError]:
    """Read every article in ``places``, in order, of whichever language.

    What can't be read comes as an ``ArticleError`` in its place, one line that names it; the others still come.
    """
    for record in read_records(find_sources(places, stdin=stdin), reading, Meter()):
        text = article_text(record, reading.max_chars, any_language=True)
        if isinstance(text, Fault):
            yield ArticleError(f"{encodable(record.place) or repr('')}: {text.detail}")
        else:
            yield Article(encodable(record.id), text)
