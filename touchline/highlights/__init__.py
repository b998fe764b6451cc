"""Which moments make a reel, and cutting them."""
