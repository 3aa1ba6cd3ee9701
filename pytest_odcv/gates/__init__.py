"""Gates: assertions over many trials, three-valued. Pure: they take results and give results; the session reports them."""
