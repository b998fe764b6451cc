"""Which moments make a reel, cutting them, and drawing events into the picture."""
