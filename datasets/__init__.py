"""People and their photos: folders, splits, masks, and the rendered people.

A package of the same name is widely installed. Ours is the one found when Python runs in the repository's root or
with this project installed in an environment of its own; ``tests/test_layers.py`` checks it.
"""
