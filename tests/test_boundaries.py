"""What stays apart, and what is public."""

import ast
import re
import subprocess
import sys
import tomllib
from importlib.metadata import requires
from pathlib import Path

import pytest

import newsstance
from newsstance.errors import first_line
from training.missing_package import EXTRAS

ROOT = Path(__file__).parents[1]
SOURCES = sorted([*(ROOT / "serve").rglob("*.py"), *(ROOT / "training").rglob("*.py")])
HEAVY = {"torch", "transformers", "mlflow", "sklearn", "scipy", "pandas", "datasets", "training"}


def imported(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.split(".")[0])
    return names


def test_the_public_names_are_these() -> None:
    assert newsstance.__all__ == [
        "SENTIMENTS", "STANCES", "ArticleError", "ArticleScore", "BundleError", "ConfidenceError", "ModelNotFoundError",
        "NewsstanceError",
        "Predictor", "SentenceScore", "__version__", "split_sentences",
    ]  # fmt: skip
    assert all(hasattr(newsstance, name) for name in newsstance.__all__)


def test_newsstance_imports_neither_training_nor_its_libraries() -> None:
    modules = [f"newsstance.{path.stem}" for path in (ROOT / "serve" / "newsstance").glob("*.py") if path.stem != "__main__"]
    code = f"import importlib, sys; [importlib.import_module(m) for m in {modules}]; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT / "serve")
    assert not HEAVY & {name.split(".")[0] for name in done.stdout.split()}


@pytest.mark.parametrize("path", SOURCES, ids=[str(path.relative_to(ROOT)) for path in SOURCES])
def test_no_module_reads_or_writes_pickle(path: Path) -> None:
    assert not {"pickle", "joblib", "cloudpickle", "dill"} & imported(path)


def test_a_linear_recipe_needs_no_torch() -> None:
    code = "import sys, training.train, training.linear_road, training.sweep, training.curve; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout == "False\n"


def test_each_package_that_training_imports_is_told_by_what_installs_it() -> None:
    known = [package for extra in EXTRAS.values() for package in extra.packages]
    assert len(known) == len(set(known))
    required = {re.split(r"[^\w-]", line)[0] for line in requires("newsstance") or [] if "extra" not in line}
    ours = {"newsstance", "training", *required, *sys.stdlib_module_names}
    used = set().union(*(imported(path) for path in SOURCES if path.parent.name == "training"))
    assert used - ours <= set(known)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert set(EXTRAS) <= set(project["optional-dependencies"])
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for name, extra in EXTRAS.items():
        target = extra.target.removeprefix("make ")
        (stamp,) = re.findall(rf"^{target}: (.*?) ##", makefile, re.MULTILINE)
        rule = makefile.split(f"\n{stamp}:")[1].split("\n\n")[0]
        assert re.search(rf"'\.\[[^']*\b{name}\b", rule), name


def test_every_error_of_ours_is_a_newsstance_error() -> None:
    import newsstance.errors
    import training.errors

    for module in (newsstance.errors, training.errors):
        for value in vars(module).values():
            if isinstance(value, type) and issubclass(value, Exception):
                assert issubclass(value, newsstance.NewsstanceError)


def test_an_error_is_told_in_one_short_line() -> None:
    assert first_line(ValueError("\nno such layer\nat line 3")) == "no such layer"
    assert first_line(KeyError()) == "KeyError"
    assert len(first_line(ValueError("x" * 900))) == 200


def test_labels_are_spelled_in_one_place() -> None:
    # A second list of labels would drift. Single labels may be named, three of them together may not.
    for path in SOURCES:
        if path.name in ("labels.py", "baselines.py"):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, (ast.List, ast.Tuple, ast.Set)):
                words = {item.value for item in node.elts if isinstance(item, ast.Constant)}
                assert len(words & {*newsstance.STANCES, *newsstance.SENTIMENTS}) < 3, f"{path}:{node.lineno}"


def test_each_make_target_that_the_readme_names_exists() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in set(re.findall(r"make ([a-z]+)", text)):
        assert f"\n{target}:" in makefile, target
