"""The papers' user studies, a file for each suite, with ``PROTOCOL``. A file is found by being here."""
