"""What the records say of one's own work, what one takes elsewhere, and what operators' records prove."""
