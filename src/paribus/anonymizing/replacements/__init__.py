"""The kinds of replacements: what becomes of the values of one column. One file a kind."""
