"""A network that spells names, with batch normalisation and the whole backward pass written out by hand.

First every intermediate gradient is compared with the one that ``backward()`` finds, tensor by tensor; then the
network is trained by the gradients made by hand alone.

    python examples/char_mlp_by_hand.py --steps 2000

Except for the import lines, this program is written for PyTorch.
"""

import argparse

import upriver as torch
import upriver.nn.functional as F
from upriver.data import load_names

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--steps", type=int, default=2000, help="steps of training (default: %(default)s)")
parser.add_argument("--batch", type=int, default=32, help="examples in a step (default: %(default)s)")
parser.add_argument("--seed", type=int, default=5, help="of the weights and the batches (default: %(default)s)")
options = parser.parse_args()

CONTEXT, EMBED, HIDDEN = 3, 10, 64

# The data: three symbols, and the one that comes next.

names = load_names()
letters = [".", *sorted(set("".join(names.train)))]
number = {letter: i for i, letter in enumerate(letters)}
V = len(letters)


def examples(words):
    """For every symbol of every word: the numbers of the CONTEXT symbols before it, and its own."""
    X, Y = [], []
    for word in words:
        context = [0] * CONTEXT
        for letter in [*word, "."]:
            X.append(context)
            Y.append(number[letter])
            context = [*context[1:], number[letter]]
    return torch.tensor(X), torch.tensor(Y)


Xtr, Ytr = examples(names.train)
Xval, Yval = examples(names.val)
print(f"{len(names.train)} names, {len(Ytr)} examples, {V} symbols")

# The network.

g = torch.Generator().manual_seed(options.seed)
C = torch.randn((V, EMBED), generator=g)
W1 = torch.randn((CONTEXT * EMBED, HIDDEN), generator=g) * (5 / 3) / (CONTEXT * EMBED) ** 0.5
b1 = torch.randn(HIDDEN, generator=g) * 0.1  # useless before a normalisation: here to see that its gradient is 0
gain = torch.randn((1, HIDDEN), generator=g) * 0.1 + 1.0
shift = torch.randn((1, HIDDEN), generator=g) * 0.1
W2 = torch.randn((HIDDEN, V), generator=g) * 0.1
b2 = torch.randn(V, generator=g) * 0.1
parameters = {"C": C, "W1": W1, "b1": b1, "gain": gain, "shift": shift, "W2": W2, "b2": b2}
for p in parameters.values():
    p.requires_grad = True
print(f"{sum(p.nelement() for p in parameters.values())} parameters")


def forward(X, Y):
    """The loss, in steps small enough to go back one at a time; all of them by name, in order."""
    n = X.shape[0]
    vectors = C[X]
    flat = vectors.view(n, -1)
    before = flat @ W1 + b1
    # Batch normalisation: less the batch's mean, over its standard deviation.
    mean = before.sum(0, keepdim=True) / n
    centred = before - mean
    squares = centred**2
    var = squares.sum(0, keepdim=True) / (n - 1)
    inv_std = (var + 1e-5) ** -0.5
    normed = centred * inv_std
    scaled = gain * normed + shift
    hidden = torch.tanh(scaled)
    scores = hidden @ W2 + b2
    # Cross-entropy: the softmax, safe from overflow, and the mean negative logarithm of the right entries.
    top = scores.max(1, keepdim=True).values
    lowered = scores - top
    powers = lowered.exp()
    total = powers.sum(1, keepdim=True)
    share = total**-1
    probs = powers * share
    logs = probs.log()
    loss = -logs[range(n), Y].mean()
    return {
        "vectors": vectors, "flat": flat, "before": before, "mean": mean, "centred": centred, "squares": squares,
        "var": var, "inv_std": inv_std, "normed": normed, "scaled": scaled, "hidden": hidden, "scores": scores,
        "top": top, "lowered": lowered, "powers": powers, "total": total, "share": share, "probs": probs,
        "logs": logs, "loss": loss,
    }  # fmt: skip


