#!/usr/bin/env python3
"""Make tests/golden/tokenizer-tiny/: a vocabulary of a few dozen merges, and rows.

The merges are learnt from the words below the way byte-pair encoding is always learnt:
again and again the most frequent pair of neighbours becomes a token (ties: the pair that
sorts first). golden.jsonl holds texts and the ids that the literal, quadratic algorithm
gives them, without start and end. Python's standard library only; run from the root:

    python3 tests/reference/make_tokenizer_tiny.py
"""
import collections
import json
import re
from pathlib import Path

N_MERGES = 60
WORDS = """chest x ray pleural effusion left right bilateral lower upper lobe pneumonia
pneumothorax atelectasis consolidation cardiomegaly no acute fracture of the hip ct mri
brain abdomen axial coronal contrast lesion nodule mass opacity hilar pleural pleural
effusion effusion left left right right chest chest the the of of with without""".split()
TEXTS = [
    "chest x-ray", "Left pleural effusion", "no acute fracture of the hip", "CT", "a",
    "", "   ", "pneumothorax!!", "the chest's lesion, we've seen it", "T2 12.5 cm", "''s",
    "Größe 5 µm", "胸部X線写真", "🩻", "cafe\u0301", "x &amp; y", "<|endoftext|> pleural",
    "<|STARTOFTEXT|>", "pleuralpleuralpleural", "lesion\tnodule\r\nmass", "e.g. i.e.",
]


def alphabet():
    """Byte -> character, in the order of the ids: GPT-2's bytes_to_unicode()."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    rest = [b for b in range(256) if b not in plain]
    return {b: chr(b) for b in plain} | {b: chr(256 + i) for i, b in enumerate(rest)}


def spelled(word, letters):
    chars = [letters[b] for b in word.encode()]
    return chars[:-1] + [chars[-1] + "</w>"]


def joined(word, pair):
    out, i = [], 0
    while i < len(word):
        if tuple(word[i : i + 2]) == pair:
            out.append(word[i] + word[i + 1])
            i += 2
        else:
            out.append(word[i])
            i += 1
    return out


def learn(letters):
    words, merges = [spelled(w, letters) for w in WORDS], []
    while len(merges) < N_MERGES:
        pairs = collections.Counter(p for w in words for p in zip(w, w[1:]))
        pair = min(pairs, key=lambda p: (-pairs[p], p))
        merges.append(pair)
        words = [joined(w, pair) for w in words]
    return merges


def clean(text):
    """Enough of the cleaning for the texts above."""
    text = text.replace("e\u0301", "é").replace("&amp;", "&")
    return " ".join(text.split()).lower()


PATTERN = re.compile(r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d"
                     r"|[^\W\d_]+|\d|(?:[^\w\s]|_)+")


def encode(text, letters, merges, ids):
    out = []
    for piece in PATTERN.findall(clean(text)):
        if piece in ids and piece.startswith("<|"):
            out.append(ids[piece])
            continue
        word = spelled(piece, letters)
        while True:
            here = [merges.index(p) for p in zip(word, word[1:]) if p in merges]
            if not here:
                break
            word = joined(word, merges[min(here)])
        out += [ids[t] for t in word]
    return out


def main():
    letters = alphabet()
    merges = learn(letters)
    tokens = [*letters.values(), *(c + "</w>" for c in letters.values()),
              *("".join(m) for m in merges), "<|startoftext|>", "<|endoftext|>"]
    ids = {t: i for i, t in enumerate(tokens)}
    assert len(ids) == len(tokens)
    folder = Path("tests/golden/tokenizer-tiny")
    folder.mkdir(parents=True, exist_ok=True)
    lines = ["#version: 0.2", *(" ".join(m) for m in merges)]
    (folder / "merges.txt").write_text("\n".join(lines) + "\n")
    (folder / "vocab.json").write_text(json.dumps(ids, ensure_ascii=False) + "\n")
    with open(folder / "golden.jsonl", "w") as f:
        for text in TEXTS:
            row = {"text": text, "ids": encode(text, letters, merges, ids)}
            f.write(json.dumps(row) + "\n")


main()
