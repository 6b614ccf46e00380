#!/bin/sh
# setup.sh - what bench/peers.py compares with, once, in a folder outside the project.
#
#   sh bench/peers/setup.sh BIN FOLDER TOKENIZER [PICTURES]
#
# BIN has the built programs. FOLDER gets ONNX Runtime and sqlite-vec (npm), checkpoints of
# noise and the same models as ONNX (/usr/bin/python3 with Debian's python3-torch,
# python3-onnx, python3-pil), 300 JPEGs of 1000 x 800 and one of 2500 x 3000, made of the
# pictures below PICTURES (default: data/sample), and CLIP's merges.txt and vocab.json out of
# TOKENIZER. Wants 4 GB of disk; what is there stays.
# For all of peers.py: apt-get install npm python3-torch python3-onnx python3-pil
# python3-faiss python3-matplotlib.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
bin=$1 folder=$2 tokenizer=$3 pictures=${4:-$here/../../data/sample}
python=/usr/bin/python3
mkdir -p "$folder"

[ -d "$folder/node_modules/onnxruntime-node" ] ||
  npm install --silent --ignore-scripts --prefix "$folder" onnxruntime-node sqlite-vec

for variant in vitb32 rn50 rn50x4; do
  [ -f "$folder/$variant.safetensors" ] ||
    "$bin/pf-noise-model" "$variant" openai "$folder/$variant.safetensors"
  [ -f "$folder/$variant-text-int8.onnx" ] ||
    $python -W ignore "$here/export.py" "$variant" "$folder/$variant.safetensors" "$folder"
done

[ -f "$folder/film.jpg" ] || $python "$here/films.py" "$pictures" "$folder"

cp "$tokenizer/merges.txt" "$tokenizer/vocab.json" "$folder"