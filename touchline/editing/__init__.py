"""Selecting the clips of a reel, rendering them, and drawing events into the picture."""
