"""The Markdown description that a run shows in the UI."""

from collections.abc import Sequence

from training.material import Material
from training.measure import Estimates
from training.model_card import shown
from training.news import TEST_NEWS
from training.recipe import Recipe
from training.tracking import Tracking


def describe(
    run: Tracking, recipe: Recipe, found: Estimates, material: Material, seeds: int = 1, median: int | None = None
) -> None:
    """Write what the run is, its headline figures with their intervals, and a link to its figures.

    ``median`` is the one of several seeds whose model was exported, and whose answers the figures show.
    """
    what = f"{seeds} seeds, scores and metrics are their means" if seeds > 1 else f"seed {recipe.seed}"
    of_one = (
        f"All figures but the scores and the learning curves, and `errors.json`, are of seed {median} alone, the median, "
        "whose model is exported. "
    )
    text = (
        f"{_headline(found)}\n{_about(recipe, what, material)}"
        "In brackets: 95% intervals by bootstrap, by article on test-news and by sentence elsewhere. "
        f"{of_one if median is not None else ''}[Figures]({_figure(run, 'scores')}), and the wrong test sentences in "
        "`errors.json`.\n"
    )
    run.tag("mlflow.note.content", text)


def describe_curve(
    run: Tracking, recipe: Recipe, split: str, points: Sequence[tuple[str, int, float, float]], material: Material, seeds: int
) -> None:
    """Write what a learning curve is and its ``points``: share, training sentences, mean ``stance_f1`` and its deviation."""
    lines = [f"- {share} ({rows:,} sentences): stance_f1 **{mean:.3f}** ± {sd:.3f}" for share, rows, mean, sd in points]
    text = (
        "\n".join(lines) + f"\n\n{_about(recipe, f'learning curve on {split}', material)}"
        f"Mean ± standard deviation of {seeds} seeds on each share of the training sentences; their runs stand below. "
        f"[Figure]({_figure(run, 'learning_curve')}).\n"
    )
    run.tag("mlflow.note.content", text)


def _about(recipe: Recipe, what: str, material: Material) -> str:
    corpus = f"corpus `{material.sha256[:12]}` ({len(material.sentences):,} sentences)"
    return f"**{recipe.description}**: {what}, on {corpus}.\n\n"


def _figure(run: Tracking, name: str) -> str:
    return f"#/experiments/{run.experiment}/runs/{run.run_id}/artifacts/figures/{name}.png?workflowType=machine_learning"


def _headline(found: Estimates) -> str:
    """List the scores, real news first: the UI folds a description away after four lines, and runs a table's cells together."""
    splits = sorted(next(iter(found.values())), key=lambda split: split != TEST_NEWS)
    lines = [f"- {split}: " + ", ".join(f"{metric} **{shown(of[split])}**" for metric, of in found.items()) for split in splits]
    return "\n".join(lines) + "\n"
