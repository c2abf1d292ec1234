"""The read model of Catalog that the slices need: names, kinds, sizes (contract 4.1)."""
