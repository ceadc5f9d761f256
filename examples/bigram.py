"""Which letter follows which? Counted first, then learned by a network of one layer: they come to the same.

    python examples/bigram.py --steps 100

Except for the import lines, this program is written for PyTorch.
"""

import argparse
from itertools import pairwise

import upriver as torch
import upriver.nn.functional as F
from upriver.data import load_names

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--steps", type=int, default=100, help="steps of gradient descent (default: %(default)s)")
parser.add_argument("--words", type=int, default=4000, help="how many names to learn from (default: %(default)s)")
parser.add_argument("--seed", type=int, default=1, help="of the names that are made up (default: %(default)s)")
options = parser.parse_args()

words = load_names().train[: options.words]
letters = [".", *sorted(set("".join(words)))]  # the dot stands before the first letter and after the last
number = {letter: i for i, letter in enumerate(letters)}
V = len(letters)
print(f"{len(words)} names such as {', '.join(words[:4])}; {V} symbols")

# 1. Count. N[i, j] is how often symbol j came after symbol i.

N = torch.zeros((V, V), dtype=torch.int32)
firsts, seconds = [], []
for word in words:
    symbols = [".", *word, "."]
    for a, b in pairwise(symbols):
        ix1, ix2 = number[a], number[b]
        N[ix1, ix2] += 1
        firsts.append(ix1)
        seconds.append(ix2)
ix = torch.argmax(N.view(-1)).item()
print(f"{N.sum().item()} pairs; the most frequent is {letters[ix // V]}{letters[ix % V]}, {N.max().item()} times")

# 2. Counts to probabilities: each row divided by its sum. One more of each, so that nothing is impossible.

P = (N + 1).float()
P /= P.sum(1, keepdim=True)
assert torch.allclose(P.sum(1), torch.ones(V))


def make_up(P, generator):
    """A name, drawn symbol by symbol: each from the row of the one before."""
    ix, out = 0, []
    while True:
        ix = torch.multinomial(P[ix], num_samples=1, replacement=True, generator=generator).item()
        if ix == 0:
            return "".join(out)
        out.append(letters[ix])


g = torch.Generator().manual_seed(options.seed)
print("made up from counts:", ", ".join(make_up(P, g) for _ in range(5)))

# 3. How good is that? The mean negative log likelihood: log V for one who knows nothing, 0 for a prophet.

xs, ys = torch.tensor(firsts), torch.tensor(seconds)
counted = -P[xs, ys].log().mean()
print(f"loss of counting: {counted.item():.4f} (of guessing: {torch.tensor(float(V)).log().item():.4f})")

# 4. The same as a network: a one-hot row times a matrix, and a softmax. W starts at 0: a guess.

W = torch.zeros((V, V), requires_grad=True)
inputs = F.one_hot(xs, num_classes=V).float()
for step in range(options.steps):
    logits = inputs @ W  # a row of W for each pair: logarithms of counts, so to speak
    counts = logits.exp()
    probs = counts / counts.sum(1, keepdim=True)
    loss = -probs[torch.arange(len(ys)), ys].log().mean() + 1e-4 * (W**2).mean()
    if step % 10 == 0 or step == options.steps - 1:
        print(f"step {step:4d}   loss {loss.item():.4f}")
    W.grad = None
    loss.backward()
    W.data += -50.0 * W.grad

g = torch.Generator().manual_seed(options.seed)
print("made up by the network:", ", ".join(make_up(F.softmax(W.detach(), dim=1), g) for _ in range(5)))
