"""Where a network runs: arrays in, arrays out."""
