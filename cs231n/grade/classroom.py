"""Grade many submissions side by side, in judging processes that outlive whatever a submission does to one of them."""

import contextlib
import os
import signal
import threading
import traceback
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import active_children, get_context, parent_process, util

from cs231n.checks.record import VERSION

_judge = []  # of one judging process: its Judge


def grade_all(submissions, points, folder, jobs, explained=True):
    """Yield (submission, record) as they are done. folder: that of build_trees, where everything temporary goes too."""
    left, alone = list(submissions), False
    while left:
        some = left[:1] if alone else left
        done = []
        try:
            with _pool(1 if alone else min(jobs, len(left)), folder, explained) as pool:
                for submission, record in _graded(pool, some, points):
                    done.append(submission)
                    yield submission, record
        except BrokenProcessPool:
            if alone:  # then it is this one that breaks them
                done = some
                yield some[0], _failed(some[0], points, "the process that judged it died")
            alone = not alone
        left = [submission for submission in left if submission not in done]


@contextlib.contextmanager
def _pool(jobs, folder, explained):
    pool = ProcessPoolExecutor(jobs, get_context("spawn"), _begin, (folder, explained))
    try:
        yield pool
    except BaseException:  # also that nobody wants the rest
        for process in active_children():
            process.terminate()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _graded(pool, submissions, points):
    futures = {pool.submit(_grade, submission, points): submission for submission in submissions}
    for future in as_completed(futures):
        yield futures[future], future.result()


def _begin(folder, explained):
    """In a judging process: load the checks, and start the processes that answer."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the one that gave the orders hears of it
    threading.Thread(target=_end_with, args=(parent_process(),), daemon=True).start()
    from .judging import Judge

    judge = Judge(folder, explained)
    util.Finalize(None, judge.__exit__, exitpriority=10)
    _judge.append(judge)


def _end_with(parent):
    """A pool's process does not notice by itself that the one that it works for was killed."""
    parent.join()
    os._exit(1)


def _grade(submission, points):
    try:
        return _judge[0].judge(submission, points)
    except Exception:  # a broken submission must not stop the others
        return _failed(submission, points, traceback.format_exc(limit=-3))


def _failed(submission, points, why):
    return {
        "version": VERSION,
        "student": submission.name,
        "points": 0.0,
        "of": sum(points.values()),
        "seconds": 0.0,
        "files": submission.places,
        "notes": [*submission.notes, f"it could not be graded: {why}"],
        "todos": [],
        "failed": True,
    }
