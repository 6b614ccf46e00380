"""damage.py BIN_DIR NUMBER - files of a catalog that are not as they were written.

NUMBER index files, NUMBER databases (two fifths of them in tables that only words, sheets,
percentiles and links look at) and a fifth as many write-ahead logs, damaged or of another
catalog. A question of each kind is answered as before the damage, or with an error that
names it; and --check finds every one.
"""
import os
import random
import re
import shutil
import sqlite3

import common

NAMED = re.compile(r"damaged|malformed|corrupt|checksum|not a database|incomplete|"
                   r"too short|truncated|unlike|do not fit|does not fit|wrong|broken")
TABLES = ["caption_word_data", "caption_word_idx", "caption_word_docsize",
          "thumbnail", "background", "caption",
          "image", "teaching_case", "image_attribute", "caption_text"]
# What no structure contradicts.
CHANGES = [
    "UPDATE thumbnail SET jpeg = (SELECT jpeg FROM thumbnail ORDER BY 1 DESC LIMIT 1)"
    " WHERE rowid = 3",
    "UPDATE caption SET caption_text_id = caption_text_id + 1 WHERE id = 7",
    "UPDATE image SET case_id = (SELECT min(id) FROM teaching_case) WHERE id = 20",
    "UPDATE image SET picture_id = (SELECT min(id) FROM picture) WHERE id = 12",
    "UPDATE teaching_case SET title = 'another' WHERE id = 3",
    "UPDATE image_attribute SET value = 'MR' WHERE image_id = 5 AND key = 'modality'",
    "DELETE FROM image_attribute WHERE image_id = 6",
    "UPDATE caption_text SET text = 'No fracture.' WHERE id = 9",
    "DELETE FROM caption WHERE id = 11",
    "UPDATE picture SET vector = (SELECT vector FROM picture WHERE id = 1) WHERE id = 2",
    "UPDATE background SET pairs = pairs + 1",
    "UPDATE image SET path = CAST(path || 'x' AS BLOB) WHERE id = 4",
]


