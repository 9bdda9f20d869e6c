"""Reporting obligations: rules as data, due dates, decisions, filings, deadlines."""
