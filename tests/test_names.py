"""The names that programs in PyTorch's idiom use are there, under the same names and with the same keywords."""

from __future__ import annotations

import math
import subprocess
import sys

import numpy as np
import pytest

import upriver as ur

PACKAGE = """
Tensor tensor zeros ones zeros_like ones_like full eye arange linspace rand randn randint randperm
multinomial Generator manual_seed log exp sqrt tanh pow all any allclose isclose cat stack roll tril
triu topk sort gather where matmul einsum histogram no_grad enable_grad inference_mode
set_grad_enabled int32 int64 long float32 float float64 double bool cuda.is_available nn
nn.functional nn.init nn.utils optim utils.data autograd.grad as_tensor from_numpy empty full_like
abs sum mean var std max min argmax argmin softmax log_softmax relu sigmoid sin cos clamp maximum
minimum bmm outer flatten reshape transpose permute squeeze unsqueeze split chunk concat logsumexp
cumsum prod norm is_tensor numel is_grad_enabled get_default_dtype set_default_dtype
""".split()

TENSOR = """
shape ndim dtype device data grad requires_grad is_leaf grad_fn T mT item tolist numpy size dim
numel nelement view reshape flatten squeeze unsqueeze transpose permute expand repeat contiguous
split chunk clone detach retain_grad backward to float double long int bool type_as sum mean std var
prod max min argmax argmin abs exp log log10 sqrt tanh sigmoid relu softmax masked_fill
requires_grad_ zero_ fill_ copy_ normal_ uniform_ add_ mul_ sub_ div_ clamp_ half index_select
gather scatter_add cumsum sort topk multinomial any all norm pow log_softmax
""".split()

NN = """
Module Parameter ModuleList ModuleDict ParameterList Sequential Linear Embedding LayerNorm Dropout
GELU ReLU Tanh Sigmoid Softmax LogSoftmax LeakyReLU PReLU ELU SELU SiLU Softplus Hardswish Identity
Flatten Conv1d Conv2d ConvTranspose2d MaxPool1d MaxPool2d AvgPool2d AdaptiveAvgPool2d BatchNorm1d
BatchNorm2d GroupNorm RMSNorm RNN LSTM GRU RNNCell LSTMCell GRUCell MultiheadAttention
TransformerEncoderLayer TransformerEncoder Residual MSELoss L1Loss SmoothL1Loss HuberLoss BCELoss
BCEWithLogitsLoss CrossEntropyLoss NLLLoss KLDivLoss HingeEmbeddingLoss MultiMarginLoss
CosineEmbeddingLoss
""".split()

FUNCTIONAL = """
cross_entropy mse_loss softmax log_softmax one_hot layer_norm scaled_dot_product_attention tanh
sigmoid relu gelu dropout pad conv2d max_pool2d embedding linear batch_norm group_norm rms_norm
nll_loss binary_cross_entropy binary_cross_entropy_with_logits l1_loss smooth_l1_loss huber_loss
kl_div silu elu selu leaky_relu softplus hardswish avg_pool2d adaptive_avg_pool2d interpolate conv1d
conv_transpose2d unfold normalize cosine_similarity
""".split()

INIT = """
normal_ uniform_ zeros_ ones_ constant_ xavier_uniform_ xavier_normal_ kaiming_uniform_
kaiming_normal_ orthogonal_ trunc_normal_
""".split()
UTILS = """
clip_grad_norm_ clip_grad_value_ parameters_to_vector vector_to_parameters
""".split()
OPTIM = "SGD RMSprop Adagrad Adam AdamW lr_scheduler Optimizer".split()
SCHEDULES = """
LambdaLR StepLR MultiStepLR ExponentialLR CosineAnnealingLR OneCycleLR LinearLR ReduceLROnPlateau
SequentialLR ChainedScheduler
""".split()
DATA = "Dataset TensorDataset DataLoader Subset random_split".split()


def has(root: object, path: str) -> bool:
    for part in path.split("."):
        root = getattr(root, part, None)
        if root is None:
            return False
    return True


