"""Who may read an incident, and how every entry point reads one."""
