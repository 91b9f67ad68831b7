"""Which exported model is in use."""

from pathlib import Path

from newsstance.bundle import BUNDLE_FILE, Bundle, read_bundle
from newsstance.cascade import CASCADE
from newsstance.errors import BundleError
from newsstance.locate import name_champion


def choose_champion(models: Path, corpus_sha256: str) -> Bundle:
    """Make champion the model in ``models`` with the best ``stance_f1`` on validation, among those of this corpus.

    Models of another corpus were measured on other sentences and don't compare. Of equals, the first by name stays.
    """
    bundles = sorted(exported_models(models), key=lambda bundle: bundle.name)
    comparable = [bundle for bundle in bundles if bundle.corpus_sha256 == corpus_sha256 and challenges(bundle)]
    best = max(comparable, key=lambda bundle: bundle.metrics["validation/stance_f1"])
    name_champion(models, best.path.name)
    return best


def challenges(bundle: Bundle) -> bool:
    """Tell whether ``bundle`` may become champion: a model that the champion taught, or is part of, only serves beside it."""
    return bundle.kind != CASCADE and "teacher" not in bundle.settings


def exported_models(models: Path) -> list[Bundle]:
    """Read the description of every sound exported model in ``models``; an altered or foreign one is passed over."""
    bundles = []
    for path in models.glob(f"[!.]*/{BUNDLE_FILE}"):
        try:
            bundles.append(read_bundle(path.parent))
        except BundleError:
            continue
    return bundles
