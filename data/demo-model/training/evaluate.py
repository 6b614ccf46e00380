"""How well a model finds synthetic pictures it never saw.

    /usr/bin/python3 evaluate.py --model FOLDER --data FOLDER [--json FILE]     FOLDER: from pf-phantoms --raw --size 112

A hit counts when the picture's attributes satisfy the query: each field that the query names is equal, and all findings
that it names are there. Recall@k for a query is 1 when one of the first k pictures satisfies it. With k=1 that is
the share of queries whose first picture is right; "precision@5" is stricter: the share of right ones among five.
"""
import argparse
import json
import os

import numpy as np
import torch

import dataset
import model as clip


def load_queries(path, codes):
    rows = dataset.read_queries(path)
    need = np.array([codes.row(r) for r in rows], np.int64)
    return [r["phrase"] for r in rows], need, rows


def embed_images(net, images):
    with torch.no_grad():
        return torch.cat([net.image(clip.pixels_of(images[i:i + 100])) for i in range(0, len(images), 100)]).numpy()


def embed_texts(net, tok, texts):
    with torch.no_grad():
        return torch.cat([net.text(clip.padded([tok.encode(t) for t in texts[i:i + 100]]))
                          for i in range(0, len(texts), 100)]).numpy()


def ranked(scores, right):
    """Per row: recall@1, @5, @10, precision@5, average precision; nan where nothing is right."""
    order = np.argsort(-scores, 1, kind="stable")
    hit = np.take_along_axis(right, order, 1)
    total = hit.sum(1)
    out = {f"recall@{k}": hit[:, :k].any(1).astype(float) for k in (1, 5, 10)}
    out["precision@5"] = hit[:, :5].sum(1) / np.minimum(5, np.maximum(1, total))
    at = np.cumsum(hit, 1) / np.arange(1, hit.shape[1] + 1)
    out["ap"] = (at * hit).sum(1) / np.maximum(1, total)
    for v in out.values():
        v[total == 0] = np.nan
    return out


def measure(net, tok, data, queries):
    phrases, need, rows = queries
    image = embed_images(net, data.images)
    text = embed_texts(net, tok, phrases)
    loose = np.zeros(len(need), bool)
    out = {"rows": rows, "text_to_image": ranked(text @ image.T, dataset.is_true(need, loose, data.have))}
    captions = [data.texts[c[0]] for c in data.captions]
    same = dataset.is_true(data.have, np.ones(len(data.have), bool), data.have)
    words = embed_texts(net, tok, captions)
    out["image_to_caption"] = ranked(image @ words.T, same)
    out["caption_to_image"] = ranked(words @ image.T, same)
    # other pictures of the same case are not asked for: they would be too easy
    score = image @ image.T
    cases = np.array(data.cases)
    own = cases[:, None] == cases[None, :]
    out["image_to_image"] = ranked(np.where(own, -9, score), same & ~own)
    # phrase -> picture seen from the picture: which phrase describes it best
    out["data"] = data
    return out


def mean(v):
    v = np.asarray(v, float)
    v = v[~np.isnan(v)]
    return round(float(v.mean()), 4) if len(v) else None


def summary(s):
    rows, t = s["rows"], s["text_to_image"]
    sided = np.array([bool(r["side"]) and bool(r["findings"]) and r["findings"] != "normal" for r in rows])
    i2i, i2c, c2i = s["image_to_image"], s["image_to_caption"], s["caption_to_image"]
    return {"phrase_r1": mean(t["recall@1"]), "phrase_r5": mean(t["recall@5"]), "phrase_p5": mean(t["precision@5"]),
            "phrase_map": mean(t["ap"]), "sided_r1": mean(t["recall@1"][sided]),
            "sided_map": mean(t["ap"][sided]), "phrase_ap_min": round(float(np.nanmin(t["ap"])), 4),
            "caption_to_image_r5": mean(c2i["recall@5"]), "image_to_caption_r1": mean(i2c["recall@1"]),
            "image_to_caption_r5": mean(i2c["recall@5"]), "image_to_image_r1": mean(i2i["recall@1"]),
            "image_to_image_map": mean(i2i["ap"])}


def table(s):
    t = s["text_to_image"]
    lines = ["| phrase | R@1 | R@5 | R@10 | precision@5 | AP |", "|---|---|---|---|---|---|"]
    for i, r in enumerate(s["rows"]):
        v = [t[k][i] for k in ("recall@1", "recall@5", "recall@10", "precision@5", "ap")]
        lines.append(f"| {r['phrase']} | " + " | ".join("-" if np.isnan(x) else f"{x:.2f}" for x in v) + " |")
    return "\n".join(lines)


def by_class(s):
    """Pictures of each class: image -> caption and image -> image."""
    groups = {}
    for i, r in enumerate(s["data"].rows):
        c = dataset.canonical(r)
        groups.setdefault(" ".join(filter(None, (c["modality"], c["anatomy"], c["view"], c["side"], c["findings"]))),
                          []).append(i)
    lines = ["| class | pictures | image→caption R@1 | R@5 | image→image R@1 | mAP |", "|---|---|---|---|---|---|"]
    for name in sorted(groups):
        g = groups[name]
        v = [mean(s["image_to_caption"]["recall@1"][g]), mean(s["image_to_caption"]["recall@5"][g]),
             mean(s["image_to_image"]["recall@1"][g]), mean(s["image_to_image"]["ap"][g])]
        lines.append(f"| {name} | {len(g)} | " + " | ".join("-" if x is None else f"{x:.2f}" for x in v) + " |")
    return "\n".join(lines)


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    p = argparse.ArgumentParser()
    p.add_argument("--model", default=os.path.join(here, ".."))
    p.add_argument("--data", required=True)
    p.add_argument("--queries", default=os.path.join(here, "../../phantoms/queries.csv"))
    p.add_argument("--json")
    a = p.parse_args()
    torch.set_num_threads(2)
    net, tok = clip.read_folder(a.model)
    codes = dataset.Codes()
    data = dataset.Phantoms(a.data, codes)
    s = measure(net, tok, data, load_queries(a.queries, codes))
    print(table(s) + "\n\n" + by_class(s) + "\n\n" + json.dumps(summary(s), indent=1))
    if a.json:
        t = s["text_to_image"]
        per = {r["phrase"]: {k: mean([v[i]]) for k, v in t.items()} for i, r in enumerate(s["rows"])}
        with open(a.json, "w") as f:
            json.dump({"summary": summary(s), "phrases": per}, f, indent=1)
            f.write("\n")


if __name__ == "__main__":
    main()