def damage(content, rng, at=None):
    """Other bytes, and how they came about. `at`: a range to stay in."""
    low, high = at or (0, len(content))
    how = rng.choice(["bit", "bit", "bit", "bytes", "zeros", "swap", "cut", "longer"]
                     if at is None else ["bit", "bit", "bytes", "zeros"])
    new = bytearray(content)
    place = rng.randrange(low, high)
    if how == "bit":
        new[place] ^= 1 << rng.randrange(8)
    elif how == "bytes":
        n = min(high - place, rng.choice((2, 16, 200)))
        new[place:place + n] = rng.randbytes(n)
    elif how == "zeros":
        n = min(high - low, rng.choice((16, 512, 4096)))
        start = low + (place - low) // n * n
        new[start:start + n] = bytes(min(n, len(new) - start))
    elif how == "swap":
        size = rng.choice((512, 4096, 16384))
        a, b = (rng.randrange(max(1, len(new) // size)) * size for _ in range(2))
        size = min(size, len(new) - max(a, b))
        new[a:a + size], new[b:b + size] = new[b:b + size], new[a:a + size]
    elif how == "cut":
        del new[place:]
    else:
        new += rng.randbytes(rng.choice((1, 512, 16384)))
    return bytes(new), f"{how} at {place}"


def lacks_pictures(page, right):
    """A sheet may say that it has no picture, but must not show another one."""
    lines, wanted = page.split("\n"), right.split("\n")
    return len(lines) == len(wanted) > 1 and all(
        a == b or "no picture" in a for a, b in zip(lines, wanted))


class Good:
    """A catalog in order, and what it answers."""

    def __init__(self, programs, box, n_films):
        self.programs, self.box = programs, box
        self.films = os.path.join(box, "films")
        self.catalog = os.path.join(box, "good")
        common.draw_films(programs, self.films, n_films)
        common.must(programs.first(self.catalog, self.films))
        self.right = self.answers(self.catalog, box)

    def answers(self, catalog, box):
        return [self.programs.sheet(catalog, box), *self.programs.ask(catalog)]

    def compare(self, trial, catalog, box, what, also=()):
        """`also`: other answers that are right as a whole."""
        found = self.answers(catalog, box)
        status, said, err = self.programs.check(catalog)
        problems = said["problems"] if said else [err.strip()]
        if found in also:
            trial.note("as before the last publish")
        elif found == self.right:
            trial.note("right")
        else:
            for answer, right in zip(found, self.right):
                if answer == right or lacks_pictures(answer, right):
                    continue
                if not common.is_error(answer):
                    raise common.Wrong(f"{what}: wrong without a word "
                                       f"(--check: {status} {problems[:1]}): "
                                       f"{common.differs([answer], [right])}")
                if not NAMED.search(answer):
                    raise common.Wrong(f"{what}: this names no damage: {answer[:200]}")
            trial.note("an error")
        return status, problems


def try_index_files(good, number):
    trial = common.Trial("damaged index files")

    def try_one(i, box):
        rng = random.Random(i)
        catalog = os.path.join(box, "catalog")
        shutil.copytree(good.catalog, catalog)
        name = ("images.1.faiss", "captions.1.faiss")[i % 2]
        path = os.path.join(catalog, name)
        with open(path, "rb") as f:
            content = f.read()
        new, how = content, "no"
        while new == content:
            new, how = damage(content, rng, (0, 100) if i % 10 == 0 else None)
        if i % 50 == 1:
            new, how = b"", "emptied"
        elif i % 50 == 2:
            with open(os.path.join(catalog, "captions.1.faiss"), "rb") as f:
                new, how = f.read(), "the other one"
        if i % 50 == 3:
            os.remove(path)
            how = "removed"
        else:
            with open(path, "wb") as f:
                f.write(new)
        status, _ = good.compare(trial, catalog, box, f"{name}, {how}")
        if status != 1:
            raise common.Wrong(f"{name}, {how}: --check {status}")

    return trial.run(range(1, number + 1), try_one).report()


def pages_of(catalog, table):
    size = common.rows(catalog, "PRAGMA page_size")[0][0]
    return [(p - 1) * size for (p,) in common.rows(
        catalog, f"SELECT pageno FROM dbstat WHERE name = '{table}'")], size


def try_databases(good, number):
    trial = common.Trial("damaged databases")
    pages = {table: pages_of(good.catalog, table) for table in TABLES}
    with open(os.path.join(good.catalog, "catalog.db"), "rb") as f:
        content = f.read()

    def change(i, catalog):
        path = os.path.join(catalog, "catalog.db")
        if i % 25 == 0:
            sql = CHANGES[i // 25 % len(CHANGES)]
            db = sqlite3.connect(path)
            db.execute("PRAGMA trusted_schema = ON")
            db.execute(sql)
            db.commit()
            db.close()
            return sql
        rng = random.Random(i)
        new, how, table = content, "no", ""
        while new == content:
            at = None
            if i % 5 < 2:
                table = TABLES[i // 5 % len(TABLES)]
                places, size = pages[table]
                page = rng.choice(places)
                at = (page, page + size)
                used = [k for k in range(page, page + size) if content[k]]
                if rng.random() < 0.8:  # where something is
                    at = (rng.choice(used), page + size)
                    at = (at[0], min(at[0] + 64, at[1]))
            new, how = damage(content, rng, at)
        with open(path, "wb") as f:
            f.write(new)
        return f"{how} {table}"

    def try_one(i, box):
        catalog = os.path.join(box, "catalog")
        shutil.copytree(good.catalog, catalog)
        how = change(i, catalog)
        status, problems = good.compare(trial, catalog, box, how)
        is_outside = how.startswith("longer")  # behind the last page is no part of it
        if (status != 1 or not problems) and not is_outside:
            raise common.Wrong(f"{how}: --check {status}")

    return trial.run(range(1, number + 1), try_one).report()


def last_commit(calls):
    """The call behind which the publish is in the log, and the one in the middle of its
    way into the database."""
    files = [os.path.basename(path) for _, path in calls]
    published = max(i for i, (what, _) in enumerate(calls) if what == "rename")
    moved = [i for i, (what, _) in enumerate(calls)
             if i > published and what == "write" and files[i] == "catalog.db"]
    return moved[0], moved[len(moved) // 2] + 1


def try_logs(programs, box, number):
    """A log that holds the last publish, alone or already half in the database."""
    folder = os.path.join(box, "logs")
    os.mkdir(folder)
    night = common.Night(programs, folder, 100, False)
    good = Good.__new__(Good)
    good.programs, good.box = programs, folder
    undisturbed = os.path.join(folder, "undisturbed")
    good.right = good.answers(undisturbed, folder)
    before = good.answers(night.base, folder)
    killed = []
    for n in last_commit(night.calls()):
        catalog = night.prepare(os.path.join(folder, f"killed{n}"))
        night.run(catalog, programs.fault(catalog, "--at", str(n), "kill-before"))
        killed.append(catalog)
        copy = os.path.join(folder, "copy")
        shutil.copytree(catalog, copy)
        if good.answers(copy, folder) != good.right:
            raise common.Wrong("the log does not hold the publish")
        shutil.rmtree(copy)
    other = os.path.join(folder, "other")
    os.mkdir(other)
    foreign = common.Night(programs, other, 60, False)
    stranger = foreign.prepare(os.path.join(other, "stranger"))
    foreign.run(stranger, programs.fault(
        stranger, "--at", str(last_commit(foreign.calls())[0]), "kill-before"))
    trial = common.Trial("damaged and foreign logs")

    def change(i, catalog, rng):
        path = os.path.join(catalog, "catalog.db-wal")
        with open(path, "rb") as f:
            content = f.read()
        if i % 10 == 0:
            shutil.copy(os.path.join(stranger, "catalog.db-wal"), path)
            return "of another catalog"
        if i % 10 == 1:
            os.remove(path)
            return "removed"
        frame = 24 + 16384
        frames = (len(content) - 32) // frame
        new, how = content, "no"
        while new == content:
            if i % 10 in (2, 3):
                n = rng.randrange(frames)
                new, how = content[:32 + n * frame], f"cut behind {n} of {frames} frames"
            elif i % 10 == 4:
                new, how = damage(content, rng, (0, 32))
            else:
                new, how = damage(content, rng)
        with open(path, "wb") as f:
            f.write(new)
        return how

    def try_one(i, box):
        rng = random.Random(i)
        catalog = os.path.join(box, "catalog")
        shutil.copytree(killed[i // 10 % 2], catalog)
        shm = os.path.join(catalog, "catalog.db-shm")
        if os.path.exists(shm):
            os.remove(shm)
        how = change(i, catalog, rng) + (", half in the database" if i // 10 % 2 else "")
        status, problems = good.compare(trial, catalog, box, f"log {how}", [before])
        found = good.answers(catalog, box)
        if status not in (0, 1) or (status == 0 and found not in (good.right, before)):
            raise common.Wrong(f"log {how}: --check {status} {problems}")

    return trial.run(range(number), try_one).report()


def test(programs, number, box):
    good = Good(programs, box, 200 if number > 50 else 40)
    ok = try_index_files(good, number)
    ok = try_databases(good, number) and ok
    return try_logs(programs, box, max(10, number // 5)) and ok


common.main(test)
