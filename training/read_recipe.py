"""Read a recipe from TOML, or from what an exported model keeps of it."""

import json
import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from training.errors import RecipeError
from training.recipe import Recipe

RECIPES: Final = Path(__file__).parent / "recipes"


def recipe_names() -> list[str]:
    """Give the names of the recipes that come with newsstance."""
    return sorted(path.stem for path in RECIPES.glob("*.toml"))


def load_recipe(name: str) -> Recipe:
    """Read the recipe called ``name``, or the one in the TOML file at the path ``name``.

    Raises ``RecipeError`` if there is none, it isn't TOML, or a setting is unknown or makes no sense.
    """
    path = Path(name) if name.endswith(".toml") else RECIPES / f"{name}.toml"
    if not path.is_file():
        raise RecipeError(_not_found(name))
    try:
        settings = {"name": path.stem, **tomllib.loads(path.read_text(encoding="utf-8"))}
        # By way of JSON, since pydantic's strict mode takes a table for a dataclass only from there.
        return TypeAdapter(Recipe).validate_json(json.dumps(settings, default=str))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RecipeError(f"{path}: not TOML: {error}") from error
    except ValidationError as error:
        raise RecipeError(f"{path}: " + "; ".join(_explain(item) for item in error.errors())) from error


def recipe_of(settings: Mapping[str, Any]) -> Recipe:
    """Give the recipe that an exported model keeps as plain types; raises ``RecipeError`` if it is none of this version."""
    try:
        return TypeAdapter(Recipe).validate_json(json.dumps(settings))
    except ValidationError as error:
        raise RecipeError("; ".join(_explain(item) for item in error.errors())) from error


def _not_found(name: str) -> str:
    if name.endswith(".toml"):
        return f"{name}: there is no such recipe file"
    close = get_close_matches(name, recipe_names(), n=1)
    hint = f"did you mean {close[0]!r}? " if close else ""
    return f"no recipe {name!r}: {hint}there are {', '.join(recipe_names())}, or give the path of a .toml file"


def _explain(item: Any) -> str:
    place = ".".join(str(part) for part in item["loc"]) or "the recipe"
    if item["type"] == "unexpected_keyword_argument":
        return f"{place}: there is no such setting"
    message = str(item["msg"]).removeprefix("Value error, ")
    given = f" (given: {item['input']!r})" if isinstance(item["input"], (str, int, float)) else ""
    return f"{place}: {message[0].lower()}{message[1:]}{given}"
