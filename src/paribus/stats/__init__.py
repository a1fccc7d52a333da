"""Statistics of paired answers: pure functions of counts and arrays that know no model."""
