#!/bin/sh
# tests/full_size.sh BUILD_DIR WORK_DIR [TOKENIZER] - every released variant in every
# container that users have, at full size: are the vectors right, and what does opening
# cost? Makes one checkpoint of noise after another (up to 1.9 GB each, deleted
# afterwards). Needs Debian's python3-torch. Exit 1 when one figure is out of its bar.
set -eu

if [ $# -lt 2 ]; then
    echo "usage: tests/full_size.sh BUILD_DIR WORK_DIR [TOKENIZER]" >&2
    exit 2
fi
here=$(cd "$(dirname "$0")" && pwd)
bin=$(cd "$1" && pwd)/bin
work=$2
tokenizer=${3:-}
mkdir -p "$work"
failed=0

# look GOLDEN CHECKPOINT: what --info says. The same numbers have the same fingerprint,
# whatever they came in.
look() {
    "$bin/plainfilm-index" --model "$2" ${tokenizer:+--tokenizer "$tokenizer"} --info \
        >"$work/info.txt" || failed=1
    grep -v '^checkpoint\|^context\|^vocabulary\|^tokenizer' "$work/info.txt"
    grep '^fingerprint' "$work/info.txt" >"$work/fingerprint.txt" || true
    if [ ! -e "$work/fingerprint-$1.txt" ]; then
        cp "$work/fingerprint.txt" "$work/fingerprint-$1.txt"
    elif ! cmp -s "$work/fingerprint.txt" "$work/fingerprint-$1.txt"; then
        echo "FAIL the fingerprint differs from that of the same weights above"
        failed=1
    fi
}

# check NAME GOLDEN CHECKPOINT: vectors and stages, then what opening costs.
check() {
    size=$(du -sbL "$3" | cut -f1)
    printf '\n%s: %s bytes\n' "$1" "$size"
    if "$bin/pf-parity" "$here/golden/clip/golden-$2.json" "$3" >"$work/parity.txt"; then
        word=ok
    else
        word=FAIL
        failed=1
        grep FAIL "$work/parity.txt" || true
    fi
    # Lines "ok image 2  cosine 0.999999999, off by at most 1.2e-07": the worst of each.
    awk -v word="$word" '
        /cosine/ { c = $0; sub(/.*cosine /, "", c); c += 0
                   d = $0; sub(/.*at most /, "", d); d += 0
                   if (n++ == 0 || c < low) low = c
                   if (d > high) high = d }
        /mean off/ { stages++ }
        END { printf "%-4s %d vectors, cosine at least %.9f, off by at most %.1e; " \
                     "%d stages\n", word, n, low, high, stages }' "$work/parity.txt"
    look "$2" "$3"
    "$bin/pf-open-cost" "$3" ${tokenizer:+"$tokenizer"} || failed=1
}

# made NAME VARIANT LAYOUT GOLDEN: by torch.
made() {
    /usr/bin/python3 "$here/reference/make_full_size.py" "$2" "$3" "$work/checkpoint"
    check "$1" "$4" "$work/checkpoint"
    rm -rf "$work/checkpoint"
}

# noise NAME VARIANT LAYOUT GOLDEN: safetensors, by pf-noise-model.
noise() {
    "$bin/pf-noise-model" "$2" "$3" "$work/checkpoint"
    check "$1" "$4" "$work/checkpoint"
    rm -rf "$work/checkpoint"
}

rm -rf "$work/checkpoint" "$work"/fingerprint-*.txt
made "ViT-B/32, Hugging Face folder, pytorch_model.bin" vitb32 hf-bin vitb32
noise "ViT-B/32, Hugging Face folder, model.safetensors" vitb32 hf vitb32
noise "ViT-B/32, OpenAI's names, safetensors, half" vitb32 openai-half vitb32-from-f16
for variant in vitb32 rn50 rn50x4; do
    case $variant in
    vitb32) name=ViT-B/32 ;;
    rn50) name=RN50 ;;
    *) name=RN50x4 ;;
    esac
    for format in "" -legacy; do
        in="torch zip"
        [ -z "$format" ] || in="torch legacy"
        made "$name, authors' .pth, half, $in" "$variant" "authors$format" \
            "$variant-from-f16"
        made "$name, authors' .pth, float32, $in" "$variant" "authors-f32$format" \
            "$variant"
        made "$name, plain .pt, float32, $in" "$variant" "plain$format" "$variant"
    done
done

# The other families, where their golden vectors are: SHARED/reference/golden-*.json.
other() { # NAME VARIANT LAYOUT
    golden=${PF_SHARED:-$here/../../shared}/reference/golden-$2.json
    [ -e "$golden" ] || return 0
    "$bin/pf-noise-model" "$2" "$3" "$work/checkpoint"
    printf '\n%s: %s bytes\n' "$1" "$(du -sbL "$work/checkpoint" | cut -f1)"
    "$bin/pf-parity" "$golden" "$work/checkpoint" 2e-5 >"$work/parity.txt" || {
        failed=1
        grep FAIL "$work/parity.txt" || true
    }
    grep -c '^ok' "$work/parity.txt"
    "$bin/plainfilm-index" --model "$work/checkpoint" --info || failed=1
    "$bin/pf-open-cost" "$work/checkpoint" || failed=1
    rm -rf "$work/checkpoint"
}

other "ViT-B/16, Hugging Face folder" vitb16 hf
other "ViT-L/14, OpenAI's names" vitl14 openai
other "BiomedCLIP" biomedclip open-clip
other "SigLIP, base" siglip-b16 hf
exit $failed
