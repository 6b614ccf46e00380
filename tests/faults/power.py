"""power.py BIN_DIR NUMBER - the power goes while the indexer writes.

What a first and an incremental run do to the folder is recorded, and done again up to
NUMBER points each, on a disk that keeps what POSIX promises and nothing more: of a file
what it held at its last sync, of a folder the names it had at its own. Of what came after
it keeps nothing, or names without contents, or a part of the writes: whole, torn at a
sector, in any order. Then it is as after a kill (kills.py).
"""
import os
import random

import common


class File:
    """What is on the disk, and what is on its way: [(offset, bytes)] or a new length."""

    def __init__(self):
        self.kept, self.pending = b"", []

    def sync(self):
        self.kept, self.pending = apply(self.kept, self.pending), []


def apply(content, changes):
    content = bytearray(content)
    for offset, data in changes:
        if data is None:
            del content[offset:]
            content.extend(bytes(offset - len(content)))
        else:
            content.extend(bytes(max(0, offset - len(content))))
            content[offset:offset + len(data)] = data
    return bytes(content)


class Disk:
    """A folder: names on the disk, and changes of names on their way, which a journal
    keeps in order."""

    def __init__(self, folder):
        self.names, self.pending = {}, []
        self.now = {}  # names as the program sees them
        if os.path.exists(folder):
            for name in os.listdir(folder):
                file = self.names[name] = self.now[name] = File()
                with open(os.path.join(folder, name), "rb") as f:
                    file.kept = f.read()

    def change_name(self, name, file):
        self.pending.append((name, file))
        if file:
            self.now[name] = file
        else:
            del self.now[name]

    def do(self, what, name, offset, data, old):
        if what == "create":
            self.change_name(name, File())
        elif what == "unlink":
            self.change_name(name, None)
        elif what == "rename":
            file = self.now[old]
            self.change_name(name, file)
            self.change_name(old, None)
        elif what == "sync" and name == "":
            for changed, file in self.pending:
                self.names[changed] = file
            self.pending = []
        elif what == "sync":
            self.now[name].sync()
        elif what == "truncate":
            self.now[name].pending.append((offset, None))
        elif what == "write":
            self.now[name].pending.append((offset, data))

    def after_cut(self, how, rng):
        """{name: bytes} that are found when the power is back."""
        names = dict(self.names)
        n = {"lost": 0, "names": len(self.pending)}.get(
            how, rng.randint(0, len(self.pending)))
        for name, file in self.pending[:n]:
            names[name] = file
        return {name: apply(file.kept, survivors(file.pending, how, rng))
                for name, file in names.items() if file}


def survivors(pending, how, rng):
    if how in ("lost", "names"):
        return []
    if how == "prefix":  # in order, the last one torn
        kept = list(pending[:rng.randint(0, len(pending))])
        if kept and kept[-1][1]:
            offset, data = kept[-1]
            kept[-1] = (offset, data[:rng.randint(0, len(data))])
        return kept
    sector, chance = rng.choice((512, 4096)), rng.choice((0.1, 0.5, 0.9))
    kept = []
    for offset, data in pending:  # "torn": each sector by itself
        if data is None:
            kept += [(offset, None)] if rng.random() < chance else []
            continue
        at = 0
        while at < len(data):
            end = min(len(data), at + sector - (offset + at) % sector)
            if rng.random() < chance:
                kept.append((offset + at, data[at:end]))
            at = end
    return kept


def read_log(path, folder):
    """[(what, name, offset, data, old name)], "" being the folder itself."""
    done, old = [], None
    with open(path, "rb") as f:
        while line := f.readline():
            what, name, offset, size = split(line)
            data = f.read(size)
            if what == "from":
                old = os.path.basename(name)
                continue
            if what == "mkdir" or name.endswith("-shm"):
                continue  # the folder is there; that file is memory, and made anew
            done.append((what, "" if name == folder else os.path.basename(name), offset,
                         data, old))
    return done


def split(line):
    what, rest = line.decode().rstrip("\n").split(" ", 1)
    name, offset, size = rest.rsplit(" ", 2)
    return what, name, int(offset), int(size)


def try_cuts(night, name, number):
    log = os.path.join(night.box, "log")
    catalog = night.prepare(os.path.join(night.box, "logged"))
    common.must(night.run(catalog, night.programs.fault(catalog, "--log", log)))
    done = read_log(log, catalog)
    cuts = common.spread(len(done), number)
    trial = common.Trial(f"{name}, {len(done)} calls")

    def try_one(point, box):
        rng = random.Random(point)
        disk = Disk(night.base)
        for step in done[:point]:
            disk.do(*step)
        how = ("torn", "lost", "prefix", "names", "torn")[cuts.index(point) % 5]
        catalog = os.path.join(box, "catalog")
        os.mkdir(catalog, 0o700)
        for file, content in disk.after_cut(how, rng).items():
            with open(os.path.join(catalog, file), "wb") as f:
                f.write(content)
        if rng.random() < 0.3 and os.path.exists(os.path.join(catalog, "catalog.db")):
            with open(os.path.join(catalog, "catalog.db-shm"), "wb") as f:
                f.write(rng.randbytes(32768))
        try:
            state = night.see(catalog, box)
            if point == len(done) and state != night.new:
                raise common.Wrong("a run that ended well is lost")
            trial.note("new" if state == night.new else "old")
            night.heal(catalog, box, state == night.new)
        except common.Wrong as wrong:
            raise common.Wrong(f"{how}: {wrong}") from None

    return trial.run(cuts, try_one).report()


def test(programs, number, box):
    ok = True
    for is_first, name in ((True, "power cuts in a first run"),
                           (False, "power cuts in an incremental run")):
        folder = os.path.join(box, name.replace(" ", "-"))
        os.mkdir(folder)
        night = common.Night(programs, folder, 64, is_first)
        ok = try_cuts(night, name, number) and ok
    return ok


common.main(test)
