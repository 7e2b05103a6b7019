"""`python -m i2i_keras` does what `i2i-keras` does."""

import shlex

from i2i_keras.cli import main
from i2i_keras.cli.group import module_words

if __name__ == "__main__":
    main(prog_name=shlex.join(module_words()))
