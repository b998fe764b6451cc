"""Readers of published checkpoints, one per origin; nothing in them is executed."""
