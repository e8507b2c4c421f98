"""Products, as the retailers' catalogues know them."""
