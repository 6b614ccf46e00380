#!/usr/bin/python3
"""What nights cost a catalog of many files: nothing new, a few more, one less.

    /usr/bin/python3 bench/quiet_nights.py BIN FOLDER [FILES]

FILES (100,000) small pictures of different bytes, a hundred folders of them, and a table
that has a caption for each, of a thousand texts; the model is the seeded one of the tests,
32 numbers a vector, which computes next to nothing. FOLDER keeps them and the catalog, so
that another call begins with the nights. Printed are wall and processor seconds of each
run, decoders included, and what was written.
"""
import pathlib
import random
import resource
import subprocess
import sys
import time

FOLDERS, TEXTS, QUIET, MORE = 100, 1000, 5, 100


def picture(path, rng):
    path.write_bytes(b"P5\n16 16\n255\n" + rng.randbytes(16 * 16))


def make(films, files):
    rng = random.Random(7)
    words = ["effusion", "fracture", "nodule", "left", "right", "small", "large", "acute"]
    texts = [" ".join(rng.choices(words, k=6)) + f" {i}" for i in range(TEXTS)]
    for i in range(FOLDERS):
        (films / f"{i:02}").mkdir(parents=True)
    with open(films / "captions.csv", "w", encoding="utf-8") as table:
        table.write("file,caption\n")
        for i in range(files):
            name = f"{i % FOLDERS:02}/{i}.pgm"
            picture(films / name, rng)
            table.write(f"{name},{texts[i % TEXTS]}\n")


def run(what, *command):
    """What the program said; a line with what it cost."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    out = subprocess.run([str(c) for c in command], text=True, stdout=subprocess.PIPE,
                         stderr=subprocess.STDOUT, check=False)
    wall = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if out.returncode != 0:
        sys.exit(f"quiet_nights.py: {what}: {out.stdout}")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    written = (after.ru_oublock - before.ru_oublock) / 2048
    print(f"{what:32} {wall:7.2f} s {cpu:7.2f} s of the processor {written:8.1f} MiB",
          flush=True)
    return out.stdout


def main():
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    bin_dir, folder = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2])
    files = int(sys.argv[3]) if len(sys.argv) > 3 else 100000
    films, catalog, model = folder / "films", folder / "catalog", folder / "model"
    index = [bin_dir / "plainfilm-index", "-q", "-c", catalog, "--settle", "0"]
    if not catalog.exists():
        make(films, files)
        run("the model", bin_dir / "pf-seeded-catalog", model, folder / "seeded", 1)
        run(f"{files:,} pictures, the first run", *index, "--model", model, "--captions",
            films / "captions.csv", films)
    for _ in range(QUIET):
        run("a night with nothing to do", *index)
    rng = random.Random(time.time_ns())
    for i in range(MORE):
        picture(films / f"more-{time.time_ns()}-{i}.pgm", rng)
    run(f"a night with {MORE} more", *index)
    next(films.glob("more-*.pgm")).unlink()
    run("a night with one less", *index)


if __name__ == "__main__":
    main()
