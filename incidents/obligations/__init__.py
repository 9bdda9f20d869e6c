"""Deadlines of regulators and contracts: rules as data, due dates with their explanation. Not legal advice."""
