"""The evidence PDF in the order of its letters A to L: one module for each part, all of them without a query."""
