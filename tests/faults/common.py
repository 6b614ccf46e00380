"""common.py - what the tests of faults share: films to index, the programs, and what a
catalog answers.

A test is a script with BIN_DIR as its first argument and a number of points or rounds as
its second. It prints one line per bar, and what went wrong; its exit status is 1 when
something did, 77 when it cannot run here.
"""
import concurrent.futures
import json
import os
import random
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading

# One of each kind; ids and words are those of the films below.
QUESTIONS = [
    {"phrase": "pleural effusion", "by": "meaning", "limit": 20},
    {"phrase": "fracture", "by": "words", "limit": 200},
    {"phrase": "\"lumbar spine\" OR haematoma -ct", "by": "words", "limit": 50},
    {"phrase": "subdural haematoma", "by": "both", "limit": 20},
    {"phrase": "no fracture", "find": "captions", "limit": 20},
    {"phrase": "fracture", "find": "captions", "by": "words", "limit": 50},
    {"like": 3, "limit": 20},
    {"image_bytes": "UDIKMiAyCjI1NQowIDI1NSA5MCAyMDAK", "limit": 20},
    {"phrase": "spine", "find": "captions", "phrases": ["spine", "knee", "skull"]},
    {"embed": True, "phrase": "liver"},
    {"parts": [{"phrase": "chest"}, {"like": 9, "weight": -0.5}],
     "filter": ["modality=XR"], "limit": 20},
    {"phrase": "knee", "min_percentile": 90, "limit": 50},
    {"phrase": "hip", "collapse": 0.95, "limit": 20},
    {"like": 2, "classify": ["chest x-ray", "head CT"]},
    {"phrase": "wrist", "classify": ["fracture", "normal"], "limit": 5},
    {"duplicates": 0.99999},
    {"evaluate": True, "filter": ["modality=CT"]},
]
PAST = 1700000000  # when films were made: what is very new may be read again


class Wrong(Exception):
    """What a test finds, in one line."""


class Programs:
    """The programs in BIN_DIR, one worker each, so that a run is the same each time.
    Their model is tiny and knows nothing: what is embedded is not what is tried here."""

    def __init__(self, folder, box):
        self.folder = os.path.abspath(folder)
        self.model = os.path.join(box, "model")
        self.run(["pf-seeded-catalog", self.model, os.path.join(box, "seeded"), "1"])
        shutil.rmtree(os.path.join(box, "seeded"))

    def path(self, name):
        return os.path.join(self.folder, name)

    def run(self, argv, under=(), text_in=None, seconds=300):
        """(exit status, stdout, stderr); `under` is a program that runs it."""
        done = subprocess.run([*under, self.path(argv[0]), *argv[1:]],
                              input=text_in, capture_output=True, timeout=seconds,
                              text=True, errors="replace")
        return done.returncode, done.stdout, done.stderr

    def index(self, catalog, *more, under=()):
        return self.run(["plainfilm-index", "-q", "-j", "1", "-c", catalog,
                         "--format", "json", *more], under)

    def first(self, catalog, films, under=()):
        return self.index(catalog, "--model", self.model, "--captions",
                          os.path.join(films, "captions.csv"), films, under=under)

    def fault(self, catalog, *options):
        return (self.path("pf-fault"), *options, catalog)

    def check(self, catalog):
        """(exit status, what --check says as an object or None, stderr)"""
        status, out, err = self.run(
            ["plainfilm-index", "--check", "--format", "json", "-c", catalog])
        return status, json.loads(out) if out.startswith("{") else None, err

    def ask(self, catalog, questions=None):
        """A line for each question, without what a clock says."""
        lines = [json.dumps(q) for q in questions or QUESTIONS]
        status, out, err = self.run(["plainfilm-query", "-q", "-c", catalog, "--batch"],
                                    text_in="\n".join(lines) + "\n")
        if not out:
            return [f"status {status}: {err.strip()}"] * len(lines)
        return [without_clock(line) for line in out.splitlines()]

    def sheet(self, catalog, box):
        """A page with the thumbnails of hits, without what is used once."""
        page = os.path.join(box, "sheet.html")
        status, _, err = self.run(["plainfilm-query", "-q", "-c", catalog, "-n", "200",
                                   "--sheet", page, "--like", "1"])
        if status != 0:
            return f"status {status}: {err.strip()}"
        with open(page, encoding="utf-8") as f:
            return re.sub("nonce[-=]\"?[0-9a-f]+", "", f.read())

    def state(self, catalog, box):
        """What readers see: answers, thumbnails, and the digest that --check has."""
        status, said, err = self.check(catalog)
        answers = self.ask(catalog)
        is_empty = all(is_error(a) for a in answers)
        is_missing = "there is no catalog" in err or "is empty" in err
        if status != 0 and not (is_empty and is_missing):
            raise Wrong(f"--check {status}: {said or err.strip()}")
        if is_empty:
            return NOTHING
        digest = said.get("digest") if said else None
        return [digest, self.sheet(catalog, box), *answers]


