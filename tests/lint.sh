#!/bin/sh
# lint.sh - rules of the house that a compiler does not know.
#
#   sh tests/lint.sh [BIN_DIR [INCLUDE_DIR]]
#
# BIN_DIR has the programs, whose options are compared with their man pages; INCLUDE_DIR
# is the build folder with generated headers. Without them the rest is checked. Every
# violation is one line; the exit status is 1 when there is one.
set -eu
cd "$(dirname "$0")/.."
bin=${1:-}
include=${2:-}
found=$(mktemp)
box=$(mktemp -d)
trap 'rm -rf "$found" "$box"' EXIT
trap 'exit 1' HUP INT TERM

report() { # RULE, violations on stdin
  awk -v rule="$1" '{ print rule ": " $0 }' >>"$found"
}

folders=
for f in include cli core indexer query server examples tests bench; do
  [ ! -d $f ] || folders="$folders $f"
done
# shellcheck disable=SC2086
sources=$(find $folders -name '*.[ch]' -o -name '*.cpp' | sort)
ours=$(printf '%s\n' "$sources" | grep -vE '^(tests|bench)/')

# Without comments and strings, lines as they were: "path:line:code".
strip() { # FILE...
  for f in "$@"; do
    "${CC:-cc}" -fpreprocessed -dD -E -x c "$f" 2>/dev/null |
      awk -v f="$f" '
        /^# [0-9]+ / { if ($3 == "\"" f "\"") n = $2 - 1; next }
        { n++; gsub(/\\"/, ""); gsub(/"[^"]*"/, "\"\""); print f ":" n ":" $0 }'
  done
}
# shellcheck disable=SC2086
strip $ours >"$box/code"

# --- functions ----------------------------------------------------------------------

called() { # WORDS: lines of code that call one of them
  grep -E "(^|[^[:alnum:]_.>])($1)[[:space:]]*\(" "$box/code" || true
}

heap='malloc|calloc|realloc|strdup|strndup|asprintf|vasprintf|getline|aligned_alloc'
called "$heap|posix_memalign" | grep -v '^core/base/mem\.c:' |
  report 'memory comes from core/base/mem.h' || true
# What libc gave goes back to libc: realpath() is the one such function in use.
called free | while IFS=: read -r file line rest; do
  [ "$file" = core/base/mem.c ] || grep -q 'realpath(' "$file" ||
    echo "$file:$line:$rest"
done | report 'free() is for what realpath() gave'
unsafe='atoi|atol|atoll|atof|strcpy|strcat|strncpy|strncat|stpcpy|sprintf|vsprintf'
unsafe="$unsafe|strtok|strtok_r|gets|scanf|sscanf|fscanf|alloca|rand|srand|system"
called "$unsafe|popen|tmpnam|mktemp|tempnam|strerror|localtime|gmtime|asctime|ctime" |
  report 'unsafe or unclear function'
# (catalog_publish.c dies where a test tells it to, in the middle of a publish; the
# decoder is a program)
called 'printf|vprintf|puts|putchar|perror|exit|_exit|abort|err|errx|warn' |
  grep '^core/' | grep -v '^core/catalog/catalog_publish\.c:.*_exit(9)' |
  grep -v '^core/decoder/main\.c:.*_exit(' | report 'core neither prints nor exits' || true
grep -E '^core/.*[^[:alnum:]_](stdout|stderr)([^[:alnum:]_]|$)' "$box/code" |
  report 'core neither prints nor exits' || true

# --- includes -----------------------------------------------------------------------

# A library's header is known to its owner alone.
owner() { # PATTERN OWNERS: extended regular expressions
  # shellcheck disable=SC2086
  grep -nE "^[[:space:]]*#[[:space:]]*include[[:space:]]*[<\"]($1)" $ours |
    grep -vE "^($2):" | report "this header belongs to $2" || true
}
owner 'sqlite3' 'core/catalog/sql(_vfs)?\.c'
owner 'faiss/' 'core/catalog/vindex\.c'
owner '(openblas/)?cblas' 'core/catalog/blas\.c'
owner 'stb/stb_image' 'core/image/decode_stb\.c'
owner 'stb/stb_truetype' 'cli/glyphs\.c'
owner 'stb/stb_[^it]' 'nobody'
owner 'jpeglib|turbojpeg|jerror' 'core/image/(de|en)code_jpeg\.c'
owner 'png\.h|libpng' 'core/image/(de|en)code_png\.c'
owner 'webp/' 'core/image/decode_webp\.c'
owner 'dcmtk/' 'core/image/dicom\.cpp'
owner 'openjpeg' 'core/image/decode_j2k\.c'
owner 'tiff' 'core/image/decode_tiff\.c'
owner 'sentencepiece' 'core/tokenizer/spiece\.cpp'
owner 'seccomp|linux/landlock' 'core/decoder/lockdown\.c'
owner 'utf8proc' 'core/(base/unicode|tokenizer/(text_clean|html_unescape|wordpiece)|words/terms)\.c'
owner 'jansson' 'core/base/json\.c'
owner 'xxhash|xxh3|xxh_x86' 'core/base/hash\.c'
owner 'zlib' 'core/tokenizer/bpe_vocab\.c'
owner 'libxml/' 'indexer/mirc_document\.c'
owner 'zip\.h' 'indexer/archive\.c'
owner 'microhttpd' 'server/http\.c'

# Dependencies point one way.
layer() { # FOLDER MAY-INCLUDE
  [ -d "$1" ] || return 0
  grep -rnE "^[[:space:]]*#[[:space:]]*include[[:space:]]*(\"|<($any)/)" "$1" \
    --include='*.[ch]' --include='*.cpp' |
    grep -vE "[<\"]($2)" | report "$1 may not include this" || true
}
any='include|cli|core|indexer|query|server|examples|tests|bench'
front='include/plainfilm\.h'
layer include 'nothing'
layer core/base "core/base/|$front"
layer core/image 'core/(base|image)/|core/decoder/protocol\.h'
layer core/decoder 'core/(base|image|decoder)/'
layer core/checkpoint 'core/(base|checkpoint)/'
layer core/tokenizer 'core/(base|tokenizer)/'
layer core/model 'core/(base|image|checkpoint|tokenizer|model)/'
layer core/words 'core/(base|words)/'
layer core/catalog 'core/(base|words|catalog)/|core/version\.h'
layer core/engine 'core/(base|catalog|image|model|words|engine)/'
layer core/search 'core/(base|image|model|catalog|words|engine|search)/'
layer core/evaluate 'core/(base|model|catalog|words|engine|search|evaluate)/'
below='base|image|model|catalog|words|engine|search|evaluate'
layer core/api "core/($below|api)/|core/version\.h|$front"
layer cli "cli/|core/(base|image)/|$front"
# The indexer writes catalogs, which the front door does not do.
layer indexer "indexer/|cli/|core/base/|core/(catalog/(catalog|store)|image/(facts|left_out|picture|sandbox|scan)|model/(model|pipeline))\.h|$front"
# These see what any other program sees.
layer query "query/|cli/|$front"
# It writes JSON of its own and takes memory; of what is behind the front door it sees nothing.
layer server "server/|cli/|core/base/|$front"
layer examples 'nothing' # but <plainfilm.h>

# --- headers ------------------------------------------------------------------------

headers=$(printf '%s\n' "$sources" | grep '\.h$')
for h in $headers; do
  case $h in
  include/*) guard=$(printf '%s' "${h#include/}" | tr 'a-z/.' 'A-Z__') ;;
  *) guard=PF_$(printf '%s' "$h" | tr 'a-z/.' 'A-Z__') ;;
  esac
  grep -q "^#ifndef $guard\$" "$h" || echo "$h: $guard"
done | report 'the guard of a header comes from its path'
for h in $headers; do
  printf '#include "%s"\n' "$h" >"$box/alone.c"
  "${CC:-cc}" -std=c11 -D_POSIX_C_SOURCE=200809L -D_XOPEN_SOURCE=700 -I. \
    -DPF_TESTS_DIR='""' -DPF_SHARED_DIR='""' ${include:+"-I$include"} -Wall -Wextra -Werror -fsyntax-only "$box/alone.c" \
    2>"$box/why" || echo "$h: $(grep -m1 -E 'error|warning' "$box/why")"
done | report 'a header compiles alone'

# --- files --------------------------------------------------------------------------

printf '%s\n' "$sources" | grep -v '^examples/' | sed 's|.*/||' | grep -vx 'main\.c' | sort | uniq -d |
  report 'names of files are unique'
# shellcheck disable=SC2086
for f in $sources; do
  sed -n '1,4p' "$f" | grep -q '/\*' || echo "$f"
done | report 'a file says what it owns'
everything=$(find . -path ./build -prune -o -path ./.git -prune -o -type f -size -300k \
  \( -name '*.[ch1]' -o -name '*.cpp' -o -name '*.sh' -o -name '*.py' -o -name '*.md' \
  -o -name '*.txt' -o -name '*.cmake' -o -name '*.json' -o -name '*.sql' -o -name cmd \
  -o -name '*.exact' -o -name '*.glob' -o -name '*.in' \) -print)
# shellcheck disable=SC2086
grep -nE '(^|[^[:alnum:]*.}])/wor[k]/' $everything |
  report 'a path of one machine' || true
# shellcheck disable=SC2086
grep -nE '[[:space:]]+$' $ours | report 'blanks at the end of a line' || true
for f in $(printf '%s\n' "$everything" | grep -E '(\.sh|/cmd)$'); do
  sh -n "$f" 2>&1
done | report 'a script that the shell does not understand'

# Versions of clang-format differ in places; ours is Debian 12's.
if clang-format --version 2>/dev/null | grep -q ' version 14\.'; then
  # shellcheck disable=SC2086
  for f in $sources; do
    clang-format --dry-run -Werror "$f" 2>"$box/why" ||
      sed -n 's/: error: .*//p' "$box/why" | head -n 1
  done | report 'not as clang-format has it'
else
  echo 'lint: without clang-format 14 the formatting was not checked'
fi

# --- the page ---------------------------------------------------------------------------

if [ -d server/page ]; then
  # Captions, names and questions are strangers' texts: nothing is parsed as HTML.
  grep -nE 'innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|srcdoc|eval\(|new Function' \
    server/page/*.js | report 'texts become text nodes' || true
  grep -HnE ' (on[a-z]+|style)=|<style|<script>' server/page/*.html |
    report 'the policy of the page takes nothing inline' || true
  grep -nE 'https?://' server/page/* | grep -v 'http://www\.w3\.org/2000/svg' |
    report 'the page needs nobody else' || true
  for f in server/page/*; do
    grep -qE "(href|src)=\"${f##*/}\"" server/page/index.html || [ "${f##*/}" = index.html ] ||
      echo "$f"
  done | report 'index.html names every part of the page, so that none waits for another'
