#!/bin/sh
# Fetch the real data: ./get_datasets.sh NAME ..., or --list, --verify, --help. On Windows: python -m cs231n.datasets
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd) || exit 1
for python in "$here/.venv/bin/python" "$here/../.venv/bin/python" python3 python; do
    command -v "$python" >/dev/null 2>&1 && break
done
PYTHONPATH="$here${PYTHONPATH:+:$PYTHONPATH}" exec "$python" -m cs231n.datasets "$@"
