"""The kinds of plug-ins of the benchmark. Domains and editors are the library's (``mystyle.plugins``)."""

from __future__ import annotations

from mystyle.plugins import DOMAINS, EDITORS, Kind, UnknownName, require

__all__ = ["ALL", "DOMAINS", "EDITORS", "METHODS", "METRICS", "SUITES", "TASKS", "Kind", "UnknownName", "require"]

METHODS = Kind("method", "baselines", "METHOD", extra=(("mystyle", "mystyle.prior"),))
TASKS = Kind("task", "benchmarks.tasks", "TASK")
SUITES = Kind("suite", "benchmarks.suites", "SUITE")
METRICS = Kind("metric", "benchmarks.metrics", "METRIC")
ALL = "all"  # every suite, one after the other
