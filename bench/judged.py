#!/usr/bin/env python3
"""judged.py - how good the order by words is: judged questions about ROCO's captions.

    bench/judged.py PROGRAMS ROCO [WORK]

PROGRAMS is the folder of the built programs (build/release/bin), ROCO one with
captions.txt of ROCO's test set ("ID<tab>caption"). The catalog is made in WORK (a folder
for the time being): every image is the same small picture, and only words tell them
apart. Prints nDCG@10 and Recall@20 of each way, over all questions, over those of even
number, on which constants were chosen, and over those of odd number, which were held
out; and how many of the first 10 were never judged and count as 0. Exits with 77
without ROCO.

judged/questions.tsv and judged/grades.tsv hold no caption, only ROCO's names. How they
were made: for each question the first 20 to 30 of several rankings (this one with and
without other words and denials, and as it was before; FTS5 with porter stems, all words
or any, with and without "of" and the like) and of a query written by hand were put
together, and each caption was read, without a note of which ranking had brought it:

  2  the caption says that the image shows all that is asked; in other words, or
     narrower ("cholelithiasis" for "gallstones", "C2" for "cervical spine")
  1  the main thing is there, but a part of the question is missing, uncertain, of
     another modality, or seen after its treatment
  0  anything else; also where the caption has another side, part or kind than asked, and
     where it denies the thing, unless the question does so

Questions to which no caption was a 2, or that were found ambiguous, were dropped. What
no ranking brought may be relevant too: recall is of what is known. The gain of a grade is
2^grade - 1; Recall@20 counts grades from 1.

One reader judged, who also wrote the ranking: the synonyms were written with all
questions known, so only the constants are held out, and figures of other rankings are
fair to compare with each other, not with those of other sets.
"""
import collections
import csv
import json
import math
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
PICTURE = os.path.join(HERE, "..", "tests", "golden", "images", "grey2.png")
STOP = set("""a an and are as at be been but by for from had has have in into is it its of
on or than that the their there these this to was were which with no without after
around""".split())
DEPTH = 20


def read_tsv(name):
    with open(os.path.join(HERE, "judged", name), encoding="utf-8") as f:
        return list(csv.DictReader(f, delimiter="\t", quoting=csv.QUOTE_NONE))


QUESTIONS = {int(r["number"]): r["question"] for r in read_tsv("questions.tsv")}
KINDS = {int(r["number"]): r["kind"] for r in read_tsv("questions.tsv")}
GRADES = collections.defaultdict(dict)
for r in read_tsv("grades.tsv"):
    GRADES[int(r["number"])][r["image"]] = int(r["grade"])


def ndcg(ranking, grades, depth=10):
    def sum_up(gs):
        return sum((2**g - 1) / math.log2(i + 2) for i, g in enumerate(gs[:depth]))

    best = sum_up(sorted(grades.values(), reverse=True))
    return sum_up([grades.get(image, 0) for image in ranking]) / best


def recall(ranking, grades):
    relevant = {image for image, g in grades.items() if g > 0}
    return len(relevant & set(ranking[:DEPTH])) / len(relevant)


def print_way(name, rankings):
    groups = [
        list(QUESTIONS),
        [n for n in QUESTIONS if n % 2 == 0],
        [n for n in QUESTIONS if n % 2 == 1],
    ]
    figures = []
    for group in groups:
        for measure in (ndcg, recall):
            values = [measure(rankings[n], GRADES[n]) for n in group]
            figures.append("%.3f" % (sum(values) / len(values)))
    unknown = sum(i not in GRADES[n] for n in QUESTIONS for i in rankings[n][:10])
    print("\t".join([name, *figures, str(unknown)]), flush=True)


# --- FTS5 as it comes ------------------------------------------------------------------


class Plain:
    def __init__(self, captions):
        self.images = list(captions)
        self.db = sqlite3.connect(":memory:")
        self.db.execute("CREATE VIRTUAL TABLE c USING fts5(t, tokenize='porter unicode61')")
        self.db.executemany("INSERT INTO c VALUES (?)", [(t,) for t in captions.values()])

    def rank(self, question, operator, without=()):
        words = [w for w in re.findall(r"\w+", question) if w.lower() not in without]
        expression = operator.join('"%s"' % w for w in words)
        rows = self.db.execute(
            "SELECT rowid FROM c WHERE c MATCH ? ORDER BY rank LIMIT ?", (expression, DEPTH)
        )
        return [self.images[row[0] - 1] for row in rows]


