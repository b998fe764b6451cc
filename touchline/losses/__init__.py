"""What training minimises, apart from the networks."""
