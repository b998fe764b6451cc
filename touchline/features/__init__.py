"""Features: vectors that describe a video's picture or sound a few times a second."""
