"""What an incident is tied to in the graph: resources, other incidents, tickets, runs, bundles."""
