"""Learning from pairs of sequences."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - the name that torch code uses everywhere

from flywheel.standins import metrics
from flywheel.standins.job import Job
from flywheel.standins.remarks import log
from flywheel.standins.seq2seq import CONFIG_FILE, MODEL_FILE
from flywheel.standins.seq2seq.beam import Symbols, search
from flywheel.standins.seq2seq.bleu import corpus_bleu
from flywheel.standins.seq2seq.network import Translator, initialize
from flywheel.standins.seq2seq.pairs import Numbers, read_pairs
from flywheel.standins.seq2seq.schedule import Schedule
from flywheel.standins.seq2seq.vocabulary import (
    BEGIN,
    END,
    PAD,
    SOURCE_FILE,
    TARGET_FILE,
    Vocabulary,
    read_vocabularies,
)
from flywheel.standins.torch_training import (
    BestState,
    batches,
    limit_gradients,
    optimizer,
    pad,
    prepare,
    save,
)

Pairs = Sequence[tuple[Numbers, Numbers]]
LARGER_IS_BETTER = ("accuracy", "bleu")
LOSSES = {"cross-entropy": F.cross_entropy}


def train(job: Job) -> None:
    """Write the network of the best checkpoint by `optimized_metric`."""
    random = prepare()
    source, target = read_vocabularies(job.channels["vocab"])
    pairs = {
        name: read_pairs(job.channels[name], source, target) for name in ("train", "validation")
    }
    network = Translator(_settings(job, source, target))
    initialize(
        network,
        job.get("weight_init_type"),
        job.get("weight_init_scale"),
        job.get("xavier_factor_type"),
    )
    training = Training(job, network, symbols_of(source, target), pairs, random)
    training.run()
    for name, value in training.best_metrics.items():
        metrics.report(f"validation:{name}", value)
    save(job.model_dir / MODEL_FILE, {}, network)
    (job.model_dir / CONFIG_FILE).write_text(json.dumps(network.config, indent=1))
    for path in job.channels["vocab"].files:
        if path.name in (SOURCE_FILE, TARGET_FILE):
            shutil.copyfile(path, job.model_dir / path.name)


def symbols_of(source: Vocabulary, target: Vocabulary) -> Symbols:
    """The numbers that the search needs."""
    numbers = target.numbers
    return Symbols(source.numbers[PAD], numbers[PAD], numbers[BEGIN], numbers[END])


@dataclass
class Training:
    """A training under way; `run` ends it."""

    job: Job
    network: Translator
    symbols: Symbols
    pairs: Mapping[str, Pairs]
    random: np.random.Generator
    best_metrics: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        get = self.job.get
        self.best = BestState(self.network)
        self.learner = optimizer(
            get("optimizer_type"),
            self.network.parameters(),
            learning_rate=get("learning_rate"),
            weight_decay=get("weight_decay"),
            momentum=get("momentum"),
        )
        self.schedule = Schedule(
            get("lr_scheduler_type"),
            get("learning_rate"),
            factor=get("plateau_reduce_lr_factor", 1.0),
            threshold=get("plateau_reduce_lr_threshold", 1),
            half_life=get("fixed_rate_lr_half_life", 1),
        )
        self.num_batches = self.num_epochs = self.num_checkpoints = self.num_bad = 0
        self.tracked: list[tuple[float, float]] = []

    def run(self) -> None:
        """Train to the last epoch or batch, or until checkpoints get no better."""
        every = self.job.get("checkpoint_frequency_num_batches")
        at_most = self.job.get("max_num_batches")
        is_over = False
        while not is_over:
            for places in self._batches():
                self._step([self.pairs["train"][place] for place in places])
                if self.num_batches % every == 0:
                    is_over = self._checkpoint()
                is_over = is_over or self.num_batches == at_most
                if is_over:
                    break
            else:
                self.num_epochs += 1
                is_over = self.num_epochs == self.job.get("max_num_epochs")
        if self.tracked:
            self._checkpoint()
        self.best.restore()

    def _batches(self) -> Iterator[np.ndarray[Any, Any]]:
        lengths = [max(map(len, pair)) for pair in self.pairs["train"]]
        width = self.job.get("bucket_width") if self.job.get("bucketing_enabled") else 0
        return batches(lengths, self.job.get("batch_size"), width, self.random)

    def _step(self, pairs: Pairs) -> None:
        self.network.train()
        every = self.job.get("checkpoint_frequency_num_batches")
        for group in self.learner.param_groups:
            group["lr"] = self.schedule.rate(self.num_batches / every)
        scores, wanted = self._scores(pairs)
        loss = LOSSES[self.job.get("loss_type")](scores, wanted)
        self.learner.zero_grad()
        loss.backward()
        clip = self.job.get("clip_gradient")
        limit_gradients(self.network.parameters(), clip=clip if clip > 0 else None)
        self.learner.step()
        self.num_batches += 1
        hits = (scores.detach().argmax(1) == wanted).double().mean().item()
        self.tracked.append((loss.item(), hits))

    def _scores(self, pairs: Pairs) -> tuple[Tensor, Tensor]:
        """Scores of each token of the targets, and these tokens, without what fills up."""
        get = self.job.get
        longest = (get("max_seq_len_source"), get("max_seq_len_target"))
        fixed = (None, None) if get("bucketing_enabled") else longest
        sources = [source[: longest[0]] for source, _ in pairs]
        targets = [target[: longest[1]] for _, target in pairs]
        tokens = pad(sources, self.symbols.source_pad, fixed[0])
        lengths = torch.tensor([len(source) for source in sources])
        mask = torch.arange(tokens.shape[1]).unsqueeze(0) < lengths.unsqueeze(1)
        size = None if fixed[1] is None else fixed[1] + 1
        known = pad([[self.symbols.begin, *target] for target in targets], self.symbols.pad, size)
        wanted = pad([[*target, self.symbols.end] for target in targets], -1, size)
        inside = wanted >= 0
        return self.network(tokens, mask, known)[inside], wanted[inside]

    def _checkpoint(self) -> bool:
        """Evaluate; returns whether training is over."""
        losses, hits = (float(np.mean(column)) for column in zip(*self.tracked, strict=True))
        self.tracked = []
        tracked = hits if self.job.get("training_metric") == "accuracy" else _perplexity(losses)
        self.num_checkpoints += 1
        log(
            f"checkpoint {self.num_checkpoints}, batch {self.num_batches}: train "
            f"{self.job.get('training_metric')} {tracked:.4f}"
        )
        found = self._evaluate()
        for name, value in found.items():
            metrics.report(f"validation:{name}", value)
        chosen = self.job.get("optimized_metric")
        is_better = self.best.offer(-found[chosen] if chosen in LARGER_IS_BETTER else found[chosen])
        if is_better:
            self.best_metrics = found
        self.schedule.after_checkpoint(is_better=is_better)
        self.num_bad = 0 if is_better else self.num_bad + 1
        return self._stops_early()

    def _stops_early(self) -> bool:
        """Without max_num_epochs, after checkpoint_threshold checkpoints that are no better."""
        stops = (
            self.job.get("max_num_epochs") is None
            and self.num_epochs >= self.job.get("min_num_epochs")
            and self.num_bad >= self.job.get("checkpoint_threshold")
        )
        if stops:
            log(f"stopped early after {self.num_bad} checkpoints that are no better")
        return stops

    def _evaluate(self) -> dict[str, float]:
        """Perplexity and accuracy of the tokens, all earlier ones known, and BLEU if wanted."""
        self.network.eval()
        pairs, size = self.pairs["validation"], self.job.get("batch_size")
        loss, hits, number = 0.0, 0, 0
        with torch.inference_mode():
            for start in range(0, len(pairs), size):
                scores, wanted = self._scores(pairs[start : start + size])
                loss += F.cross_entropy(scores, wanted, reduction="sum").item()
                hits += int((scores.argmax(1) == wanted).sum())
                number += len(wanted)
        found = {"perplexity": _perplexity(loss / number), "accuracy": hits / number}
        if sample := self._bleu_sample():
            answers = search(
                self.network,
                self.symbols,
                [source for source, _ in sample],
                self.job.get("beam_size"),
            )
            found["bleu"] = corpus_bleu(
                [answer.numbers for answer in answers], [target for _, target in sample]
            )
        return found

    def _bleu_sample(self) -> Pairs:
        """The same pairs at each checkpoint; all of them where BLEU decides."""
        pairs, size = self.pairs["validation"], self.job.get("bleu_sample_size")
        if size == 0 and self.job.get("optimized_metric") != "bleu":
            return []
        if size <= 0 or size >= len(pairs):
            return pairs
        places = np.random.default_rng(0).permutation(len(pairs))[:size]
        return [pairs[place] for place in places]


def _perplexity(loss: float) -> float:
    return math.exp(loss) if loss < 700 else math.inf


def _settings(job: Job, source: Vocabulary, target: Vocabulary) -> dict[str, Any]:
    """What the network is built with, and its answers are searched with."""
    rnn = {
        "rnn_num_hidden": 0,
        "rnn_cell_type": "lstm",
        "rnn_attention_type": "mlp",
        "rnn_attention_in_upper_layers": True,
        "rnn_decoder_state_init": "last",
        "rnn_residual_connections": False,
        "rnn_first_residual_layer": 2,
        "rnn_decoder_hidden_dropout": 0.0,
    }
    cnn = {
        "cnn_num_hidden": 0,
        "cnn_activation_type": "glu",
        "cnn_hidden_dropout": 0.0,
        "cnn_kernel_width_encoder": 3,
        "cnn_kernel_width_decoder": 5,
    }
    always = (
        *("encoder_type", "decoder_type", "num_layers_encoder", "num_layers_decoder"),
        *("num_embed_source", "num_embed_target", "embed_dropout_source", "embed_dropout_target"),
        *("max_seq_len_source", "max_seq_len_target", "beam_size"),
    )
    settings = {name: job.get(name) for name in always}
    settings |= {name: job.get(name, default) for name, default in (rnn | cnn).items()}
    settings["rnn_attention_num_hidden"] = job.get(
        "rnn_attention_num_hidden", settings["rnn_num_hidden"]
    )
    return settings | {"source_size": len(source), "target_size": len(target)}
