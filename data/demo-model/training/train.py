"""Train the demo model on synthetic pictures only.

    /usr/bin/python3 train.py --data FOLDER [FOLDER...] --dev FOLDER --out FOLDER --steps N

Contrastive loss over a batch of pictures against one caption and one phrase for each. A text that is true of several
pictures of the batch has all of them as positives: for each true pair the other true ones are left out of the
denominator. No flips: left and right must stay what they are.
"""
import argparse
import json
import os
import time

import numpy as np
import torch
import torch.multiprocessing as mp
from torch.nn import functional as F

import dataset
import evaluate
import model as clip
import tokenizer


def augment(grey, rng):
    """Shift by up to 5 pixels, contrast, brightness, noise."""
    n, s, _ = grey.shape
    x = np.pad(grey, ((0, 0), (5, 5), (5, 5)), mode="edge")
    dx, dy = rng.integers(0, 11, n), rng.integers(0, 11, n)
    x = np.stack([x[i, dy[i]:dy[i] + s, dx[i]:dx[i] + s] for i in range(n)]).astype(np.float32)
    gain = rng.uniform(0.75, 1.2, (n, 1, 1)).astype(np.float32)
    offset = rng.uniform(-18, 18, (n, 1, 1)).astype(np.float32)
    x = (x - 100) * gain + 100 + offset
    x += rng.standard_normal(x.shape, np.float32) * rng.uniform(0, 5, (n, 1, 1)).astype(np.float32)
    return np.clip(np.rint(x), 0, 255).astype(np.uint8)


def pair_loss(logits, true):
    """Mean over rows of the mean over true pairs of -log p(pair | pair or false ones)."""
    false = logits.masked_fill(true, -1e4).logsumexp(1, keepdim=True)
    t = true.float()
    rows = (F.softplus(false - logits) * t).sum(1) / t.sum(1).clamp(min=1)
    return rows[t.sum(1) > 0].mean()


def alike_loss(logits, have):
    """Pictures with the same attributes belong together, others apart; a picture is not compared with itself."""
    same = torch.from_numpy((have[:, None] == have[None]).all(-1))
    own = torch.eye(len(have), dtype=torch.bool)
    true = same & ~own
    return pair_loss(logits.masked_fill(own, -1e4), true) if true.any() else logits.sum() * 0


def batch_texts(data, index, rng):
    """One caption and one phrase a picture, captions first: text ids, needs, whether exact; duplicates once."""
    captions, phrases = {}, {}
    for i in index:
        c = data.captions[i][rng.integers(len(data.captions[i]))]
        captions[(c, 1) + tuple(data.have[i])] = None
        t, need = data.phrases[i][rng.integers(len(data.phrases[i]))]
        phrases[(t, 0) + tuple(need)] = None
    keys = list(captions) + list(phrases)
    return [k[0] for k in keys], np.array([k[2:] for k in keys], np.int64), np.array([k[1] for k in keys], bool)


def rate(step, done, a):
    """Warm up, stay, fall to nothing over the last part of the steps or, with --minutes, of the time."""
    if step < a.warmup:
        return a.lr * (step + 1) / a.warmup
    left = 1 - done if a.minutes else (a.steps - step) / a.steps
    return a.lr * min(1, max(0.01, left / a.cooldown))


def join(parts):
    """Several folders as one data set."""
    first = parts[0]
    for p in parts[1:]:
        move = [first.intern(t) for t in p.texts]
        first.captions += [[move[t] for t in c] for c in p.captions]
        first.phrases += [[(move[t], n) for t, n in ph] for ph in p.phrases]
        first.rows += p.rows
        first.images = np.concatenate([first.images, p.images])
        first.have = np.concatenate([first.have, p.have])
    return first


class Average:
    """Gradients of two or more processes, one thread each: faster than one with two threads, which wait for each other."""

    def __init__(self, n, size):
        self.n, self.barrier = n, mp.get_context("spawn").Barrier(n)
        self.grads = torch.zeros(n, size).share_memory_()
        self.done = torch.zeros(1).share_memory_()  # share of the time that is gone, by the first process's clock

    def __call__(self, rank, params):
        if self.n == 1:
            return self.done.item()
        at = 0
        for q in params:
            self.grads[rank, at:at + q.numel()] = q.grad.flatten()
            at += q.numel()
        self.barrier.wait()
        mean, at, done = self.grads.mean(0), 0, self.done.item()
        for q in params:
            q.grad.copy_(mean[at:at + q.numel()].view_as(q))
            at += q.numel()
        self.barrier.wait()
        return done


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--data", nargs="+", required=True)
    p.add_argument("--dev", required=True)
    p.add_argument("--queries", default=os.path.join(os.path.dirname(__file__), "../../phantoms/queries.csv"))
    p.add_argument("--out", required=True)
    p.add_argument("--steps", type=int, default=2500)
    p.add_argument("--minutes", type=float, default=0, help="stop by the clock instead of after --steps")
    p.add_argument("--cooldown", type=float, default=0.3, help="the last part, in which the rate falls")
    p.add_argument("--alike", type=float, default=0.3, help="weight of the loss between pictures; 0: none")
    p.add_argument("--warmup", type=int, default=100)
    p.add_argument("--batch", type=int, default=96)
    p.add_argument("--lr", type=float, default=8e-4)
    p.add_argument("--merges", type=int, default=700)
    p.add_argument("--processes", type=int, default=2)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--resume")
    a = p.parse_args()
    size = sum(q.numel() for q in clip.Clip(514 + a.merges).parameters())
    average = Average(a.processes, size)
    others = [mp.get_context("spawn").Process(target=work, args=(r, a, average)) for r in range(1, a.processes)]
    for o in others:
        o.start()
    work(0, a, average)
    for o in others:
        o.join()


