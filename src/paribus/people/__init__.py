"""People: recipes of synthetic people, real rows, or both. Drawn only when asked for."""
