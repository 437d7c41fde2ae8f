"""The Dataspace Protocol as bytes."""
