"""What a run leaves on disk, and how it is read back. No torch; ``reports`` reads runs through this package alone.

    runs/NAME/suite.json                     how the table looks: methods, metrics, published numbers; current jobs
    runs/NAME/jobs/<key>/record.json         one job: what decided it, how it ended, what it cost
                         metrics.csv         one row per case and metric
                         images/*.png        <case>.png the final image, <case>.input.png what the method was given
    runs/NAME/results.csv  summary.csv       derived from the records; may be deleted at any time
    runs/NAME/derived.json                   what they were derived from
    */unfinished/                            beside jobs, priors and report: what is being written, and claims

A job's folder appears whole or not at all: it is written under another name beside its place, synced and renamed.
Several processes may work in one folder: what one of them finished is never replaced, and ``claim`` keeps them from
doing the same thing twice.

A value that is missing is a row with a status and a reason:

    done            a number
    failed          there should be a number: the job failed, or the metric gave none
    inapplicable    there cannot be one: the method lacks the verb, the row has no hole
"""

from benchmarks.engine.records.files import (
    UNFINISHED,
    Unwritable,
    claim,
    clean,
    read_json,
    set_aside,
    whole_folder,
    write_json,
    write_text,
    writing,
)
from benchmarks.engine.records.schema import (
    SCHEMA,
    CaseRecord,
    ConditionRecord,
    FigureRecord,
    JobRecord,
    MetricRecord,
    PriorRecord,
    Record,
    RecordError,
    RowRecord,
    SuiteRecord,
    flat,
    parse,
)
from benchmarks.engine.records.store import (
    ARCHIVE,
    COLUMNS,
    RESTORE,
    VALUES,
    MetricRow,
    all_records,
    is_derived,
    is_done,
    job_folder,
    outside_plan,
    read_archive,
    read_published,
    read_record,
    read_records,
    read_results,
    read_rows,
    read_suite,
    require_suite,
    state,
    write_archive,
    write_job,
    write_suite,
)
from benchmarks.engine.records.text import csv_text, reason_of, without_paths
