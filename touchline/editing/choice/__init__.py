"""The learned choice of a reel: from events and words to a probability for every second."""
