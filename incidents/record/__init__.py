"""What every verb on an incident stands on: the moves, the timeline's writer and chain, its words, its refusals."""
