"""What a teacher makes of every token: its last layer's states, computed once before a training and deleted after it.

To learn them too, through a linear map of a student's own states, is the hidden states' part of Jiao et al. (2020), "TinyBERT:
Distilling BERT for Natural Language Understanding", https://arxiv.org/abs/1909.10351, equation 8, here of the last layer alone.
"""

import hashlib
import json
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from errno import ENOSPC
from pathlib import Path
from shutil import disk_usage
from typing import Final

import numpy as np
import numpy.typing as npt

from newsstance.cores import usable_cores
from newsstance.files import write_atomically
from newsstance.models import Floats
from newsstance.tokens import Ids, Window, Windows, batches_by_length
from training.errors import RecipeError
from training.progress_bar import progress_bar

Reader = Callable[[Ids, Ids], tuple[Floats, Floats]]
"""From token ids and their mask, (texts, tokens), to the states of the tokens, (texts, tokens, channels), and to the answers,
(texts, logits of all heads); on one core."""

_BATCH_TOKENS: Final = 256
_AT_ONCE: Final = 256
"""Batches read before a note of how far it has come: about ten seconds' work on two cores."""

_SAMPLE: Final = 256
"""Texts that show how far each channel reaches."""

_STEPS: Final = 20
"""Steps of the grid to a standard deviation: ±6 of them fit a signed byte."""


class States:
    """A teacher's states of the tokens of texts, each channel standardised, in a file of a byte a value.

    ``starts`` tells where each text's tokens begin, of shape (texts + 1,), and ``values`` holds them, of shape (tokens,
    channels), in steps of a twentieth of a standard deviation. The distance to them counts ``weight`` times in the loss.
    ``answers`` are what it made of the texts as wholes, of shape (texts, logits of all heads).
    """

    def __init__(self, starts: npt.NDArray[np.int64], values: npt.NDArray[np.int8], answers: Floats, weight: float) -> None:
        self._starts, self._values, self.answers, self.weight = starts, values, answers, weight

    @property
    def width(self) -> int:
        """Give the number of channels."""
        return int(self._values.shape[1])

    def of(self, rows: Sequence[int]) -> Floats:
        """Give the states of the texts ``rows``, token after token in that order, of shape (tokens, channels)."""
        taken = np.concatenate([self._values[self._starts[row] : self._starts[row + 1]] for row in rows])
        return taken.astype(np.float32) / np.float32(_STEPS)


def read_states(
    read: Reader, windows: Windows, rows: Sequence[Window], path: Path, identity: str, weight: float
) -> States:  # fmt: skip
    """Give the states that ``read`` finds of ``rows``, kept at ``path``; an interrupted reading goes on where it stopped.

    ``identity`` tells the teacher from any other. The file takes a byte a token and channel: 6 GB for the 7.6 million tokens of
    ``fast`` and a teacher of 768 channels.
    """
    lengths = [len(row.ids) for row in rows]
    starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    mean, spread, logits = _mean_and_spread(read, windows, rows[:: max(1, len(rows) // _SAMPLE)])
    reading = _Reading(path, _digest(identity, rows), (int(starts[-1]), len(mean)), (len(rows), logits))
    batches = list(batches_by_length(lengths, _BATCH_TOKENS))
    bar = progress_bar("reading the teacher's states", len(batches), done=reading.done)
    with bar, ThreadPoolExecutor(usable_cores()) as cores:
        for first in range(reading.done, len(batches), _AT_ONCE):
            some = batches[first : first + _AT_ONCE]
            read_of = cores.map(lambda batch: _of_rows(read, windows, [rows[row] for row in batch]), some)
            try:
                for batch, (states, answers) in zip(some, read_of, strict=True):
                    reading.answers[batch] = answers
                    for row, of_row in zip(batch, states, strict=True):
                        steps = np.rint((of_row - mean) / spread * _STEPS)
                        reading.values[starts[row] : starts[row + 1]] = np.clip(steps, -127, 127)
                    bar.update()
            except BaseException:
                cores.shutdown(wait=False, cancel_futures=True)  # else an interruption would wait for all of them
                raise
            reading.finished(first + len(some))
    return States(starts, reading.values, reading.answers, weight)


def forget_states(path: Path) -> None:
    """Delete the states at ``path``, if there are any, with the answers and the note of how far they were read."""
    for file in (path, _answers(path), _note(path)):
        file.unlink(missing_ok=True)


class _Reading:
    """The files of states and answers under way, and how many batches of them are done."""

    def __init__(self, path: Path, digest: str, states: tuple[int, int], answers: tuple[int, int]) -> None:
        self._path, self._digest = path, digest
        self.done = self._found()
        if not self.done:  # a note of other states mustn't outlive them
            forget_states(path)
            _reserve(path, states)
            np.save(_answers(path), np.zeros(answers, np.float32))
        self.values = np.lib.format.open_memmap(path, mode="r+")
        self.answers = np.lib.format.open_memmap(_answers(path), mode="r+")

    def finished(self, done: int) -> None:
        """See the first ``done`` batches on the disk, and note how many they are."""
        self.values.flush()
        self.answers.flush()
        write_atomically(_note(self._path), json.dumps({"digest": self._digest, "done": done}).encode())

    def _found(self) -> int:
        if not all(file.is_file() for file in (self._path, _answers(self._path), _note(self._path))):
            return 0
        note = json.loads(_note(self._path).read_bytes())
        return int(note["done"]) if note["digest"] == self._digest else 0


def _reserve(path: Path, shape: tuple[int, int]) -> None:
    """Make a file of states without any; a mapped one that finds no room later would end the process.

    Raises ``RecipeError`` if there isn't room for it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    size = shape[0] * shape[1]
    try:
        if disk_usage(path.parent).free < size:
            raise OSError(ENOSPC, "no room")
        np.lib.format.open_memmap(path, mode="w+", dtype=np.int8, shape=shape)
        with path.open("r+b") as file:
            if hasattr(os, "posix_fallocate"):  # elsewhere what there was room for must do
                os.posix_fallocate(file.fileno(), 0, path.stat().st_size)
    except OSError as error:
        forget_states(path)
        needs = f"a teacher's states take {size / 1e9:.1f} GB in {path.parent} while they teach"
        raise RecipeError(f"{needs}: {error.strerror}") from error


def _note(path: Path) -> Path:
    return path.with_suffix(".json")


def _answers(path: Path) -> Path:
    return path.with_suffix(".answers.npy")


def _digest(identity: str, rows: Sequence[Window]) -> str:
    return hashlib.sha256(json.dumps([identity, [row.ids for row in rows]]).encode()).hexdigest()


def _mean_and_spread(read: Reader, windows: Windows, sample: Sequence[Window]) -> tuple[Floats, Floats, int]:
    """Give the mean and the standard deviation of each channel over the tokens of ``sample``, and the number of logits."""
    order = batches_by_length([len(row.ids) for row in sample], _BATCH_TOKENS)
    found = [_of_rows(read, windows, [sample[row] for row in batch]) for batch in order]
    tokens = np.concatenate([of_row for states, _ in found for of_row in states])
    return tokens.mean(axis=0), np.maximum(tokens.std(axis=0), np.finfo(np.float32).tiny), found[0][1].shape[1]


def _of_rows(read: Reader, windows: Windows, rows: Sequence[Window]) -> tuple[list[Floats], Floats]:
    states, answers = read(*windows.pad(rows))
    return [of_row[: len(row.ids)] for of_row, row in zip(states, rows, strict=True)], answers
