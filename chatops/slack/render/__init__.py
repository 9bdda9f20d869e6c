"""How replies and forms look in Slack."""
