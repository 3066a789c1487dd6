"""The study of MAGEC on single edits of strangers' photos, for any inversion methods."""

from dataclasses import replace

from reports.study.protocols import edit_consistency

PROTOCOL = replace(edit_consistency.PROTOCOL, conditions=("single",))
