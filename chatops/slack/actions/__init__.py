"""What is done for a request from Slack, by its kind: commands, buttons, forms, events, captured messages."""
