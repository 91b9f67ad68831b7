"""A chunk scored: its lines of output and of rejects, which depend on the chunk, the model and the options alone."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from newsstance.chunks import Chunk
from newsstance.identity import model_id
from newsstance.journal import Finished
from newsstance.predictor import Predictor
from newsstance.records import Fault
from newsstance.rejects import article_text
from newsstance.rows import Level, Value, rows_of
from newsstance.score_sound import score_sound
from newsstance.scores import ArticleScore
from newsstance.sentences import encodable
from newsstance.version import __version__


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
        outcomes = score_sound(self.predictor, texts)
        faults = {position: outcome for position, outcome in outcomes.items() if isinstance(outcome, Fault)}
        scores = {position: outcome for position, outcome in outcomes.items() if isinstance(outcome, ArticleScore)}
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


def _line(row: Mapping[str, Any]) -> bytes:
    return json.dumps(row, ensure_ascii=False).encode() + b"\n"
