"""Pay for work: planned first, then done once, and put right by new facts."""
