"""Time stamps of an RFC 3161 authority."""
