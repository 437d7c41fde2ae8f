"""Where supply and demand meet: needs that are stated, offers that could meet them, and what stands in the way."""