def backward_by_hand(X, Y, v):
    """The gradient of the loss by each value in ``v`` and by each parameter, from the last to the first."""
    n = X.shape[0]
    d = {}
    d["logs"] = torch.zeros_like(v["logs"])
    d["logs"][range(n), Y] = -1.0 / n
    d["probs"] = d["logs"] / v["probs"]
    d["share"] = (d["probs"] * v["powers"]).sum(1, keepdim=True)  # one number was used for a row: its paths add up
    d["total"] = -d["share"] * v["total"] ** -2
    d["powers"] = d["probs"] * v["share"] + d["total"]  # used twice: by probs and by total
    d["lowered"] = d["powers"] * v["powers"]
    d["top"] = -d["lowered"].sum(1, keepdim=True)
    highest = F.one_hot(v["scores"].max(1).indices, num_classes=V).float()
    d["scores"] = d["lowered"] + highest * d["top"]
    d["hidden"] = d["scores"] @ W2.T
    d["W2"] = v["hidden"].T @ d["scores"]
    d["b2"] = d["scores"].sum(0)
    d["scaled"] = d["hidden"] * (1.0 - v["hidden"] ** 2)
    d["gain"] = (d["scaled"] * v["normed"]).sum(0, keepdim=True)
    d["shift"] = d["scaled"].sum(0, keepdim=True)
    d["normed"] = d["scaled"] * gain
    d["inv_std"] = (d["normed"] * v["centred"]).sum(0, keepdim=True)
    d["var"] = d["inv_std"] * -0.5 * (v["var"] + 1e-5) ** -1.5
    d["squares"] = torch.ones_like(v["squares"]) * d["var"] / (n - 1)
    d["centred"] = d["normed"] * v["inv_std"] + d["squares"] * 2.0 * v["centred"]
    d["mean"] = -d["centred"].sum(0, keepdim=True)
    d["before"] = d["centred"] + d["mean"] / n
    d["flat"] = d["before"] @ W1.T
    d["W1"] = v["flat"].T @ d["before"]
    d["b1"] = d["before"].sum(0)
    d["vectors"] = d["flat"].view(v["vectors"].shape)
    d["C"] = F.one_hot(X.view(-1), num_classes=V).float().T @ d["vectors"].view(-1, EMBED)
    return d


# 1. By hand and by machine, side by side.

ix = torch.randint(0, len(Ytr), (options.batch,), generator=g)
values = forward(Xtr[ix], Ytr[ix])
for p in parameters.values():
    p.grad = None
for value in values.values():
    value.retain_grad()
values["loss"].backward()
with torch.no_grad():
    by_hand = backward_by_hand(Xtr[ix], Ytr[ix], values)

print(f"\n{'gradient of':12} {'exact':6} {'approximate':12} largest difference")
for name, mine in by_hand.items():
    theirs = values[name].grad if name in values else parameters[name].grad
    exact, close = torch.all(mine == theirs).item(), torch.allclose(mine, theirs, atol=1e-7)
    print(f"{name:12} {exact!s:6} {close!s:12} {(mine - theirs).abs().max().item():.1e}")
print(f"the loss is {values['loss'].item():.4f}\n")

# 2. Training by the gradients made by hand: nothing is recorded.

with torch.no_grad():
    for step in range(options.steps):
        ix = torch.randint(0, len(Ytr), (options.batch,), generator=g)
        values = forward(Xtr[ix], Ytr[ix])
        gradients = backward_by_hand(Xtr[ix], Ytr[ix], values)
        lr = 0.1 if step < 0.75 * options.steps else 0.01
        for name, p in parameters.items():
            p.data += -lr * gradients[name]
        if step % 500 == 0 or step == options.steps - 1:
            print(f"step {step:5d}   loss of the batch {values['loss'].item():.4f}")

    # A name has no batch around it: normalise by the mean and the variance of all the examples.
    everything = C[Xtr].view(len(Ytr), -1) @ W1 + b1
    all_mean, all_var = everything.mean(0, keepdim=True), everything.var(0, keepdim=True)

    def predict(X):
        before = C[X].view(X.shape[0], -1) @ W1 + b1
        hidden = torch.tanh(gain * (before - all_mean) * (all_var + 1e-5) ** -0.5 + shift)
        return hidden @ W2 + b2

    for part, X, Y in (("training", Xtr, Ytr), ("validation", Xval, Yval)):
        print(f"{part} loss {F.cross_entropy(predict(X), Y).item():.4f}")

    made_up = []
    for _ in range(8):
        word, context = "", [0] * CONTEXT
        while True:
            probs = F.softmax(predict(torch.tensor([context])), dim=1)
            symbol = torch.multinomial(probs, num_samples=1, generator=g).item()
            if symbol == 0:
                break
            word += letters[symbol]
            context = [*context[1:], symbol]
        made_up.append(word)
    print("made up:", ", ".join(made_up))
