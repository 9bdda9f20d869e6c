"""What is left to do after an incident: action items, reminders, and the tickets that follow them."""
