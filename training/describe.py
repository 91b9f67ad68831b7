"""The Markdown description that a run shows in the UI."""

from training.material import Material
from training.measure import Estimates
from training.model_card import shown
from training.news import TEST_NEWS
from training.recipe import Recipe
from training.tracking import Tracking


def describe(run: Tracking, recipe: Recipe, found: Estimates, material: Material, seeds: int = 1) -> None:
    """Write what the run is, its headline figures with their intervals, and a link to its figures."""
    what = f"{seeds} seeds, figures are their means" if seeds > 1 else f"seed {recipe.seed}"
    link = f"#/experiments/{run.experiment}/runs/{run.run_id}/artifacts/figures/scores.png?workflowType=machine_learning"
    text = (
        f"{_headline(found)}\n**{recipe.description}**: {what}, on corpus `{material.sha256[:12]}` "
        f"({len(material.sentences):,} sentences).\n\n"
        "In brackets: 95% intervals by bootstrap, by article on test-news and by sentence elsewhere. "
        f"[Figures]({link}), and the wrong test sentences in `errors.json`.\n"
    )
    run.tag("mlflow.note.content", text)


def _headline(found: Estimates) -> str:
    """List the scores, real news first: the UI folds a description away after four lines, and runs a table's cells together."""
    splits = sorted(next(iter(found.values())), key=lambda split: split != TEST_NEWS)
    lines = [f"- {split}: " + ", ".join(f"{metric} **{shown(of[split])}**" for metric, of in found.items()) for split in splits]
    return "\n".join(lines) + "\n"
