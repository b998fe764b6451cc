"""Published and own weights: cards, storage, import and export."""
