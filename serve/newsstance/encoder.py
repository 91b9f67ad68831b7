"""The model kind ``encoder``: a transformer with two heads as one ONNX graph, run by ONNX Runtime."""

from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path
from threading import Lock
from typing import Final

import numpy as np
import onnxruntime

from newsstance.bundle import Bundle
from newsstance.cores import usable_cores
from newsstance.errors import BundleError, first_line
from newsstance.labels import HEADS
from newsstance.models import Estimates, Floats, softmax, temperatures, tempered
from newsstance.tokens import TOKENIZER_FILE, Ids, Window, Windows, batches_by_length

GRAPH_FILE: Final = "model.onnx"
INPUT_IDS: Final = "input_ids"
ATTENTION_MASK: Final = "attention_mask"
_TOGETHER_TOKENS: Final = 1024
"""Tokens, padding included, that all cores compute together as one batch."""

APART_TOKENS: Final = 256
"""Tokens in a batch that one core computes: enough to keep it busy, little enough to stay in its cache."""


Runner = Callable[[Ids, Ids], Sequence[Floats]]
"""Gives, by head, the logits of a batch, (texts, labels), for ids and mask of shape (texts, tokens)."""


def logits_name(head: str) -> str:
    """Name the graph's output that holds the logits of ``head``."""
    return f"{head}_logits"


LOGITS: Final = [logits_name(head) for head in HEADS]
"""The outputs of a graph that labels, by head."""


class EncoderModel:
    """Estimates with a transformer encoder. A text longer than the window is read in parts, which are averaged.

    What fits one batch is computed by all cores together, which answers soonest; many batches each by one core, several at a
    time, which answers a fifth more of them. Either way the answers are the same to the bit.
    """

    files: Sequence[str] = (GRAPH_FILE,)
    """The names of the graphs that a bundle of this kind holds."""

    def __init__(self, bundle: Bundle, alone: bool = True) -> None:
        self._alone = alone
        self._graphs = [bundle.path / file for file in self.files]
        self._identity = _identities(self._graphs)
        self._temperature = temperatures(bundle)
        self._windows = Windows.read(bundle.path / TOKENIZER_FILE, int(bundle.settings["max_length"]))
        self._together = self._open(usable_cores())
        self._apart: Runner | None = None
        self._lock = Lock()

    @classmethod
    def read(cls, bundle: Bundle, alone: bool = True) -> "EncoderModel":
        """Read the model of ``bundle``, which takes turns with others if it isn't ``alone``.

        Raises ``BundleError`` if its files don't make one.
        """
        bundle.require(*cls.files, TOKENIZER_FILE)
        try:
            return cls(bundle, alone)
        except BundleError:
            raise
        except Exception as error:  # ONNX Runtime and tokenizers raise types of their own, some of them bare exceptions
            raise BundleError(f"{bundle.path}: the model can't be loaded ({first_line(error)})") from error

    def estimate(self, texts: Sequence[str]) -> Estimates:
        """Estimate for each of ``texts``; see ``Model``."""
        windows = self._windows.cut(texts)
        logits = {head: np.empty((len(windows), len(labels)), np.float32) for head, labels in HEADS.items()}
        batches = _batches([len(window.ids) for window in windows])
        for batch, outputs in zip(
            batches, self._outputs([[windows[index] for index in batch] for batch in batches]), strict=True
        ):
            for head, output in zip(HEADS, outputs, strict=True):
                logits[head][batch] = output
        owners = np.array([window.text for window in windows])
        weights = np.array([len(window.ids) for window in windows], dtype=np.float32)
        probabilities = {
            head: tempered(_average_parts(softmax(values), owners, weights, len(texts)), self._temperature[head])
            for head, values in logits.items()
        }
        return Estimates(probabilities, tuple(np.bincount(owners, minlength=len(texts)).tolist()))

    def _outputs(self, batches: Sequence[Sequence[Window]]) -> list[Sequence[Floats]]:
        """Give the graph's logits for each of ``batches``, by head, of shape (windows, labels)."""
        if len(batches) == 1:
            return [self._together(*self._windows.pad(batches[0]))]
        with self._lock:
            run = self._apart = self._apart or self._open_apart()
        with ThreadPoolExecutor(1 if run is self._together else usable_cores()) as cores:
            return self._many(run, batches, cores)

    def _many(self, run: Runner, batches: Sequence[Sequence[Window]], cores: Executor) -> list[Sequence[Floats]]:
        """Give the logits of many batches, each computed by one of ``cores``."""
        return list(cores.map(lambda batch: run(*self._windows.pad(batch)), batches))

    def _open_apart(self) -> Runner:
        """Open the graphs that were loaded for one core.

        That may be long ago, and a training may have put another model in their place: then what is open does it all, since
        the answers must be of one model. To hold the graphs' bytes instead would take as much memory as a session.
        """
        if usable_cores() == 1 or _identities(self._graphs) != self._identity:
            return self._together
        opened = self._open(1)
        return opened if _identities(self._graphs) == self._identity else self._together

    def _open(self, threads: int) -> Runner:
        """Open the model's graphs for so many threads."""
        session = open_session(self._graphs[0], threads, self._alone)

        def run(ids: Ids, mask: Ids) -> Sequence[Floats]:
            outputs: Sequence[Floats] = session.run(LOGITS, {INPUT_IDS: ids, ATTENTION_MASK: mask})
            return outputs

        return run


def _batches(lengths: Sequence[int]) -> list[list[int]]:
    together = list(batches_by_length(lengths, _TOGETHER_TOKENS))
    return together if len(together) == 1 else list(batches_by_length(lengths, APART_TOKENS))


def _identities(graphs: Sequence[Path]) -> list[tuple[int, ...]] | None:
    """Give what tells the files ``graphs`` from any others that are put in their place, or ``None`` if one isn't there."""
    try:
        told = [graph.stat() for graph in graphs]
    except OSError:
        return None
    return [(one.st_dev, one.st_ino, one.st_size, one.st_mtime_ns) for one in told]


def open_session(graph: Path | bytes, threads: int, alone: bool = True) -> onnxruntime.InferenceSession:
    """Open a session on ``graph``, a file or its content, that computes with so many threads.

    Behind an answer they look out for the next question, which then comes sooner, and keep their cores from another session
    that is asked meanwhile: where one isn't ``alone``, they don't.
    """
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.enable_mem_pattern = False  # it keeps a plan for each shape of batch, of which there are many: memory would grow
    options.intra_op_num_threads = threads
    if not alone:
        options.add_session_config_entry("session.force_spinning_stop", "1")
    # ONNX Runtime's joined residual and layer norm takes four times as long as the two apart.
    slower = ["SkipLayerNormFusion"]
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"], disabled_optimizers=slower)


def _average_parts(values: Floats, owners: np.ndarray, weights: Floats, texts: int) -> Floats:
    """Average each text's windows, weighted by their tokens; (windows, labels) becomes (texts, labels)."""
    sums = np.zeros((texts, values.shape[1]), np.float32)
    np.add.at(sums, owners, values * weights[:, None])
    return np.asarray(sums / sums.sum(axis=1, keepdims=True), dtype=np.float32)
