#!/bin/sh
# precision.sh BIN_DIR CHECKPOINT_FOLDER SHARED - what integers lose on real pictures.
#
# Embeds the 73 radiographs in each precision. Of 16 bits: the cosine to float32 is at
# least 0.99999, no number is off by more than 2e-4. Of 8 bits: the cosine is at least
# 0.99, and of the ten pictures nearest to each 95 in a hundred are the same. Exit 77
# without SHARED.
set -eu
bin=$1 checkpoint=$2 shared=$3
pictures=$shared/data/radiographs/images
if [ ! -d "$pictures" ]; then
  echo "precision: no reference material in '$shared', skipped" >&2
  exit 77
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM
export XDG_CACHE_HOME="$work/cache" # each process packs nothing anew
find "$pictures" -type f | sort >"$work/list"

for precision in f32 i16 i8; do
  while IFS= read -r picture; do
    "$bin/plainfilm-query" --model "$checkpoint" --precision $precision --embed \
      --image "$picture" | sed 's/.*"vector":\[\([^]]*\)\].*/\1/' | tr ',' ' '
  done <"$work/list" >"$work/$precision"
done

compare() { # FILE: least cosine, largest difference, part of the ten nearest that agree
  awk '
    function nearest(v, i, best,   j, k, s, m, c, dot) {
      split("", best); split("", s)
      for (j = 1; j <= n; j++) {
        dot = -2
        if (j != i) {
          dot = 0
          for (k = 1; k <= dim; k++) dot += v[i, k] * v[j, k]
        }
        s[j] = dot
      }
      for (c = 0; c < 10; c++) {
        m = 1
        for (j = 2; j <= n; j++) if (s[j] > s[m]) m = j
        best[m] = 1; s[m] = -3
      }
    }
    NR == FNR { for (k = 1; k <= NF; k++) a[FNR, k] = $k; n = FNR; dim = NF; next }
    { for (k = 1; k <= NF; k++) b[FNR, k] = $k; seen = FNR }
    END {
      low = 1
      for (i = 1; i <= n; i++) {
        dot = 0
        for (k = 1; k <= dim; k++) {
          dot += a[i, k] * b[i, k]
          d = a[i, k] - b[i, k]; d = d < 0 ? -d : d
          if (d > high) high = d
        }
        if (dot < low) low = dot
        nearest(a, i, x); nearest(b, i, y)
        for (j in x) same += j in y
      }
      printf "%d %.7f %.2e %.3f\n", seen, low, high, same / (10 * n)
    }' "$work/f32" "$1"
}

for precision in i16 i8; do
  compare "$work/$precision" >"$work/figures"
  read -r n cosine difference overlap <"$work/figures"
  echo "$precision: $n pictures, cosine to float32 at least $cosine, off by at most" \
    "$difference, $overlap of the ten nearest are the same"
  case $precision in
  i16) bar="$cosine >= 0.99999 && $difference <= 2e-4" ;;
  *) bar="$cosine >= 0.99 && $overlap >= 0.95" ;;
  esac
  awk "BEGIN { exit !($n == 73 && $bar) }" || {
    echo "precision: $precision loses more than it may" >&2
    exit 1
  }
done
