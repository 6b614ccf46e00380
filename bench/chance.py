#!/usr/bin/env python3
"""chance.py - which rule tells that nothing in a collection matches?

    python3 bench/chance.py BIN_DIR [WORK_DIR [CAPTIONS]]

Three collections are indexed with the demo model: data/sample, 2,000 pictures that
pf-phantoms draws, and the chests among those, which are all much alike. Questions that have an answer there must not be called chance
(data/phantoms/queries.csv, and other words for the same in queries-free.csv; drawn
pictures of another seed), those of queries-absent.csv and pictures that are no
radiographs should be. Each rule sees what the engine could: the scores of the question,
and the background of random pairs in catalog.db.

CAPTIONS is a file of real ones, an id, a tab and a text per line: without their pictures,
as texts alone, they show whether the nearest other caption could be a measure for phrases.

Needs nothing but Python's own library.
"""
import array
import csv
import json
import math
import random
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
PHANTOMS = PROJECT / "data" / "phantoms"
BINS = 2000
MAD_TO_SIGMA = 1.4826


class Background:
    """A row of the table background; see core/catalog/background.c."""

    def __init__(self, db, kind):
        first, blob = db.execute(
            "SELECT first_bin, counts FROM background WHERE kind = ?", (kind,)
        ).fetchone()
        counts = array.array("I", blob)
        self.counts = [0] * first + list(counts)
        self.counts += [0] * (BINS - len(self.counts))
        self.pairs = sum(self.counts)
        centres = [(i + 0.5) / (BINS / 2) - 1 for i in range(BINS)]
        self.mean = sum(n * x for n, x in zip(self.counts, centres)) / self.pairs
        self.sd = math.sqrt(
            sum(n * (x - self.mean) ** 2 for n, x in zip(self.counts, centres)) / self.pairs
        )
        self.median = self.quantile(zip(self.counts, centres))
        self.sigma = MAD_TO_SIGMA * self.quantile(
            sorted(((n, abs(x - self.median)) for n, x in zip(self.counts, centres)),
                   key=lambda nx: nx[1])
        )

    def quantile(self, counts, share=0.5):
        seen = 0
        for n, x in counts:
            seen += n
            if seen >= share * self.pairs:
                return x
        raise ValueError

    def higher(self, cosine):
        """Share of pairs that are nearer."""
        place = min(max((cosine + 1) * (BINS / 2), 0), BINS - 1e-9)
        at = int(place)
        return (sum(self.counts[at + 1 :]) + self.counts[at] * (1 - place + at)) / self.pairs


    def below(self, cosine):
        return 1 - self.higher(cosine)

    def at(self, share):
        """The cosine that this share of the pairs is below."""
        low, high = -1.0, 1.0
        for _ in range(40):
            middle = (low + high) / 2
            low, high = (low, middle) if self.below(middle) >= share else (middle, high)
        return high


def leave_one_out(name, db):
    """What the catalog's own captions find, with their own images and without."""
    best, other = Background(db, "caption-best"), Background(db, "caption-other")
    line = best.at(0.01)
    print(f"\n{name}: {best.pairs} captions ask; 99 in 100 find an image at {line:.3f} or "
          f"nearer; without their own, their case's and those with the same text "
          f"{100 * other.below(line):.0f} % find none")


def nearest_other(vectors, among):
    return [max(sum(map(float.__mul__, v, w)) for w in among if w is not v)
            for v in vectors]


def real_captions(binaries, catalog, path, questions):
    """Texts alone: is a phrase nearer to a caption than captions are to each other?"""
    with open(path, encoding="utf-8", errors="replace") as f:
        texts = sorted({line.rstrip("\n").split("\t")[-1] for line in f} - {""})
    random.Random(1).shuffle(texts)
    groups = {"captions left out": texts[1000:1200]} | questions

    def embed(phrases):
        lines = "".join(json.dumps({"phrase": p, "embed": True}) + "\n" for p in phrases)
        out = run(binaries / "plainfilm-query", "-q", "-c", catalog, "--batch", input=lines)
        return [json.loads(line)["vector"] for line in out.splitlines()]

    known = embed(texts[:1000])
    own = sorted(nearest_other(known[:300], known))
    print(f"\n1,000 real captions as texts: the nearest other one of 300 is at "
          f"{own[3]:.3f} (1 %), {own[150]:.3f} (median)")
    for group, phrases in groups.items():
        best = nearest_other(embed(phrases), known)
        print(f"  {group} ({len(phrases)}): below 99 % of those "
              f"{100 * sum(b < own[3] for b in best) / len(best):.0f} %")


