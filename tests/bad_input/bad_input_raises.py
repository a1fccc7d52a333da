"""A module that fails while it is imported."""

raise ValueError("the module is broken")
