"""Jobs in a file, so that they outlive the process."""

import json
import os

from .job import Job


def save(path, jobs):
    """Write all jobs; the file is there whole or not at all."""
    rows = [{"name": job.name, "payload": job.payload, "priority": job.priority} for job in jobs]
    temporary = "%s.new" % path
    with open(temporary, "w", encoding="utf-8") as stream:
        json.dump(rows, stream)
    os.replace(temporary, path)
    return len(rows)


def load(path):
    """The jobs of a file, none if there is no file."""
    if not os.path.exists(path):
        return []
    with open(path, encoding="utf-8") as stream:
        return [Job(**row) for row in json.load(stream)]


def claim(directory, owner):
    """Mark a spool directory as taken; False if somebody else has it."""
    try:
        handle = os.open(os.path.join(directory, "owner"), os.O_CREAT | os.O_EXCL | os.O_WRONLY)
    except FileExistsError:
        return False
    with os.fdopen(handle, "w") as stream:
        stream.write(owner)
    return True


def release(directory):
    """Give a spool directory back; nothing happens if nobody has it."""
    path = os.path.join(directory, "owner")
    if os.path.exists(path):
        os.remove(path)
