"""How somebody proves who they are, and for how long."""