@pytest.mark.parametrize(
    ("root", "names"),
    [
        ("", PACKAGE),
        ("Tensor", TENSOR),
        ("nn", NN),
        ("nn.functional", FUNCTIONAL),
        ("nn.init", INIT),
        ("nn.utils", UTILS),
        ("optim", OPTIM),
        ("optim.lr_scheduler", SCHEDULES),
        ("utils.data", DATA),
    ],
)
def test_every_name_is_there(root: str, names: list[str]) -> None:
    where: object = ur
    for part in filter(None, root.split(".")):
        where = getattr(where, part)
    if root == "Tensor":
        where = ur.ones(1, 1)
        names = [name for name in names if name != "grad" and name != "grad_fn"]
    missing = [name for name in names if not has(where, name)]
    assert not missing, f"ur.{root} lacks {missing}"


def test_submodules_are_attributes_after_a_bare_import() -> None:
    names = ("nn.functional", "nn.init", "nn.utils", "optim", "utils.data", "autograd.grad")
    code = "import upriver as torch; " + "; ".join(f"torch.{name}" for name in names)
    subprocess.run([sys.executable, "-c", code], check=True)


def test_import_loads_numpy_and_nothing_heavy() -> None:
    heavy = ("rich", "safetensors", "upriver.nn", "upriver.train", "upriver.explain", "llvmlite")
    code = f"import sys, upriver; print([m for m in {heavy} if m in sys.modules])"
    out = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert out.strip() == "[]"


def test_keywords() -> None:
    g = ur.Generator().manual_seed(3)
    assert isinstance(g, ur.Generator)
    p = ur.rand(4, generator=g)
    picked = ur.multinomial(p, num_samples=2, replacement=True, generator=g)
    assert picked.shape == (2,)
    assert picked.dtype == ur.int64
    x = ur.zeros((2, 3), dtype=ur.float64, device="cpu", requires_grad=True)
    assert x.sum(axis=1, keepdims=True).shape == x.sum(dim=1, keepdim=True).shape == (2, 1)
    assert ur.ones(3).var(unbiased=False).item() == ur.ones(3).var(correction=0).item() == 0
    with pytest.raises(RuntimeError, match="cpu"):
        ur.zeros(2, device="cuda")
    assert ur.nn.functional.one_hot(ur.tensor([1]), num_classes=3).tolist() == [[0, 1, 0]]
    counts, edges = ur.histogram(ur.tensor([0.0, 1.0, 1.0]), bins=2, density=True)
    assert counts.shape == (2,)
    assert edges.shape == (3,)


def test_the_first_lines_of_many_programs() -> None:
    device = ur.device("cuda" if ur.cuda.is_available() else "cpu")
    x = ur.ones(2, 3, device=device).to(device)
    assert x.device == device == "cpu"
    assert x.device.type == "cpu"
    assert not x.is_cuda
    assert x.stride() == (3, 1)
    assert not x.T.is_contiguous()
    for wrong in (lambda: ur.device("cuda:0"), lambda: x.cuda(), lambda: x.to("cuda")):
        with pytest.raises(RuntimeError, match="everything runs on the CPU"):
            wrong()


def test_scalars_and_formats() -> None:
    t = ur.tensor(3.14159)
    assert f"{t:.2f}" == "3.14"
    assert "%.2f" % t == "3.14"  # noqa: UP031
    i = ur.tensor(2)
    assert [10, 20, 30][i] == 30
    assert list(range(i)) == [0, 1]
    assert ur.arange(5)[:i].tolist() == [0, 1]
    assert (10**i).item() == 100
    assert (1.0 / ur.tensor(4.0)).item() == 0.25
    assert np.asarray(i) == 2
    first, second = ur.tensor([1, 2])
    assert (first + second).item() == 3


@pytest.mark.parametrize(
    "line",
    [
        "from upriver.utils.data.dataloader import DataLoader",
        "from upriver.utils.data.dataset import Dataset, random_split",
        "from upriver.utils.data import DataLoader",
        "from upriver.nn.parameter import Parameter",
    ],
)
def test_modules_that_programs_import_from(line: str) -> None:
    exec(line, {})


def test_constants() -> None:
    assert (ur.inf, ur.pi, ur.e) == (math.inf, math.pi, math.e)
    assert math.isnan(ur.nan)


@pytest.mark.parametrize("name", ["save", "load", "bfloat16", "linalg", "backends"])
def test_names_that_are_not_here_say_what_to_use(name: str) -> None:
    assert not hasattr(ur, name)
    with pytest.raises(AttributeError, match=f"no attribute '{name}'; .*"):
        getattr(ur, name)
