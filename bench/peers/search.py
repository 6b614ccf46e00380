#!/usr/bin/python3
"""How long FAISS and sqlite-vec search for the 10 nearest, for bench/peers.py.

    /usr/bin/python3 bench/peers/search.py COUNT THREADS [VEC0.so]

COUNT vectors of 512 numbers, noise around 1,000 centres, as pf-bench-index has them. Each
index is a line of JSON: name, seconds to build, median milliseconds of a question, of
processor time too, recall against Flat. sqlite-vec, one thread, is asked where COUNT is
100,000 at most, HNSW and product codes (PQ) where it is 20,000 at most: PQ trains for minutes.
Product codes are refined by exact vectors, four for each that is asked for.
"""
import json
import sqlite3
import sys
import time

import faiss
import numpy as np

DIM, CENTRES, QUESTIONS, K = 512, 1000, 20, 10
SQLITE_MOST, SLOW_MOST, TRAINING = 100000, 20000, 50000


def unit(x):
    return (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32)


def make(count, seed, centres):
    r = np.random.default_rng(seed)
    out = np.empty((count, DIM), np.float32)
    for i in range(0, count, 100000):
        n = min(100000, count - i)
        near = centres[r.integers(0, CENTRES, n)]
        out[i:i + n] = unit(near + r.standard_normal((n, DIM), np.float32))
    return out


def measure(name, build, ask, questions, truth):
    start = time.perf_counter()
    index = build()
    seconds = time.perf_counter() - start
    wall, cpu, right = [], [], 0
    ask(index, questions[:1])
    for i, q in enumerate(questions):
        before, used = time.perf_counter(), time.process_time()
        ids = ask(index, q[None])
        wall.append(1e3 * (time.perf_counter() - before))
        cpu.append(1e3 * (time.process_time() - used))
        right += len(set(ids) & set(truth[i])) if truth is not None else K
    print(json.dumps({"name": name, "build": seconds, "ms": float(np.median(wall)),
                      "cpu": float(np.median(cpu)), "recall": right / K / len(questions)}),
          flush=True)
    return index


def of_factory(spec, vectors, questions=None, truth=None):
    """One that has lists looks into as many as recall 0.99 takes, or its best if that is
    less."""
    def build():
        index = faiss.index_factory(DIM, spec, faiss.METRIC_INNER_PRODUCT)
        index.train(vectors[:TRAINING])
        index.add(vectors)
        refined = spec.endswith("RFlat")
        if refined:
            index.k_factor = 4
        if spec.startswith("IVF"):
            lists = faiss.downcast_index(index.base_index) if refined else index
            lists.nprobe = lists.nlist
            enough = min(0.99, recall(index, questions, truth))
            lists.nprobe = 2
            while recall(index, questions, truth) < enough:
                lists.nprobe *= 2
        if spec.startswith("HNSW"):
            index.hnsw.efSearch = 16
            while index.hnsw.efSearch < 1024 and recall(index, questions, truth) < 0.99:
                index.hnsw.efSearch *= 2
        return index
    return build


def recall(index, questions, truth):
    found = index.search(questions, K)[1].tolist()
    return sum(len(set(f) & set(t)) for f, t in zip(found, truth)) / K / len(truth)


def ask_faiss(index, q):
    return index.search(q, K)[1][0].tolist()


def in_sqlite(vectors, extension):
    def build():
        db = sqlite3.connect(":memory:")
        db.enable_load_extension(True)
        db.load_extension(extension)
        db.execute(f"CREATE VIRTUAL TABLE v USING vec0(e float[{DIM}])")
        db.executemany("INSERT INTO v(rowid, e) VALUES (?, ?)",
                       ((i, row.tobytes()) for i, row in enumerate(vectors)))
        return db
    return build


def ask_sqlite(db, q):
    rows = db.execute("SELECT rowid FROM v WHERE e MATCH ? AND k = ? ORDER BY distance",
                      (q[0].tobytes(), K))
    return [row[0] for row in rows]


def main(count, threads, extension=None):
    count = int(count)
    faiss.omp_set_num_threads(int(threads))
    centres = np.random.default_rng(1).standard_normal((CENTRES, DIM), np.float32)
    vectors, questions = make(count, 2, centres), make(QUESTIONS, 3, centres)
    flat = measure("FAISS Flat", of_factory("Flat", vectors), ask_faiss, questions, None)
    truth = [ask_faiss(flat, q[None]) for q in questions]
    measure("FAISS SQ8", of_factory("SQ8", vectors), ask_faiss, questions, truth)
    lists = max(64, int(2 * count ** 0.5) // 64 * 64)
    compared = {"IVF-Flat": f"IVF{lists},Flat", "IVF-SQ8": f"IVF{lists},SQ8"}
    if count <= SLOW_MOST:
        compared |= {"IVF-PQ, refined": f"IVF{lists},PQ64,RFlat", "HNSW32": "HNSW32"}
    for name, spec in compared.items():
        measure("FAISS " + name, of_factory(spec, vectors, questions, truth), ask_faiss,
                questions, truth)
    if extension and count <= SQLITE_MOST:
        measure("sqlite-vec", in_sqlite(vectors, extension), ask_sqlite, questions, truth)


if __name__ == "__main__":
    main(*sys.argv[1:])
