"""PDFs from templates."""
