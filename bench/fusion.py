#!/usr/bin/env python3
"""fusion.py - what other ways to join meaning and words would find.

    bench/fusion.py QUERY_PROGRAM CATALOG CAPTIONS.csv QUERIES.csv

Asks every phrase with --by both for the whole ranking, takes the places that a hit has
by meaning, by its caption's meaning and by words ("because"), and joins them again with
other constants. A picture is relevant when it has all attributes that stand beside the
phrase. Prints Recall@1, Recall@5, the mean reciprocal rank and the mean average
precision of each way, the best precision first.
"""
import csv
import json
import subprocess
import sys

SOURCES = ("meaning", "caption", "words")


def is_relevant(query, image):
    for key in ("modality", "anatomy", "side"):
        if query.get(key) and image[key] != query[key]:
            return False
    view = query.get("view")
    if view and view != image["view"]:
        if not (view == "frontal" and image["view"] in ("PA", "AP")):
            return False
    findings = {f for f in query["findings"].split(";") if f}
    return findings <= set(image["findings"].split(";"))


def ask(program, catalog, queries):
    lines = "".join(json.dumps({"phrase": q["phrase"]}) + "\n" for q in queries)
    command = [program, "--quiet", "--catalog", catalog, "--batch", "--by", "both",
               "--limit", "1000000"]
    answer = subprocess.run(command, input=lines, stdout=subprocess.PIPE, text=True,
                            check=True)
    return [json.loads(line)["hits"] for line in answer.stdout.splitlines()]


def places(hits):
    """file name -> its (rank, score) in each source, or None."""
    found = {}
    for hit in hits:
        why = hit["because"]
        found[hit["path"].rsplit("/", 1)[-1]] = [
            (why[s]["rank"], why[s]["score"]) if s in why else None for s in SOURCES]
    return found


def reciprocal(k, weights, words):
    def value(place, best_words):
        total = 0
        for i, (at, weight) in enumerate(zip(place, weights)):
            if at is None:
                continue
            part = weight / (k + at[0])
            if i == 2 and words == "by score":
                part *= min(1, at[1] / best_words)
            if i == 2 and words == "upper half" and at[1] < best_words / 2:
                part = 0
            total += part
        return total
    return value


def only(i):
    return lambda place, _: -place[i][0] if place[i] else -1e9


def ways():
    yield "meaning", only(0)
    yield "caption", only(1)
    yield "words", only(2)
    for k in (60, 20, 10, 5, 2):
        for weights in ((1, 1, 1), (2, 1, 1), (2, 1, .5)):
            for words in ("all", "by score", "upper half"):
                name = "k %d, weights %g %g %g, words %s" % (k, *weights, words)
                yield name, reciprocal(k, weights, words)


def measure(rows, value):
    first = five = mrr = precision = 0
    for relevant, found in rows:
        best_words = max((p[2][1] for p in found.values() if p[2]), default=1)
        order = sorted(found, key=lambda f: (-value(found[f], best_words), f))
        ranks = [i + 1 for i, f in enumerate(order) if f in relevant]
        if not ranks:
            continue
        first += ranks[0] == 1
        five += ranks[0] <= 5
        mrr += 1 / ranks[0]
        precision += sum((i + 1) / r for i, r in enumerate(ranks)) / len(relevant)
    return [x / len(rows) for x in (first, five, mrr, precision)]


def main():
    program, catalog, captions, phrases = sys.argv[1:]
    with open(captions, encoding="utf-8") as f:
        images = {row["file"]: row for row in csv.DictReader(f)}
    with open(phrases, encoding="utf-8") as f:
        queries = list(csv.DictReader(f))
    rows = []
    for query, hits in zip(queries, ask(program, catalog, queries)):
        relevant = {f for f, image in images.items() if is_relevant(query, image)}
        if relevant:
            rows.append((relevant, places(hits)))
    table = [(measure(rows, value), name) for name, value in ways()]
    print("%d phrases\n   R@1    R@5    MRR    mAP" % len(rows))
    for values, name in sorted(table, key=lambda row: -row[0][3]):
        print("%.4f %.4f %.4f %.4f  %s" % (*values, name))


main()
