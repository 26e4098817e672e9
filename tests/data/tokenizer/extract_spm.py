#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Write spm512.json and spm512_texts.json from a GGUF file and the reference outputs beside it.

usage: extract_spm.py MODELS_DIR OUT_DIR   (MODELS_DIR has *.gguf and reference/)
"""
import glob
import json
import os
import struct
import sys

SCALAR = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, fmt):
        v = struct.unpack_from("<" + fmt, self.data, self.at)
        self.at += struct.calcsize("<" + fmt)
        return v[0] if len(v) == 1 else v

    def value(self, kind):
        if kind in SCALAR:
            return self.take(SCALAR[kind])
        if kind == 8:
            n = self.take("Q")
            self.at += n
            return self.data[self.at - n:self.at].decode("utf-8")
        if kind == 9:
            item, n = self.take("IQ")
            return [self.value(item) for _ in range(n)]
        raise ValueError(f"value type {kind}")


def keys(path):
    r = Reader(open(path, "rb").read())
    magic, _version, _tensors, n = r.take("4sIQQ")
    assert magic == b"GGUF"
    return {r.value(8): r.value(r.take("I")) for _ in range(n)}


def dump(path, value, indent=None):
    with open(path, "w", encoding="utf-8") as f:
        json.dump(value, f, ensure_ascii=False, indent=indent)
        f.write("\n")


def main():
    models, out = sys.argv[1:3]
    files = sorted(glob.glob(os.path.join(models, "*.gguf")))
    kept = None
    for path in files:
        tok = {k[len("tokenizer.ggml."):]: v for k, v in keys(path).items()
               if k.startswith("tokenizer.ggml.")}
        assert kept in (None, tok), path
        kept = tok
    dump(os.path.join(out, "spm512.json"), kept)

    prompts, generated = {}, []
    ref = os.path.join(models, "reference")
    for path in sorted(glob.glob(os.path.join(ref, "*", "*-F32.json"))):
        doc = json.load(open(path, encoding="utf-8"))
        for p in doc["prompts"]:
            assert prompts.setdefault(p["text"], p["prompt_ids"]) == p["prompt_ids"]
            generated.append({"ids": p["greedy_ids"], "text": p["greedy_text"]})
        text_ids, text_file = doc["perplexity"]["token_ids"], doc["perplexity"]["text_file"]
    text = open(os.path.join(ref, text_file), encoding="utf-8").read()
    dump(os.path.join(out, "spm512_texts.json"), {
        "with_bos": [{"text": t, "ids": i} for t, i in prompts.items()],
        "without_bos": [{"text": text, "ids": text_ids}],
        "generated": generated,
    }, 1)


if __name__ == "__main__":
    main()
