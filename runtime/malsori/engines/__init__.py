"""Sound to text: the contract (`base`), the families that keep it, and what they share. `load` opens one of them."""
