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
from training.contestants import Contestant, Labeller, contestants, load
from training.corpus import Sentence
from training.metrics import stance_f1
from training.probe import FIRST

_SECONDS: Final = 1.0
"""What is faster than this is measured several times over and divided."""

_PROBED: Final = 64
"""Sentences that a contestant scores to warm up, and a fresh process before its memory is read: two batches of the pipeline."""


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
    """Measure what lies in ``models`` on ``sentences``; of ``rounds``, in which all take turns, the median counts.

    Before the first, each scores a few: what it does but once, such as to start its threads, is no part of its rate.
    """
    texts = [sentence.text for sentence in sentences]
    articles = _articles(sentences)
    entered = contestants(models)
    scorers = {one.name: load(one.module, one.function, one.arguments) for one in entered}
    for name, of in scorers.items():
        print(f"\rwarming up: {name:40}", end="", file=sys.stderr, flush=True)
        of.sentences(texts[:_PROBED])
    told: dict[str, list[str]] = {}
    rates: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for turn in range(rounds):
        for one in entered:
            print(f"\rround {turn + 1} of {rounds}: {one.name:30}", end="", file=sys.stderr, flush=True)
            of_sentences, of_articles = scorers[one.name]
            seconds, told[one.name] = _timed(of_sentences, texts)
            whole = _timed(of_articles, articles)[0] if of_articles else seconds
            rates[one.name].append((len(texts) / seconds, len(articles) / whole))
    print(file=sys.stderr)
    gold = [sentence.stance for sentence in sentences]
    return [_row(one, texts, rates[one.name], stance_f1(gold, told[one.name]), rounds) for one in entered]


def _row(one: Contestant, texts: Sequence[str], rates: Sequence[tuple[float, float]], score: float, rounds: int) -> Row:
    fresh = [probe(one, texts[:_PROBED]) for _ in range(rounds)]
    return Row(
        name=one.name,
        sentences=median(rate for rate, _ in rates),
        articles=median(rate for _, rate in rates),
        cold_start=median(seconds for seconds, _ in fresh),
        memory=int(median(peak for _, peak in fresh)),
        artefact=sum(path.stat().st_size for path in one.files) or None,
        stance_f1=score,
    )


def probe(one: Contestant, texts: Sequence[str]) -> tuple[float, int]:
    """Start a process that scores ``texts``; give the seconds until its first score, and its peak memory in bytes.

    Raises ``NewsstanceError`` if it couldn't.
    """
    start = time.perf_counter()
    words = [sys.executable, "-m", "training.probe", one.module, one.function, *one.arguments]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(list(texts)))
        process.stdin.close()
        first = process.stdout.readline().strip()
        seconds = time.perf_counter() - start
        peak = process.stdout.readline().strip()
    if first != FIRST or not peak:
        raise NewsstanceError(f"{one.name}: a fresh process couldn't score with it")
    return seconds, int(peak)


def _timed(score: Labeller, texts: Sequence[str]) -> tuple[float, list[str]]:
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
