"""Resources and the domain rows that act on them, as one graph per tenant."""
