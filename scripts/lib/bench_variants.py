"""meshctl against itself: what a setting or a feature costs, as ratios to the pair that the benchmark runs."""
import copy


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


VARIANTS = {
    "libssl": libssl_records,
    "log": access_log,
    "policies": policies,
    "threads2": threads("2"),
    "threads4": threads("4"),
}


def varied(spec, name):
    """A copy of a pair with one thing changed, named after it."""
    other = copy.deepcopy(spec)
    other["name"] = name
    VARIANTS[name](other)
    return other
