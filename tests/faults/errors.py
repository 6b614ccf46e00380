"""errors.py BIN_DIR NUMBER - the disk fails while the indexer writes.

At NUMBER points of a first and an incremental run together: a call that fails with EIO or
ENOSPC, once or from then on; a sync that fails; a write that is cut short, as POSIX
allows; and a file system that is full at some size, which takes the right to mount one.

A run that fails ends with 1 and says which file and why; one that ends with 0 has not
lost a sync or a write, and is complete. Until the disk is healed readers see the
generation before; then the next run ends where an undisturbed one does.
"""
import os
import subprocess

import common

REASONS = {"EIO": ("Input/output error",),
           "ENOSPC": ("No space left on device", "the disk is full"),
           "short": ("Input/output error",)}


def is_harmless(calls, n):
    """What may fail in silence: a file that is not removed goes with the next run, and a
    folder that SQLite could not sync, which it does not tell, is synced again before
    anything is published."""
    what, path = calls[n - 1]
    return what == "unlink" or (what == "sync" and (what, path) in calls[n:]
                                and "." not in os.path.basename(path))


def complain(err, catalog, what):
    """A message has the path and the reason."""
    reasons = next(texts for name, texts in REASONS.items() if what.endswith(name))
    if catalog not in err or not any(text in err for text in reasons):
        raise common.Wrong(f"{what}: the message lacks the path or the reason: "
                           f"{err.strip() or 'nothing'}")


def try_errors(night, name, number):
    calls = night.calls()
    syncs = [i for i, (what, _) in enumerate(calls, 1) if what == "sync"]
    share = max(2, number // 10)
    points = [(i, "EIO") for i in common.spread(len(calls), 2 * share)]
    points += [(i, "ENOSPC") for i in common.spread(len(calls), 2 * share)]
    points += [(i, "short") for i in common.spread(len(calls), share)]
    points += [(i, "sticky-EIO") for i in common.spread(len(calls), 2 * share)]
    points += [(i, "sticky-ENOSPC") for i in common.spread(len(calls), 2 * share)]
    points += [(syncs[i - 1], "EIO") for i in common.spread(len(syncs), number // 2)]
    points = sorted(set(points))
    trial = common.Trial(f"{name}, {len(calls)} calls, {len(syncs)} of them syncs")

    def try_one(point, box):
        n, what = point
        call, path = calls[n - 1]
        catalog = night.prepare(os.path.join(box, "catalog"))
        status, out, err = night.run(catalog, night.programs.fault(
            catalog, "--at", str(n), what))
        name = os.path.basename(path) if "/listed/" in path else "the folder"
        where = f"{call} of {name}"
        try:
            if status == 0:
                if what != "short" and not is_harmless(calls, n):
                    raise common.Wrong(f"{what} of {where} and exit 0")
                if night.see(catalog, box) != night.new:
                    raise common.Wrong(f"{what} of {where}: exit 0, but not complete")
                trial.note("complete")
            elif status == 1:
                complain(err, catalog, what)
                trial.note("failed, " + ("new" if night.see(catalog, box) == night.new
                                         else "old"))
            else:
                raise common.Wrong(f"{what} of {where}: exit {status}: {err.strip()}")
            night.heal(catalog, box, night.see(catalog, box) == night.new)
        except common.Wrong as wrong:
            raise common.Wrong(f"{what} of {where}: {wrong}") from None

    return trial.run(points, try_one).report()


def try_full_disk(night, name, kib):
    """A file system of so many KiB, which is then made larger."""
    trial = common.Trial(f"{name}, a file system of {kib[0]} to {kib[-1]} KiB that is full")

    def try_one(size, box):
        disk = os.path.join(box, "disk")
        os.mkdir(disk)
        mount("-t", "tmpfs", "-o", f"size={size}k", "films", disk)
        try:
            catalog = night.prepare(os.path.join(disk, "catalog"))
            status, _, err = night.run(catalog)
            if status == 0:
                trial.note("room enough")
            elif status != 1:
                raise common.Wrong(f"exit {status}: {err.strip()}")
            else:
                complain(err, catalog, "ENOSPC")
                trial.note("failed")
            state = night.see(catalog, box)
            mount("-o", "remount,size=64m", disk)
            night.heal(catalog, box, state == night.new)
        finally:
            subprocess.run(["umount", "-l", disk], check=True)

    return trial.run(kib, try_one, jobs=1).report()


def try_read_only(night):
    """A disk that the kernel has made read-only, as it does behind an error."""
    trial = common.Trial("a disk that is read-only")

    def try_one(_, box):
        disk = os.path.join(box, "disk")
        os.mkdir(disk)
        mount("-t", "tmpfs", "films", disk)
        try:
            catalog = night.prepare(os.path.join(disk, "catalog"))
            mount("-o", "remount,ro", disk)
            status, _, err = night.run(catalog)
            if status != 1 or catalog not in err or "Read-only file system" not in err:
                raise common.Wrong(f"exit {status}: {err.strip()}")
            if night.see(catalog, box) != night.old:
                raise common.Wrong("not as it was")
            mount("-o", "remount,rw", disk)
            night.heal(catalog, box)
        finally:
            subprocess.run(["umount", "-l", disk], check=True)

    return trial.run([1], try_one).report()


def mount(*arguments):
    subprocess.run(["mount", *arguments], check=True, capture_output=True)


def can_mount(box):
    return subprocess.run(["mount", "-t", "tmpfs", "films", box],
                          capture_output=True).returncode == 0 and \
        subprocess.run(["umount", box]).returncode == 0


def test(programs, number, box):
    ok = True
    disk = os.path.join(box, "disk")
    os.mkdir(disk)
    for is_first, name in ((True, "errors in a first run"),
                           (False, "errors in an incremental run")):
        folder = os.path.join(box, name.replace(" ", "-"))
        os.mkdir(folder)
        night = common.Night(programs, folder, 64, is_first)
        ok = try_errors(night, name, number // 2) and ok
        if not can_mount(disk):
            print("skip full and read-only disks: nothing can be mounted here")
            continue
        used = 0 if is_first else sum(os.stat(os.path.join(night.base, f)).st_blocks // 2
                                      for f in os.listdir(night.base))
        step = 160 if number > 50 else 1000
        ok = try_full_disk(night, name, range(used + 64, used + 2600, step)) and ok
        ok = (is_first or try_read_only(night)) and ok
    return ok


common.main(test)
