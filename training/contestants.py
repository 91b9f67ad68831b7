"""What ``bench`` compares: each way of scoring sentences, loaded only where it is asked for."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from newsstance import ModelNotFoundError, Predictor
from newsstance.bundle import read_bundle
from newsstance.locate import locate_model

Scorer = Callable[[Sequence[str]], list[str]]
"""From texts, sentences or articles, to a label of each."""

REFERENCE: Final = "HF pipeline, batches of 32"
"""The contestant that ratios refer to."""


@dataclass(frozen=True)
class Contestant:
    """One way of scoring: ``load`` gives its scorer of sentences and, where it takes articles whole, that of articles.

    ``artefact`` is the folder that it loads, where there is one.
    """

    name: str
    load: Callable[[], tuple[Scorer, Scorer | None]]
    artefact: Path | None = None


def contestants(models: Path) -> list[Contestant]:
    """Give all that can be compared with what lies in ``models``; raises ``ModelNotFoundError`` if there is no champion."""
    champion = locate_model(models)
    found = [
        Contestant("newsstance champion", lambda: _predictor(champion), champion),
        Contestant("champion, one at a time", lambda: _one_at_a_time(champion), champion),
    ]
    tiers = [models / name for name in ("fast", "cascade") if (models / name).is_dir()]
    found += [Contestant(f"newsstance {path.name}", _loader(path), path) for path in tiers]
    trained = models / "trained" / champion.name
    if (trained / "model.safetensors").is_file():
        found.append(Contestant("HF pipeline, defaults", lambda: (_pipeline(trained, None), None), trained))
        found.append(Contestant(REFERENCE, lambda: (_pipeline(trained, 32), None), trained))
    return [*found, Contestant("VADER", _vader), Contestant("TextBlob", _textblob)]


def contestant(name: str, models: Path) -> Contestant:
    """Give the contestant called ``name``; raises ``ModelNotFoundError`` if it isn't among them."""
    for one in contestants(models):
        if one.name == name:
            return one
    raise ModelNotFoundError(f"{models}: nothing here is called {name!r}")


def _loader(path: Path) -> Callable[[], tuple[Scorer, Scorer | None]]:
    return lambda: _predictor(path)


def _predictor(path: Path) -> tuple[Scorer, Scorer | None]:
    predictor = Predictor.load(path)
    return (
        lambda texts: [score.stance for score in predictor.predict(texts)],
        lambda articles: [score.dominant for score in predictor.score_many(articles)],
    )


def _one_at_a_time(path: Path) -> tuple[Scorer, Scorer | None]:
    predictor = Predictor.load(path)
    return (
        lambda texts: [predictor.predict([text])[0].stance for text in texts],
        lambda articles: [predictor.score(article).dominant for article in articles],
    )


def _pipeline(trained: Path, batch_size: int | None) -> Scorer:
    from training.hub_pipeline import hub_pipeline  # here and below, so that each is paid for by its own row

    return hub_pipeline(read_bundle(trained), batch_size)


def _vader() -> tuple[Scorer, Scorer | None]:
    from training.baselines import vader_labels

    return (lambda texts: list(vader_labels(texts)["stance"])), None


def _textblob() -> tuple[Scorer, Scorer | None]:
    from training.baselines import textblob_labels

    return (lambda texts: list(textblob_labels(texts)["stance"])), None
