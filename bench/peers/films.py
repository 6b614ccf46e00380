#!/usr/bin/python3
"""300 JPEGs of 1000 x 800 and one of 2500 x 3000, for bench/peers.py.

    /usr/bin/python3 bench/peers/films.py PICTURES FOLDER

Each is another part of one of the pictures below PICTURES, of which the largest becomes
FOLDER/film.jpg; half of those in FOLDER/films are grey. Quality 90.
"""
import os
import sys

from PIL import Image

COUNT, SIZE, FILM = 300, (1000, 800), (2500, 3000)
ENDINGS = (".jpg", ".jpeg", ".png")


def find(folder):
    return sorted(os.path.join(at, name) for at, _, names in os.walk(folder)
                  for name in names if name.lower().endswith(ENDINGS))


def main(pictures, folder):
    found = find(pictures)
    films = os.path.join(folder, "films")
    os.makedirs(films, exist_ok=True)
    for i in range(COUNT):
        picture = Image.open(found[i % len(found)]).convert("L" if i % 2 else "RGB")
        width, height = picture.size
        cut = i // len(found) * 0.02
        part = picture.crop((int(cut * width), int(cut * height), width, height))
        part.resize(SIZE, Image.Resampling.BICUBIC).save(
            os.path.join(films, f"{i:03}.jpg"), quality=90)
    largest = max(found, key=lambda path: Image.open(path).size)
    Image.open(largest).convert("L").resize(FILM, Image.Resampling.BICUBIC).save(
        os.path.join(folder, "film.jpg"), quality=90)


if __name__ == "__main__":
    main(*sys.argv[1:])
