"""Skills: what is certified, what adds up to it, what is one certificate away, and training for it."""
