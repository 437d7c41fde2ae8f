"""Terms: the rules that an agreement carries, read by machines and by people alike."""
