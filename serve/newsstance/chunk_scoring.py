"""A chunk scored: its lines of output and of rejects, which depend on the chunk, the model and the options alone."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from newsstance.chunks import Chunk
from newsstance.identity import model_id
from newsstance.journal import Finished
from newsstance.predictor import Predictor
from newsstance.records import Fault, Reason
from newsstance.rejects import article_text
from newsstance.rows import Level, Value, rows_of
from newsstance.scores import ArticleScore
from newsstance.sentences import encodable
from newsstance.version import __version__

_PANIC: Final = "PanicException"
"""What a failure in Rust comes as; no class to import, and not an ``Exception``."""


@dataclass(frozen=True)
class ChunkScoring:
    """Scores chunks with ``predictor``, a row an article or a sentence by ``level``."""

    predictor: Predictor
    level: Level
    max_chars: int
    any_language: bool

    def texts(self, chunk: Chunk) -> dict[int, str | Fault]:
        """Give, by position, the text of each record of ``chunk``, or why it can't be scored."""
        return {
            position: article_text(record, self.max_chars, self.any_language)
            for position, record in enumerate(chunk.records, start=chunk.first)
        }

    def finish(self, chunk: Chunk, texts: Mapping[int, str | Fault]) -> Finished:
        """Score ``chunk``, whose ``texts`` are these: each of its records gives rows, or a line of rejects."""
        faults = {position: text for position, text in texts.items() if isinstance(text, Fault)}
        scores = self._scores({position: text for position, text in texts.items() if isinstance(text, str)}, faults)
        tail = {"model": model_id(self.predictor.bundle), "version": __version__}
        rows, rejects = [], []
        for position, record in enumerate(chunk.records, start=chunk.first):
            head: dict[str, Value] = {"position": position, "id": encodable(record.id)}
            if fault := faults.get(position):
                rejects.append(
                    _line({**head, "place": encodable(record.place), "reason": fault.reason, "detail": fault.detail})
                )
            else:
                rows += [_line(row) for row in rows_of(self.level, head, scores[position], tail)]
        sentences = sum(len(score.sentences) for score in scores.values())
        reasons = Counter(str(fault.reason) for fault in faults.values())
        return Finished(b"".join(rows), b"".join(rejects), len(scores), len(faults), sentences, reasons)

    def _scores(self, texts: Mapping[int, str], faults: dict[int, Fault]) -> dict[int, ArticleScore]:
        """Score ``texts`` together; one that the model fails on joins the ``faults``, unless it fails on all of them."""
        try:
            return self._together(texts)
        except BaseException as error:
            if not _of_the_text(error):
                raise
            failed = {position: fault for position, text in texts.items() if (fault := self._failure(text))}
            if len(failed) in (0, len(texts)):
                raise
        faults.update(failed)
        return self._together({position: text for position, text in texts.items() if position not in failed})

    def _together(self, texts: Mapping[int, str]) -> dict[int, ArticleScore]:
        return dict(zip(texts, self.predictor.score_many(texts.values(), max(len(texts), 1)), strict=True))

    def _failure(self, text: str) -> Fault | None:
        try:
            self.predictor.score(text)
        except BaseException as error:
            if not _of_the_text(error):
                raise
            return Fault(Reason.FAILED, f"it can't be scored ({type(error).__name__}); please report it")
        return None


def _of_the_text(error: BaseException) -> bool:
    if isinstance(error, MemoryError | OSError):
        return False
    return isinstance(error, Exception) or type(error).__name__ == _PANIC


def _line(row: Mapping[str, Any]) -> bytes:
    return json.dumps(row, ensure_ascii=False).encode() + b"\n"
