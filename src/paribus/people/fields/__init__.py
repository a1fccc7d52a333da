"""The kinds of fields: the recipe of one column of a person. One file a kind."""
