"""A small GPT that learns to spell: from names, or from a text of yours, one symbol at a time.

    python examples/gpt.py --steps 400
    python examples/gpt.py --text book.txt --context 64 --steps 2000

Except for the import lines, this program is written for PyTorch.
"""

import argparse
import math
import time
from dataclasses import dataclass
from pathlib import Path

import upriver as torch
import upriver.nn.functional as F
from upriver import nn
from upriver.data import load_names


@dataclass
class GPTConfig:
    vocab_size: int
    block_size: int = 32  # how many symbols it sees at once
    n_layer: int = 3
    n_head: int = 4
    n_embd: int = 64
    dropout: float = 0.0


class CausalSelfAttention(nn.Module):
    """Every position asks all positions up to its own, and takes in what answers; several heads at a time."""

    def __init__(self, config):
        super().__init__()
        assert config.n_embd % config.n_head == 0
        self.n_head, self.dropout = config.n_head, config.dropout
        self.c_attn = nn.Linear(config.n_embd, 3 * config.n_embd)
        self.c_proj = nn.Linear(config.n_embd, config.n_embd)

    def forward(self, x):
        B, T, C = x.size()
        # (B, T, 3C) to three times (B, heads, T, C / heads)
        q, k, v = (
            part.view(B, T, self.n_head, C // self.n_head).transpose(1, 2) for part in self.c_attn(x).split(C, dim=2)
        )
        y = F.scaled_dot_product_attention(q, k, v, dropout_p=self.dropout if self.training else 0.0, is_causal=True)
        return self.c_proj(y.transpose(1, 2).contiguous().view(B, T, C))


class Block(nn.Module):
    """Look around, then think: each adds to what was there."""

    def __init__(self, config):
        super().__init__()
        self.ln_1 = nn.LayerNorm(config.n_embd)
        self.attn = CausalSelfAttention(config)
        self.ln_2 = nn.LayerNorm(config.n_embd)
        self.mlp = nn.Sequential(
            nn.Linear(config.n_embd, 4 * config.n_embd),
            nn.GELU(approximate="tanh"),
            nn.Linear(4 * config.n_embd, config.n_embd),
            nn.Dropout(config.dropout),
        )

    def forward(self, x):
        x = x + self.attn(self.ln_1(x))
        return x + self.mlp(self.ln_2(x))


class GPT(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.config = config
        self.transformer = nn.ModuleDict({
            "wte": nn.Embedding(config.vocab_size, config.n_embd),
            "wpe": nn.Embedding(config.block_size, config.n_embd),
            "drop": nn.Dropout(config.dropout),
            "h": nn.ModuleList([Block(config) for _ in range(config.n_layer)]),
            "ln_f": nn.LayerNorm(config.n_embd),
        })  # fmt: skip
        self.lm_head = nn.Linear(config.n_embd, config.vocab_size, bias=False)
        self.transformer.wte.weight = self.lm_head.weight  # a symbol is read and written with one vector
        self.apply(self._init_weights)
        for name, p in self.named_parameters():
            if name.endswith(("c_proj.weight", "mlp.2.weight")):  # these add to the residual stream, 2 per block
                nn.init.normal_(p, mean=0.0, std=0.02 / math.sqrt(2 * config.n_layer))

    def _init_weights(self, module):
        if isinstance(module, (nn.Linear, nn.Embedding)):
            nn.init.normal_(module.weight, mean=0.0, std=0.02)
        if isinstance(module, nn.Linear) and module.bias is not None:
            nn.init.zeros_(module.bias)

    def forward(self, idx, targets=None):
        length = idx.size(1)
        assert length <= self.config.block_size, "the text is longer than the context"
        t = self.transformer
        x = t.drop(t.wte(idx) + t.wpe(torch.arange(length)))
        for block in t.h:
            x = block(x)
        logits = self.lm_head(t.ln_f(x))
        loss = None
        if targets is not None:
            loss = F.cross_entropy(logits.view(-1, logits.size(-1)), targets.view(-1))
        return logits, loss

    def configure_optimizers(self, weight_decay, learning_rate, betas):
        """AdamW that lets matrices decay, and leaves biases and normalisations alone."""
        params = [p for p in self.parameters() if p.requires_grad]
        groups = [
            {"params": [p for p in params if p.dim() >= 2], "weight_decay": weight_decay},
            {"params": [p for p in params if p.dim() < 2], "weight_decay": 0.0},
        ]
        return torch.optim.AdamW(groups, lr=learning_rate, betas=betas)

    @torch.no_grad()
    def generate(self, idx, max_new_tokens, temperature=1.0, top_k=None, generator=None):
        """Continue ``idx``, of shape (B, T), by drawing one symbol after another."""
        for _ in range(max_new_tokens):
            logits, _ = self(idx[:, -self.config.block_size :])
            logits = logits[:, -1, :] / temperature
            if top_k is not None:
                v, _ = torch.topk(logits, min(top_k, logits.size(-1)))
                logits[logits < v[:, [-1]]] = -float("inf")
            probs = F.softmax(logits, dim=-1)
            idx = torch.cat((idx, torch.multinomial(probs, num_samples=1, generator=generator)), dim=1)
        return idx


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=400, help="steps of training (default: %(default)s)")
    parser.add_argument("--batch", type=int, default=32, help="texts in a step (default: %(default)s)")
    parser.add_argument("--context", type=int, default=32, help="symbols seen at once (default: %(default)s)")
    parser.add_argument("--layers", type=int, default=3, help="blocks (default: %(default)s)")
    parser.add_argument("--width", type=int, default=64, help="numbers per symbol (default: %(default)s)")
    parser.add_argument("--lr", type=float, default=3e-3, help="the highest learning rate (default: %(default)s)")
    parser.add_argument("--text", type=Path, help="a text to learn from, instead of names")
    parser.add_argument("--seed", type=int, default=1337, help="(default: %(default)s)")
    options = parser.parse_args()

    text = options.text.read_text(encoding="utf-8") if options.text else "\n".join(load_names().train) + "\n"
    symbols = sorted(set(text))
    number = {s: i for i, s in enumerate(symbols)}
    data = torch.tensor([number[s] for s in text])
    n = int(0.9 * len(data))
    parts = {"training": data[:n], "validation": data[n:]}

    torch.manual_seed(options.seed)
    g = torch.Generator().manual_seed(options.seed)
    T = options.context
    model = GPT(GPTConfig(len(symbols), block_size=T, n_layer=options.layers, n_embd=options.width))
    count = sum(p.numel() for p in model.parameters())
    print(f"{len(text)} symbols, {len(symbols)} different ones; {count} parameters")
    print(f"the loss of a guess is {math.log(len(symbols)):.4f}")

    def get_batch(part):
        d = parts[part]
        ix = torch.randint(len(d) - T, (options.batch,), generator=g)
        return torch.stack([d[i : i + T] for i in ix]), torch.stack([d[i + 1 : i + 1 + T] for i in ix])

    @torch.no_grad()
    def estimate_loss(part, batches=10):
        model.eval()
        losses = torch.zeros(batches)
        for i in range(batches):
            _, loss = model(*get_batch(part))
            losses[i] = loss.item()
        model.train()
        return losses.mean().item()

    optimizer = model.configure_optimizers(weight_decay=0.1, learning_rate=options.lr, betas=(0.9, 0.95))
    warmup = max(1, options.steps // 20)

    def shape_of_lr(step):
        if step < warmup:
            return (step + 1) / warmup
        return 0.1 + 0.45 * (1 + math.cos(math.pi * (step - warmup) / max(1, options.steps - warmup)))

    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, shape_of_lr)
    start = time.perf_counter()
    for step in range(options.steps):
        X, Y = get_batch("training")
        _, loss = model(X, Y)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        norm = nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        if step % 50 == 0 or step == options.steps - 1:
            print(
                f"step {step:5d}   loss {loss.item():.4f}   validation {estimate_loss('validation'):.4f}   "
                f"norm of the gradient {float(norm):.2f}   {time.perf_counter() - start:.1f} s"
            )

    model.eval()
    begin = torch.tensor([[number.get("\n", 0)]])
    out = model.generate(begin, max_new_tokens=120, temperature=0.8, top_k=20, generator=g)
    print("".join(symbols[i] for i in out[0].tolist()))


if __name__ == "__main__":
    main()
