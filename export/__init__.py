"""Scripts that need torch and transformers: checkpoint to bundle, with proof. The runtime never imports them."""
