#!/usr/bin/python3
"""Every figure of speed beside its peers', in one run on one machine.

    sh bench/peers/setup.sh BIN FOLDER TOKENIZER [PICTURES]   once
    /usr/bin/python3 bench/peers.py BIN FOLDER [--only PART,...] [--rounds N]
        [--seconds S] [--sizes N,...] [--write]

PART is embed, resnet, text, film, index, search, query or night; without --only, all. Competitors
take turns, --rounds times (5), and what is shown is the median of each, processor time
beside wall time; the ratio is that of the medians. FOLDER/figures.json keeps what was
measured, part by part, so that parts can be run again by themselves; --write makes
the section of bench/results.md and the plots in bench/plots anew from it.

On a machine that others use compare ratios within a part, and processor time.
"""
import argparse
import json
import os
import pathlib
import resource
import shutil
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
PEERS = ROOT / "bench/peers"
PYTHON = "/usr/bin/python3"
PICTURES_OF_TORCH = 24  # of the 300: it is slow
SIDE = {"vitb32": 224, "rn50": 224, "rn50x4": 288}


# ---- running ----

def cpu_of_children():
    u = resource.getrusage(resource.RUSAGE_CHILDREN)
    return u.ru_utime + u.ru_stime


def run(*command):
    """Its output, wall and processor seconds, those of its own children included."""
    start, cpu = time.perf_counter(), cpu_of_children()
    out = subprocess.run([str(c) for c in command], stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE, text=True, check=False)
    if out.returncode != 0:
        sys.exit(f"peers.py: {' '.join(map(str, command))}: {out.stderr}")
    return out.stdout, time.perf_counter() - start, cpu_of_children() - cpu


