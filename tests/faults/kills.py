"""kills.py BIN_DIR NUMBER - SIGKILL at the calls that change a catalog.

A first and an incremental run over 200 pictures are killed at NUMBER points each, before
the call, behind it, or halfway through a write. Then --check finds nothing, questions of
each kind are answered as before the run or as after it, and the next run ends where an
undisturbed one does, embeds no picture that was committed, and leaves nothing over.
"""
import os

import common


def try_kills(night, name, number):
    calls = night.calls()
    trial = common.Trial(f"{name}, {len(calls)} calls")

    def try_one(point, box):
        how = ("kill-before", "kill-after", "kill-half")[point % 3]
        catalog = night.prepare(os.path.join(box, "catalog"))
        status, _, err = night.run(catalog, night.programs.fault(
            catalog, "--at", str(point), how))
        if status != 137:
            raise common.Wrong(f"{how} ends with {status}: {err.strip()}")
        state = night.see(catalog, box)
        trial.note("new" if state == night.new else "old")
        night.heal(catalog, box, state == night.new)

    return trial.run(common.spread(len(calls), number), try_one).report()


def test(programs, number, box):
    ok = True
    for is_first, name in ((True, "killed first run"), (False, "killed incremental run")):
        folder = os.path.join(box, name.replace(" ", "-"))
        os.mkdir(folder)
        night = common.Night(programs, folder, 200 if number > 50 else 40, is_first)
        ok = try_kills(night, name, number) and ok
    return ok


common.main(test)
