"""Measure every way of scoring the same real sentences, in one run."""

import json
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Final

from newsstance.errors import NewsstanceError
from training.contestants import Contestant, Scorer, contestants
from training.corpus import Sentence
from training.metrics import stance_f1
from training.probe import FIRST

_SECONDS: Final = 1.0
"""What is faster than this is measured several times over and divided."""

_PROBED: Final = 64
"""Sentences that a fresh process scores before its memory is read: two batches of the pipeline."""


@dataclass(frozen=True)
class Row:
    """One contestant's figures: rates a second, seconds, bytes (``None`` where there is no artefact), and ``stance_f1``."""

    name: str
    sentences: float
    articles: float
    cold_start: float
    memory: int
    artefact: int | None
    stance_f1: float


def measure(models: Path, sentences: Sequence[Sentence], rounds: int) -> list[Row]:
    """Measure what lies in ``models`` on ``sentences``; of ``rounds``, in which all take turns, the median counts."""
    texts = [sentence.text for sentence in sentences]
    articles = _articles(sentences)
    entered = contestants(models)
    scorers = {one.name: one.load() for one in entered}
    told: dict[str, list[str]] = {}
    rates: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for turn in range(rounds):
        for one in entered:
            print(f"\rround {turn + 1} of {rounds}: {one.name:30}", end="", file=sys.stderr, flush=True)
            score, score_articles = scorers[one.name]
            seconds, told[one.name] = _timed(score, texts)
            whole = _timed(score_articles, articles)[0] if score_articles else seconds
            rates[one.name].append((len(texts) / seconds, len(articles) / whole))
    print(file=sys.stderr)
    gold = [sentence.stance for sentence in sentences]
    return [_row(one, models, texts, rates[one.name], stance_f1(gold, told[one.name]), rounds) for one in entered]


def _row(
    one: Contestant, models: Path, texts: Sequence[str], rates: Sequence[tuple[float, float]], score: float, rounds: int
) -> Row:
    fresh = [probe(one.name, models, texts[:_PROBED]) for _ in range(rounds)]
    return Row(
        name=one.name,
        sentences=median(rate for rate, _ in rates),
        articles=median(rate for _, rate in rates),
        cold_start=median(seconds for seconds, _ in fresh),
        memory=int(median(peak for _, peak in fresh)),
        artefact=artefact_bytes(one.artefact) if one.artefact else None,
        stance_f1=score,
    )


def probe(name: str, models: Path, texts: Sequence[str]) -> tuple[float, int]:
    """Start a process that scores ``texts``; give the seconds until its first score, and its peak memory in bytes."""
    start = time.perf_counter()
    words = [sys.executable, "-m", "training.probe", name, str(models)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(list(texts)))
        process.stdin.close()
        first = process.stdout.readline().strip()
        seconds = time.perf_counter() - start
        peak = process.stdout.readline().strip()
    if first != FIRST or not peak:
        raise NewsstanceError(f"{name}: a fresh process couldn't score with it")
    return seconds, int(peak)


def artefact_bytes(folder: Path) -> int:
    """Give the size of what a model in ``folder`` loads, in bytes; of a cascade, that of its two models as well."""
    bundle = json.loads((folder / "bundle.json").read_text(encoding="utf-8"))
    own = sum(path.stat().st_size for path in folder.iterdir())
    members = [bundle["settings"][role]["name"] for role in ("fast", "champion") if bundle["kind"] == "cascade"]
    return own + sum(artefact_bytes(folder.parent / name) for name in members)


def _timed(score: Scorer, texts: Sequence[str]) -> tuple[float, list[str]]:
    """Give the seconds of one pass over ``texts``, and what it told."""
    passes, start = 0, time.perf_counter()
    while True:
        told = score(texts)
        passes += 1
        seconds = time.perf_counter() - start
        if seconds >= _SECONDS:
            return seconds / passes, told


def _articles(sentences: Sequence[Sentence]) -> list[str]:
    blocks: dict[str, list[str]] = defaultdict(list)
    for sentence in sentences:
        blocks[sentence.block].append(sentence.text)
    return [" ".join(texts) for texts in blocks.values()]