def median(values):
    values = sorted(values)
    return values[len(values) // 2]


class Ort:
    """ONNX Runtime with one model, which stays open and waits in between."""

    def __init__(self, folder, variant, kind, is_int8, threads):
        model = folder / f"{variant}-{kind}{'-int8' if is_int8 else ''}.onnx"
        self.process = subprocess.Popen(
            ["node", PEERS / "ort.js", model, kind, str(SIDE[variant]), str(threads)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env=dict(os.environ, NODE_PATH=str(folder / "node_modules")))
        self.process.stdout.readline()

    def run(self, batch, seconds):
        """Seconds for one input: wall, processor."""
        self.process.stdin.write(f"run {batch} {seconds}\n")
        self.process.stdin.flush()
        r = json.loads(self.process.stdout.readline())
        return r["wall"] / r["inputs"], r["cpu"] / r["inputs"]

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class Bench:
    def __init__(self, options):
        self.bin, self.folder = options.bin.resolve(), options.folder.resolve()
        self.rounds, self.seconds = options.rounds, options.seconds
        self.sizes = [int(n) for n in options.sizes.split(",")]

    def turns(self, competitors):
        """{name: (median wall, median cpu)} of {name: function -> (wall, cpu)}."""
        times = {name: [] for name in competitors}
        for i in range(self.rounds):
            for name, measure in competitors.items():
                times[name].append(measure())
            print(f"  round {i + 1} of {self.rounds}", file=sys.stderr)
        return {name: (median([t[0] for t in all_]), median([t[1] for t in all_]))
                for name, all_ in times.items()}

    def ours(self, variant, precision, row):
        """pf-bench-embed's figure for one input: wall, processor seconds."""
        out, _, _ = run(self.bin / "pf-bench-embed", self.folder / f"{variant}.safetensors",
                        self.seconds, precision, row)
        f = out.splitlines()[-1].split("\t")
        value, cpu = float(f[5]), float(f[7])
        return (value / 1e3 if f[6] == "ms" else 1 / value), cpu


# ---- parts: each gives rows (what, competitor, wall ms, processor ms), for one input ----

def measure_rows(b, rows):
    """rows: (what, variant, kind, our row, peer's batch, threads, precisions)."""
    out = []
    for what, variant, kind, row, batch, threads, precisions in rows:
        print(what, file=sys.stderr)
        peers = {"ONNX Runtime f32": Ort(b.folder, variant, kind, False, threads),
                 "ONNX Runtime int8": Ort(b.folder, variant, kind, True, threads)}
        competitors = {f"plainfilm {p}": (lambda p=p: b.ours(variant, p, row))
                       for p in precisions}
        competitors.update({name: (lambda o=o: o.run(batch, b.seconds))
                            for name, o in peers.items()})
        for name, (wall, cpu) in b.turns(competitors).items():
            out.append((what, name, 1e3 * wall, 1e3 * cpu))
        for o in peers.values():
            o.close()
    return out


def embed(b):
    every = ("auto", "f32", "i8")
    rows = [(f"ViT-B/32, batch {batch}, {threads} thread{'s' * (threads > 1)}", "vitb32",
             "image", f"{'image' if (batch, threads) == (1, 2) else 'images'}:{batch}:"
             f"{threads}", batch, threads, every)
            for batch in (1, 8) for threads in (1, 2)]
    return measure_rows(b, rows)


def resnet(b):
    return measure_rows(b, [
        (f"{name}, batch 8, 2 threads", variant, "image", "images:8:2", 8, 2,
         ("auto", "f32")) for name, variant in (("RN50", "rn50"), ("RN50x4", "rn50x4"))])


def text(b):
    # ONNX Runtime's graph always has 77 tokens, as CLIP's own code
    return measure_rows(b, [
        ("a phrase of 10 tokens, 1 thread", "vitb32", "text", "text:10:1", 1, 1,
         ("auto", "f32")),
        ("a phrase of 10 tokens, 2 threads", "vitb32", "text", "text:10:2", 1, 2,
         ("auto", "f32")),
        ("a text of 77 tokens, 1 thread", "vitb32", "text", "text:77:1", 1, 1,
         ("auto", "f32")),
        ("32 texts at once (ours of 25 tokens), 1 thread", "vitb32", "text", "text:25:1",
         32, 1, ("auto", "f32"))])


def film(b):
    out = []
    for path in (b.folder / "film.jpg", b.folder / "films/000.jpg"):
        costs = {"whole": [], "small": []}
        for _ in range(b.rounds):
            lines, _, _ = run(b.bin / "pf-bench-pictures",
                              b.folder / "vitb32.safetensors", path)
            for line in lines.splitlines()[1:]:
                f = line.split("\t")
                costs[f[1]].append((float(f[8]), float(f[9])))
        for which, found in costs.items():
            out.append((path.name, f"decoded {which}, resized, thumbnail", None,
                        median([c[0] for c in found])))
        out.append((path.name, "its embedding, batch 1", None,
                    median([c[1] for c in costs["small"]])))
    return out


def index(b):
    films, checkpoint = b.folder / "films", b.folder / "vitb32.safetensors"
    n = len(list(films.iterdir()))

    def ours(precision):
        catalog = b.folder / "catalog"
        shutil.rmtree(catalog, ignore_errors=True)
        out, _, cpu = run(b.bin / "plainfilm-index", "-q", "--format", "json", "-c", catalog,
                          "--model", checkpoint, "--precision", precision, films)
        return 1 / json.loads(out)["images_per_second"], cpu / n

    def torch():
        out, _, _ = run(PYTHON, "-W", "ignore", PEERS / "indexer.py", checkpoint, films, 2,
                        PICTURES_OF_TORCH)
        r = json.loads(out)
        return r["wall"] / r["inputs"], r["cpu"] / r["inputs"]

    competitors = {}
    for p in ("auto", "f32", "i8"):
        competitors[f"plainfilm-index {p}"] = lambda p=p: ours(p)
        competitors[f"the tower alone, {p}"] = \
            lambda p=p: b.ours("vitb32", p, "images:8:2")
    competitors["PyTorch + Pillow"] = torch
    return [(f"{n} JPEGs of 1000 x 800, 2 threads", name, 1e3 * wall, 1e3 * cpu)
            for name, (wall, cpu) in b.turns(competitors).items()]


def search(b):
    out = []
    box = b.folder / "index"
    box.mkdir(exist_ok=True)
    extension = b.folder / "node_modules/sqlite-vec-linux-x64/vec0.so"
    for size in b.sizes:
        for threads in (1, 2):
            lines, _, _ = run(PYTHON, PEERS / "search.py", size, threads,
                              *([extension] if extension.exists() and threads == 1 else []))
            for line in lines.splitlines():
                r = json.loads(line)
                out.append((f"{size:,} vectors, {threads} thread{'s' * (threads > 1)}",
                            f"{r['name']} (recall {r['recall']:.3f}, built in "
                            f"{r['build']:.1f} s)", r["ms"], r["cpu"]))
        for lists in (0, int(2 * size ** 0.5)):
            lines, _, _ = run(b.bin / "pf-bench-index", box, size, 512, 20, 1000, lists)
            for line in lines.splitlines()[1:]:
                f = line.split("\t")
                if f[4] not in ("1", "2") or f[3].startswith("write"):
                    continue
                if lists and f[3] != "10 of 100 %":
                    continue  # filters are exact
                name = "plainfilm in lists" if lists else "plainfilm"
                many = f"{lists} of them, " * bool(lists)
                recall = f" ({many}recall {f[8]})" if len(f) > 8 and f[8] else ""
                out.append((f"{size:,} vectors, {f[4]} thread{'s' * (f[4] == '2')}",
                            f"{name}: {f[3]}{recall}", float(f[5]), float(f[7])))
    order = {what: i for i, what in enumerate(dict.fromkeys(r[0] for r in out))}
    out.sort(key=lambda r: order[r[0]])
    shutil.rmtree(box)
    return out


def make_catalog(b):
    catalog = b.folder / "seeded"
    shutil.rmtree(catalog, ignore_errors=True)
    run(b.bin / "pf-seeded-catalog", b.folder / "vitb32.safetensors", catalog, 100000,
        "measured")
    return catalog


def query(b):
    """Whole processes, the full-size model, 100,000 images and captions."""
    catalog = make_catalog(b)

    def ask(how):
        def one():
            _, wall, cpu = run(b.bin / "plainfilm-query", "-c", catalog, "--by", how,
                               "left pleural effusion")
            return wall, cpu
        return one

    return [("plainfilm-query, 100,000 images and captions", f"by {name}", 1e3 * wall,
             1e3 * cpu)
            for name, (wall, cpu) in b.turns({how: ask(how) for how in
                                              ("meaning", "both", "words")}).items()]


def night(b):
    catalog = make_catalog(b)
    lines, _, _ = run(b.bin / "pf-bench-night", catalog, 100, b.rounds)
    rows = [line.split("\t") for line in lines.splitlines()[1:]]
    wall, cpu, written = (median([float(r[i]) for r in rows]) for i in (1, 2, 3))
    return [("100 images more in 100,000", f"published, {written / 1024:.1f} MiB written",
             wall, cpu)]


PARTS = {f.__name__: f for f in (embed, resnet, text, film, index, search, query, night)}
TITLES = {"embed": "Images, time for one", "resnet": "The same, ResNets", "text": "Texts, time for one",
          "film": "A picture before its embedding", "index": "Indexing, time for one",
          "search": "The 10 nearest of vectors of 512 numbers",
          "query": "A question, the whole process, ViT-B/32", "night": "A night"}


# ---- writing it down ----

def processor():
    for line in open("/proc/cpuinfo", encoding="utf-8"):
        if line.startswith("model name"):
            name = line.split(":", 1)[1].strip()
        if line.startswith("flags"):
            flags = line.split()
            break
    told = ("avx2", "fma", "avx_vnni", "avx512f", "avx512_vnni", "avx512_bf16",
            "amx_int8")
    return f"{name}, {os.cpu_count()} cores, {' '.join(f for f in told if f in flags)}"


def versions(folder):
    def of_npm(name):
        path = folder / "node_modules" / name / "package.json"
        return json.loads(path.read_text())["version"] if path.exists() else "none"
    script = ("import torch, faiss, PIL; "
              "print(torch.__version__, faiss.__version__, PIL.__version__)")
    torch, faiss, pillow = run(PYTHON, "-c", script)[0].split()
    return (f"ONNX Runtime {of_npm('onnxruntime-node')}, sqlite-vec {of_npm('sqlite-vec')}, "
            f"PyTorch {torch}, FAISS {faiss}, Pillow {pillow}")


def table(rows):
    lines = ["| | | wall ms | processor ms | of the peer's wall time |", "|---|---|---|---|---|"]
    base = {what: wall for what, name, wall, _ in rows
            if name == "ONNX Runtime f32" or name.startswith(("FAISS Flat", "PyTorch"))}
    shown = None
    for what, name, wall, cpu in rows:
        ratio = f"{wall / base[what]:.2f}" if wall and what in base else ""
        lines.append(f"| {what if what != shown else ''} | {name} | "
                     f"{'' if wall is None else f'{wall:.2f}'} | {cpu:.2f} | {ratio} |")
        shown = what
    return lines


BEGIN, END = "<!-- peers: begin -->", "<!-- peers: end -->"


INTRODUCTION = """\
Weights are noise in the released sizes (`pf-noise-model`), and ONNX Runtime's models are of
the same checkpoints (`bench/peers/export.py`). Its text tower computes 77 tokens for every
text, as the original code does, ours those that there are. FAISS's lists (IVF) look into as
many as a recall of 0.99 takes. Ratios are to the row that has 1.00.
"""


def write(figures, plots):
    lines = [BEGIN, "## Beside peers: `bench/peers.py`", "", INTRODUCTION]
    for part in PARTS:
        if part not in figures:
            continue
        f = figures[part]
        lines += [f"### {TITLES[part]}", "",
                  f"{f['date']}, {f['processor']}; {f['versions']}; {f['note']}.", ""]
        lines += table(f["rows"]) + [""]
    lines += [f"![{text}](plots/{name})" for name, text in plots] + [END]
    path = ROOT / "bench/results.md"
    old = path.read_text(encoding="utf-8")
    if BEGIN in old:
        new = old[:old.index(BEGIN)] + "\n".join(lines) + old[old.index(END) + len(END):]
    else:
        new = old.rstrip("\n") + "\n\n" + "\n".join(lines) + "\n"
    path.write_text(new, encoding="utf-8")


def main():
    p = argparse.ArgumentParser(description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("bin", type=pathlib.Path)
    p.add_argument("folder", type=pathlib.Path)
    p.add_argument("--only", default=",".join(PARTS))
    p.add_argument("--rounds", type=int, default=5)
    p.add_argument("--seconds", type=float, default=1.0)
    p.add_argument("--sizes", default="10000,100000,1000000")
    p.add_argument("--write", action="store_true")
    options = p.parse_args()
    b = Bench(options)
    path = b.folder / "figures.json"
    figures = json.loads(path.read_text()) if path.exists() else {}
    for part in filter(None, options.only.split(",")):
        note = (f"medians of {b.rounds} turns, load {os.getloadavg()[0]:.1f} at the "
                f"beginning")
        rows = PARTS[part](b)
        figures[part] = {"date": time.strftime("%Y-%m-%d"), "processor": processor(),
                         "versions": versions(b.folder), "note": note, "rows": rows}
        path.write_text(json.dumps(figures, indent=1))
        print("\n".join(table(rows)))
    if options.write:
        sys.path.insert(0, str(PEERS))
        import plots
        write(figures, plots.draw(figures, ROOT / "bench/plots"))


if __name__ == "__main__":
    main()
