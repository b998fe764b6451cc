"""touchline: a match video goes in; a timeline of what happened, and a highlight reel, come out."""

__version__ = "0.1.0"
