"""Pure statistics: values in, values out. The small values are in `values`; each other module is one question."""
