"""Beam search: the targets that the network finds most probable."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from flywheel.standins.seq2seq.network import Translator
from flywheel.standins.seq2seq.pairs import Answer, Numbers
from flywheel.standins.torch_training import pad

_NEVER = -1e9
SOURCES_AT_ONCE = 256


@dataclass(frozen=True)
class Symbols:
    """The numbers of the target's symbols, and that of the source's <pad>."""

    source_pad: int
    pad: int
    begin: int
    end: int


def search(
    network: Translator, symbols: Symbols, sources: Sequence[Numbers], beam_size: int
) -> list[Answer]:
    """An answer for each source; sources of about the same length are searched together."""
    order = sorted(range(len(sources)), key=lambda place: len(sources[place]))
    found: dict[int, Answer] = {}
    network.eval()
    with torch.inference_mode():
        for start in range(0, len(order), SOURCES_AT_ONCE):
            places = order[start : start + SOURCES_AT_ONCE]
            answers = _search([sources[place] for place in places], network, symbols, beam_size)
            found.update(zip(places, answers, strict=True))
    return [found[place] for place in range(len(sources))]


def _search(
    sources: Sequence[Numbers], network: Translator, symbols: Symbols, beam_size: int
) -> list[Answer]:
    longest = network.config["max_seq_len_source"]
    tokens = pad([source[:longest] for source in sources], symbols.source_pad)
    lengths = torch.tensor([min(len(source), longest) for source in sources])
    mask = torch.arange(tokens.shape[1]).unsqueeze(0) < lengths.unsqueeze(1)
    states = network.encode(tokens, mask)
    state = tuple(
        part.repeat_interleave(beam_size, 0) for part in network.decoder.start(states, mask)
    )
    keys = network.decoder.attention.prepare(states).repeat_interleave(beam_size, 0)
    states, mask = states.repeat_interleave(beam_size, 0), mask.repeat_interleave(beam_size, 0)
    number = len(sources)
    first_rows = (torch.arange(number) * beam_size).unsqueeze(1)
    last = torch.full((number * beam_size,), symbols.begin)
    # All beams of a source begin alike: only the first of them counts.
    scores = torch.full((number, beam_size), _NEVER)
    scores[:, 0] = 0
    written = torch.zeros(number * beam_size, 0, dtype=torch.long)
    looked = torch.zeros(number * beam_size, 0, tokens.shape[1])
    ended = torch.zeros(number * beam_size, dtype=torch.bool)
    for step in range(network.config["max_seq_len_target"] + 1):
        words, state, weights = network.decoder.step(last, state, states, keys, mask)
        gains = _gains(words, ended, symbols, must_end=step == network.config["max_seq_len_target"])
        totals = (scores.reshape(-1, 1) + gains).reshape(number, -1)
        scores, best = totals.topk(beam_size, 1)
        rows = (first_rows + best // gains.shape[1]).reshape(-1)
        last = (best % gains.shape[1]).reshape(-1)
        state = tuple(part[rows] for part in state)
        written = torch.cat([written[rows], last.unsqueeze(1)], 1)
        looked = torch.cat([looked[rows], weights[rows].unsqueeze(1)], 1)
        ended = ended[rows] | (last == symbols.end)
        if ended.all():
            break
    return _best(scores, written, looked, lengths, symbols)


def _gains(words: Tensor, ended: Tensor, symbols: Symbols, *, must_end: bool) -> Tensor:
    """Log probabilities of the next words; what has ended stays as it is."""
    gains = torch.log_softmax(words, 1)
    gains[:, [symbols.pad, symbols.begin]] = _NEVER
    if must_end:
        end = gains[:, symbols.end].clone()
        gains.fill_(_NEVER)
        gains[:, symbols.end] = end
    gains[ended] = _NEVER
    gains[ended, symbols.end] = 0
    return gains


def _best(
    scores: Tensor, written: Tensor, looked: Tensor, lengths: Tensor, symbols: Symbols
) -> list[Answer]:
    """Of each source's beams that with the best mean log probability of a word."""
    number, beam_size = scores.shape
    sizes = (written != symbols.end).sum(1).reshape(number, beam_size)
    chosen = (scores / (sizes + 1)).argmax(1)
    answers = []
    for place, beam in enumerate(chosen.tolist()):
        row = place * beam_size + beam
        size = int(sizes[place, beam])
        attention = looked[row, :size, : int(lengths[place])].numpy()
        answers.append(Answer(written[row, :size].tolist(), attention))
    return answers
