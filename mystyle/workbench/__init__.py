"""The method on one's own photos: what ``python -m mystyle`` does."""
