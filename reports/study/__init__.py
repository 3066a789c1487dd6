"""User studies: pages for raters from the images of a run, and their answers as a column of the run's table.

protocols/SUITE.py      what a paper asked its users, as data
design.py               which images are shown to whom, in which order
pages.py                a page for each rater, which holds everything it needs
files.py                study.json (the key, not for raters), the raters' answers, scores.json
scoring.py              answers to shares with intervals
"""
