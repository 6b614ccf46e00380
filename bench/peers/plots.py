"""The two plots of bench/peers.py: images a second, and latency against size."""
import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt  # noqa: E402

matplotlib.rcParams.update({"svg.hashsalt": "plainfilm", "font.size": 9,
                            "axes.spines.top": False, "axes.spines.right": False})
NOTHING = {"Date": None, "Creator": None}


def rates(rows, path):
    """Bars: images/s of each competitor, a group for each batch and number of threads."""
    rows = [r for r in rows if r[0].startswith("ViT-B/32")]
    groups = list(dict.fromkeys(r[0] for r in rows))
    names = list(dict.fromkeys(r[1] for r in rows))
    figure, axes = plt.subplots(figsize=(8, 3.6))
    for k, name in enumerate(names):
        values = [next(1e3 / r[2] for r in rows if r[:2] == [group, name])
                  for group in groups]
        at = [i + (k - (len(names) - 1) / 2) * 0.8 / len(names)
              for i in range(len(groups))]
        bars = axes.bar(at, values, 0.75 / len(names), label=name,
                        color=plt.cm.tab10(k), hatch="//" if "ONNX" in name else None)
        axes.bar_label(bars, fmt="%.0f", fontsize=7)
    axes.set_xticks(range(len(groups)), [g.replace("ViT-B/32, ", "") for g in groups])
    axes.set_ylabel("images/s, ViT-B/32")
    axes.legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
    save(figure, path)


def latency(rows, path):
    """Lines: milliseconds for the 10 nearest against vectors, both on two threads."""
    lines = {}
    for what, name, wall, _ in rows:
        size = int(what.split()[0].replace(",", ""))
        threads = what.split(", ")[1].split()[0]
        name = name.split(" (")[0]
        if threads == "2" or name == "sqlite-vec":
            lines.setdefault(name, []).append((size, wall))
    figure, axes = plt.subplots(figsize=(8, 4.2))
    for k, (name, points) in enumerate(lines.items()):
        is_ours = name.startswith("plainfilm")
        axes.plot(*zip(*sorted(points)), label=name, marker="o", markersize=3,
                  linestyle="-" if is_ours else "--", color=plt.cm.tab20(k))
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("vectors of 512 numbers")
    axes.set_ylabel("ms, two threads (sqlite-vec: one)")
    axes.legend(frameon=False, fontsize=7, loc="center left", bbox_to_anchor=(1, 0.5))
    save(figure, path)


def save(figure, path):
    figure.tight_layout()
    figure.savefig(path, metadata=NOTHING)
    plt.close(figure)


def draw(figures, folder):
    """Files of what there are figures for: (name, what it shows)."""
    folder.mkdir(exist_ok=True)
    out = []
    for part, name, draw_one, shows in (
            ("embed", "embed.svg", rates, "images per second by precision and batch"),
            ("search", "search.svg", latency, "latency against the size of a collection")):
        if part in figures:
            draw_one([list(r) for r in figures[part]["rows"]], folder / name)
            out.append((name, shows))
    return out
