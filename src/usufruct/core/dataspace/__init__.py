"""Other nodes, of any maker: what is said with them by the Dataspace Protocol, and how far each talk has come."""
