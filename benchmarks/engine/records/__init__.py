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
    UNFINISHED as UNFINISHED,
)
from benchmarks.engine.records.files import (
    Unwritable as Unwritable,
)
from benchmarks.engine.records.files import (
    claim as claim,
)
from benchmarks.engine.records.files import (
    clean as clean,
)
from benchmarks.engine.records.files import (
    read_json as read_json,
)
from benchmarks.engine.records.files import (
    set_aside as set_aside,
)
from benchmarks.engine.records.files import (
    whole_folder as whole_folder,
)
from benchmarks.engine.records.files import (
    write_json as write_json,
)
from benchmarks.engine.records.files import (
    write_text as write_text,
)
from benchmarks.engine.records.files import (
    writing as writing,
)
from benchmarks.engine.records.schema import (
    SCHEMA as SCHEMA,
)
from benchmarks.engine.records.schema import (
    CaseRecord as CaseRecord,
)
from benchmarks.engine.records.schema import (
    ConditionRecord as ConditionRecord,
)
from benchmarks.engine.records.schema import (
    FigureRecord as FigureRecord,
)
from benchmarks.engine.records.schema import (
    JobRecord as JobRecord,
)
from benchmarks.engine.records.schema import (
    MetricRecord as MetricRecord,
)
from benchmarks.engine.records.schema import (
    PriorRecord as PriorRecord,
)
from benchmarks.engine.records.schema import (
    Record as Record,
)
from benchmarks.engine.records.schema import (
    RecordError as RecordError,
)
from benchmarks.engine.records.schema import (
    RowRecord as RowRecord,
)
from benchmarks.engine.records.schema import (
    SuiteRecord as SuiteRecord,
)
from benchmarks.engine.records.schema import (
    flat as flat,
)
from benchmarks.engine.records.store import (
    COLUMNS as COLUMNS,
)
from benchmarks.engine.records.store import (
    MetricRow as MetricRow,
)
from benchmarks.engine.records.store import (
    all_records as all_records,
)
from benchmarks.engine.records.store import (
    is_derived as is_derived,
)
from benchmarks.engine.records.store import (
    is_done as is_done,
)
from benchmarks.engine.records.store import (
    job_folder as job_folder,
)
from benchmarks.engine.records.store import (
    outside_plan as outside_plan,
)
from benchmarks.engine.records.store import (
    read_archive as read_archive,
)
from benchmarks.engine.records.store import (
    read_record as read_record,
)
from benchmarks.engine.records.store import (
    read_records as read_records,
)
from benchmarks.engine.records.store import (
    read_results as read_results,
)
from benchmarks.engine.records.store import (
    read_rows as read_rows,
)
from benchmarks.engine.records.store import (
    read_suite as read_suite,
)
from benchmarks.engine.records.store import (
    rebuild as rebuild,
)
from benchmarks.engine.records.store import (
    require_suite as require_suite,
)
from benchmarks.engine.records.store import (
    state as state,
)
from benchmarks.engine.records.store import (
    write_archive as write_archive,
)
from benchmarks.engine.records.store import (
    write_job as write_job,
)
from benchmarks.engine.records.store import (
    write_suite as write_suite,
)
from benchmarks.engine.records.text import (
    csv_text as csv_text,
)
from benchmarks.engine.records.text import (
    printable as printable,
)
from benchmarks.engine.records.text import (
    reason_of as reason_of,
)
from benchmarks.engine.records.text import (
    without_paths as without_paths,
)
