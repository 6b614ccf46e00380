#!/bin/sh
# hardening.sh BIN_DIR [LIBRARY...] - are the programs and the library built as
# cmake/Hardening.cmake wants them? Each ELF file of BIN_DIR: at random addresses, all
# relocations done at the start and read-only then, no stack that runs, no code that is
# written to. What users have also guards its stacks and checks its copies.
set -eu

command -v readelf >/dev/null || {
  echo "readelf is not there (binutils)" >&2
  exit 77
}
bin=$1
shift
failed=0

complain() {
  echo "$1: $2"
  failed=1
}

# check FILE: what holds for all.
check() {
  readelf -W -h -l -d "$1" >"$box/elf"
  grep -q 'Type:  *DYN' "$box/elf" || complain "$1" "no position-independent program"
  grep -q GNU_RELRO "$box/elf" || complain "$1" "no read-only relocations (RELRO)"
  grep -q 'BIND_NOW\|Flags:.* NOW' "$box/elf" || complain "$1" "is bound lazily"
  grep -q 'GNU_STACK.* RW ' "$box/elf" || complain "$1" "its stack runs"
  if grep -q TEXTREL "$box/elf"; then complain "$1" "writes to its code (TEXTREL)"; fi
}

# check_symbols FILE: of what users have.
check_symbols() {
  readelf -W --dyn-syms "$1" >"$box/symbols"
  grep -q ' __stack_chk_fail' "$box/symbols" || complain "$1" "does not guard its stacks"
  grep -q ' __[a-z]*_chk[@ ]' "$box/symbols" || complain "$1" "does not check its copies"
}

box=$(mktemp -d "${TMPDIR:-/tmp}/plainfilm-elf.XXXXXX")
trap 'rm -rf "$box"' EXIT
trap 'exit 1' HUP INT TERM
n=0
for file in "$bin"/* "$@"; do
  [ -f "$file" ] && readelf -h "$file" >/dev/null 2>&1 || continue
  n=$((n + 1))
  check "$file"
done
for file in "$bin"/plainfilm-index "$bin"/plainfilm-query "$bin"/plainfilm-serve "$@"; do
  check_symbols "$file"
done
[ $n -ge 2 ] || complain "$bin" "has no programs"
exit $failed
