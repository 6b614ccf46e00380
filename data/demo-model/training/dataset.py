"""Pictures, texts and which text is true of which picture (pf-phantoms --raw: images.u8 and captions.jsonl)."""
import csv
import json

import numpy as np

FIELDS = ("modality", "anatomy", "view", "side")


def canonical(row):
    """Nobody can tell PA from AP by looking at one chest film: both are 'frontal' to training and judging."""
    row = dict(row)
    if row["view"] in ("PA", "AP") and row["anatomy"] == "chest":
        row["view"] = "frontal"
    return row


class Codes:
    """Attribute rows as small numbers: a code per field (0 is empty) and a bit per finding."""

    def __init__(self):
        self.values = [{"": 0} for _ in FIELDS]
        self.bits = {}

    def row(self, row):
        row = canonical(row)
        codes = [v.setdefault(row[f], len(v)) for f, v in zip(FIELDS, self.values)]
        mask = 0
        for name in filter(None, row["findings"].split(";")):
            mask |= 1 << self.bits.setdefault(name, len(self.bits))
        return codes + [mask]


def is_true(need, exact, have):
    """need [t, 5], exact [t], have [n, 5] -> bool [t, n]. A caption speaks of everything (exact), a phrase of some."""
    n, h = need[:, None, :], have[None, :, :]
    same = (n[..., :4] == h[..., :4])
    findings = (n[..., 4] & h[..., 4]) == n[..., 4]
    loose = (same | (n[..., :4] == 0)).all(-1) & findings
    strict = same.all(-1) & (n[..., 4] == h[..., 4])
    return np.where(exact[:, None], strict, loose)


class Phantoms:
    def __init__(self, folder, codes, size=112):
        self.images = np.fromfile(f"{folder}/images.u8", np.uint8).reshape(-1, size, size)
        self.rows, self.captions, self.phrases, self.cases = [], [], [], []
        self.text_id, self.texts = {}, []
        with open(f"{folder}/captions.jsonl", encoding="utf-8") as f:
            for line in f:
                r = json.loads(line)
                self.rows.append({k: r[k] for k in FIELDS + ("findings",)})
                self.cases.append(r["case"])
                self.captions.append([self.intern(t) for t in r["captions"]])
                self.phrases.append([(self.intern(p["text"]), codes.row(p)) for p in r["phrases"]])
        self.have = np.array([codes.row(r) for r in self.rows], np.int64)
        self.images = self.images[:len(self.rows)]

    def intern(self, text):
        if text not in self.text_id:
            self.text_id[text] = len(self.texts)
            self.texts.append(text)
        return self.text_id[text]


def read_queries(path):
    with open(path, encoding="utf-8", newline="") as f:
        return list(csv.DictReader(f))
