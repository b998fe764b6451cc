"""Training by recipe, on Lightning."""
