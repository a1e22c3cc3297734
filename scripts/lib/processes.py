"""What the kernel says of a running process."""
import os
import pathlib
import re

TICKS = os.sysconf("SC_CLK_TCK")


def cpu(pid):
    """Seconds that it has used, in user mode and in the kernel."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return int(fields[11]) / TICKS, int(fields[12]) / TICKS


def _memory(pid, key):
    return int(re.search(rf"{key}:\s+(\d+)", pathlib.Path(f"/proc/{pid}/status").read_text())[1])


def resident(pid):
    """KiB of memory that it holds."""
    return _memory(pid, "VmRSS")


def allocated(pid):
    """The part of that, in KiB, that comes from no file: what code that runs for the first time brings in is not in it."""
    return _memory(pid, "RssAnon")
