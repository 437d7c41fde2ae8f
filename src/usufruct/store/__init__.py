"""Where facts last: the journal, the state folded from it, and who may log in."""
