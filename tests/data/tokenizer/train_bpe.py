#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Train the small byte-level BPE vocabulary bpe.json from text files.

usage: train_bpe.py OUT MERGES TEXT...
Words are cut at spaces (a space goes with the word after it); the pair with the highest count is
merged, the first in byte order of equals. Special tokens follow the merged ones.
"""
import json
import re
import sys
from collections import Counter


def alphabet():
    keep = [*range(0x21, 0x7f), *range(0xa1, 0xad), *range(0xae, 0x100)]
    table, extra = {}, 0x100
    for b in range(256):
        if b in keep:
            table[b] = chr(b)
        else:
            table[b] = chr(extra)
            extra += 1
    return table


def join(word, pair):
    out, i = [], 0
    while i < len(word):
        if i + 1 < len(word) and (word[i], word[i + 1]) == pair:
            out.append(word[i] + word[i + 1])
            i += 2
        else:
            out.append(word[i])
            i += 1
    return tuple(out)


def main():
    out, n_merges = sys.argv[1], int(sys.argv[2])
    text = "".join(open(p, encoding="utf-8").read() for p in sys.argv[3:])
    words = Counter()
    for piece in re.findall(rb" ?[^ \n]+|[ \n]+", text.encode("utf-8")):
        words[tuple(bytes([b]) for b in piece)] += 1
    tokens = [bytes([b]) for b in range(256)]
    merges = []
    while len(merges) < n_merges:
        pairs = Counter()
        for word, count in words.items():
            for pair in zip(word, word[1:]):
                pairs[pair] += count
        best = min(pairs, key=lambda p: (-pairs[p], p))
        if best[0] + best[1] not in tokens:
            tokens.append(best[0] + best[1])
        merges.append(best)
        words = Counter({join(w, best): c for w, c in words.items()})
    abc = alphabet()
    show = lambda b: "".join(abc[x] for x in b)
    special = [("<|endoftext|>", 3), ("<|im_start|>", 3), ("<|im_end|>", 3), ("<tool>", 4),
               ("<tool>\n", 4), ("<|im_start|>user", 4)]
    n = len(tokens)
    doc = {
        "model": "gpt2", "pre": "gpt-2",
        "tokens": [show(t) for t in tokens] + [t for t, _ in special],
        "token_type": [1] * n + [k for _, k in special],
        "merges": [show(a) + " " + show(b) for a, b in merges],
        "eos_token_id": n, "eot_token_id": n + 2, "add_bos_token": False,
    }
    with open(out, "w", encoding="utf-8") as f:
        json.dump(doc, f, ensure_ascii=False)
        f.write("\n")


if __name__ == "__main__":
    main()
