#!/usr/bin/env python3
"""Start-up and peak memory of plainfilm-query, of two builds in one run.

    python3 bench/start.py OLD_BIN NEW_BIN [IMAGES] [ROUNDS]

Each build makes its own catalogs: of data/sample with the demo model, and of IMAGES
seeded images (default 100,000; pf-seeded-catalog). Then both are asked in turns, ROUNDS
times (default 15). Printed are the least wall time and the peak resident memory (of the
program; of its decoder, too, where there is one), and new / old.
"""
import os
import pathlib
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
SAMPLE = ROOT / "data/sample"


def run(program, *args):
    """Wall seconds and peak MiB; the peak of a child that has ended counts, too."""
    start = time.perf_counter()
    child = subprocess.Popen([program, *map(str, args)], stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        sys.exit(f"{program} {' '.join(map(str, args))}: exit {child.returncode}")
    return time.perf_counter() - start, usage.ru_maxrss / 1024


def make_catalogs(bin_dir, folder, images):
    sample, seeded = folder / "sample", folder / "seeded"
    model = folder / "model"
    run(f"{bin_dir}/plainfilm-index", "-q", "-c", sample, "--model",
        ROOT / "data/demo-model", "--captions", SAMPLE / "captions.csv", SAMPLE)
    subprocess.run([f"{bin_dir}/pf-seeded-catalog", model, seeded, str(images)],
                   check=True, stdout=subprocess.DEVNULL)
    return {"sample": sample, f"{images} images": seeded}


def questions():
    picture = sorted(SAMPLE.glob("*.jpg"))[0]
    yield "a phrase", ["left"]
    yield "a phrase by words", ["--by", "words", "left"]
    yield "--like", ["--like", "1"]
    yield "--image", ["--image", picture]
    yield "--find captions", ["--find", "captions", "--like", "1"]
    yield "--version", ["--version"]


def main():
    bins = sys.argv[1:3]
    images = int(sys.argv[3]) if len(sys.argv) > 3 else 100000
    rounds = int(sys.argv[4]) if len(sys.argv) > 4 else 15
    with tempfile.TemporaryDirectory() as temp:
        catalogs = []
        for name, bin_dir in zip(("old", "new"), bins):
            folder = pathlib.Path(temp) / name
            folder.mkdir()
            catalogs.append(make_catalogs(bin_dir, folder, images))
        print("| catalog | question | old ms | new ms | ratio | old MiB | new MiB | ratio |")
        print("|---|---|---|---|---|---|---|---|")
        for catalog in catalogs[0]:
            for what, args in questions():
                best, peak = [9e9, 9e9], [0, 0]
                for i in range(2 * rounds):
                    k = i % 2
                    seconds, mib = run(f"{bins[k]}/plainfilm-query", "-q", "-c",
                                       catalogs[k][catalog], *args)
                    best[k], peak[k] = min(best[k], seconds), max(peak[k], mib)
                print(f"| {catalog} | {what} | {1000 * best[0]:.1f} | "
                      f"{1000 * best[1]:.1f} | {best[1] / best[0]:.2f} | {peak[0]:.1f} | "
                      f"{peak[1]:.1f} | {peak[1] / peak[0]:.2f} |", flush=True)


if __name__ == "__main__":
    main()
