"""Who gets in: signing in and its record, identity providers, members by their groups."""
