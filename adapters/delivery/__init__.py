"""Messages through the notification adapters."""
