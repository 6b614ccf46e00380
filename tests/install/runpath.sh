#!/bin/sh
# runpath.sh - where a program or library of ours looks for others is never a folder that
# depends on where somebody stands: no empty and no relative element, neither in the
# build nor in what was installed.
. "$(dirname "$0")/common.sh"
find "$BUILD/bin" "$BUILD/core" "$PREFIX" -type f \
  \( -perm -u+x -o -name '*.so*' \) >"$box/files"
looked=0
while IFS= read -r file; do
  "$READELF" -d "$file" >"$box/dynamic" 2>/dev/null || continue
  looked=$((looked + 1))
  # One element a line; the dot keeps those that are empty.
  sed -n 's/.*(R[UN]*PATH).*\[\(.*\)\]$/\1/p' "$box/dynamic" | tr ':' '\n' | sed 's/$/./' |
    while IFS= read -r element; do
      case $element in
      /* | '$ORIGIN.' | '$ORIGIN/'*) ;;
      *) echo "$file: '${element%.}'" ;;
      esac
    done
done <"$box/files" >"$box/wrong"
[ "$looked" -ge 4 ] || fail "only $looked files were looked at"
[ ! -s "$box/wrong" ] || fail "empty or relative elements of a RUNPATH:
$(cat "$box/wrong")"
