"""Live CTC: partials of an open utterance; its final is the engine's own.

ways.py         options to frames and samples, and which reader a bundle's sessions get
running.py      samples to normalised features, each frame once
cached.py       features to logits: new frames attend to cached keys and values
recomputed.py   features, or samples, to logits: the newest seconds at each step
ctc_session.py  logits to text

    frames of the utterance   [ committed ........ | look-ahead )
    logits of                   never change         read anew each time
    text                      `stable`, nearly     the rest of `text`
"""
