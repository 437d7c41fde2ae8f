"""How two parties come to an agreement, and what it says."""
