"""near_duplicates.py - where near duplicates end: cosines of pictures that were saved
again, against those of the nearest other picture.

    /usr/bin/python3 bench/near_duplicates.py BIN_DIR MODEL PICTURE...

Needs Pillow (Debian: python3-pil). Writes to a temporary folder and prints a table, and how
many pairs of either kind a threshold would take in.
"""

import json
import os
import subprocess
import sys
import tempfile

from PIL import Image, ImageEnhance, ImageOps

def cut(share):
    def how(image):
        x, y = round(image.width * share), round(image.height * share)
        return image.crop((x, y, image.width - x, image.height - y))
    return how


# What happens to pictures between two folders: how it changes, and how it is saved.
VARIANTS = {
    "JPEG, quality 90": (lambda i: i, {"format": "JPEG", "quality": 90}),
    "JPEG, quality 50": (lambda i: i, {"format": "JPEG", "quality": 50}),
    "half the size": (lambda i: i.resize((i.width // 2, i.height // 2), Image.LANCZOS),
                      {"format": "JPEG", "quality": 90}),
    "1 % cut off each side": (cut(0.01), {"format": "PNG"}),
    "3 % cut off each side": (cut(0.03), {"format": "PNG"}),
    "contrast + 10 %": (lambda i: ImageEnhance.Contrast(i).enhance(1.1), {"format": "PNG"}),
    "contrast + 25 %": (lambda i: ImageEnhance.Contrast(i).enhance(1.25), {"format": "PNG"}),
    "brightness + 10 %": (lambda i: ImageEnhance.Brightness(i).enhance(1.1), {"format": "PNG"}),
    "mirrored": (ImageOps.mirror, {"format": "PNG"}),
}
THRESHOLDS = (0.95, 0.96, 0.97, 0.975, 0.98, 0.985, 0.99, 0.995, 0.999)


def make_pictures(folder, pictures):
    """pictures -> {path of a file: (number of its picture, name of its variant)}"""
    made = {}
    variants = {"original": (lambda i: i, {"format": "PNG"}), **VARIANTS}
    for n, picture in enumerate(pictures):
        image = Image.open(picture).convert("L")
        for name, (change, saved) in variants.items():
            path = os.path.join(folder, "%05d-%s" % (n, name.replace(" ", "_")))
            path += ".jpg" if saved["format"] == "JPEG" else ".png"
            change(image).save(path, **saved)
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
