"""meshctl against itself: what a setting or a feature costs, as ratios to the pair that the benchmark runs."""
import atexit
import copy
import functools
import pathlib
import shutil
import subprocess
import tempfile


def replace(spec, option, value):
    for side in ("in", "out"):
        spec[side][spec[side].index(option) + 1] = value


def threads(count):
    return lambda spec: replace(spec, "--threads", count)


def access_log(spec):
    """One line for each connection, into a file."""
    replace(spec, "--log-level", "info")


def policies(spec):
    """A thousand policies for the server: all but the last name others, and that one lets the client in."""
    def policy(number, action, identity):
        return (f"  - name: rule-{number}\n    namespace: default\n    scope: Namespace\n    action: {action}\n"
                f"    rules: [[[{{principals: [{{Exact: {identity}}}]}}]]]\n")
    lines = [policy(number, "Deny", f"cluster.local/ns/other/sa/account-{number}") for number in range(900)]
    lines += [policy(number, "Allow", f"cluster.local/ns/other/sa/account-{number}") for number in range(900, 999)]
    lines.append(policy(999, "Allow", "cluster.local/ns/default/sa/client"))
    file = spec["files"]["mesh.yaml"]
    assert "policies: []\n" in file, "the pair file has policies of its own"
    spec["files"]["mesh.yaml"] = file.replace("policies: []\n", "policies:\n" + "".join(lines))


def libssl_records(spec):
    """TLS records by libssl instead of our own."""
    spec["env"]["MESHCTL_TLS_RECORDS"] = "libssl"


def one_lane(spec):
    """No second thread for bulk."""
    spec["env"]["MESHCTL_BULK_THREADS"] = "false"


def deep(spec):
    """What waits to be read is the kernel's choice."""
    spec["env"]["MESHCTL_SHORT_QUEUES"] = "false"


def late(spec):
    """What an application says first waits for the answer."""
    spec["env"]["MESHCTL_EARLY_DATA"] = "false"


@functools.cache
def socket_library():
    """The library that makes other choices for sockets, built for this run."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="meshctl-bench-sockets-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    folder.chmod(0o755)
    library = folder / "socket_options.so"
    source = pathlib.Path(__file__).with_name("socket_options.c")
    subprocess.run(["cc", "-O2", "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
    return str(library)


def sockets(choice):
    """One of the choices of socket_options.c, for both proxies."""
    def change(spec):
        spec["env"] |= {"LD_PRELOAD": socket_library(), "MESHCTL_BENCH_SOCKETS": choice}
    return change


VARIANTS = {
    "deep": deep,
    "libssl": libssl_records,
    "late": late,
    "log": access_log,
    "onelane": one_lane,
    "policies": policies,
    "threads2": threads("2"),
    "threads4": threads("4"),
    "unchanged": sockets("nothing"),
    **{choice: sockets(choice) for choice in ("nagle", "busypoll", "backlog128")},
}


def varied(spec, name):
    """A copy of a pair with one thing changed, named after it."""
    other = copy.deepcopy(spec)
    other["name"] = name
    VARIANTS[name](other)
    return other