def rules(background, scores, own):
    """name -> is this question no better than chance?"""
    best, n = scores[0], len(scores)
    b = background
    mean, sd = statistics.mean(scores), statistics.pstdev(scores)
    robust = (best - b.median) / b.sigma
    return {
        "percentile of best < 99": b.higher(best) > 0.01,
        "percentile of best < 99.5": b.higher(best) > 0.005,
        "1 / N of pairs are nearer": b.higher(best) * n > 1,
        "mean + 3 sd of the pairs": best < b.mean + 3 * b.sd,
        "median + 2.5 sigma (MAD) of the pairs": robust < 2.5,
        "median + 3 sigma (MAD) of the pairs": robust < 3,
        "median + 3.5 sigma (MAD) of the pairs": robust < 3.5,
        "the same, sigmas of the best of N normal ones":
            robust < statistics.NormalDist().inv_cdf(1 - 1 / n),
        "mean + 3 sd of the question's own scores": best < mean + 3 * sd,
        "best - tenth < 0.1": best - scores[min(9, n - 1)] < 0.1,
    } | ({} if own is None else {
        f"below {100 - p} % of captions with their own picture":
            best < own[p * len(own) // 100] for p in (1, 2, 5, 10)
    })


def run(*command, **more):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, text=True, **more).stdout


def own_scores(db):
    rows = db.execute(
        "SELECT picture.vector, caption_text.vector FROM caption"
        " JOIN image ON image.id = image_id JOIN picture ON picture.id = picture_id"
        " JOIN caption_text ON caption_text.id = caption_text_id")
    return sorted(sum(map(float.__mul__, array.array("f", a).tolist(),
                          array.array("f", b).tolist())) for a, b in rows)


def ask(binaries, catalog, find, questions):
    lines = "".join(json.dumps(q | {"find": find}) + "\n" for q in questions)
    out = run(binaries / "plainfilm-query", "-q", "-c", catalog, "--batch", "--by",
              "meaning", "-n", "1000000", input=lines).splitlines()
    return [json.loads(line) for line in out]


def table(title, background, answers, own):
    """`answers`: group name -> answers; the first two groups have an answer."""
    print(f"\n{title}: median {background.median:.3f}, sigma {background.sigma:.3f}, "
          f"mean {background.mean:.3f}, sd {background.sd:.3f}")
    counts = {}
    for group, of_group in answers.items():
        for answer in of_group:
            scores = [hit["score"] for hit in answer["hits"]]
            told = rules(background, scores, own)
            told["what plainfilm-query says"] = answer["no_better_than_chance"]
            for rule, is_chance in told.items():
                counts.setdefault(rule, {}).setdefault(group, []).append(bool(is_chance))
    print("| rule | " + " | ".join(f"{g} ({len(a)})" for g, a in answers.items()) + " |")
    print("|---|" + "---|" * len(answers))
    for rule, groups in counts.items():
        print(f"| {rule} | "
              + " | ".join(f"{100 * sum(v) / len(v):.0f} %" for v in groups.values()) + " |")


