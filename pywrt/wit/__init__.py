"""Component value types and names."""
