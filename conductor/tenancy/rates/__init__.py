"""How many requests one token, organisation, alert source or network address may send (docs/decisions/0110)."""
