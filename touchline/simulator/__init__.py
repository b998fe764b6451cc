"""Our own football: a match script is drawn from a seed, then every modality is rendered from it.

A test ground and a demonstration, never a claim about real football.
"""
