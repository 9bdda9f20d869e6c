"""A notary with the installation's own key."""
