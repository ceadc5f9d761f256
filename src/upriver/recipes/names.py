"""First names, letter by letter: a network that predicts the next character, and then makes names up."""

from __future__ import annotations

import numpy as np

import upriver as ur
from upriver import nn
from upriver.data import CharVocab, DataLoader, TensorDataset, context_windows, load_names
from upriver.i18n import say
from upriver.train.metrics import ACCURACY, BITS

from .base import Options, Recipe, Task, make_optimizer, make_schedule
from .models import CharMLP

CONTEXT = 5


def build(options: Options) -> Task:
    """The task of predicting the next character of a name."""
    names = load_names()
    vocab = CharVocab(names.words)
    parts = [TensorDataset(*context_windows(part, CONTEXT, vocab)) for part in (names.train, names.val, names.test)]
    train = DataLoader(parts[0], options.batch_size, shuffle=True, seed=options.seed)
    model = CharMLP(len(vocab), CONTEXT, options.hidden, options.activation, options.dropout)
    optimizer = make_optimizer(options, model)
    return Task(
        model=model,
        loss=nn.CrossEntropyLoss(),
        optimizer=optimizer,
        schedule=make_schedule(options, optimizer, train),
        train=train,
        val=DataLoader(parts[1], 2048),
        test=DataLoader(parts[2], 2048),
        metrics=(BITS, ACCURACY),
        about=say(
            "{n} first names, {characters} characters, {context} of context",
            n=len(names.words),
            characters=len(vocab),
            context=CONTEXT,
        ),
        samples=lambda: sample(model, vocab, 20, options.seed),
    )


def sample(model: nn.Module, vocab: CharVocab, count: int, seed: int, longest: int = 20) -> list[str]:
    """Names that the network makes up: each character drawn from what it predicts, all names at once."""
    generator = np.random.default_rng(seed)
    context = np.zeros((count, CONTEXT), np.int64)
    written = np.zeros((count, longest), np.int64)
    model.eval()
    with ur.no_grad():
        for i in range(longest):
            share = model(ur.as_tensor(context)).softmax(1).numpy().astype(np.float64)
            drawn = (share.cumsum(axis=1) < generator.random((count, 1)) * share.sum(axis=1, keepdims=True)).sum(axis=1)
            written[:, i] = drawn
            context = np.concatenate([context[:, 1:], drawn[:, None]], axis=1)
    # Number 0 marks the end of a name.
    return [vocab.decode(row[: int(np.argmax(row == 0))] if (row == 0).any() else row) for row in written]


RECIPE = Recipe(
    name="names",
    build=build,
    defaults=Options(
        hidden=(200,), activation="tanh", lr=5e-3, batch_size=256, epochs=15, dropout=0.2, weight_decay=0.05
    ),
    ideas=lambda: (
        ("--hidden 400", say("more units to remember with")),
        ("--epochs 40", say("a longer look at the names")),
    ),
)
