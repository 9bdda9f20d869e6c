"""Switchboard's shell: doors, navigation, panels, live updates, documents."""
