"""Sound to text: the contract (`base`), the two families that keep it, and what they share. `load` knows them all."""
