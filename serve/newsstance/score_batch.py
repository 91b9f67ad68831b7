"""Score a batch: chunk by chunk in bounded memory, going on where an earlier start was stopped."""

import hashlib
import shutil
from collections import Counter, deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, Final

from filelock import FileLock, Timeout

from newsstance.batch import Batch, Outcome
from newsstance.chunk_scoring import ChunkScoring
from newsstance.errors import BatchError
from newsstance.fingerprints import fingerprint
from newsstance.journal import RESTART, Finished, Journal, changed, read_json, require_same
from newsstance.outputs import LOCK, Outputs
from newsstance.predictor import Predictor
from newsstance.preflight import require_inputs
from newsstance.progress import Progress
from newsstance.rows import COLUMNS
from newsstance.sources import Meter
from newsstance.writers import output_of, require_writer

_AHEAD: Final = 1
"""Chunks that are read and prepared while the model is at another."""


def score_batch(predictor: Predictor, batch: Batch, restart: bool = False) -> Outcome:
    """Score all of ``batch``, going on where an earlier start was stopped unless ``restart``.

    Raises ``InputError`` before anything is done if something was named wrongly, and ``BatchError`` if what lies there is of
    another batch or the disk is full; then nothing is lost, and the same call goes on.
    """
    require_writer(output_of(batch.out))
    require_inputs(batch.places, batch.stdin, batch.reading, batch.out)
    try:
        with _alone(batch.outputs):
            if restart:
                batch.outputs.clear()
            return _score(predictor, batch, restart)
    except OSError as error:
        why = error.strerror or str(error)
        todo = "nothing is lost: mend that and run the same command again to go on"
        raise BatchError(f"{batch.out}: can't be written ({why}); {todo}") from error


@contextmanager
def _alone(outputs: Outputs) -> Iterator[None]:
    outputs.folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(outputs.folder / LOCK)
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise BatchError(f"{outputs.out}: another newsstance is at work on it; let it end, or name another file") from error
    try:
        yield
    finally:
        if not outputs.begun():
            shutil.rmtree(outputs.folder, ignore_errors=True)
        lock.release()


def _score(predictor: Predictor, batch: Batch, restart: bool) -> Outcome:
    content, size = fingerprint(batch.sources())
    header = batch.header(predictor, content)
    if outcome := _done_before(batch, header, restart):
        return outcome
    scoring = ChunkScoring(predictor, batch.level, batch.reading.max_chars, batch.any_language)
    journal = Journal(batch.outputs.folder, header)
    try:
        work = _Work(scoring, journal, size)
        work.go(batch)
    finally:
        journal.close()
    if fingerprint(batch.sources())[0] != content:
        raise BatchError(
            f"{batch.out}: the input has changed while it was scored; put it back and run the same command again, or {RESTART}"
        )
    receipt = {"about": header, "records_sha256": work.records.hexdigest(), **work.outcome.counts()}
    batch.outputs.finish(receipt, COLUMNS[batch.level])
    return work.outcome


def _done_before(batch: Batch, header: dict[str, Any], restart: bool) -> Outcome | None:
    """Give the outcome of this same batch if it was finished before; raises ``BatchError`` if OUT is something else."""
    receipt = read_json(batch.outputs.receipt)
    if receipt is not None and receipt.get("about") == header:
        if batch.reads_stdin and _records_sha256(batch) != receipt["records_sha256"]:
            raise changed(batch.out)
        if batch.outputs.install():
            done = receipt["scored"], receipt["rejected"], receipt["sentences"]
            return Outcome(*done, Counter(receipt["reasons"]), receipt["scored"] + receipt["rejected"])
        if batch.reads_stdin:
            raise BatchError(f"{batch.out}: gone or altered since it was written; {RESTART}")
    if batch.out.exists() and not restart and not batch.outputs.begun():
        if receipt is not None:
            require_same(batch.out, receipt.get("about") or {}, header)
        raise BatchError(f"{batch.out}: there already, and not as newsstance left it; name another file, or {RESTART}")
    return None


def _records_sha256(batch: Batch) -> str:
    digest = hashlib.sha256()
    for chunk in batch.chunks(Meter()):
        digest.update(chunk.digest.encode())
    return digest.hexdigest()


class _Work:
    """The loop over the chunks: recall what the journal holds, score the rest, and append it in the order of the input."""

    def __init__(self, scoring: ChunkScoring, journal: Journal, size: int) -> None:
        self.outcome = Outcome()
        self.records = hashlib.sha256()
        self._scoring = scoring
        self._journal = journal
        self._size = size
        self._progress: Progress | None = None
        self._waiting: deque[tuple[str, int, Future[Finished]]] = deque()

    def go(self, batch: Batch) -> None:
        """Score all of ``batch``."""
        meter, executor = Meter(), ThreadPoolExecutor(1)
        try:
            for chunk in batch.chunks(meter):
                digest = chunk.digest
                self.records.update(digest.encode())
                if entry := self._journal.recall(digest):
                    self.outcome.count(entry)
                    self.outcome.recalled += entry.scored + entry.rejected
                    continue
                self._progress = self._progress or Progress(self._size, meter.read, self.outcome.recalled)
                self._waiting.append(
                    (digest, meter.read, executor.submit(self._scoring.finish, chunk, self._scoring.texts(chunk)))
                )
                self._append(_AHEAD)
            self._append(0)
            self._journal.require_end()
        finally:
            executor.shutdown(cancel_futures=True)
            if self._progress:
                self.outcome.seconds = self._progress.close()

    def _append(self, ahead: int) -> None:
        """Append finished chunks until no more than ``ahead`` are waiting."""
        while len(self._waiting) > ahead:
            digest, read, future = self._waiting.popleft()
            entry = self._journal.append(digest, future.result())
            self.outcome.count(entry)
            if self._progress:
                self._progress.advance(read, entry.scored + entry.rejected, entry.sentences)
