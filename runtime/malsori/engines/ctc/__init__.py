"""What is said of speech by frames of CTC logits. numpy only, no network; positions are frames until the last step.

What the frames say       vocabulary.py      tokens and their roles: blank, word delimiter, special, text
                          softmax.py         logits as log-probabilities
                          tokens.py          tokens at the frames in which they are said
                          words.py           tokens read as words, at the delimiters
Without a text: decoding  greedy.py          the best token of each frame
                          beam.py            the likeliest sequences of tokens, summed over their alignments
                          hotwords.py        a scorer of the beam: words to listen for
                          language_model.py  a scorer of the beam: words behind words (KenLM)
                          growing.py         greedy while somebody speaks: what no later frame can change
                          decoder.py         options and logits to segments with words, times and alternatives
With a text: alignment    spelling.py        a text in tokens, with the way back to its characters; hot words too
                          viterbi.py         the likeliest way of tokens through frames; times of a beam's words too
                          emissions.py       the scores of that way, with a wildcard for what has no letters
                          silence.py         where the sound is silent
                          edges.py           where words begin and end: frames and silences to seconds
                          aligner.py         written words and logits to words with times
"""
