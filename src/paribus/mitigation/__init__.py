"""Ways to mend a model or the table that it learns from. One file a kind."""
