"""The model kind ``linear``: logistic regression over TF-IDF weighted n-grams, as plain arrays and a vocabulary."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
from safetensors.numpy import load_file, save

from newsstance.bundle import Bundle
from newsstance.errors import BundleError
from newsstance.files import write_atomically
from newsstance.labels import HEADS
from newsstance.models import Estimates, Floats, softmax, temperatures, tempered
from newsstance.ngrams import ANALYZERS

VOCABULARY_FILE: Final = "vocabulary.json"
WEIGHTS_FILE: Final = "weights.safetensors"


@dataclass(frozen=True)
class LinearModel:
    """Estimates with logistic regression; it has no window, so that each text is read in one part.

    ``vocabulary`` holds, by analyzer, its n-grams in the order of their weights; ``idf``, by analyzer, their inverse document
    frequencies, of shape (n-grams,). ``coefficients`` has, by head, the shape (all n-grams, labels) and ``intercepts``
    (labels,); ``temperature`` is a number a head.
    """

    vocabulary: Mapping[str, Sequence[str]]
    idf: Mapping[str, Floats]
    coefficients: Mapping[str, Floats]
    intercepts: Mapping[str, Floats]
    temperature: Mapping[str, float] = field(default_factory=lambda: dict.fromkeys(HEADS, 1.0))

    def __post_init__(self) -> None:
        places = {name: {gram: place for place, gram in enumerate(grams)} for name, grams in self.vocabulary.items()}
        object.__setattr__(self, "_places", places)

    @classmethod
    def read(cls, bundle: Bundle) -> "LinearModel":
        """Read the model of ``bundle``; raises ``BundleError`` if its files don't make one."""
        bundle.require(VOCABULARY_FILE, WEIGHTS_FILE)
        temperature = temperatures(bundle)
        try:
            vocabulary = json.loads((bundle.path / VOCABULARY_FILE).read_text(encoding="utf-8"))
            arrays = load_file(bundle.path / WEIGHTS_FILE)
            return cls(
                vocabulary,
                {name: arrays[f"idf.{name}"] for name in ANALYZERS},
                {head: arrays[f"coefficients.{head}"] for head in HEADS},
                {head: arrays[f"intercepts.{head}"] for head in HEADS},
                temperature,
            )
        except Exception as error:  # safetensors raises a bare exception of its own
            raise BundleError(f"{bundle.path}: the model can't be loaded ({error})") from error

    def write(self, folder: Path) -> None:
        """Write the model's files into ``folder``."""
        text = json.dumps({name: list(grams) for name, grams in self.vocabulary.items()}, ensure_ascii=False)
        write_atomically(folder / VOCABULARY_FILE, text.encode())
        groups = {"idf": self.idf, "coefficients": self.coefficients, "intercepts": self.intercepts}
        arrays = {f"{group}.{name}": array for group, named in groups.items() for name, array in named.items()}
        write_atomically(folder / WEIGHTS_FILE, save({name: np.ascontiguousarray(array) for name, array in arrays.items()}))

    def estimate(self, texts: Sequence[str]) -> Estimates:
        """Estimate for each of ``texts``; see ``Model``."""
        features = [self._features(text) for text in texts]
        probabilities = {
            head: softmax(np.stack([weights @ self.coefficients[head][places] for places, weights in features]) + bias)
            for head, bias in self.intercepts.items()
        }
        calibrated = {head: tempered(values, self.temperature[head]) for head, values in probabilities.items()}
        return Estimates(calibrated, (1,) * len(texts))

    def _features(self, text: str) -> tuple[np.ndarray, Floats]:
        """Give the places of the n-grams in ``text`` and their weights: (1 + ln count) · idf, of unit length per analyzer."""
        places, weights, offset = [], [], 0
        for name, analyzer in ANALYZERS.items():
            known: dict[str, int] = self._places[name]  # type: ignore[attr-defined]
            counts = Counter(known[gram] for gram in analyzer(text) if gram in known)
            here = np.fromiter(counts.keys(), np.int64, len(counts))
            raw = (1 + np.log(np.fromiter(counts.values(), np.float32, len(counts)))) * self.idf[name][here]
            places.append(here + offset)
            weights.append(raw / (np.linalg.norm(raw) or 1.0))
            offset += len(known)
        return np.concatenate(places), np.concatenate(weights).astype(np.float32)
