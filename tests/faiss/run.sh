#!/bin/sh
# run.sh BIN_DIR - index files are in FAISS's format: FAISS's own Python library reads one
# of a seeded catalog, and one with lists. Exit 77 where there is none.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
bin=$(cd "$1" && pwd)
box=$(mktemp -d "${TMPDIR:-/tmp}/pf-faiss-XXXXXX")
trap 'rm -rf "$box"' EXIT
"$bin/pf-seeded-catalog" "$box/model" "$box/catalog" 300 >/dev/null
"$bin/pf-bench-index" "$box" 2000 32 1 20 25 >/dev/null

# Debian's package is for Debian's Python, which need not be the first.
status=77
for python in "${PYTHON:-python3}" /usr/bin/python3; do
  [ "$status" = 77 ] || break
  status=0
  OMP_NUM_THREADS=1 "$python" "$here/read.py" "$box/catalog/images.1.faiss" 300 &&
    OMP_NUM_THREADS=1 "$python" "$here/read.py" "$box/bench.faiss" 2000 || status=$?
done
exit "$status"
