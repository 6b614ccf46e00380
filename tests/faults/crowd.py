"""crowd.py BIN_DIR NUMBER - many at one catalog.

NUMBER rounds of three indexers that start at once after a day's changes: each ends well,
the catalog is as one of them alone leaves it, and no picture is embedded twice. Then 200
NUMBER questions of all kinds by two programs that stay open, during NUMBER publishes: no
error, and each answer is that of one generation, never of one before what the same
program was told already.
"""
import json
import os
import shutil
import subprocess
import threading

import common

PER_PUBLISH, ASKING = 200, 2
SELDOM = 20  # questions that take long are asked so seldom


def try_indexers(programs, box, rounds):
    films = os.path.join(box, "films")
    catalog = os.path.join(box, "catalog")
    common.draw_films(programs, films, 60)
    common.must(programs.first(catalog, films))
    trial = common.Trial("three indexers at once")

    def start():
        return subprocess.Popen(
            [programs.path("plainfilm-index"), "-q", "-j", "1", "-c", catalog,
             "--format", "json", "--wait", "300"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def one_round(i, spare):
        common.change_films(programs, films, box, i)
        alone = os.path.join(spare, "alone")
        shutil.copytree(catalog, alone)
        expected = json.loads(common.must(programs.index(alone)))["embedded"]
        said = [(p, *p.communicate(timeout=300)) for p in [start() for _ in range(3)]]
        for p, _, err in said:
            if p.returncode != 0:
                raise common.Wrong(f"exit {p.returncode}: {err.strip()}")
        embedded = sum(json.loads(out)["embedded"] for _, out, _ in said)
        if embedded != expected:
            raise common.Wrong(f"{embedded} embedded, expected {expected}")
        found, one = programs.state(catalog, spare), programs.state(alone, spare)
        if found != one:
            raise common.Wrong(f"not as one alone leaves it: {common.differs(found, one)}")
        left = common.left_over(catalog)
        if left:
            raise common.Wrong(f"left over: {left}")

    return trial.run(range(1, rounds + 1), one_round, jobs=1).report()


class Asking(threading.Thread):
    """A program that is asked one question after another, and what it said."""

    def __init__(self, programs, catalog, number, published):
        super().__init__()
        self.number, self.published = number, published
        self.answers = []  # (question, answer, publishes that were done before it)
        self.program = subprocess.Popen(
            [programs.path("plainfilm-query"), "-q", "-c", catalog, "--batch"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True)

    def questions(self):
        slow = [i for i, q in enumerate(common.QUESTIONS)
                if "duplicates" in q or "evaluate" in q]
        quick = [i for i in range(len(common.QUESTIONS)) if i not in slow]
        for n in range(self.number):
            yield slow[n // SELDOM % len(slow)] if n % SELDOM == 0 else \
                quick[n % len(quick)]

    def run(self):
        for n, i in enumerate(self.questions()):
            # not all of them before the first publish
            while n > (len(self.published) + 1) * self.number // 50 + 20 and \
                    not self.published.is_over.wait(0.01):
                pass
            done = len(self.published)
            self.program.stdin.write(json.dumps(common.QUESTIONS[i]) + "\n")
            self.program.stdin.flush()
            self.answers.append((i, self.program.stdout.readline(), done))
        self.program.stdin.close()
        self.program.wait()


class Published(list):
    """What each generation answers, in order."""

    def __init__(self):
        super().__init__()
        self.is_over = threading.Event()


def judge(trial, asking, published):
    """Each answer is that of a generation, and generations do not go back."""
    newest = 0
    for i, line, done in asking.answers:
        trial.n += 1
        answer = common.without_clock(line) if line else "nothing"
        if common.is_error(answer):
            trial.wrong.append(f"question {i}: {answer[:300]}")
            continue
        fits = [g for g, answers in enumerate(published) if answers[i] == answer]
        if not fits:
            trial.wrong.append(f"question {i} during publish {done}: of no generation: "
                               f"{common.differs([answer], [published[newest][i]])}")
        elif max(fits) < newest:
            trial.wrong.append(f"question {i}: of generation {max(fits)} behind {newest}")
        else:
            newest = max(newest, min(g for g in fits if g >= newest))
    return newest


def try_questions(programs, box, publishes):
    films = os.path.join(box, "live")
    catalog = os.path.join(box, "live-catalog")
    common.draw_films(programs, films, 60)
    common.must(programs.first(catalog, films))
    published = Published()
    published.append(programs.ask(catalog))
    asking = [Asking(programs, catalog, PER_PUBLISH * publishes // ASKING, published)
              for _ in range(ASKING)]
    for thread in asking:
        thread.start()
    for i in range(1, publishes + 1):
        common.change_films(programs, films, box, i)
        common.must(programs.index(catalog))
        published.append(programs.ask(catalog))
    published.is_over.set()
    trial = common.Trial(f"questions during {publishes} publishes")
    for thread in asking:
        thread.join()
        if thread.program.returncode != 0:
            trial.wrong.append(f"exit {thread.program.returncode}")
        trial.note(f"generations seen by one program: {judge(trial, thread, published)}")
    return trial.report()


def test(programs, number, box):
    ok = try_indexers(programs, box, number)
    return try_questions(programs, box, number) and ok


common.main(test)