NOTHING = ["nothing was published"]


def is_error(answer):
    return answer.startswith("status ") or '"error":' in answer


def without_clock(line):
    def drop(value):
        if isinstance(value, list):
            return [drop(v) for v in value]
        if not isinstance(value, dict):
            return value
        return {k: drop(v) for k, v in value.items() if k not in ("took_ms", "seconds")}
    return json.dumps(drop(json.loads(line)), sort_keys=True)


def differs(a, b):
    """The first of what differs, short."""
    for x, y in zip(a, b):
        if x != y:
            at = next((i for i, (c, d) in enumerate(zip(str(x), str(y))) if c != d), 0)
            return f"{str(x)[max(0, at - 60):at + 60]} | {str(y)[max(0, at - 60):at + 60]}"
    return f"{len(a)} answers, {len(b)}" if len(a) != len(b) else ""


# --- films ---------------------------------------------------------------------------

def age(folder):
    for at, _, names in os.walk(folder):
        for name in names:
            os.utime(os.path.join(at, name), (PAST, PAST))


def draw_films(programs, folder, n, seed=1):
    programs.run(["pf-phantoms", "--count", str(n), "--size", "64", "--seed", str(seed),
                  folder])
    age(folder)


def change_films(programs, folder, box, seed):
    """A day: a tenth of the pictures differ, some are new, gone, moved. Those that
    QUESTIONS name stay."""
    rng = random.Random(seed)
    other = os.path.join(box, "other")
    names = sorted(n for n in os.listdir(folder) if n.endswith(".jpg"))[12:]
    draw_films(programs, other, len(names), seed + 1000)
    fresh = sorted(n for n in os.listdir(other) if n.endswith(".jpg"))
    chosen = rng.sample(names, max(8, len(names) // 5))
    part = len(chosen) // 4
    for name in chosen[:2 * part]:
        shutil.copy(os.path.join(other, rng.choice(fresh)), os.path.join(folder, name))
    with open(os.path.join(folder, "captions.csv"), encoding="utf-8") as f:
        lines = f.read().split("\n")
    for name in chosen[2 * part:3 * part]:
        os.remove(os.path.join(folder, name))
        lines = [line for line in lines if not line.startswith(name + ",")]
    for name in chosen[3 * part:]:
        moved = f"moved{seed}-{name}"
        os.rename(os.path.join(folder, name), os.path.join(folder, moved))
        lines = [moved + line[len(name):] if line.startswith(name + ",") else line
                 for line in lines]
    for i in range(part):
        shutil.copy(os.path.join(other, fresh[-1 - i]),
                    os.path.join(folder, f"new{seed}-{i}.jpg"))
        lines.insert(1, f'new{seed}-{i}.jpg,"Fracture of bone {seed} {i}.",,XR,,,,fracture')
    with open(os.path.join(folder, "captions.csv"), "w", encoding="utf-8") as f:
        f.write("\n".join(lines))
    shutil.rmtree(other)
    age(folder)


# --- left over -----------------------------------------------------------------------

def rows(catalog, sql):
    db = sqlite3.connect(f"file:{catalog}/catalog.db?mode=ro", uri=True)
    try:
        return db.execute(sql).fetchall()
    finally:
        db.close()


def left_over(catalog):
    """Rows that nobody points to and files that nobody names, in words; or nothing."""
    found = []
    for table, sql in [
            ("picture", "SELECT count(*) FROM picture WHERE id NOT IN"
                        " (SELECT picture_id FROM image)"),
            ("caption_text", "SELECT count(*) FROM caption_text WHERE id NOT IN"
                             " (SELECT caption_text_id FROM caption)"),
            ("thumbnail", "SELECT count(*) FROM thumbnail WHERE picture_id NOT IN"
                          " (SELECT id FROM picture)")]:
        n = rows(catalog, sql)[0][0]
        if n:
            found.append(f"{n} rows of {table}")
    named = {name for (name,) in rows(catalog, "SELECT name FROM index_file")}
    for name in os.listdir(catalog):
        if ".faiss" in name and name not in named:
            found.append(f"file {name}")
    return ", ".join(found)


# --- points --------------------------------------------------------------------------

class Trial:
    """Points that are tried, two at a time, each in a folder of its own."""

    def __init__(self, name):
        self.name = name
        self.n = 0
        self.wrong = []
        self.notes = {}
        self.lock = threading.Lock()

    def note(self, what):
        with self.lock:
            self.notes[what] = self.notes.get(what, 0) + 1

    def run(self, points, try_one, jobs=2):
        def guarded(point):
            with tempfile.TemporaryDirectory(prefix="pf-fault-") as box:
                try:
                    try_one(point, box)
                    why = None
                except Wrong as wrong:
                    why = f"{point}: {wrong}"
                except (subprocess.TimeoutExpired, ValueError, OSError,
                        sqlite3.Error) as e:
                    why = f"{point}: {type(e).__name__} {e}"
            with self.lock:
                self.n += 1
                if why:
                    self.wrong.append(why)
        with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
            list(pool.map(guarded, points))
        return self

    def report(self):
        notes = "".join(f"; {n} {what}" for what, n in sorted(self.notes.items()))
        print(f"{'ok  ' if not self.wrong else 'FAIL'} {self.name}: {self.n} points, "
              f"{len(self.wrong)} wrong{notes}", flush=True)
        for line in self.wrong[:20]:
            print(f"       {line[:600]}", flush=True)
        return not self.wrong


def spread(n, most):
    """At most `most` of 1 to n, the first and the last among them."""
    if n <= most:
        return list(range(1, n + 1))
    return sorted({1 + round(i * (n - 1) / (most - 1)) for i in range(most)})


class Night:
    """A catalog before a run, the films as the run finds them, and what it should come
    to: `old` and `new` as Programs.state() has them."""

    def __init__(self, programs, box, n_films, is_first):
        self.programs, self.is_first = programs, is_first
        self.films = os.path.join(box, "films")
        self.base = os.path.join(box, "base")
        self.box = box
        draw_films(programs, self.films, n_films)
        self.old, self.old_picture = NOTHING, 0
        if not is_first:
            must(programs.first(self.base, self.films))
            self.old = programs.state(self.base, box)
            self.old_picture = rows(self.base, "SELECT max(id) FROM picture")[0][0]
            change_films(programs, self.films, box, 1)
        undisturbed = self.prepare(os.path.join(box, "undisturbed"))
        report = json.loads(must(self.run(undisturbed)))
        self.embedded = report.get("embedded")
        self.new = programs.state(undisturbed, box)
        if self.new == self.old:
            raise Wrong("the night changes nothing")

    def prepare(self, catalog):
        if not self.is_first:
            shutil.copytree(self.base, catalog)
        return catalog

    def run(self, catalog, under=()):
        if self.is_first:
            return self.programs.first(catalog, self.films, under)
        return self.programs.index(catalog, under=under)

    def calls(self, options=()):
        """Every call of an undisturbed run that a fault could hit: [(name, path)]."""
        seen = os.path.join(self.box, "list")
        catalog = self.prepare(os.path.join(self.box, "listed"))
        must(self.run(catalog, self.programs.fault(catalog, *options, "--list", seen)))
        shutil.rmtree(catalog)
        with open(seen, encoding="utf-8") as f:
            return [tuple(line.split(" ")[1:3]) for line in f]

    def embedded_already(self, catalog):
        if not os.path.exists(os.path.join(catalog, "catalog.db")):
            return 0
        try:
            return rows(catalog, "SELECT count(*) FROM picture WHERE id >"
                                 f" {self.old_picture}")[0][0]
        except sqlite3.OperationalError:  # no such table yet
            return 0

    def see(self, catalog, box):
        """The state, which must be the old or the new one."""
        state = self.programs.state(catalog, box)
        if state not in (self.old, self.new):
            raise Wrong(f"not old: {differs(state, self.old)}; "
                        f"not new: {differs(state, self.new)}")
        return state

    def heal(self, catalog, box, is_new=False):
        """The run once more, undisturbed: all is as if nothing had happened."""
        before = self.embedded_already(catalog)
        status, out, err = self.run(catalog)
        if status != 0:
            raise Wrong(f"the next run ends with {status}: {err.strip() or out[:300]}")
        state = self.programs.state(catalog, box)
        if state != self.new:
            raise Wrong(f"not healed: {differs(state, self.new)}")
        embedded = json.loads(out).get("embedded")
        expected = 0 if is_new else self.embedded - before
        if embedded is not None and embedded != expected:
            raise Wrong(f"{embedded} embedded by the next run, expected {expected}")
        left = left_over(catalog)
        if left:
            raise Wrong(f"left over: {left}")


def must(done):
    status, out, err = done
    if status != 0:
        raise Wrong(f"exit {status}: {err.strip()} {out[:300]}")
    return out


def main(test):
    """test(programs, number, box) prints its lines and returns whether all is well."""
    if len(sys.argv) != 3:
        sys.exit(f"usage: {sys.argv[0]} BIN_DIR NUMBER")
    with tempfile.TemporaryDirectory(prefix="pf-faults-") as box:
        box = os.path.realpath(box)
        programs = Programs(sys.argv[1], box)
        if programs.run(["pf-fault", box, "/bin/true"])[0] == 77:
            sys.exit(77)
        sys.exit(0 if test(programs, int(sys.argv[2]), box) else 1)
