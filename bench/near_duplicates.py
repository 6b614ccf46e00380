"""near_duplicates.py - where near duplicates end: cosines of pictures that were saved
again, against those of the nearest other picture.

    python3 bench/near_duplicates.py BIN_DIR MODEL PICTURE...

Needs ImageMagick's convert. Writes to a temporary folder and prints a table, and how
many pairs of either kind a threshold would take in.
"""

import json
import os
import subprocess
import sys
import tempfile

# What happens to pictures between two folders; arguments of convert.
VARIANTS = {
    "JPEG, quality 90": (["-quality", "90"], "jpg"),
    "JPEG, quality 50": (["-quality", "50"], "jpg"),
    "half the size": (["-resize", "50%", "-quality", "90"], "jpg"),
    "2 % cut off each side": (["-gravity", "center", "-crop", "96%x96%+0+0", "+repage"], "png"),
    "5 % cut off each side": (["-gravity", "center", "-crop", "90%x90%+0+0", "+repage"], "png"),
    "contrast + 10 %": (["-brightness-contrast", "0x10"], "png"),
    "contrast + 25 %": (["-brightness-contrast", "0x25"], "png"),
    "brightness + 10 %": (["-brightness-contrast", "10x0"], "png"),
    "mirrored": (["-flop"], "png"),
}
THRESHOLDS = (0.95, 0.96, 0.97, 0.975, 0.98, 0.985, 0.99, 0.995, 0.999)


def make_pictures(folder, pictures):
    """pictures -> {path of a file: (number of its picture, name of its variant)}"""
    made = {}
    for n, picture in enumerate(pictures):
        for name, (how, ending) in {"original": ([], "png"), **VARIANTS}.items():
            path = os.path.join(folder, "%04d-%s.%s" % (n, name.replace(" ", "_"), ending))
            subprocess.run(["convert", picture, *how, path], check=True)
            made[path] = (n, name)
    return made


def ask(program, catalog, paths):
    """Hits of "like this path" for each of them, all images ranked."""
    questions = "".join(json.dumps({"like": p}) + "\n" for p in paths)
    answers = subprocess.run(
        [program, "-c", catalog, "--batch", "-n", "1000000"],
        input=questions, capture_output=True, text=True, check=True).stdout
    return [json.loads(line)["hits"] for line in answers.splitlines()]


def main():
    bin_dir, model, pictures = sys.argv[1], sys.argv[2], sys.argv[3:]
    with tempfile.TemporaryDirectory() as box:
        films, catalog = os.path.join(box, "films"), os.path.join(box, "catalog")
        os.mkdir(films)
        made = make_pictures(films, pictures)
        subprocess.run([os.path.join(bin_dir, "plainfilm-index"), "-q", "-c", catalog,
                        "--model", model, films], check=True, stdout=subprocess.DEVNULL)
        originals = [p for p, (_, name) in made.items() if name == "original"]
        cosines = {name: [] for name in VARIANTS}
        others = []
        hits_of = ask(os.path.join(bin_dir, "plainfilm-query"), catalog, originals)
        for path, hits in zip(originals, hits_of):
            n = made[path][0]
            for hit in hits:
                other, name = made[hit["path"]]
                if other == n:
                    cosines[name].append(hit["score"])
            others.append(max(h["score"] for h in hits
                              if made[h["path"]][0] != n and
                              made[h["path"]][1] == "original"))
    rows = {**cosines, "nearest other picture": others}
    print("| %d pictures | lowest | 5 %% are below | median | highest |" % len(pictures))
    print("|---|---|---|---|---|")
    for name, values in rows.items():
        values.sort()
        print("| %s | %.4f | %.4f | %.4f | %.4f |" % (
            name, values[0], values[len(values) // 20], values[len(values) // 2],
            values[-1]))
    print("\n| at least | " + " | ".join("%g" % t for t in THRESHOLDS) + " |")
    print("|---" * (len(THRESHOLDS) + 1) + "|")
    for name, values in rows.items():
        shares = ("%.0f %%" % (100 * sum(v >= t for v in values) / len(values))
                  for t in THRESHOLDS)
        print("| %s | %s |" % (name, " | ".join(shares)))


main()