# --- Plainfilm -------------------------------------------------------------------------


def make_catalog(programs, captions, work):
    catalog = os.path.join(work, "catalog")
    if os.path.exists(catalog):
        return catalog
    model, films = os.path.join(work, "model"), os.path.join(work, "films")
    seeded = os.path.join(work, "seeded")
    subprocess.run(
        [os.path.join(programs, "pf-seeded-catalog"), model, seeded, "1"],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    os.mkdir(films)
    table = os.path.join(work, "captions.csv")
    with open(table, "w", encoding="utf-8", newline="") as f:
        rows = csv.writer(f)
        rows.writerow(["file", "caption"])
        for image, text in captions.items():
            shutil.copy(PICTURE, os.path.join(films, image + ".png"))
            rows.writerow([image + ".png", text])
    command = [os.path.join(programs, "plainfilm-index"), "-q", "--settle", "0"]
    command += ["--model", model, "-c", catalog, "--captions", table, films]
    subprocess.run(command, check=True)
    return catalog


def ask(programs, catalog, *options, limit=DEPTH):
    lines = "".join(json.dumps({"phrase": q}) + "\n" for q in QUESTIONS.values())
    command = [os.path.join(programs, "plainfilm-query"), "-q", "-c", catalog, "--batch"]
    command += ["--limit", str(limit), *options]
    out = subprocess.run(command, input=lines, stdout=subprocess.PIPE, text=True, check=True)
    return dict(zip(QUESTIONS, (json.loads(a)["hits"] for a in out.stdout.splitlines())))


def images_of(answers):
    def name(hit):
        return os.path.splitext(os.path.basename(hit["path"]))[0]

    return {n: [name(hit) for hit in hits] for n, hits in answers.items()}


def without_the_model(answers):
    """What by both would have in front if it knew words only."""

    def place(hit):
        return hit["because"].get("words", {}).get("rank", math.inf)

    kept = {n: sorted(hits, key=place) for n, hits in answers.items()}
    return {n: [h for h in hits if place(h) < math.inf] for n, hits in kept.items()}


def measure(programs, captions, work):
    none = os.path.join(work, "no-synonyms.txt")
    with open(none, "w", encoding="utf-8") as f:
        f.write("xqzx = yqzy\n")
    print("way\tnDCG@10\tRecall@20\teven\t\todd\t\tunjudged", flush=True)
    plain = Plain(captions)
    for name, operator, without in (
        ("FTS5 porter, AND", " AND ", ()),
        ("FTS5 porter, OR", " OR ", ()),
        ("FTS5 porter, OR, no stop words", " OR ", STOP),
    ):
        ranked = {n: plain.rank(q, operator, without) for n, q in QUESTIONS.items()}
        print_way(name, ranked)
    catalog = make_catalog(programs, captions, work)
    for name, options in (
        ("words", ()),
        ("words, no synonyms", ("--synonyms", none)),
        ("words, no denials", ("--no-negation",)),
    ):
        found = images_of(ask(programs, catalog, "--by", "words", *options))
        print_way(name, found)
        if not options:
            words = found
    both = ask(programs, catalog, "--by", "both", limit=1000)
    print_way("both, of a model of noise", images_of(both))
    print_way("both, but for the model", images_of(without_the_model(both)))
    for kind in sorted(set(KINDS.values())):
        ns = [n for n in QUESTIONS if KINDS[n] == kind]
        found = [m(words[n], GRADES[n]) for m in (ndcg, recall) for n in ns]
        half = len(ns)
        print(
            "words, %s (%d)\t%.3f\t%.3f"
            % (kind, half, sum(found[:half]) / half, sum(found[half:]) / half)
        )


def main(argv):
    if len(argv) not in (3, 4):
        print(__doc__.split("\n\n")[1].strip(), file=sys.stderr)
        return 2
    path = os.path.join(argv[2], "captions.txt")
    if not os.path.exists(path):
        print("judged.py: there is no %s" % path, file=sys.stderr)
        return 77
    with open(path, encoding="utf-8") as f:
        captions = dict(line.rstrip("\n").split("\t", 1) for line in f)
    if len(argv) == 4:
        os.makedirs(argv[3], exist_ok=True)
        measure(argv[1], captions, argv[3])
    else:
        with tempfile.TemporaryDirectory() as work:
            measure(argv[1], captions, work)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
