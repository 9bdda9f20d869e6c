"""What `make up` does, stage by stage."""
