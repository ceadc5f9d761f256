"""Upriver in a side-by-side comparison of frameworks that share a folder of adapters, one ``fw_*.py`` each.

An adapter has MODES, set_threads(n), info(), prepare_batch(workload, x, y) and
build(workload, mode, parameters) -> (step, sync). Parameters come as a dictionary of arrays with linear
weights (in, out); the eight workloads and their hyper-parameters are in the comparison's ``workloads.py``.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from workloads import B1, B2, EPS, HP  # type: ignore[import-not-found]

import upriver as ur
from upriver import nn, optim
from upriver.nn import functional as F

MODES = ["eager", "compiled", "compiled-multi"]
STEPS_PER_CALL = {"compiled-multi": 16}


def set_threads(n: int) -> None:
    """Those of compiled steps; NumPy's are set through the environment before it is imported."""
    ur.set_num_threads(n)


def info() -> dict[str, Any]:
    """Versions."""
    return {"upriver": ur.__version__, "numpy": np.__version__}


def prepare_batch(workload: str, x: Any, y: Any) -> tuple[Any, Any]:
    """A batch as tensors."""
    return ur.from_numpy(x), ur.from_numpy(y)


def stack_batches(batches: list[tuple[Any, Any]]) -> list[tuple[Any, Any]]:
    """All batches as one, with a dimension in front that counts steps."""
    return [(ur.stack([x for x, _ in batches]), ur.stack([y for _, y in batches]))]


class Network(nn.Module):
    """The eight networks, as functions of named parameters."""

    def __init__(self, workload: str, values: dict[str, np.ndarray]) -> None:
        super().__init__()
        self.workload, self.hp = workload, HP[workload]
        linear = lambda key, v: key.endswith(".w") and v.ndim == 2
        self.p = {k: nn.Parameter(ur.tensor(v.T if linear(k, v) else v)) for k, v in values.items()}
        for key, parameter in self.p.items():
            self.register_parameter(key.replace(".", "_"), parameter)
        if workload == "W4":
            self.register_buffer("mean", ur.zeros(self.hp["hidden"]))
            self.register_buffer("var", ur.ones(self.hp["hidden"]))

    def linear(self, name: str, x: Any) -> Any:
        """One linear layer."""
        return F.linear(x, self.p[name + ".w"], self.p.get(name + ".b"))

    def norm(self, name: str, x: Any) -> Any:
        """One layer normalisation."""
        return F.layer_norm(x, (x.shape[-1],), self.p[name + ".g"], self.p[name + ".b"], self.hp["ln_eps"])

    def forward(self, x: Any) -> Any:
        """The network of the workload."""
        return getattr(self, f"forward_{self.workload}", self.perceptron)(x)

    def perceptron(self, x: Any) -> Any:
        """W1, W2, W8."""
        depth = len(self.hp["sizes"]) - 1
        for i in range(depth - 1):
            x = F.relu(self.linear(f"l{i}", x))
        return self.linear(f"l{depth - 1}", x)

    def forward_W3(self, x: Any) -> Any:
        for i in "12":
            x = F.max_pool2d(F.relu(F.conv2d(x, self.p[f"c{i}.w"], self.p[f"c{i}.b"])), 2)
        return self.linear("f2", F.relu(self.linear("f1", x.flatten(1))))

    def forward_W4(self, x: Any) -> Any:
        h = F.linear(F.embedding(x, self.p["emb"]).flatten(1), self.p["l1.w"])
        h = F.batch_norm(
            h, self.mean, self.var, self.p["bn.g"], self.p["bn.b"], True, self.hp["bn_momentum"], self.hp["bn_eps"]
        )
        return self.linear("l2", ur.tanh(h))

    def forward_W5(self, x: Any) -> Any:
        B, T = x.shape
        C, H = self.hp["emb"], self.hp["heads"]
        x = F.embedding(x, self.p["wte"]) + self.p["wpe"]
        for i in range(self.hp["layers"]):
            n = f"h{i}."
            q, k, v = self.linear(n + "qkv", self.norm(n + "ln1", x)).split(C, dim=2)
            q, k, v = (t.view(B, T, H, C // H).transpose(1, 2) for t in (q, k, v))
            y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
            x = x + self.linear(n + "proj", y.transpose(1, 2).reshape(B, T, C))
            x = x + self.linear(n + "out", F.gelu(self.linear(n + "fc", self.norm(n + "ln2", x)), approximate="tanh"))
        return self.linear("head", self.norm("lnf", x)).flatten(0, 1)

    def forward_W6(self, x: Any) -> Any:
        for i in range(self.hp["blocks"]):
            x = x + self.linear(f"b{i}.l2", F.relu(self.linear(f"b{i}.l1", x)))
        return self.linear("head", x)

    def forward_W7(self, x: Any) -> Any:
        gates = self.linear("ih", x)
        h = ur.zeros(x.shape[1], self.hp["hidden"])
        for g in gates.unbind(0):
            ir, iz, im = g.chunk(3, 1)
            hr, hz, hm = self.linear("hh", h).chunk(3, 1)
            z = ur.sigmoid(iz + hz)
            n = ur.tanh(im + ur.sigmoid(ir + hr) * hm)
            h = n + z * (h - n)
        return self.linear("head", h)


def build(workload: str, mode: str, values: dict[str, np.ndarray]) -> tuple[Any, Any]:
    """The training step of a workload, and what reads its loss."""
    hp, model = HP[workload], Network(workload, values)
    parameters = list(model.parameters())
    if hp["opt"] == "sgd":
        optimizer: Any = optim.SGD(parameters, lr=hp["lr"], momentum=hp.get("momentum", 0.0))
    else:
        kind = optim.Adam if hp["opt"] == "adam" else optim.AdamW
        optimizer = kind(parameters, lr=hp["lr"], betas=(B1, B2), eps=EPS, weight_decay=hp.get("wd", 0.0))

    def step(x: Any, y: Any) -> Any:
        optimizer.zero_grad()
        out = model(x)
        if workload == "W1":
            loss = F.relu(1 - y * out).mean() + hp["alpha"] * sum((p * p).sum() for p in parameters)
        else:
            loss = F.cross_entropy(out, y.flatten())
        loss.backward()
        optimizer.step()
        return loss.detach()

    if mode == "eager":
        return step, float
    compiled = ur.compile(step)
    if mode == "compiled":
        return compiled, float
    return compiled.over, lambda losses: losses.array
