"""People and their photos: folders, splits, masks, and the rendered people.

A well-known package has the same name. Ours is found because the benchmark runs from the root of its checkout; the
wheel does not hold it. ``tests/project/test_layers.py`` and ``make wheel`` check this.
"""