def work(rank, a, average):
    torch.set_num_threads(1)
    torch.manual_seed(a.seed)
    rng = np.random.default_rng((a.seed, rank))
    say = print if rank == 0 else lambda *_, **__: None
    os.makedirs(a.out, exist_ok=True)
    codes = dataset.Codes()
    data = join([dataset.Phantoms(d, codes) for d in a.data])
    dev = dataset.Phantoms(a.dev, codes)
    # The weights of a run that goes on know its own vocabulary, whatever the captions are now.
    if a.resume:
        tok = tokenizer.Tokenizer.load(os.path.dirname(a.resume))
    else:
        tok = tokenizer.Tokenizer(tokenizer.learn(data.texts, a.merges))
    tokens = [tok.encode(t) for t in data.texts]
    net = clip.Clip(len(tok.ids))
    say(f"{len(data.rows)} pictures, {len(data.texts)} texts, longest {max(map(len, tokens))} tokens, "
        f"{len(tok.ids)} in the vocabulary, {sum(q.numel() for q in net.parameters())} parameters", flush=True)
    params = list(net.parameters())
    heavy = [q for q in net.parameters() if q.ndim >= 2]
    light = [q for q in net.parameters() if q.ndim < 2]
    opt = torch.optim.AdamW([dict(params=heavy, weight_decay=0.05), dict(params=light, weight_decay=0)],
                            lr=a.lr, betas=(0.9, 0.98), eps=1e-6)
    step = 0
    if a.resume:
        state = torch.load(a.resume)
        net.load_state_dict(state["net"])
        opt.load_state_dict(state["opt"])
        step = state["step"]
        rng = np.random.default_rng((a.seed, rank, step))
        say(f"resumed at step {step}", flush=True)
    order, began, sums, done = [], time.time(), [], 0.0
    while step < a.steps and done < 1:
        if len(order) < a.batch:
            order = list(rng.permutation(len(data.rows)))
        index, order = order[:a.batch], order[a.batch:]
        ids, need, exact = batch_texts(data, index, rng)
        true = torch.from_numpy(dataset.is_true(need, exact, data.have[index]))
        for g in opt.param_groups:
            g["lr"] = rate(step, done, a)
        image = net.image(clip.pixels_of(augment(data.images[index], rng)))
        n = int(exact.sum())  # captions and phrases apart: less padding
        text = torch.cat([net.text(clip.padded([tokens[i] for i in part])) for part in (ids[:n], ids[n:])])
        logits = net.logit_scale.exp() * text @ image.T
        loss = 0.5 * (pair_loss(logits, true) + pair_loss(logits.T, true.T))
        if a.alike:
            loss = loss + a.alike * alike_loss(net.logit_scale.exp() * image @ image.T, data.have[index])
        opt.zero_grad(set_to_none=True)
        loss.backward()
        if rank == 0 and a.minutes:
            average.done[0] = (time.time() - began) / (60 * a.minutes)
        done = average(rank, params)
        torch.nn.utils.clip_grad_norm_(params, 1.0)
        opt.step()
        net.logit_scale.data.clamp_(max=np.log(100))
        step += 1
        sums.append(loss.item())
        if step % 25 == 0:
            say(f"step {step} loss {np.mean(sums):.4f} scale {net.logit_scale.exp().item():.1f} "
                f"lr {rate(step, done, a):.2e} {time.time() - began:.0f} s", flush=True)
            sums = []
        if rank == 0 and (step % 250 == 0 or step == a.steps or done >= 1):
            net.eval()
            s = evaluate.measure(net, tok, dev, evaluate.load_queries(a.queries, codes))
            net.train()
            print("dev " + json.dumps(evaluate.summary(s)), flush=True)
            torch.save(dict(net=net.state_dict(), opt=opt.state_dict(), step=step), f"{a.out}/last.pt")
            clip.write_folder(a.out, net, tok)


if __name__ == "__main__":
    main()
