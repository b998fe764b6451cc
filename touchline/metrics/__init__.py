"""Pure measures: events in, numbers out."""
