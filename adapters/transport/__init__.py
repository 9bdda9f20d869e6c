"""How adapters reach the outside: one guarded call, an end to time and size."""
