#!/usr/bin/env python3
"""Run two binaries over the same configurations, and print where they differ.

    tests/acceptance/compare.py REFERENCE NEW [--findings DIR] [--only TEXT] [--jobs 2] [--summary]

REFERENCE is the binary whose behaviour is the measure (an older commit's), NEW the one to judge.  Both do the
same in fresh directories of their own, each on an embedded testbed whose clock begins at the same instant:

    init, validate, plan -out, show -json of the plan, apply, state list, output -json, a second plan, destroy

over every folder of `examples/`, every configuration in a crate's `tests/data`, and, with --findings, every
folder of DIR that has a configuration (an absent DIR is said aloud, and skipped).  A folder with `1.tf`,
`2.tf`, ... is one configuration that changes: each is planned and applied after the other.  A folder with
`common.tf` is one configuration for each other file in it.

Ids, addresses, times of the wall clock, paths, and the order and duration of progress lines are made alike;
what is left is printed by configuration and step, as a unified diff.  Exit code: 0 where nothing differs, 1
where something does, 2 where it could not be run.  The same binary twice must give 0.

To judge a commit, build it and the reference into two places:

    git worktree add /tmp/reference 16fc4d2
    cargo build --release -p terrarium-cli --manifest-path /tmp/reference/Cargo.toml
    cargo build --release -p terrarium-cli
    tests/acceptance/compare.py /tmp/reference/target/release/terrarium target/release/terrarium

Python standard library only.
"""

import argparse
import concurrent.futures
import difflib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
# When the world begins: before the leases of our configurations; those whose name contains a text begin elsewhere.
START = "2027-03-01T12:00:00Z"
STARTS = {"semesters/": "2026-03-01T12:00:00Z"}
LIMIT_S = 120
# Variables without a default in configurations of ours, where they are declared.
VARIABLES = {
    "vm_cloud": "kvm",
    "metal_cloud": "uc",
    "name": "compared",
    "node_type": "gpu_v100",
    "end": "2027-03-02T12:00:00Z",
    "reservation": "8cb9ea1c-9d1c-4d3b-a1ac-2b7e4d2ab4c1",
}
LEFT_OVER = re.compile(r"^(terrarium\.db.*|\.terrarium|\.terraform|.*\.tfplan|STEPS\.md)$")


class Configuration:
    """A name, and the versions of it: each is {path in the directory: bytes}."""

    def __init__(self, name, versions, extra=()):
        self.name, self.versions, self.extra = name, versions, list(extra)


def files_of(folder):
    found = {}
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder)
        if path.is_file() and not any(LEFT_OVER.match(part) for part in inside.parts):
            found[str(inside)] = path.read_bytes()
    return found


def is_source(path):
    return path.name.endswith((".tf", ".tf.json"))


def folder_configurations(folder, name):
    """What a folder holds: one configuration, steps of one, or one for each file beside common.tf."""
    sources = sorted(path for path in folder.iterdir() if path.is_file() and is_source(path))
    if not sources:
        return []
    if all(re.match(r"^\d+\.tf$", path.name) for path in sources):
        steps = sorted(sources, key=lambda path: int(path.stem))
        return [Configuration(name, [{"main.tf": path.read_bytes()} for path in steps])]
    common = folder / "common.tf"
    if common in sources:
        shared = common.read_bytes() + b"\n"
        return [Configuration(f"{name}/{path.name}", [{"main.tf": shared + path.read_bytes()}])
                for path in sources if path != common]
    return [Configuration(name, [files_of(folder)])]


def repository_configurations():
    found = []
    for folder in sorted((ROOT / "examples").iterdir()):
        if folder.is_dir():
            found += folder_configurations(folder, f"examples/{folder.name}")
    folders = {path.parent for group in ("engine", "providers", "tests")
               for data in (ROOT / group).glob("*/tests/data") for path in data.rglob("*") if is_source(path)}
    # A module's folder is part of the configuration that calls it.
    whole = sorted(folder for folder in folders if folder.parent not in folders or folder.parent.name in LOOSE)
    for folder in whole:
        name = str(folder.relative_to(ROOT))
        if folder.name in LOOSE:
            for path in sorted(folder.iterdir()):
                if path.is_file() and is_source(path):
                    found.append(Configuration(f"{name}/{path.name}", [{path.name: path.read_bytes()}]))
        else:
            found += folder_configurations(folder, name)
    return found


# Folders whose files are configurations each.
LOOSE = {"config", "fmt", "data"}


