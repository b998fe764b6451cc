"""Published networks fetched, checked and imported, with everything that they need."""
