"""The sections of a postmortem, drafted from the record alone."""
