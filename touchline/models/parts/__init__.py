"""Parts that more than one network uses."""
