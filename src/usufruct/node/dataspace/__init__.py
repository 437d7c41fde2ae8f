"""Talk with other nodes by the Dataspace Protocol: what came in, what is to be said, and the follower that says it."""
