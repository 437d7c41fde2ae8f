"""May this party do this, for this purpose, at this grade? A permit or a refusal, with reasons."""
