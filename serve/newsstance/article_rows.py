"""A row of scores, or the reason why not, for each article: what an engine needs that spreads articles over machines."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from newsstance.chunks import Chunk, chunks_of
from newsstance.identity import model_id
from newsstance.predictor import Predictor
from newsstance.readers import MAX_CHARS
from newsstance.records import Fault, Reason, Record
from newsstance.rejects import article_text
from newsstance.rows import COLUMNS, Level, Value, rows_of
from newsstance.score_sound import score_sound
from newsstance.version import __version__

ROW_SCHEMA: Final = "row_schema"
"""The key in a served model's metadata of what its rows hold, in the words of Spark's DDL."""

ROW_COLUMNS: Final[Mapping[str, type]] = {
    **{name: kind for name, kind in COLUMNS[Level.ARTICLE].items() if name not in ("position", "id")},
    "reason": str,
    "detail": str,
}
"""The columns of a row, in order: those of a batch's output but for the article's place and id, and those of its rejects."""


def article_rows(
    predictor: Predictor, texts: Iterable[str | None], max_chars: int = MAX_CHARS, any_language: bool = False
) -> Iterator[dict[str, Value]]:
    """Give a row for each of ``texts``, the whole of an article each, in order, with the columns of ``ROW_COLUMNS``.

    What a batch would reject has nothing but ``model``, ``version``, ``reason`` and ``detail``, and the rest has no reason.
    """
    for chunk in chunks_of(map(_record, texts)):
        yield from _rows(predictor, chunk, max_chars, any_language)


def _record(text: str | None) -> Record:
    return Record("", "", Fault(Reason.EMPTY, "no text") if text is None else text)


def _rows(predictor: Predictor, chunk: Chunk, max_chars: int, any_language: bool) -> Iterator[dict[str, Value]]:
    empty: dict[str, Value] = dict.fromkeys(ROW_COLUMNS)
    tail: dict[str, Value] = {"model": model_id(predictor.bundle), "version": __version__}
    texts = {place: article_text(record, max_chars, any_language) for place, record in enumerate(chunk.records)}
    scores = score_sound(predictor, texts)
    for place in texts:
        score = scores[place]
        if isinstance(score, Fault):
            yield {**empty, **tail, "reason": str(score.reason), "detail": score.detail}
        else:
            yield {**empty, **next(rows_of(Level.ARTICLE, {}, score, tail))}
