"""The model kind ``cascade``: a fast model answers where it is sure, the champion the rest.

Its bundle holds no weights but names two models that lie beside it, each by the hash of all that shapes its
scores: a cascade was tuned for these two and no others. A copy that travels alone carries them inside, in a folder each.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np

from newsstance.bundle import Bundle, read_bundle
from newsstance.early_exit import EARLY_EXIT, EarlyExitModel
from newsstance.encoder import EncoderModel
from newsstance.errors import BundleError
from newsstance.identity import bundle_sha256
from newsstance.labels import HEADS
from newsstance.linear import LinearModel
from newsstance.models import Estimates, Model, sure_enough

CASCADE: Final = "cascade"
"""The name of this kind of model."""

ROLES: Final = ("fast", "champion")
"""What the two models are to a cascade: the keys in its settings, and the names of the folders inside a copy that travels."""

SINGLE_KINDS: Final[Mapping[str, Callable[[Bundle], Model]]] = {
    "encoder": EncoderModel.read,
    EARLY_EXIT: EarlyExitModel.read,
    "linear": LinearModel.read,
}
"""How each kind of bundle that stands on its own is read."""

_MEMBER_KINDS: Final[Mapping[str, Callable[[Bundle], Model]]] = {
    **SINGLE_KINDS,
    "encoder": partial(EncoderModel.read, alone=False),
}

_AGAIN: Final = "train it again with `make train RECIPE=cascade`"


@dataclass(frozen=True)
class CascadeModel:
    """Estimates with ``fast``, and with ``champion`` where the former is unsure.

    ``sure`` holds, by head, the probability that the fast model's likeliest label must exceed; a text for which it doesn't in
    either head is read by the champion, which then answers both. ``names`` are the models' names, the fast one first.
    """

    fast: Model
    champion: Model
    sure: Mapping[str, float]
    names: tuple[str, str]

    @classmethod
    def read(cls, bundle: Bundle) -> "CascadeModel":
        """Read the model of ``bundle``; raises ``BundleError`` if one of the two isn't the one it was tuned for."""
        try:
            names = tuple(str(bundle.settings[role]["name"]) for role in ROLES)
            sure = {head: float(bundle.settings["sure"][head]) for head in HEADS}
        except (KeyError, TypeError, ValueError) as error:
            raise BundleError(f"{bundle.path}: its description lacks a model or what counts as sure; {_AGAIN}") from error
        fast, champion = (_read_member(bundle, role) for role in ROLES)
        return cls(fast, champion, sure, (names[0], names[1]))

    def with_sure(self, sure: float) -> "CascadeModel":
        """Give this cascade with another probability above which the fast model's answer stands; above 1 there is none."""
        return replace(self, sure=dict.fromkeys(HEADS, sure))

    def estimate(self, texts: Sequence[str]) -> Estimates:
        """Estimate for each of ``texts``; see ``Model``."""
        first = self.fast.estimate(texts)
        unsure = np.flatnonzero(~sure_enough(first.probabilities, self.sure))
        models = np.array([self.names[0]] * len(texts), dtype=object)
        if not unsure.size:
            return Estimates(first.probabilities, first.parts, tuple(models))
        second = self.champion.estimate([texts[place] for place in unsure.tolist()])
        probabilities = {head: first.probabilities[head].copy() for head in HEADS}
        for head in HEADS:
            probabilities[head][unsure] = second.probabilities[head]
        parts = np.array(first.parts)
        parts[unsure], models[unsure] = second.parts, self.names[1]
        return Estimates(probabilities, tuple(parts.tolist()), tuple(models))


def member_path(bundle: Bundle, role: str) -> Path:
    """Give the folder of the model that is ``role`` to the cascade ``bundle``: inside it, or else beside it."""
    inside = bundle.path / role
    if inside.is_dir():
        return inside
    told = bundle.settings[role]
    return bundle.path.parent / str(told.get("folder", told["name"]))


def _read_member(bundle: Bundle, role: str) -> Model:
    path = member_path(bundle, role)
    member = read_bundle(path)
    if bundle_sha256(member) != bundle.settings[role].get("sha256"):
        raise BundleError(f"{bundle.path}: {path} isn't the model that this cascade was tuned for; {_AGAIN}")
    if member.kind not in _MEMBER_KINDS:
        raise BundleError(f"{bundle.path}: {path} is of the kind {member.kind!r}, which can't be part of a cascade")
    return _MEMBER_KINDS[member.kind](member)
