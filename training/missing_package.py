"""What to install where a package of an extra is missing."""

from collections.abc import Mapping
from typing import Final, NamedTuple


class Extra(NamedTuple):
    """An extra of ``pyproject.toml``: the target that installs it, and what of it is imported here."""

    target: str
    packages: frozenset[str]


EXTRAS: Final[Mapping[str, Extra]] = {
    "floor": Extra(
        "make score",
        frozenset({
            "alembic", "krippendorff", "matplotlib", "mlflow", "pandas", "psutil", "pyarrow", "pydantic", "scipy", "sklearn",
            "tomli_w", "trafilatura",
        }),
    ),
    "train": Extra(
        "make train",
        frozenset({"huggingface_hub", "onnx", "onnxscript", "torch", "transformers", "vaderSentiment"}),
    ),
    "bench": Extra("make bench", frozenset({"textblob"})),
    "dev": Extra("make test", frozenset({"mlcroissant"})),
}  # fmt: skip
"""Each package under the smallest extra that brings it."""


def what_to_install(error: ModuleNotFoundError) -> str | None:
    """Say in one line what installs the package that ``error`` misses; ``None`` if no extra brings it."""
    package = (error.name or "").split(".")[0]
    for name, extra in EXTRAS.items():
        if package in extra.packages:
            pip = f"pip install --constraint constraints.txt --editable '.[{name}]'"
            return f"{package} isn't installed: `{extra.target}` installs it, as does `{pip}`"
    return None
