"""Domains: everything that is fixed before a person arrives. One file each."""
