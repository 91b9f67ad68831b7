"""What a run is called and what it says of itself before it starts."""

import getpass
import hashlib
import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from newsstance.bundle import Bundle
from newsstance.cores import usable_cores
from training.lessons import lessons_beside, lessons_sha256
from training.material import Material
from training.processes import PROCESS_TAG, this_process
from training.read_recipe import load_recipe, recipe_names
from training.recipe import Recipe

LESSONS_TAG: Final = "lessons_sha256"
"""The tag that tells which lessons a run learnt from, ``none`` where there were none; absent where its recipe asks for none."""

STATES_TAG: Final = "states_sha256"
"""The tag that tells whose states a run learnt, by the teacher's hash; absent where it learnt none."""


@dataclass(frozen=True)
class RunSpec:
    """A run's name, tags and flat parameters.

    ``parent`` is the id of the run above it. What itself stands above others, a sweep or a curve, goes on in the run that an
    earlier one of the same recipe and corpus left; a training always makes a new one.
    """

    name: str
    tags: Mapping[str, str]
    parameters: Mapping[str, Any]
    parent: str | None = None
    is_parent: bool = False


def training_spec(recipe: Recipe, material: Material, parent: str | None = None) -> RunSpec:
    """Describe the run of one training, alone or below the sweep ``parent``."""
    name = f"{_of_recipe(recipe, material)} · seed {recipe.seed}"
    tags = {**_tags(recipe, material), "run_type": "training", "seed": str(recipe.seed)}
    return RunSpec(name, tags, _parameters(recipe), parent)


def sweep_spec(recipe: Recipe, material: Material, seeds: int) -> RunSpec:
    """Describe the run above those of ``seeds`` seeds."""
    name = f"{_of_recipe(recipe, material)} · {seeds} seeds"
    parameters = {setting: value for setting, value in _parameters(recipe).items() if setting != "seed"}
    tags = {**_tags(recipe, material), "run_type": "sweep", "seeds": str(seeds), "first_seed": str(recipe.seed)}
    return RunSpec(name, tags, parameters, is_parent=True)


def curve_spec(recipe: Recipe, material: Material, seeds: int) -> RunSpec:
    """Describe the run above the trainings of a learning curve, on shares of the corpus, with ``seeds`` seeds."""
    spec = sweep_spec(recipe, material, seeds)
    name = f"{_of_recipe(recipe, material)} · learning curve"
    return replace(spec, name=name, tags={**spec.tags, "run_type": "curve"})


def cross_fit_spec(recipe: Recipe, material: Material, folds: int) -> RunSpec:
    """Describe the run of a recipe's trainings without one of ``folds`` folds each."""
    name = f"{_of_recipe(recipe, material)} · cross-fit of {folds}"
    tags = {**_tags(recipe, material), "run_type": "cross-fit", "folds": str(folds), "seed": str(recipe.seed)}
    return RunSpec(name, tags, _parameters(recipe), is_parent=True)


def recipe_sha256(recipe: Recipe) -> str:
    """Give the hash of what decides a training besides its seed and its material."""
    settings = replace(recipe, seed=0).to_dict()
    del settings["description"]
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()


def git_commit() -> str:
    """Give the commit that is checked out, with ``+`` behind it if files differ from it; ``unknown`` outside git."""
    try:
        commit = _git("rev-parse", "HEAD")
        return commit + ("+" if _git("status", "--porcelain", "--untracked-files=no") else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def _of_recipe(recipe: Recipe, material: Material) -> str:
    """Begin a run's name; the edits of a recipe of one's own differ by the first digits of their hashes."""
    return f"{_told(recipe)} · corpus {material.sha256[:4]}"


def _told(recipe: Recipe) -> str:
    digest = recipe_sha256(recipe)
    shipped = load_recipe(recipe.name) if recipe.name in recipe_names() else None
    if shipped is not None and recipe_sha256(shipped) == digest:
        return recipe.name
    if shipped is not None and recipe_sha256(replace(shipped, teacher=None)) == digest:
        return f"{recipe.name} on labels alone"
    return f"{recipe.name} {digest[:4]}"


def _tags(recipe: Recipe, material: Material) -> dict[str, str]:
    commit = git_commit()
    lessons = lessons_sha256(lessons_beside(material.path)) or "none"
    return {
        **({LESSONS_TAG: lessons} if recipe.learns_lessons else {}),
        "recipe": recipe.name,
        "recipe_sha256": recipe_sha256(recipe),
        "kind": recipe.kind,
        "encoder": _encoder(recipe),
        "device": _device(recipe),
        "corpus_sha256": material.sha256,
        "git_commit": commit,
        PROCESS_TAG: this_process(),
        "mlflow.source.git.commit": commit,  # what the UI shows as the version
        "mlflow.source.name": "python -m training",
        "mlflow.source.type": "LOCAL",
        "mlflow.user": _user(),
    }


def _encoder(recipe: Recipe) -> str:
    if recipe.cascade is not None:
        return f"those of {recipe.cascade.fast} and {recipe.cascade.champion}"
    if recipe.early_exit is not None:
        return f"that of {recipe.early_exit.of}"
    return recipe.encoder.encoder if recipe.encoder else "none (n-grams)"


def _device(recipe: Recipe) -> str:
    if recipe.encoder is not None:
        import torch  # here, since a linear recipe needs none

        if torch.cuda.is_available():
            return str(torch.cuda.get_device_name())
    return f"CPU, {usable_cores()} cores"


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a user id without a name, as in some containers
        return "unknown"


def _git(*words: str) -> str:
    done = subprocess.run(["git", *words], capture_output=True, text=True, check=True, cwd=Path(__file__).parent)
    return done.stdout.strip()


def _parameters(recipe: Recipe) -> dict[str, Any]:
    """Give the settings by which runs can be compared: not the description, which would differ between any two recipes."""
    settings = recipe.to_dict()
    del settings["description"]
    return _flat(settings)


def _flat(settings: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in settings.items():
        flat |= _flat(value, f"{prefix}{name}.") if isinstance(value, Mapping) else {f"{prefix}{name}": value}
    return flat


def states_tag(bundle: Bundle) -> dict[str, str]:
    """Give the tag that tells whose states taught ``bundle``; nothing if none did. It is known only once it is trained."""
    told = bundle.settings.get("teacher", {}).get("states")
    return {STATES_TAG: told["sha256"]} if told else {}
