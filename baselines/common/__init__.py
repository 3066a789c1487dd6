"""What several methods share. No method itself."""
