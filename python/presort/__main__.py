"""python -m presort: the program, with the same arguments."""

import os
import subprocess
import sys

from presort import program


def main() -> None:
    command = [program(), *sys.argv[1:]]
    if os.name == "posix":
        # Signals and the exit status are those of the program.
        os.execv(command[0], command)
    sys.exit(subprocess.call(command))


if __name__ == "__main__":
    main()
