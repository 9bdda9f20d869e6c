"""Whether an incident's record still is what was written, and how an outsider checks it."""
