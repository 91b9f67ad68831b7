"""A batch: what is scored, how it is read, where the scores go, and how it ended."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from newsstance.chunks import Chunk, chunks_of
from newsstance.identity import bundle_sha256, model_id
from newsstance.installed import installed_version
from newsstance.journal import Entry
from newsstance.outputs import Outputs
from newsstance.predictor import Predictor
from newsstance.readers import Reading, read_records
from newsstance.records import Record
from newsstance.rows import Level
from newsstance.sources import STDIN, Form, Meter, Source, find_sources

_FORMAT: Final = 2
_SHAPING: Final = ("newsstance", "onnxruntime", "tokenizers", "sentencex", "numpy", "py3langid", "trafilatura", "pyarrow")
"""The packages whose version may change a batch's output."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What is to be scored, how it is read, and where and at which ``level`` the scores are written."""

    places: tuple[str, ...]
    out: Path
    level: Level = Level.ARTICLE
    reading: Reading = field(default_factory=Reading)
    stdin: Form = Form.TEXT
    any_language: bool = False

    @property
    def outputs(self) -> Outputs:
        """Give the files it writes."""
        return Outputs(self.out)

    @property
    def reads_stdin(self) -> bool:
        """Tell whether standard input is among what it scores."""
        return STDIN in self.places

    def sources(self) -> Iterator[Source | Record]:
        """Give what it reads, without what it writes."""
        return find_sources(self.places, self.outputs.all(), self.stdin)

    def chunks(self, meter: Meter) -> Iterator[Chunk]:
        """Read the input in chunks."""
        return chunks_of(read_records(self.sources(), self.reading, meter))

    def header(self, predictor: Predictor, fingerprint: str) -> dict[str, Any]:
        """Give all that shapes its output: the input's ``fingerprint``, the model, the options, the versions."""
        return {
            "format": _FORMAT,
            "input": fingerprint,
            "model": model_id(predictor.bundle),
            "model_sha256": bundle_sha256(predictor.bundle),
            "min_confidence": predictor.min_confidence,
            "sure": predictor.sure,
            "level": str(self.level),
            "text_column": self.reading.text_column,
            "id_column": self.reading.id_column,
            "max_chars": self.reading.max_chars,
            "any_language": self.any_language,
            "stdin_format": str(self.stdin),
            "versions": {name: installed_version(name) for name in _SHAPING},
        }


@dataclass(slots=True)
class Outcome:
    """How a batch ended. The counts are of the whole of it; ``recalled`` articles were done by an earlier start.

    ``seconds`` is what this start worked, ``None`` where all had been done before.
    """

    scored: int = 0
    rejected: int = 0
    sentences: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    recalled: int = 0
    seconds: float | None = None

    def count(self, entry: Entry) -> None:
        """Add what a finished chunk counts."""
        self.scored += entry.scored
        self.rejected += entry.rejected
        self.sentences += entry.sentences
        self.reasons.update(entry.reasons)

    def counts(self) -> dict[str, Any]:
        """Give the counts as plain types, ready for JSON."""
        return {name: getattr(self, name) for name in ("scored", "rejected", "sentences")} | {"reasons": dict(self.reasons)}
