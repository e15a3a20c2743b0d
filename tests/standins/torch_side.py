"""Runs in the environment of torch: what the stand-ins' own parts do. Prints it as JSON."""

import itertools
import json
import pickle
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from torch import nn

from flywheel.standins.contract import RefusedError
from flywheel.standins.object2vec.network import compare
from flywheel.standins.object2vec.pairs import Pairs
from flywheel.standins.object2vec.training import with_negatives
from flywheel.standins.seq2seq.beam import Symbols, search
from flywheel.standins.seq2seq.network import Translator, initialize
from flywheel.standins.torch_training import (
    BestState,
    EarlyStopping,
    batches,
    limit_gradients,
    optimizer,
    pad,
    prepare,
    read,
    save,
)


def best_state() -> Any:
    """The weight after the losses 3, 1 and 2, and what a loss without a number is."""
    model = nn.Linear(1, 1)
    best = BestState(model)
    taken = []
    for loss in (3.0, 1.0, 2.0):
        nn.init.constant_(model.weight, loss)
        taken.append(best.offer(loss))
    best.restore()
    try:
        best.offer(float("nan"))
    except RefusedError as error:
        return [model.weight.item(), taken, str(error)]
    return None


def early_stopping() -> Any:
    """After which of these losses training is over: two in a row hardly fall."""
    stopping = EarlyStopping(2, 0.1)
    losses = [1.0, 0.95, 0.85, 0.84, 0.83]
    return [stopping.is_over(loss) for loss in losses]


def limited() -> Any:
    """Gradients 1, -8 and 0.5, halved and cut to 2."""
    parameter = nn.Parameter(torch.zeros(3))
    parameter.grad = torch.tensor([1.0, -8.0, 0.5])
    limit_gradients([parameter, nn.Parameter(torch.zeros(1))], rescale=0.5, clip=2.0)
    return parameter.grad.tolist()


def optimizers() -> Any:
    """Whether each makes a parameter smaller whose gradient is 1."""
    found = {}
    for name in ("adadelta", "adagrad", "adam", "rmsprop", "sgd"):
        parameter = nn.Parameter(torch.ones(1))
        learner = optimizer(name, [parameter], learning_rate=0.1, weight_decay=0.1, momentum=0.9)
        parameter.grad = torch.ones(1)
        learner.step()
        found[name] = parameter.item() < 1
    return found


def buckets() -> Any:
    """The lengths that come together, with and without a bucket width."""
    lengths = [1, 9, 2, 10, 3, 11, 20]
    random = np.random.default_rng(0)
    together = [[lengths[place] for place in batch] for batch in batches(lengths, 2, 5, random)]
    mixed = [len(batch) for batch in batches(lengths, 3, 0, random)]
    return [together, mixed, pad([[7], [8, 9]], 0).tolist(), pad([[7]], -1, 3).tolist()]


@dataclass
class Trap:
    """Makes a file when a pickle of it is loaded."""

    path: Path

    def __reduce__(self) -> Any:
        return (Path.touch, (self.path,))


def files() -> Any:
    """What a file of ours and what one of another kind gives."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "model"
        save(path, {"a": 1}, nn.Linear(1, 1))
        config, parameters = read(path)
        path.write_bytes(pickle.dumps(Trap(Path(folder) / "run")))
        said = []
        for file in (path, path.with_name("none")):
            try:
                read(file)
            except RefusedError as error:
                said.append(str(error))
        return [config, sorted(parameters), said, (Path(folder) / "run").exists()]


def negatives() -> Any:
    """Two negative samples for the positive pair of a batch."""
    pairs = Pairs(([[1], [2]], [[3], [4]]), [1.0, 0.0])
    batch = with_negatives(pairs, pairs, 2, np.random.default_rng(0))
    return [batch.tokens[0], [entry[0] in (3, 4) for entry in batch.tokens[1]], batch.labels]


def comparators() -> Any:
    """Their parts, in the order that they are named in."""
    a, b = torch.tensor([[1.0, 5.0]]), torch.tensor([[3.0, 2.0]])
    return compare(a, b, ["abs_diff", "hadamard", "concat"]).tolist()


def translators() -> Iterator[Translator]:
    """Small networks of both kinds that have learned nothing, over a target of two real tokens."""
    for kind in ("rnn", "cnn"):
        for seed in range(5):
            torch.manual_seed(seed)
            settings = {
                **{"encoder_type": kind, "decoder_type": kind, "cnn_num_hidden": 6},
                **{"num_layers_encoder": 2, "num_layers_decoder": 2, "rnn_num_hidden": 6},
                **{"num_embed_source": 4, "num_embed_target": 4, "rnn_cell_type": "lstm"},
                **{"embed_dropout_source": 0.0, "embed_dropout_target": 0.0, "beam_size": 5},
                **{"rnn_attention_type": "mlp", "rnn_attention_num_hidden": 3},
                **{"rnn_attention_in_upper_layers": True, "rnn_decoder_state_init": "last"},
                **{"rnn_residual_connections": True, "rnn_first_residual_layer": 2},
                **{"rnn_decoder_hidden_dropout": 0.0, "cnn_hidden_dropout": 0.0},
                **{"cnn_activation_type": "glu", "cnn_kernel_width_encoder": 3},
                **{"cnn_kernel_width_decoder": 2, "max_seq_len_source": 4, "max_seq_len_target": 3},
                **{"source_size": 7, "target_size": 6},
            }
            network = Translator(settings)
            initialize(network, "uniform", 2.0, "in")
            yield network.eval()


def beams() -> Any:
    """The best target by a search of all, and by trying each of them."""
    symbols = Symbols(source_pad=0, pad=0, begin=2, end=3)
    source = [4, 6, 5]
    results = []
    for network in translators():
        (answer,) = search(network, symbols, [source], 50)
        means = {}
        mask = torch.ones(1, len(source), dtype=torch.bool)
        for size in range(4):
            for target in itertools.product((1, 4, 5), repeat=size):
                known = torch.tensor([[2, *target]])
                with torch.inference_mode():
                    scores = network(torch.tensor([source]), mask, known)
                words = torch.log_softmax(scores, 2)[0]
                total = sum(words[n, word].item() for n, word in enumerate([*target, 3]))
                means[target] = total / (size + 1)
        best = max(means, key=lambda target: means[target])
        results.append([answer.numbers, list(best)])
    return results


prepare()
PARTS = (
    *(best_state, early_stopping, limited, optimizers, buckets, files, negatives, comparators),
    beams,
)
print(json.dumps({part.__name__: part() for part in PARTS}))  # noqa: T201
