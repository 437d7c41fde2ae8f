"""What exists and who holds which right: parties, assets, the persons in them, and the chain of rights."""
