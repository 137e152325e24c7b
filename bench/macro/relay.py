"""The relay that delays: relay.c, built and run. What it takes itself is measured beside what it is between."""

import os
import shlex
import subprocess

from server import die_with_parent

HERE = os.path.dirname(os.path.abspath(__file__))
TICKS_S = os.sysconf("SC_CLK_TCK")


class Relay:
    """Use it in a `with` statement. Half of the delay is on the way there, half on the way back, as `ping` shows it."""

    def __init__(self, directory, port, delay_ms):
        program = os.path.join(directory, "relay")
        if not os.path.exists(program):
            subprocess.run([*shlex.split("cc -O2 -D_GNU_SOURCE -pthread -o"), program, os.path.join(HERE, "relay.c")], check=True)
        self.process = subprocess.Popen([program, str(port), str(round(delay_ms * 500))], stdout=subprocess.PIPE, text=True,
                                        preexec_fn=die_with_parent)
        self.port = int(self.process.stdout.readline())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def cpu_s(self):
        with open(f"/proc/{self.process.pid}/stat", encoding="ascii") as file:
            fields = file.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS_S
