"""Live streams: sound in blocks, events out; and who may use an engine when."""
