"""What is done to many matches at once."""
