"""The model kind ``early-exit``: an encoder that answers from its lower layers where those are sure, and else from all of them.

Its graph lies in two files. The lower one also gives the logits of a small head of its own, and the states that the upper
one goes on from, so that no layer is computed twice, and what the upper one says is, to the bit, what the whole says.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np

from newsstance.bundle import Bundle
from newsstance.encoder import ATTENTION_MASK, INPUT_IDS, LOGITS, EncoderModel, Runner, open_session
from newsstance.errors import BundleError
from newsstance.labels import HEADS
from newsstance.models import Floats, softmax, sure_enough, tempered
from newsstance.tokens import Ids

EARLY_EXIT: Final = "early-exit"
"""The name of this kind of model."""

LOWER_FILE: Final = "lower.onnx"
UPPER_FILE: Final = "upper.onnx"

STATES: Final = "states"
"""What the lower graph gives and the upper one takes: of shape (texts, tokens, width)."""


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
        lower, upper = (open_session(graph, threads, alone=False) for graph in self._graphs)

        def run(ids: Ids, mask: Ids) -> Sequence[Floats]:
            logits: list[Floats]
            *logits, states = lower.run([*LOGITS, STATES], {INPUT_IDS: ids, ATTENTION_MASK: mask})
            unsure = np.flatnonzero(~self._are_sure(logits))
            if unsure.size:
                tokens = int(mask[unsure].sum(axis=1).max())  # the longest of them may be shorter than the batch's
                taken = {STATES: states[unsure, :tokens], ATTENTION_MASK: mask[unsure, :tokens]}
                for early, late in zip(logits, upper.run(LOGITS, taken), strict=True):
                    early[unsure] = late
            return logits

        return run

    def _are_sure(self, logits: Sequence[Floats]) -> np.ndarray:
        said = {head: tempered(softmax(of_head), self._temperature[head]) for head, of_head in zip(HEADS, logits, strict=True)}
        return sure_enough(said, self._sure)
