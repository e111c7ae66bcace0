"""Live CTC: an utterance heard while it is spoken. Sessions give partials; finals are the engine's own.

settings.py     what was asked for, in frames and samples, and which way the bundle can go
normalizer.py   samples at zero mean and unit variance of the utterance so far
frontend.py     samples to features, each frame once
recent.py       the newest rows of something, in memory that is taken once
cached.py       features to logits: new frames attend to what is kept of the frames before
recomputed.py   features, or samples, to logits: the newest seconds anew
session.py      sound to text

    frames of the utterance   [ committed ........ | look-ahead )
    logits of                   never change         read anew each time
    text                      `stable`, nearly     the rest of `text`
"""
