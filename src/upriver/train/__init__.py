"""Training: the loop, the Trainer around it, and runs on disk."""

from __future__ import annotations

from .checkpoint import load_checkpoint as load_checkpoint, save_checkpoint as save_checkpoint
from .finite import TrainingError as TrainingError
from .flow import GradientFlow as GradientFlow, largest_gradients as largest_gradients
from .loop import Watch as Watch, evaluate as evaluate, train_steps as train_steps
from .metrics import (
    ACCURACY as ACCURACY,
    BITS as BITS,
    MAE as MAE,
    RMSE as RMSE,
    Metric as Metric,
    confusion_matrix as confusion_matrix,
    predict as predict,
)
from .run import Run as Run
from .signals import Interrupted as Interrupted
from .trainer import Trainer as Trainer, load_weights as load_weights
