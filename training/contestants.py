"""What ``bench`` compares: each way of scoring sentences, described so that a fresh process can load it and nothing else."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Final, NamedTuple

Labeller = Callable[[Sequence[str]], list[str]]
"""From texts to a stance of each."""

EARLY: Final = "early"
"""The recipe that gives the champion an early exit."""

REFERENCE: Final = "HF pipeline, batches of 32"
"""The contestant that ratios refer to."""


class Scorers(NamedTuple):
    """What a contestant does: label sentences and, where it takes articles whole, articles."""

    sentences: Labeller
    articles: Labeller | None = None


@dataclass(frozen=True)
class Contestant:
    """One way of scoring.

    ``module`` holds ``function``, which gives its ``Scorers`` for ``arguments``; ``files`` are those that it then loads.
    """

    name: str
    module: str
    function: str
    arguments: tuple[str, ...] = ()
    files: tuple[Path, ...] = ()


def load(module: str, function: str, arguments: Sequence[str]) -> Scorers:
    """Load a contestant; only here is anything of it imported."""
    loaded: Scorers = getattr(import_module(module), function)(*arguments)
    return loaded


def contestants(models: Path) -> list[Contestant]:
    """Give all that can be compared with what lies in ``models``; raises ``ModelNotFoundError`` if there is no champion."""
    from newsstance.bundle import read_bundle  # here, since a probe of another contestant shall not import newsstance
    from newsstance.locate import locate_model
    from training.as_trained import as_trained

    champion = locate_model(models)
    found = [
        _newsstance("newsstance champion", "load_whole", champion),
        _newsstance("the same, one at a time", "load_single", champion),
    ]
    tiers = [models / name for name in (EARLY, "fast", "cascade") if (models / name).is_dir()]
    found += [_newsstance(f"newsstance {path.name}", "load_whole", path) for path in tiers]
    if models / EARLY in tiers:  # beside the two rows of the champion
        found.insert(3, _newsstance(f"{EARLY}, one at a time", "load_single", models / EARLY))
    trained = as_trained(read_bundle(champion), models)
    if trained is not None and (trained / "model.safetensors").is_file():
        files = tuple(trained / name for name in ("model.safetensors", "config.json", "tokenizer.json"))
        for name, size in (("HF pipeline, defaults", "1"), (REFERENCE, "32")):
            found.append(Contestant(name, "training.hub_pipeline", "load_pipeline", (str(trained), size), files))
    rivals = {"VADER": "load_vader", "TextBlob": "load_textblob"}
    return [*found, *(Contestant(name, "training.baselines", function) for name, function in rivals.items())]


def _newsstance(name: str, function: str, path: Path) -> Contestant:
    from newsstance.bundle import read_bundle
    from newsstance.cascade import CASCADE, ROLES, member_path

    bundle = read_bundle(path)
    members = [member_path(bundle, role) for role in ROLES] if bundle.kind == CASCADE else []
    files = [file for folder in (path, *members) for file in sorted(folder.iterdir()) if file.is_file()]
    return Contestant(name, "training.predictors", function, (str(path),), tuple(files))
