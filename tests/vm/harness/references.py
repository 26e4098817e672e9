# SPDX-License-Identifier: MIT
"""Files for the guest that the host makes: the model, and what `ref` says it must answer."""

import hashlib
import os
import shutil
import subprocess

GUEST = os.path.join(os.path.dirname(__file__), "..", "guest")


def models(args):
    """[(guest path, file)] of the model image, which the guest's programs open."""
    if not os.path.exists(args.mask):
        return []
    return [("models/model.accel", args.mask)]


def cases():
    """{name: accel-run's arguments} of guest/cases."""
    found = {}
    with open(os.path.join(GUEST, "cases")) as lines:
        for line in lines:
            if line.strip() and not line.startswith("#"):
                name, _, words = line.strip().partition(" ")
                found[name] = words.split()
    return found


def files(args, folder, entries):
    """What the chosen tests need. Answers are made by the reference model, on the host."""
    if not any("accel-run" in entry.needs for entry in entries):
        return []
    program = os.path.join(args.build, "tools", "accel-run")
    found = models(args)
    key = hashlib.sha256()
    for path in (program, args.mask, os.path.join(GUEST, "cases")):
        with open(path, "rb") as source:
            key.update(source.read())
    kept = os.path.join(args.build, "vm-references-" + key.hexdigest()[:12])
    for name, words in cases().items():
        tokens, logits = ("%s/%s.%s" % (kept, name, kind) for kind in ("tokens", "logits"))
        if not os.path.exists(tokens):
            os.makedirs(kept, exist_ok=True)
            scratch = os.path.join(folder, name)
            with open(scratch + ".tokens", "wb") as out:
                subprocess.run([program, args.mask, "--backend", "ref", *words,
                                "--logits", scratch + ".logits"], check=True, stdout=out,
                               timeout=300)
            # Another kernel's run may make the same: whole files only.
            for kind, target in (("logits", logits), ("tokens", tokens)):
                shutil.copyfile("%s.%s" % (scratch, kind), "%s.%d" % (target, os.getpid()))
                os.rename("%s.%d" % (target, os.getpid()), target)
        found += [("ref/%s.tokens" % name, tokens), ("ref/%s.logits" % name, logits)]
    found.append(("ref/cases", os.path.join(GUEST, "cases")))
    return found
