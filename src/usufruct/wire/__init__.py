"""Bytes to types and back: SQL text to a question, cards, receipts."""
