"""Features: vectors that describe the picture or sound of a video, a few per second."""
