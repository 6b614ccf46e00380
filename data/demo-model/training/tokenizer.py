"""CLIP's byte-pair tokenizer with a small vocabulary of its own: learning it, and using it.

The layout is OpenAI's: 256 byte symbols, the same with "</w>", the merges in order, <|startoftext|>, <|endoftext|>.
Text here is ASCII (our own captions), so Python's re stands in for the Unicode classes of CLIP's pattern.
"""
import collections
import json
import re

SPLIT = re.compile(r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[a-z]+|[0-9]|[^\sa-z0-9]+", re.I)


def byte_symbols():
    """byte -> printable character, in the order that fixes CLIP's ids."""
    plain = list(range(33, 127)) + list(range(161, 173)) + list(range(174, 256))
    order = plain + [b for b in range(256) if b not in plain]
    extra = iter(range(256, 512))
    return {b: chr(b) if b in plain else chr(next(extra)) for b in order}


SYMBOL = byte_symbols()


def words(text):
    text = " ".join(text.split()).lower()
    return ["".join(SYMBOL[b] for b in w.encode()) for w in SPLIT.findall(text)]


def learn(texts, n_merges):
    """The n most frequent pairs, one after the other; ties go to the pair that sorts first."""
    counts = collections.Counter(w for t in texts for w in words(t))
    vocab = {tuple(w[:-1]) + (w[-1] + "</w>",): n for w, n in counts.items()}
    merges = []
    while len(merges) < n_merges:
        pairs = collections.Counter()
        for w, n in vocab.items():
            for p in zip(w, w[1:]):
                pairs[p] += n
        if not pairs:
            break
        best = min(pairs, key=lambda p: (-pairs[p], p))
        merges.append(best)
        vocab = {merged(w, best): n for w, n in vocab.items()}
    return merges


def merged(word, pair):
    out, i = [], 0
    while i < len(word):
        if word[i:i + 2] == pair:
            out.append(word[i] + word[i + 1])
            i += 2
        else:
            out.append(word[i])
            i += 1
    return tuple(out)


class Tokenizer:
    def __init__(self, merges):
        symbols = list(SYMBOL.values())
        self.merges = list(merges)
        self.rank = {m: i for i, m in enumerate(self.merges)}
        names = symbols + [s + "</w>" for s in symbols] + ["".join(m) for m in self.merges]
        names += ["<|startoftext|>", "<|endoftext|>"]
        self.ids = {n: i for i, n in enumerate(names)}
        assert len(self.ids) == len(names)
        self.start, self.end = len(names) - 2, len(names) - 1
        self.known = {}

    def word(self, w):
        if w not in self.known:
            parts = tuple(w[:-1]) + (w[-1] + "</w>",)
            while len(parts) > 1:
                best = min(zip(parts, parts[1:]), key=lambda p: self.rank.get(p, 1 << 30))
                if best not in self.rank:
                    break
                parts = merged(parts, best)
            self.known[w] = [self.ids[p] for p in parts]
        return self.known[w]

    def encode(self, text, context=77):
        ids = [i for w in words(text) for i in self.word(w)]
        return [self.start] + ids[:context - 2] + [self.end]

    def save(self, folder):
        with open(f"{folder}/merges.txt", "w", encoding="utf-8") as f:
            f.write("#version: 0.2\n" + "".join(f"{a} {b}\n" for a, b in self.merges))
        with open(f"{folder}/vocab.json", "w", encoding="utf-8") as f:
            json.dump(self.ids, f, ensure_ascii=False, separators=(",", ":"))
            f.write("\n")

    @staticmethod
    def load(folder):
        with open(f"{folder}/merges.txt", encoding="utf-8") as f:
            lines = f.read().split("\n")[1:]
        return Tokenizer([tuple(m.split(" ")) for m in lines if m])
