"""The control workflows, one folder each, and the steps that all of them end with."""
