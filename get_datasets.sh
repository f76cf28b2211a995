#!/bin/sh
# Fetch the real data: ./get_datasets.sh NAME ..., or --list, --verify, --help. On Windows: python -m cs231n.datasets
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd) || exit 1
for python in "$here/.venv/bin/python" "$here/../.venv/bin/python" python3 python ''; do
    "${python:-false}" -c '' 2>/dev/null && break
done
if [ -z "$python" ]; then
    echo "There is no Python here: install Python 3.10 or newer, then set up the course with make setup." >&2
    exit 1
fi
PYTHONPATH="$here${PYTHONPATH:+:$PYTHONPATH}" exec "$python" -m cs231n.datasets "$@"
