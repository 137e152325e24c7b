"""A connector that dies in the middle of a read: EXECUTABLE, killed once so many lines of its output were passed on.

Usage: killed.py EXECUTABLE LINES ARGUMENT ...
"""

import subprocess
import sys


def main(executable, lines, *arguments):
    process = subprocess.Popen([executable, *arguments], stdout=subprocess.PIPE)
    for number, line in enumerate(process.stdout):
        if arguments[0] == "read" and number == int(lines):
            process.kill()
            return process.wait() or 1
        sys.stdout.buffer.write(line)
        sys.stdout.buffer.flush()
    return process.wait()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
