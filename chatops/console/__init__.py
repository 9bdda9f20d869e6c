"""The command in the console's palette and as forms, and on the command line."""
