"""The networks, one file per published method; pure modules without devices or files."""
