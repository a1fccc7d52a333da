"""Several runs of the line laid side by side. One file a study."""
