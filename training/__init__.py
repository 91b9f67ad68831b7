"""Everything that happens before prediction: data, recipes, training, tracking, evaluation, export."""

__all__: list[str] = []
