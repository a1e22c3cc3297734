"""What the kernel says of a running process."""
import os
import pathlib
import re

TICKS = os.sysconf("SC_CLK_TCK")


def cpu(pid):
    """Seconds that it has used, in user mode and in the kernel."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return int(fields[11]) / TICKS, int(fields[12]) / TICKS


def resident(pid):
    """KiB of memory that it holds."""
    return int(re.search(r"VmRSS:\s+(\d+)", pathlib.Path(f"/proc/{pid}/status").read_text())[1])
