"""Optimisers, which turn gradients into changed weights, and schedules of their learning rates."""

from . import lr_scheduler as lr_scheduler
from .adagrad import Adagrad as Adagrad
from .adam import Adam as Adam, AdamW as AdamW, NAdam as NAdam, RAdam as RAdam
from .optimizer import Optimizer as Optimizer
from .rmsprop import RMSprop as RMSprop
from .sgd import SGD as SGD
