"""A small CLIP with Hugging Face's parameter names, and its safetensors file. Plain PyTorch 1.13."""
import json
import struct

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

MEAN = [0.48145466, 0.4578275, 0.40821073]  # CLIP's preprocessing
STD = [0.26862954, 0.26130258, 0.27577711]

CONFIG = dict(image=112, patch=16, v_width=192, v_layers=4, t_width=128, t_layers=3, head=64, context=77, dim=128)


class Attention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        for n in ("q_proj", "k_proj", "v_proj", "out_proj"):
            setattr(self, n, nn.Linear(width, width))

    def forward(self, x, mask):
        b, n, w = x.shape
        weight = torch.cat([self.q_proj.weight, self.k_proj.weight, self.v_proj.weight])
        bias = torch.cat([self.q_proj.bias, self.k_proj.bias, self.v_proj.bias])
        q, k, v = F.linear(x, weight, bias).view(b, n, 3, self.heads, w // self.heads).permute(2, 0, 3, 1, 4)
        a = (q * (w // self.heads) ** -0.5) @ k.transpose(-1, -2)
        if mask is not None:
            a = a + mask
        return self.out_proj((a.softmax(-1) @ v).transpose(1, 2).reshape(b, n, w))


class MLP(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x):
        x = self.fc1(x)
        return self.fc2(x * torch.sigmoid(1.702 * x))  # quick_gelu


class Layer(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.self_attn, self.mlp = Attention(width, heads), MLP(width)
        self.layer_norm1, self.layer_norm2 = nn.LayerNorm(width), nn.LayerNorm(width)

    def forward(self, x, mask=None):
        x = x + self.self_attn(self.layer_norm1(x), mask)
        return x + self.mlp(self.layer_norm2(x))


class Encoder(nn.Module):
    def __init__(self, width, heads, layers):
        super().__init__()
        self.layers = nn.ModuleList(Layer(width, heads) for _ in range(layers))


class VisionEmbeddings(nn.Module):
    def __init__(self, c):
        super().__init__()
        w = c["v_width"]
        self.class_embedding = nn.Parameter(0.02 * torch.randn(w))
        self.patch_embedding = nn.Conv2d(3, w, c["patch"], c["patch"], bias=False)
        self.position_embedding = nn.Embedding((c["image"] // c["patch"]) ** 2 + 1, w)


class Vision(nn.Module):
    def __init__(self, c):
        super().__init__()
        w = c["v_width"]
        self.embeddings = VisionEmbeddings(c)
        self.pre_layrnorm, self.post_layernorm = nn.LayerNorm(w), nn.LayerNorm(w)  # the name is misspelt upstream
        self.encoder = Encoder(w, w // c["head"], c["v_layers"])

    def forward(self, pixels):
        e = self.embeddings
        x = e.patch_embedding(pixels).flatten(2).transpose(1, 2)
        x = torch.cat([e.class_embedding.expand(len(x), 1, -1), x], 1) + e.position_embedding.weight
        x = self.pre_layrnorm(x)
        for layer in self.encoder.layers:
            x = layer(x)
        return self.post_layernorm(x[:, 0])


class TextEmbeddings(nn.Module):
    def __init__(self, c, vocab):
        super().__init__()
        self.token_embedding = nn.Embedding(vocab, c["t_width"])
        self.position_embedding = nn.Embedding(c["context"], c["t_width"])


class Text(nn.Module):
    def __init__(self, c, vocab):
        super().__init__()
        w = c["t_width"]
        self.embeddings = TextEmbeddings(c, vocab)
        self.encoder = Encoder(w, w // c["head"], c["t_layers"])
        self.final_layer_norm = nn.LayerNorm(w)

    def forward(self, ids):
        n = ids.shape[1]
        x = self.embeddings.token_embedding(ids) + self.embeddings.position_embedding.weight[:n]
        mask = torch.full((n, n), -1e9).triu(1)
        for layer in self.encoder.layers:
            x = layer(x, mask)
        x = self.final_layer_norm(x)
        return x[torch.arange(len(x)), ids.argmax(1)]  # the end token has the highest id


def places(side, width):
    """Sines and cosines of row and column: where a patch lies is worth as much as what it shows, from the start."""
    at = torch.arange(side).float()[:, None] * 8.0 ** (-torch.arange(width // 4).float() / (width // 4 - 1)) * 1.5
    one = torch.cat([at.sin(), at.cos()], 1)
    grid = torch.cat([one[:, None].expand(-1, side, -1), one[None].expand(side, -1, -1)], 2)
    return 0.5 * grid.reshape(side * side, width)


class Clip(nn.Module):
    def __init__(self, vocab, c=CONFIG):
        super().__init__()
        self.c = c
        self.vision_model, self.text_model = Vision(c), Text(c, vocab)
        self.visual_projection = nn.Linear(c["v_width"], c["dim"], bias=False)
        self.text_projection = nn.Linear(c["t_width"], c["dim"], bias=False)
        self.logit_scale = nn.Parameter(torch.tensor(np.log(1 / 0.07), dtype=torch.float32))
        for m in self.modules():
            if isinstance(m, nn.Embedding):
                nn.init.normal_(m.weight, std=0.02)
            elif isinstance(m, nn.Linear):
                nn.init.normal_(m.weight, std=m.in_features ** -0.5)
                if m.bias is not None:
                    nn.init.zeros_(m.bias)
        self.vision_model.embeddings.position_embedding.weight.data[1:] = places(c["image"] // c["patch"], c["v_width"])
        for tower in (self.vision_model, self.text_model):
            for layer in tower.encoder.layers:
                for out in (layer.self_attn.out_proj, layer.mlp.fc2):
                    out.weight.data *= (2 * len(tower.encoder.layers)) ** -0.5

    def image(self, pixels):
        return F.normalize(self.visual_projection(self.vision_model(pixels)), dim=-1)

    def text(self, ids):
        return F.normalize(self.text_projection(self.text_model(ids)), dim=-1)


def pixels_of(grey):
    """uint8 [n, s, s] -> CLIP's normalised float [n, 3, s, s]."""
    x = torch.as_tensor(np.ascontiguousarray(grey)).float()[:, None] / 255
    return (x - torch.tensor(MEAN).view(1, 3, 1, 1)) / torch.tensor(STD).view(1, 3, 1, 1)


def padded(token_lists):
    n = max(len(t) for t in token_lists)
    out = torch.zeros(len(token_lists), n, dtype=torch.long)
    for i, t in enumerate(token_lists):
        out[i, :len(t)] = torch.tensor(t)
    return out


def save_safetensors(path, state):
    head, at, blobs = {"__metadata__": {"format": "pt"}}, 0, []
    for name in sorted(state):
        a = state[name].detach().to(torch.float16).numpy()
        head[name] = {"dtype": "F16", "shape": list(a.shape), "data_offsets": [at, at + a.nbytes]}
        at += a.nbytes
        blobs.append(np.ascontiguousarray(a).tobytes())
    text = json.dumps(head, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + b"".join(blobs))


def load_safetensors(path):
    with open(path, "rb") as f:
        n, = struct.unpack("<Q", f.read(8))
        head, body = json.loads(f.read(n)), f.read()
    out = {}
    for name, t in head.items():
        if name != "__metadata__":
            a = np.frombuffer(body[t["data_offsets"][0]:t["data_offsets"][1]], np.float16).reshape(t["shape"])
            out[name] = torch.from_numpy(a.astype(np.float32))
    return out


NOTICE = ("this demo model was trained on synthetic phantoms and knows nothing of real patients; "
          "README.md tells how to get PubMedCLIP")


def write_folder(folder, model, tokenizer):
    """Everything a Hugging Face CLIP folder has, weights in float16."""
    c = model.c
    common = dict(hidden_act="quick_gelu", layer_norm_eps=1e-5, attention_dropout=0.0)
    text = dict(common, model_type="clip_text_model", hidden_size=c["t_width"], intermediate_size=4 * c["t_width"],
                num_hidden_layers=c["t_layers"], num_attention_heads=c["t_width"] // c["head"],
                max_position_embeddings=c["context"], vocab_size=len(tokenizer.ids), projection_dim=c["dim"],
                bos_token_id=tokenizer.start, eos_token_id=tokenizer.end, pad_token_id=tokenizer.end)
    vision = dict(common, model_type="clip_vision_model", hidden_size=c["v_width"],
                  intermediate_size=4 * c["v_width"], num_hidden_layers=c["v_layers"],
                  num_attention_heads=c["v_width"] // c["head"], image_size=c["image"], patch_size=c["patch"],
                  num_channels=3, projection_dim=c["dim"])
    config = dict(architectures=["CLIPModel"], model_type="clip", projection_dim=c["dim"],
                  logit_scale_init_value=2.6592, text_config=text, vision_config=vision, torch_dtype="float16",
                  plainfilm_notice=NOTICE)
    prep = dict(crop_size=c["image"], do_center_crop=True, do_normalize=True, do_resize=True, resample=3,
                size=c["image"], feature_extractor_type="CLIPFeatureExtractor", image_mean=MEAN, image_std=STD)
    for name, d in (("config.json", config), ("preprocessor_config.json", prep)):
        with open(f"{folder}/{name}", "w") as f:
            json.dump(d, f, indent=2)
            f.write("\n")
    tokenizer.save(folder)
    save_safetensors(f"{folder}/model.safetensors", model.state_dict())


def read_folder(folder):
    from tokenizer import Tokenizer
    tok = Tokenizer.load(folder)
    with open(f"{folder}/config.json") as f:
        j = json.load(f)
    v, t = j["vision_config"], j["text_config"]
    c = dict(image=v["image_size"], patch=v["patch_size"], v_width=v["hidden_size"], v_layers=v["num_hidden_layers"],
             t_width=t["hidden_size"], t_layers=t["num_hidden_layers"],
             head=v["hidden_size"] // v["num_attention_heads"], context=t["max_position_embeddings"],
             dim=j["projection_dim"])
    m = Clip(len(tok.ids), c)
    m.load_state_dict(load_safetensors(f"{folder}/model.safetensors"))
    return m.eval(), tok
