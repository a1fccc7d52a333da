"""Tables without the people in them: what identifies is found, replaced, and measured."""
