"""nights.py BIN_DIR NUMBER - a catalog of NUMBER files: a night with nothing to do takes
under 5 s for 100,000 of them, and one in which 100 have changed embeds 100."""
import json
import os
import time

import common


def draw(path, i):
    with open(path, "wb") as f:
        f.write(b"P5\n4 4\n255\n" + i.to_bytes(4, "little") * 4)
    os.utime(path, (common.PAST, common.PAST))


def test(programs, number, box):
    films = os.path.join(box, "films")
    catalog = os.path.join(box, "catalog")
    paths = []
    for i in range(number):
        folder = os.path.join(films, str(i // 1000))
        if i % 1000 == 0:
            os.makedirs(folder)
        paths.append(os.path.join(folder, f"{i}.pgm"))
        draw(paths[-1], i)
    common.must(programs.run(["plainfilm-index", "-q", "-b", "64", "-c", catalog,
                              "--model", programs.model, films], seconds=3600))
    start = time.monotonic()
    quiet = json.loads(common.must(programs.index(catalog)))
    seconds = time.monotonic() - start
    changed = min(100, number // 2)
    for i in range(changed):
        draw(paths[i * (number // changed)], number + i)
        os.utime(paths[i * (number // changed)], (common.PAST + 9, common.PAST + 9))
    busy = json.loads(common.must(programs.index(catalog)))
    ok = quiet["unchanged"] == number and quiet["embedded"] == 0 and seconds < 5
    ok = ok and busy["updated"] == changed and busy["embedded"] == changed
    status, said, err = programs.check(catalog)
    ok = ok and status == 0
    print(f"{'ok  ' if ok else 'FAIL'} {number} files: nothing to do takes "
          f"{seconds:.1f} s; {changed} changed files cost {busy['embedded']} embeddings")
    if status != 0:
        print(f"       --check {status}: {said} {err}")
    return ok


common.main(test)
