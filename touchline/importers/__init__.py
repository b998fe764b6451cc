"""Weights of others become models and extractors of the zoo: fetched, read, checked, exported."""