def finding_configurations(folder):
    if not folder.is_dir():
        print(f"SKIPPED: the findings: there is no folder {folder}", file=sys.stderr)
        return []
    found = []
    for case in sorted(folder.iterdir()):
        if case.is_dir():
            found += folder_configurations(case, f"findings/{case.name}")
    return found


def write(version, directory):
    for path in directory.iterdir():
        if is_source(path):
            path.unlink()
    for name, content in version.items():
        target = directory / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    text = b"\n".join(content for name, content in version.items() if "/" not in name).decode("utf-8", "replace")
    given = {} if any(name.endswith(".tfvars") for name in version) else {
        name: value for name, value in VARIABLES.items()
        if re.search(r'variable\s+"%s"\s*\{(?![^}]*default)' % name, text)
    }
    if given:
        (directory / "compared.auto.tfvars.json").write_text(json.dumps(given))


ALIKE = [
    (re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"), "<uuid>"),
    (re.compile(r"\b[0-9a-f]{32,64}\b"), "<hex>"),
    (re.compile(r"\b(?:[0-9a-f]{2}:){5}[0-9a-f]{2}\b"), "<mac>"),
    (re.compile(r"\b\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}\b(?!/)"), "<ip>"),
    (re.compile(r"\b\d{15,}\b"), "<number>"),
    (re.compile(r"<ip>:\d+"), "<ip>:<port>"),
    (re.compile(r"ssh-rsa \S+ Generated-by-Nova"), "<generated key>"),
    # The testbed lists a lease's events by their ids, which are drawn.
    (re.compile(r'"(?:start|before_end|end)_lease"'), '"<event>"'),
    (re.compile(r'"(?:UN)?DONE"'), '"<done>"'),
    (re.compile(r"\(deposed object [0-9a-z]+\)"), "(deposed object <key>)"),
    (re.compile(r'("deposed": )"[0-9a-z]+"'), r'\1"<key>"'),
    (re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?Z?"), lambda m: time_alike(m.group(0))),
    (re.compile(r"complete after [0-9hms]+"), "complete after <duration>"),
    (re.compile(r"\[id=[^\]]*\]"), "[id=<id>]"),
    (re.compile(r'(fingerprint"?\s*[=:] )"[^"]*"'), r'\1"<fingerprint>"'),
]
PROGRESS = re.compile(
    r"^\S+(?: \(deposed.*\))?: (?:Creating|Creation|Destroying|Destruction|Modifying|Modifications|Reading|Read "
    r"|Refreshing|Preparing|Importing|Import|Still|Provisioning)")


def time_alike(text):
    """Times on the whole minute are the configuration's and stay; others depend on how long an apply took."""
    return text if re.search(r":00Z?$", text) else "<time>"


def diagnostics_alike(text, directory):
    """Warnings and errors sorted: those of one walk come in the order in which the services answered.

    Of several similar warnings the first is shown, which is any of them: only its heading is kept.
    """
    lines = text.splitlines()
    about = [line for line in lines if line.startswith("Testbed: ")]
    blocks = re.split(r"\n(?=(?:Error|Warning): )", "\n".join(line for line in lines if line not in about))
    found = []
    for block in blocks[1:]:
        block = "\n".join(alike(block, directory)).strip("\n")
        similar = re.search(r"^\(and \d+ more similar .*$", block, re.M)
        found.append(f"{block.splitlines()[0]}\n{similar.group(0)}" if similar else block)
    return alike("\n".join(about + blocks[:1]), directory) + "\n\n".join(sorted(found)).splitlines()


def alike(text, directory):
    text = text.replace(str(directory), "<dir>")
    # A diagnostic's text is wrapped, ids in the middle: the width of an id must not show.
    text = re.sub(r"-\n  │ (?=\S)", "-", text)
    text = re.sub(r"\n  │ (?=\S)", " ", text)
    for pattern, replacement in ALIKE:
        text = pattern.sub(replacement, text)
    lines = text.splitlines()
    progress = sorted({line for line in lines if PROGRESS.match(line) and ": Still " not in line})
    rest = [line.rstrip() for line in lines if not PROGRESS.match(line)]
    return rest + (["-- progress, sorted --"] + progress if progress else [])


def json_alike(text, directory):
    try:
        value = json.loads(text)
    except ValueError:
        return alike(text, directory)
    return alike(json.dumps(value, indent=1, sort_keys=True), directory)


def steps_of(configuration):
    """(name, arguments, how its output is made alike), with the versions to write as dicts between."""
    start = next((at for text, at in STARTS.items() if text in configuration.name), START)
    steps = [("testbed reset", ["testbed", "reset", "-force", f"-at={start}"], None)]
    for number, version in enumerate(configuration.versions, 1):
        of = f" {number}" if len(configuration.versions) > 1 else ""
        steps += [
            version,
            (f"init{of}", ["init", "-input=false"], alike),
            (f"validate{of}", ["validate"], alike),
            (f"plan{of}", ["plan", "-input=false", "-out=p.tfplan"], alike),
            (f"show -json{of}", ["show", "-json", "p.tfplan"], json_alike),
            (f"apply{of}", ["apply", "-input=false", "-auto-approve", "-parallelism=1"], alike),
            (f"state list{of}", ["state", "list"], alike),
            (f"output -json{of}", ["output", "-json"], json_alike),
            (f"second plan{of}", ["plan", "-input=false", "-detailed-exitcode"], alike),
        ]
    steps += [
        ("destroy", ["destroy", "-input=false", "-auto-approve", "-parallelism=1"], alike),
        ("state list at the end", ["state", "list"], alike),
    ]
    return steps


def run_all(binary, configuration):
    """{step: lines} of one binary."""
    found = {}
    with tempfile.TemporaryDirectory(prefix="compare-") as top:
        # Two levels down, so that `../../modules` is where it is in the repository.
        directory = pathlib.Path(top) / "examples" / "it"
        directory.mkdir(parents=True)
        if (ROOT / "modules").is_dir():
            shutil.copytree(ROOT / "modules", pathlib.Path(top) / "modules")
        env = {"PATH": os.environ.get("PATH", ""), "HOME": top, "NO_COLOR": "1", "TERRARIUM_TESTBED": "1",
               "TZ": "UTC", "CHECKPOINT_DISABLE": "1"}
        for step in steps_of(configuration):
            if isinstance(step, dict):
                write(step, directory)
                plan = directory / "p.tfplan"
                plan.unlink(missing_ok=True)
                continue
            name, arguments, normalise = step
            if arguments[0] == "show" and not (directory / "p.tfplan").exists():
                found[name] = ["no plan"]
                continue
            try:
                done = subprocess.run([binary] + arguments, cwd=directory, env=env, stdin=subprocess.DEVNULL,
                                      capture_output=True, timeout=LIMIT_S)
            except subprocess.TimeoutExpired:
                found[name] = [f"took more than {LIMIT_S} s"]
                break
            if normalise is None:
                continue
            out, err = (text.decode("utf-8", "replace") for text in (done.stdout, done.stderr))
            found[name] = ([f"exit code {done.returncode}"] + normalise(out, directory)
                           + ["-- stderr --"] + diagnostics_alike(err, directory))
    return found


def compare(reference, new, configuration):
    """[(step, diff)] where the two differ."""
    left, right = run_all(reference, configuration), run_all(new, configuration)
    found = []
    for step in dict.fromkeys(list(left) + list(right)):
        a, b = left.get(step, []), right.get(step, [])
        if a != b:
            diff = difflib.unified_diff(a, b, "reference", "new", lineterm="", n=2)
            found.append((step, list(diff)))
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("reference")
    parser.add_argument("new")
    parser.add_argument("--findings", type=pathlib.Path)
    parser.add_argument("--only", help="only configurations whose name contains this")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--summary", action="store_true", help="one line a difference, no diffs")
    parser.add_argument("--list", action="store_true", help="name the configurations, and run nothing")
    args = parser.parse_args()
    configurations = repository_configurations()
    if args.findings:
        configurations += finding_configurations(args.findings)
    if args.only:
        configurations = [it for it in configurations if args.only in it.name]
    if args.list:
        print("\n".join(it.name for it in configurations))
        return 0
    binaries = []
    for binary in (args.reference, args.new):
        path = shutil.which(binary)
        if not path or not configurations:
            print(f"cannot run: {binary if configurations else 'no configuration'}", file=sys.stderr)
            return 2
        binaries.append(os.path.abspath(path))
    differing = steps = 0
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        futures = [(it, pool.submit(compare, *binaries, it)) for it in configurations]
        for configuration, future in futures:
            found = future.result()
            differing += bool(found)
            for step, diff in found:
                steps += 1
                if args.summary:
                    changed = sum(line[0] in "+-" for line in diff[2:])
                    print(f"{configuration.name}: {step}: {changed} lines", flush=True)
                else:
                    print("\n".join([f"=== {configuration.name}: {step}"] + diff), flush=True)
    print(f"{len(configurations)} configurations, {differing} differ in {steps} steps", file=sys.stderr)
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
