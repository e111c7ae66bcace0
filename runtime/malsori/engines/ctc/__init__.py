"""What is said of speech by frames of CTC logits: tokens, words, alternatives, alignments. numpy only, no network."""
