"""The language of expressions: variables, constants, placeholders and the algebra over them."""
