#!/bin/sh
# docs.sh BIN_DIR PROJECT - every command that README.md, the man pages and --help show.
#
# What README.md prints below a command must be what the command prints, but for times.
# Every other example must succeed, in a folder that has what the examples speak of:
# pubmed-clip and PubMedCLIP_ViT32.pth (here the demo model), films with captions,
# film.png, a folder, phrases.txt and diagnoses.txt.
set -eu
bin=$1 project=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
work=$(cd "$work" && pwd -P)
PATH=$bin:$PATH
HOME=$work
LC_ALL=C.UTF-8
export PATH HOME LC_ALL
unset PLAINFILM_CATALOG XDG_DATA_HOME || true
failures=0
tried=0

fail() {
  echo "docs: $*" >&2
  failures=$((failures + 1))
}

# ---- README.md's session -------------------------------------------------------------

# Numbers that another machine, or moment, would print otherwise.
without_times() {
  sed -E 's/in [0-9.]+ s \([0-9.]+ images\/s\)/in SECONDS/; s/"took_ms":[0-9.]+/"took_ms":MS/'
}

# Split the console blocks: session/N.cmd and session/N.out.
mkdir "$work/session" "$work/readme"
awk -v to="$work/session/" '
  /^```console$/ { on = 1; next }
  /^```$/ { on = 0 }
  on && /^\$ / { n++; base = sprintf("%s%03d", to, n)
                 print substr($0, 3) >(base ".cmd"); printf "" >(base ".out"); next }
  on && $0 != "" { print >(base ".out") }' "$project/README.md"
mkdir "$work/readme/data"
cp -r "$project/data/sample" "$project/data/demo-model" "$project/data/phantoms" \
  "$work/readme/data/"
for cmd in "$work"/session/*.cmd; do
  tried=$((tried + 1))
  if ! (cd "$work/readme" && PLAINFILM_CATALOG=build/first sh "$cmd") \
    >"$work/printed" 2>"$work/said" </dev/null; then
    fail "README.md: '$(cat "$cmd")' failed: $(cat "$work/said")"
  fi
  without_times <"$work/printed" | grep -v '^$' >"$work/got" || true
  without_times <"${cmd%.cmd}.out" >"$work/wanted"
  diff -u "$work/wanted" "$work/got" >"$work/difference" || {
    fail "README.md does not show what '$(cat "$cmd")' prints"
    cat "$work/difference" >&2
  }
done

# ---- everybody's examples ------------------------------------------------------------

examples=$work/examples
mkdir "$work/backup" \
  "$examples" "$examples/films" "$examples/films/2024" "$examples/folder"
cp -r "$project/data/demo-model" "$examples/pubmed-clip"
cp -r "$project/data/demo-model" "$examples/biomedclip"
cp "$project/data/demo-model/model.safetensors" "$examples/PubMedCLIP_ViT32.pth"
cp "$project/data/demo-model/config.json" "$examples" # its names are Hugging Face's
cp "$project/data/demo-model/merges.txt" "$project/data/demo-model/vocab.json" "$examples"
cp "$project"/data/sample/case00[0-4]*.jpg "$examples/films/2024"
cp "$project"/data/sample/case00[5-9]*.jpg "$examples/films"
sed 's|^case00[0-4]|2024/&|' "$project/data/sample/captions.csv" \
  >"$examples/films/captions.csv"
cp "$project/data/sample/case0004-1.jpg" "$examples/film.png"
cp "$project/data/sample/case0001-1.jpg" "$examples/folder"
printf 'pleural effusion\nhip fracture\n' >"$examples/phrases.txt"
cp "$examples/phrases.txt" "$examples/diagnoses.txt"
cp "$project/data/phantoms/queries.csv" "$examples/phrases.csv"
printf 'a-token_of-24-letters-00\n' >"$examples/token"
chmod 600 "$examples/token"

# Fetching a model, building and installing are not for a test.
is_for_elsewhere() {
  case $1 in
  'sh scripts/'* | 'huggingface-cli '* | 'cmake '* | 'export '*) return 0 ;;
  'cc '*) return 0 ;; # tests/install
  esac
  return 1
}

# It runs until it is told to end; here at a port that is free.
run_server() { # WHERE COMMAND
  case $2 in
  *--listen*) command=$(printf '%s\n' "$2" | sed 's/:8723 --/:0 --/') ;;
  *) command="$2 --listen 127.0.0.1:0" ;;
  esac
  (cd "$examples" && timeout --preserve-status 3 sh -c "exec $command") \
    >"$work/printed" 2>"$work/said" </dev/null ||
    fail "$1: '$2' failed: $(tail -n 1 "$work/said")"
  grep -q '^https*://' "$work/printed" || fail "$1: '$2' prints no address"
}

run_example() { # WHERE COMMAND
  is_for_elsewhere "$2" && return 0
  tried=$((tried + 1))
  case $2 in plainfilm-serve*)
    run_server "$1" "$2"
    return
    ;;
  esac
  (cd "$examples" && sh -c "$2") >"$work/printed" 2>"$work/said" </dev/null ||
    fail "$1: '$2' failed: $(tail -n 1 "$work/said")"
}

readme_commands() {
  awk '/^```sh$/ { on = 1; next } /^```$/ { on = 0 } on { print }' "$project/README.md" |
    sed -E 's/[[:space:]]+#.*//; /^$/d'
}

# A crontab's line without its five fields.
man_commands() { # PAGE
  sed -n '/^\.Sh EXAMPLES/,/^\.Sh SEE/s/^\.Dl //p' "$1" |
    sed -E "s/\\\\\(dq/\"/g; s/\\\\\(aq/'/g; s/\\\\-/-/g; s/\\\\&//g; s/^([0-9*]+ ){5}//"
}

help_commands() { # PROGRAM
  "$1" --help | sed -n '/^Examples:/,/^$/s/^    //p'
}

run_all() { # WHERE, commands on stdin
  while IFS= read -r command; do
    run_example "$1" "$command"
  done <"$work/commands"
}

readme_commands >"$work/commands" && run_all README.md
for page in "$project/query/plainfilm-query.1" "$project/indexer/plainfilm-index.1" \
  "$project/server/plainfilm-serve.1"; do
  program=$(basename "$page" .1)
  man_commands "$page" >"$work/commands"
  [ -s "$work/commands" ] || fail "$program.1 has no examples"
  run_all "$program.1"
  help_commands "$program" >"$work/commands"
  [ -s "$work/commands" ] || fail "$program --help has no examples"
  run_all "$program --help"
done

echo "$tried commands of the documents, $failures wrong"
[ "$failures" = 0 ]
