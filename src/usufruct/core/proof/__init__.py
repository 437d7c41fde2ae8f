"""Proofs that strangers can check: the Merkle tree over the journal's leaves, the commitments those leaves are, the
signed checkpoints that pin the tree at a size, and the receipts that people take away. Formats only: signing, verifying
and nonces come in as arguments, and every format is a published one (RFC 6962, RFC 9162, C2SP), so that what this node
hands out is verified by programs that share nothing with it.
"""
