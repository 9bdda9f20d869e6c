"""What a person sees when something is refused or fails."""
