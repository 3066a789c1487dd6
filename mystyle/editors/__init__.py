"""Editors, one file each with a module-level ``EDITOR`` (``mystyle.protocols.Editor``), named like the file."""
