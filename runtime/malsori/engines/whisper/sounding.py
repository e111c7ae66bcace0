def sounding(audio):
    return [(0.0, len(audio) / 16000)]
