"""Grade a class: python -m cs231n.grade SUBMISSIONS --out report, in the course's own folder."""

import argparse
import contextlib
import hashlib
import json
import os
import signal
import sys
import tempfile
from datetime import datetime
from pathlib import Path

from tqdm import tqdm

from cs231n.checks.console import fit_output
from cs231n.checks.todo import EDITION, TODOS

from . import classroom
from .confine import CPU_SECONDS, FILE_SIZE, MEMORY
from .points import points_of
from .report import write_report
from .submissions import find_submissions
from .tables import write_csv, write_results
from .trees import build_trees

LIMITS = (
    f"Each answer ran in a process of its own, with at most {MEMORY // 2**30} GiB of memory, {CPU_SECONDS} s of the "
    f"processor's time and {FILE_SIZE // 2**20} MiB a file, in an empty folder."
)
CLOSED = "It could read nothing but Python and its own files, and reach neither the network nor another process."


def parser():
    """The command's options."""
    p = argparse.ArgumentParser(
        prog="python -m cs231n.grade",
        description="Grade what students handed in, and see what the class stumbles over. Broken off, the same command "
        "goes on where it was.",
    )
    p.add_argument("submissions", metavar="SUBMISSIONS", type=Path, help="a folder of folders or zips, one a student")
    p.add_argument("--out", metavar="FOLDER", type=Path, default=Path("report"), help="for the report (default report)")
    p.add_argument(
        "--points", metavar="FILE", type=Path, help='JSON such as {"RNN": 2, "extras": 0}; one each if absent'
    )
    p.add_argument(
        "--jobs", metavar="N", type=int, default=_processors(), help="submissions at a time (default %(default)s)"
    )
    p.add_argument("--plain", action="store_true", help="do not look for the reason of what no known mistake explains")
    p.add_argument("--again", action="store_true", help="grade also what has been graded and has not changed since")
    return p


def _processors():
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def main(argv=None):
    """Run the command; the exit status: 0 once all are graded, 1 if some could not be, 2 if it was called wrongly."""
    args = parser().parse_args(argv)
    fit_output()
    try:
        _require_a_system_that_can()
        points = points_of(args.points)
        _refuse_among(args.submissions, args.out)
        found = find_submissions(args.submissions, sorted({TODOS[id].file for id in points}))
        (args.out / "students").mkdir(parents=True, exist_ok=True)
    except (ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    key = _fingerprint(points, args.plain)
    records, left = {}, []
    for submission in found:
        known = None if args.again else _known(_record_file(args.out, submission), submission, key)
        records[submission.name] = known
        left += [] if known else [submission]
    try:
        _grade(left, points, args, key, records)
    except KeyboardInterrupt:
        done = sum(record is not None for record in records.values())
        print(
            f"broken off: {done} of {len(records)} are graded, and the same command goes on from there", file=sys.stderr
        )
        return 130
    return _write(args, found, records, points)


def _require_a_system_that_can():
    if not (EDITION / "tools/editions.py").is_file():
        raise ValueError("grading needs the course's own folder, with the solutions in it: run it there")
    if not hasattr(os, "fork"):
        raise ValueError(
            "grading runs other people's programs, and confines them by means that Windows lacks: run it under Linux, "
            "such as the Windows Subsystem for Linux or a container"
        )


def _refuse_among(submissions, out):
    if submissions.resolve() in (out.resolve(), *out.resolve().parents):
        raise ValueError(f"{out} lies among the submissions, where it would be taken for one: name a folder outside")


def _grade(submissions, points, args, key, records):
    """Grade some submissions, put each record into `records`, and keep each that is whole."""
    if not submissions:
        return
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="grade-", ignore_cleanup_errors=True))
        build_trees(folder)
        done = classroom.grade_all(submissions, points, Path(folder), args.jobs, explained=not args.plain)
        stack.callback(done.close)
        for submission, record in tqdm(done, total=len(submissions), unit="student", desc="grading"):
            records[submission.name] = record
            if not record.get("failed"):
                record["fingerprint"] = _of_submission(submission, key)
                _keep(_record_file(args.out, submission), record)


def _record_file(out, submission):
    return out / "students" / f"{submission.name}.json"


def _keep(file, record):
    whole = json.dumps(record, indent=1, ensure_ascii=False)
    part = file.with_name(f"{file.name}.part")
    part.write_text(whole, encoding="utf-8", errors="replace")
    part.replace(file)


def _known(file, submission, key):
    """The record that an earlier call has written, if nothing has changed since; else None."""
    try:
        record = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return record if record.get("fingerprint") == _of_submission(submission, key) else None


def _fingerprint(points, plain):
    """Of what grades depend on besides the submission: the course's own code, and the points."""
    sources = sorted((EDITION / "cs231n").rglob("*.py"))
    whole = hashlib.sha256(json.dumps([points, plain, sys.version]).encode())
    for source in sources:
        whole.update(source.read_bytes())
    return whole.hexdigest()


def _of_submission(submission, key):
    whole = hashlib.sha256(json.dumps([key, submission.name, submission.notes]).encode())
    for path, data in sorted(submission.files.items()):
        whole.update(f"{path} {len(data)} ".encode() + data)
    return whole.hexdigest()


def _write(args, found, records, points):
    """Write the tables and the page, and say what there is."""
    graded = [records[submission.name] for submission in found]
    failed = [record["student"] for record in graded if record.get("failed")]
    missing = sorted({sentence for record in graded for sentence in record.get("missing", ())})
    about = {
        "date": datetime.now().strftime("%Y-%m-%d %H:%M"),
        "counts": {"could not be graded": len(failed)} if failed else {},
        "confinement": [LIMITS, *(missing or [CLOSED])],
        "points": points,
    }
    write_csv(graded, args.out / "grades.csv")
    write_report(graded, args.out / "index.html", about)
    single = len(graded) == 1
    if single:
        write_results(graded[0], args.out / "results.json")
    print(
        f"{len(graded)} graded: {args.out / 'index.html'}, {args.out / 'grades.csv'}"
        + f", {args.out / 'results.json'}" * single
    )
    for sentence in missing:
        print(f"note: {sentence}")
    alarming = [record["student"] for record in graded if any(entry["alarm"] for entry in record["todos"])]
    if alarming:
        print(f"an answer did what none needs to do: {', '.join(alarming)}; see Alarms in the report")
    if failed:
        print(f"could not be graded: {', '.join(failed)}; the same command tries them again", file=sys.stderr)
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
