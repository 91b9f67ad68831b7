"""The Markdown description that a run shows in the UI."""

from training.material import Material
from training.measure import Estimates
from training.model_card import scores_table
from training.recipe import Recipe
from training.tracking import Tracking


def describe(run: Tracking, recipe: Recipe, found: Estimates, material: Material, seeds: int = 1) -> None:
    """Write what the run is, its headline figures with their intervals, and a link to its figures."""
    what = f"{seeds} seeds, figures are their means" if seeds > 1 else f"seed {recipe.seed}"
    link = f"#/experiments/{run.experiment}/runs/{run.run_id}/artifacts/figures"
    text = (
        f"**{recipe.description}**: {what}, on corpus `{material.sha256[:12]}` ({len(material.sentences):,} sentences).\n\n"
        f"{scores_table(found)}\nIn brackets: 95% intervals by bootstrap, by article on test-news and by sentence elsewhere. "
        f"[Figures]({link}), and the wrong test sentences in `errors.json`.\n"
    )
    run.tag("mlflow.note.content", text)
