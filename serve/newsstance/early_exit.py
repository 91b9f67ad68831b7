"""The model kind ``early-exit``: an encoder that answers from its lower layers where those are sure, and else from all of them.

Its graph lies in two files. The lower one also gives the logits of a small head of its own, and the states that the upper
one goes on from, so that no layer is computed twice, and what the upper one says is, to the bit, what the whole says.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from newsstance.bundle import Bundle
from newsstance.cores import usable_cores
from newsstance.encoder import APART_TOKENS, ATTENTION_MASK, INPUT_IDS, LOGITS, EncoderModel, Runner, open_session
from newsstance.errors import BundleError
from newsstance.labels import HEADS
from newsstance.models import Floats, softmax, sure_enough, tempered
from newsstance.tokens import Ids, Window

EARLY_EXIT: Final = "early-exit"
"""The name of this kind of model."""

LOWER_FILE: Final = "lower.onnx"
UPPER_FILE: Final = "upper.onnx"

STATES: Final = "states"
"""What the lower graph gives and the upper one takes: of shape (texts, tokens, width)."""

_AHEAD: Final = 2
"""Batches begun for each core before the oldest is done: one to compute and one to go on with; more would wait in memory."""

Unsure = Callable[[Sequence[Floats]], npt.NDArray[np.bool_]]
"""Tells of logits by head, each of shape (texts, labels), which texts they don't answer; of shape (texts,)."""


class _Passed(NamedTuple):
    """A batch that has passed the lower layers: logits by head, and of the rows that go on their states and mask."""

    logits: list[Floats]
    rows: npt.NDArray[np.intp]
    states: Floats
    mask: Ids


class _Layers:
    """The layers in two sessions. Called as a ``Runner``, they label a batch."""

    def __init__(self, graphs: Sequence[Path], threads: int, unsure: Unsure) -> None:
        self._lower, self._upper = (open_session(graph, threads, alone=False) for graph in graphs)
        self._unsure = unsure

    def __call__(self, ids: Ids, mask: Ids) -> Sequence[Floats]:
        passed = self.lower(ids, mask)
        self.upper([passed])
        return passed.logits

    def lower(self, ids: Ids, mask: Ids) -> _Passed:
        """Have a batch, ids and mask of shape (texts, tokens), pass the lower layers."""
        logits: list[Floats]
        *logits, states = self._lower.run([*LOGITS, STATES], {INPUT_IDS: ids, ATTENTION_MASK: mask})
        rows = np.flatnonzero(self._unsure(logits))
        tokens = int(mask[rows].sum(axis=1).max(initial=0))  # the longest of them may be shorter than the batch's
        return _Passed(logits, rows, states[rows, :tokens], mask[rows, :tokens])

    def upper(self, batches: Sequence[_Passed]) -> None:
        """Have what goes on of ``batches`` pass the upper layers as one batch, and put what they say into the logits."""
        going = [batch for batch in batches if batch.rows.size]
        if not going:
            return
        taken = {STATES: _stacked([batch.states for batch in going]), ATTENTION_MASK: _stacked([batch.mask for batch in going])}
        ends = np.cumsum([batch.rows.size for batch in going])[:-1]
        for head, said in enumerate(self._upper.run(LOGITS, taken)):
            for batch, late in zip(going, np.split(said, ends), strict=True):
                batch.logits[head][batch.rows] = late


class EarlyExitModel(EncoderModel):
    """Estimates with the lower layers of an encoder, and with all of them where the lower ones are unsure in either head.

    A text longer than the window is sure or unsure part by part.
    """

    files = (LOWER_FILE, UPPER_FILE)

    def __init__(self, bundle: Bundle, alone: bool = True) -> None:
        try:
            self._sure = {head: float(bundle.settings["sure"][head]) for head in HEADS}
        except (KeyError, TypeError, ValueError) as error:
            raise BundleError(f"{bundle.path}: its description lacks what counts as sure; train it again") from error
        super().__init__(bundle, alone)

    def _open(self, threads: int) -> Runner:
        return _Layers(self._graphs, threads, self._are_unsure)

    def _many(self, run: Runner, batches: Sequence[Sequence[Window]], cores: Executor) -> list[Sequence[Floats]]:
        """See ``EncoderModel``. What goes on of several batches does so as one: a small batch takes longer for each token.

        Which those are, no core's pace decides, so that the same texts always have the same answers.
        """
        assert isinstance(run, _Layers)
        done: list[Sequence[Floats]] = []
        waiting: list[_Passed] = []
        late: list[Future[None]] = []
        for passed in _in_turn(cores, lambda batch: run.lower(*self._windows.pad(batch)), batches):
            done.append(passed.logits)
            if _tokens([*waiting, passed]) > APART_TOKENS:
                late.append(cores.submit(run.upper, waiting))
                waiting = []
            waiting.append(passed)
        for upper in [*late, cores.submit(run.upper, waiting)]:
            upper.result()
        return done

    def _are_unsure(self, logits: Sequence[Floats]) -> npt.NDArray[np.bool_]:
        said = {head: tempered(softmax(of_head), self._temperature[head]) for head, of_head in zip(HEADS, logits, strict=True)}
        return ~sure_enough(said, self._sure)


def _in_turn(cores: Executor, work: Callable[[Any], _Passed], batches: Iterable[Any]) -> Iterator[_Passed]:
    """Give what ``work`` makes of each of ``batches``, in order, begun on only a few ahead of the one that is given."""
    ahead: deque[Future[_Passed]] = deque()
    most = _AHEAD * usable_cores()
    for batch in batches:
        ahead.append(cores.submit(work, batch))
        if len(ahead) > most:
            yield ahead.popleft().result()
    while ahead:
        yield ahead.popleft().result()


def _tokens(batches: Sequence[_Passed]) -> int:
    """Count the tokens, padding included, of what goes on of ``batches`` once that is one batch."""
    rows, tokens = zip(*(batch.mask.shape for batch in batches), strict=True)
    return int(sum(rows) * max(tokens))


def _stacked(parts: Sequence[npt.NDArray[Any]]) -> npt.NDArray[Any]:
    """Put arrays of shape (rows, tokens, ...) under each other, filled up with zeros to the most tokens."""
    if len(parts) == 1:
        return parts[0]
    shape = sum(len(part) for part in parts), max(part.shape[1] for part in parts), *parts[0].shape[2:]
    stacked = np.zeros(shape, parts[0].dtype)
    start = 0
    for part in parts:
        stacked[start : start + len(part), : part.shape[1]] = part
        start += len(part)
    return stacked
