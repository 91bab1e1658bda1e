"""What bounds the memory: the machine, control groups of both kinds one in another, ulimit."""

import resource
import subprocess
import sys

import pytest

from deeptsr.system import ram

MOUNT = "41 31 0:37 {root} {top} rw,relatime - {system} {system} rw{options}\n"


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A /proc of 10 GB, 6 of them free, without control groups and limits."""
    (tmp_path / "self").mkdir()
    text = "MemTotal: 10000000 kB\nMemFree: 1 kB\nMemAvailable: 6000000 kB\n"
    (tmp_path / "meminfo").write_text(text)
    monkeypatch.setattr(ram, "_PROC", tmp_path)
    limits = {}
    nothing = (resource.RLIM_INFINITY,) * 2
    monkeypatch.setattr(resource, "getrlimit", lambda kind: limits.get(kind, nothing))
    return tmp_path, limits


def group(machine, line, system, path="", root="/", options=""):
    """Mount control groups, and return the folder of ours."""
    folder, _ = machine
    top = folder / system
    (top / path).mkdir(parents=True)
    (folder / "self" / "cgroup").write_text(line + "\n")
    mount = MOUNT.format(root=root, top=top, system=system, options=options)
    (folder / "self" / "mountinfo").write_text(mount)
    return top / path


def test_the_machine_alone(machine):
    assert (ram.total(), ram.free()) == (10_240_000_000, 6_144_000_000)


def test_a_nested_group_is_seen_and_those_around_it(machine):
    inner = group(machine, "0::/slurm/job/step", "cgroup2", "slurm/job/step")
    (inner / "memory.max").write_text("max\n")
    (inner / "memory.current").write_text("10\n")
    assert ram.total() == 10_240_000_000
    (inner.parent / "memory.max").write_text("4000\n")
    (inner.parent / "memory.current").write_text("1500\n")
    (inner.parent / "memory.stat").write_text("anon 1000\ninactive_file 400\n")
    assert (ram.total(), ram.free()) == (4000, 2900)
    (inner / "memory.high").write_text("3000\n")
    assert (ram.total(), ram.free()) == (3000, 2900)


def test_the_first_version_of_groups(machine):
    ours = group(
        machine, "3:cpu,cpuacct:/\n4:memory:/docker/1", "cgroup", "docker/1", options=",memory"
    )
    (ours / "memory.limit_in_bytes").write_text("5000\n")
    (ours / "memory.usage_in_bytes").write_text("2000\n")
    (ours.parent / "memory.limit_in_bytes").write_text("9223372036854771712\n")
    assert (ram.total(), ram.free()) == (5000, 3000)


def test_a_container_that_shows_its_own_group_only(machine):
    top = group(machine, "0::/docker/1", "cgroup2", root="/docker/1")
    (top / "memory.max").write_text("7000\n")
    assert ram.total() == 7000
    (machine[0] / "self" / "cgroup").write_text("0::/../elsewhere\n")
    assert ram.total() == 7000


def test_other_groups_are_none_of_memory(machine):
    ours = group(machine, "3:cpu:/a\n", "cgroup", "a", options=",cpu")
    (ours / "memory.limit_in_bytes").write_text("5\n")
    assert ram.total() == 10_240_000_000


def test_ulimit(machine):
    folder, limits = machine
    limits[resource.RLIMIT_AS] = (3_000_000_000, 3_000_000_000)
    assert ram.total() == 3_000_000_000
    (folder / "self" / "status").write_text("VmSize: 2000000 kB\nVmRSS: 1500000 kB\n")
    assert ram.total() == 3_000_000_000 - 512_000_000  # mapped, and never filled
    assert ram.free() == 3_000_000_000 - 2_048_000_000


def test_a_real_ulimit_is_seen():
    code = "from deeptsr.system import ram; print(ram.total())"
    whole = ["sh", "-c", f"ulimit -v 3000000; exec {sys.executable} -c '{code}'"]
    done = subprocess.run(whole, capture_output=True, text=True, check=True)
    assert 1_000_000_000 < int(done.stdout) <= 3_072_000_000


def test_nothing_is_known_of_a_strange_system(machine):
    for file in machine[0].iterdir():
        if file.is_file():
            file.unlink()
    assert ram.total() is None
    assert ram.free() is None
