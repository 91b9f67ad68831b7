"""The corpus: labelled sentences, one JSON object a line, in ``data/corpus.jsonl``."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Final

from newsstance.files import write_atomically
from newsstance.labels import HEADS
from training.errors import CorpusError

CORPUS_PATH: Final = Path("data/corpus.jsonl")
SPLITS: Final[tuple[str, ...]] = ("train", "validation", "test")

ORIGINS: Final = ("editorial", "grid", "lee", "press", "press-hard", "wire", "wire-form", "wire-hard", "wire-target")
"""The origins of newsstance's own sentences, told in ``data/README.md``; another corpus may have others."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """One row of the corpus.

    ``id`` is the first 12 hex digits of the SHA-256 of ``text``. ``topic`` is empty where the writer gave none, ``origin``
    tells how the sentence was written, and ``block`` names the sitting in which it was written: a block lies in one split.
    ``votes`` counts the annotators and ``agreement`` is the share of them that gave this stance.
    """

    id: str
    text: str
    stance: str
    sentiment: str
    topic: str
    origin: str
    block: str
    split: str
    votes: int = 1
    agreement: float = 1.0

    def label(self, head: str) -> str:
        """Give this sentence's label for ``head``, which is ``stance`` or ``sentiment``."""
        return self.stance if head == "stance" else self.sentiment


FIELDS: Final[tuple[str, ...]] = tuple(field.name for field in fields(Sentence))
_TYPES: Final[dict[str, type]] = {"votes": int, "agreement": float}


def sentence_id(text: str) -> str:
    """Give the id of the sentence that reads ``text``."""
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def read_corpus(path: Path = CORPUS_PATH) -> list[Sentence]:
    """Read every row of the corpus at ``path``, in its order.

    Raises ``CorpusError`` if there is no such file, or a line isn't a JSON object of exactly the corpus's fields.
    """
    if not path.is_file():
        raise CorpusError(f"{path}: there is no corpus here; run this from the repository's root, or name the file")
    return [_parse(line, f"{path}:{number}") for number, line in enumerate(read_lines(path), start=1)]


def read_lines(path: Path) -> list[str]:
    """Read the lines of a file of JSON lines, which may hold other separators than a line feed within a string.

    Raises ``CorpusError`` if the file isn't UTF-8.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except UnicodeDecodeError as error:
        raise CorpusError(f"{path}: not UTF-8 (byte {error.start})") from error
    return lines[:-1] if lines[-1] == "" else lines


def write_corpus(sentences: Iterable[Sentence], path: Path) -> None:
    """Write ``sentences`` to ``path``, one JSON object a line, replacing the file only when all is written."""
    lines = [json.dumps(asdict(sentence), ensure_ascii=False) + "\n" for sentence in sentences]
    write_atomically(path, "".join(lines).encode())


def of_split(sentences: Sequence[Sentence], split: str) -> list[Sentence]:
    """Give the sentences of ``split``, in order."""
    return [sentence for sentence in sentences if sentence.split == split]


def label_indices(sentences: Sequence[Sentence], head: str) -> list[int]:
    """Give each sentence's label for ``head`` as its position among that head's labels."""
    positions = {label: index for index, label in enumerate(HEADS[head])}
    return [positions[sentence.label(head)] for sentence in sentences]


def _parse(line: str, place: str) -> Sentence:
    try:
        row = json.loads(line)
    except json.JSONDecodeError as error:
        raise CorpusError(f"{place}: not JSON ({error.msg})") from error
    if not isinstance(row, dict) or set(row) != set(FIELDS):
        raise CorpusError(f"{place}: a row has exactly the fields {', '.join(FIELDS)}")
    wrong = [name for name in FIELDS if type(row[name]) is not _TYPES.get(name, str)]
    if wrong:
        raise CorpusError(f"{place}: {wrong[0]} must be {_TYPES.get(wrong[0], str).__name__}")
    return Sentence(**row)
