"""How work is mapped over blocks of people. One file a kind."""
