"""The words everyone uses: ids, instants, money, canonical bytes, rows of state, refusals and faults."""
