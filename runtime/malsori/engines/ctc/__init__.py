"""CTC logits to words, and given words to their times. numpy only, no network; positions are frames to the last step.

Both        frames.py          samples to frames, and frames to seconds
            vocabulary.py      tokens and their roles: blank, word delimiter, special, text
            viterbi.py         the likeliest alignment of given tokens with frames
            words.py           tokens at their frames, joined to words at the delimiters
Decoding    decoder.py         options and logits to segments with words, times and alternatives; greedy, or by beam
            beam.py            the likeliest sequences of tokens, summed over their alignments
            hotwords.py        a scorer of the beam: hot words
            language_model.py  a scorer of the beam: n-grams of words (KenLM)
Alignment   spelling.py        a text to tokens, with the way back to its characters; also for hot words
            aligner.py         written words and logits to words with times; a wildcard for unknown characters
            edges.py           where words begin and end: frames and silences to seconds
"""
