"""What is posted to Slack: queued with the act that it is about, sent in order, retried."""
