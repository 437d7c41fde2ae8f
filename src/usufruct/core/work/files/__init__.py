"""Work from outside: days of deliveries and paid trips, in a shape of ours."""
