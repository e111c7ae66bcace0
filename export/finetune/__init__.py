"""CTC fine-tuning, a file a step: texts, vocabulary, clips, model, training, bundle. `finetune_ctc.py` joins them."""