fi

# --- man pages ----------------------------------------------------------------------

# "--name -x" per option, from the page and from the program's table.
for page in */plainfilm-*.1; do
  [ -e "$page" ] || continue
  program=${page##*/}
  program=${program%.1}
  if command -v groff >/dev/null; then
    groff -ww -z -mandoc "$page" 2>&1 | report 'a man page that groff warns about'
  fi
  # mdoc takes quotes for its own: those that are to be seen are \(dq.
  grep -nE '^\.[A-Z][a-z] .*"' "$page" | report "$page: quotes that vanish" || true
  # The keys of JSON are a contract, so the page has them all. core/api reads and writes
  # that of plainfilm-query: there every text that is one word is a key, or a value.
  {
    sed -n 's/.*\(pf_json_[a-z]*\|say\)_[a-z]*([^,]*, "\([a-z_0-9]*\)".*/\2/p' "${page%/*}"/*.c
    [ "$program" != plainfilm-query ] ||
      grep -ohE '"[a-z_0-9]+"' core/api/*_json.c | tr -d '"'
  } | sort -u | while read -r key; do
    grep -qE "(^|[^a-z_])$key([^a-z_]|\$)" "$page" || echo "$key"
  done | report "a key of JSON that $page does not have"
  [ -n "$bin" ] && [ -x "$bin/$program" ] || continue
  sed -n 's/^\.It Fl \([[:alnum:]]\) , Fl -\([a-z0-9-]*\).*/--\2 -\1/p
    s/^\.It Fl -\([a-z0-9-]*\).*/--\1 --/p' "$page" | sort >"$box/page"
  "$bin/$program" --help-options | awk -F '\t' '{ print "--" $1 " -" $2 }' |
    sort >"$box/table"
  diff "$box/page" "$box/table" | sed -n "s|^< |$page only: |p
    s|^> |the program only: |p" | report "options of $program"
done

cat "$found"
[ ! -s "$found" ]
