"""Two nodes, a registry behind one of them, and a clinic behind the other."""
