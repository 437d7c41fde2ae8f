"""Attacks on the node, each with the mutation that it must notice."""
