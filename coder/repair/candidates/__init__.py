"""The families of edits, one file each: `edits(site)` yields single edits of a suspicious statement."""
