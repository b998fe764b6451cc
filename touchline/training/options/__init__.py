"""What a recipe may hold, as typed values with the published defaults."""