def draw_patterns(folder):
    """Pictures of nothing: noise, stripes, checks, gradients, discs."""
    folder.mkdir(parents=True, exist_ok=True)
    rng, size, files = random.Random(1), 224, []
    for i in range(40):
        f, g, p = rng.uniform(2, 40), rng.uniform(0, math.pi), rng.uniform(0, 99)
        kinds = [
            lambda x, y: rng.random(),
            lambda x, y: 0.5 + 0.5 * math.sin((x * math.cos(g) + y * math.sin(g)) / f + p),
            lambda x, y: (int(x / f) + int(y / f)) % 2,
            lambda x, y: (x * math.cos(g) + y * math.sin(g) + size) / (3 * size),
            lambda x, y: math.hypot(x - p, y - 99) < 2 * f,
        ]
        kind = kinds[i % len(kinds)]
        pixels = bytes(max(0, min(255, int(255 * kind(x, y))))
                       for y in range(size) for x in range(size))
        path = folder / f"{i}.pgm"
        path.write_bytes(b"P5\n%d %d\n255\n" % (size, size) + pixels)
        files.append(str(path))
    return files


def phrases(name, **wanted):
    with open(PHANTOMS / name, newline="") as f:
        return [{"phrase": row["phrase"]} for row in csv.DictReader(f)
                if all(row[key] == value for key, value in wanted.items())]


def choose(drawn, folder, anatomy):
    """The drawn pictures of one anatomy, in a folder of their own."""
    folder.mkdir(exist_ok=True)
    with open(drawn / "captions.csv", newline="") as f, \
         open(folder / "captions.csv", "w", newline="") as out:
        rows = csv.DictReader(f)
        chosen = csv.DictWriter(out, rows.fieldnames)
        chosen.writeheader()
        for row in rows:
            if row["anatomy"] == anatomy:
                chosen.writerow(row)
                shutil.copy(drawn / row["file"], folder)


def main():
    binaries = Path(sys.argv[1]).resolve()
    work = Path(sys.argv[2] if len(sys.argv) > 2 else tempfile.mkdtemp()).resolve()
    drawn, others = work / "drawn", work / "others"
    run(binaries / "pf-phantoms", "--seed", "77", "--count", "2000", "--size", "224", drawn)
    run(binaries / "pf-phantoms", "--seed", "5", "--count", "200", "--size", "224", others)
    absent = {
        "everyday": phrases("queries-absent.csv", kind="everyday"),
        "medical, absent": phrases("queries-absent.csv", kind="medical"),
    }
    asked = {"there": phrases("queries.csv"),
             "in other words": phrases("queries-free.csv")} | absent
    of_chests = {"there": phrases("queries.csv", anatomy="chest"),
                 "in other words": phrases("queries-free.csv", anatomy="chest")} | absent
    pictures = {
        "other drawn pictures": [{"image": str(p)} for p in sorted(others.glob("*.jpg"))],
        "patterns": [{"image": p} for p in draw_patterns(work / "patterns")],
    }
    choose(drawn, work / "chests", "chest")
    with open(others / "captions.csv", newline="") as f:
        other_chests = [{"image": str(others / row["file"])} for row in csv.DictReader(f)
                        if row["anatomy"] == "chest"]
    of_chest_pictures = pictures | {"other drawn pictures": other_chests}
    for folder in (PROJECT / "data" / "sample", drawn, work / "chests"):
        is_all = folder.name != "chests"
        catalog = work / f"catalog-{folder.name}"
        run(binaries / "plainfilm-index", "-q", "-c", catalog, "--model",
            PROJECT / "data" / "demo-model", "--captions", folder / "captions.csv", folder)
        db = sqlite3.connect(catalog / "catalog.db")
        leave_one_out(folder.name, db)
        for questions, find, kind in (
            (asked if is_all else of_chests, "images", "caption-image"),
            (asked if is_all else of_chests, "captions", "caption-caption"),
            (pictures if is_all else of_chest_pictures, "images", "image-image"),
            (pictures if is_all else of_chest_pictures, "captions", "caption-image"),
        ):
            answers = {g: ask(binaries, catalog, find, q) for g, q in questions.items()}
            table(f"{folder.name}, {'pictures' if 'patterns' in questions else 'phrases'} "
                  f"ask for {find}", Background(db, kind), answers,
                  own_scores(db) if kind == "caption-image" else None)
    if len(sys.argv) > 3:
        real_captions(binaries, work / "catalog-sample", sys.argv[3], {
            group: [q["phrase"] for q in of_group] for group, of_group in asked.items()})


main()
