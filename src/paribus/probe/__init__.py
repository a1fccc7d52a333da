"""The only stage that touches the outside world: a model behind one method. One file a kind."""
