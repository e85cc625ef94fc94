import json

import docker
import pytest

from calisota.errors import EngineUnavailable, PermanentError
from calisota.models import Language
from calisota.paths import include
from calisota.sandbox import images
from calisota.sandbox.container import ContainerLimits, home_label, host_config
from calisota.sandbox.engine import connect
from calisota.sandbox.images import _tag, build_images, find_mirror, image_tag
from calisota.sandbox.slots import slot
from calisota.settings import Settings

LIMITS = ContainerLimits(memory_bytes=2**28, tmpfs_bytes=2**26, exec_needed=False)
NEW_NAMESPACES = 0x7E020000


@pytest.fixture
def config():
    client = docker.APIClient(base_url="http://127.0.0.1:1", version="1.41")
    yield lambda limits=LIMITS: host_config(client, limits)
    client.close()


@pytest.fixture
def home(tmp_path):
    return Settings(home=tmp_path)


def seccomp():
    return json.loads(include("sandbox", "seccomp.json").read_text())


def test_every_hard_limit_is_in_the_host_config(config):
    made = config()
    wanted = {
        "NetworkMode": "none",
        "ReadonlyRootfs": True,
        "IpcMode": "none",
        "Memory": 2**28,
        "MemorySwap": 2**28,
        "NanoCpus": 1_000_000_000,
        "PidsLimit": 64,
        "CapDrop": ["ALL"],
        "CapAdd": ["SETUID", "SETGID", "KILL"],
        "AutoRemove": True,
    }
    assert {key: made[key] for key in wanted} == wanted
    assert made["LogConfig"]["Type"] == "none"
    assert "no-new-privileges:true" in made["SecurityOpt"]
    assert not made.get("Binds")
    assert not made.get("Devices")


def test_only_a_language_that_compiles_may_execute_what_it_wrote(config):
    assert ",noexec," in config()["Tmpfs"]["/work"]
    assert ",exec," in config(LIMITS.model_copy(update={"exec_needed": True}))["Tmpfs"]["/work"]
    for option in ("nosuid", "nodev", "size=67108864", "nr_inodes=4096", "mode=0755"):
        assert option in config()["Tmpfs"]["/work"].split(",")


def test_the_system_call_filter_denies_by_default_and_allows_nothing_dangerous():
    profile = seccomp()
    assert profile["defaultAction"] == "SCMP_ACT_ERRNO"
    allowed = {
        name
        for rule in profile["syscalls"]
        if rule["action"] == "SCMP_ACT_ALLOW"
        for name in rule["names"]
    }
    assert not allowed & set(
        "ptrace process_vm_readv process_vm_writev io_uring_setup io_uring_enter io_uring_register "
        "keyctl add_key request_key userfaultfd bpf perf_event_open unshare setns mount umount2 "
        "pivot_root chroot kcmp init_module finit_module delete_module kexec_load reboot clone3 "
        "open_by_handle_at pidfd_getfd process_madvise move_mount fsopen open_tree quotactl syslog "
        "shmget shmat semget msgget mq_open swapon settimeofday clock_settime sethostname".split()
    )


def test_clone_and_socket_are_allowed_for_named_arguments_only():
    rules = [rule for rule in seccomp()["syscalls"] if {"clone", "socket"} & set(rule["names"])]
    arguments = {
        (rule["names"][0], rule["args"][0]["op"], rule["args"][0]["value"]) for rule in rules
    }
    assert arguments == {
        ("clone", "SCMP_CMP_MASKED_EQ", NEW_NAMESPACES),
        ("socket", "SCMP_CMP_EQ", 1),
        ("socket", "SCMP_CMP_EQ", 2),
        ("socket", "SCMP_CMP_EQ", 10),
    }


def test_a_daemon_that_is_down_is_a_transient_error_with_a_remedy(tmp_path):
    with pytest.raises(EngineUnavailable, match="calisota up") as caught:
        connect(Settings(home=tmp_path, docker_host=f"unix://{tmp_path}/none.sock"))
    assert caught.value.retryable


def test_the_image_name_changes_with_what_is_in_the_image(monkeypatch):
    tag = image_tag(Language.PYTHON, Settings())
    assert tag.startswith("calisota/sandbox-python:")
    assert tag != image_tag(Language.C, Settings())
    monkeypatch.setattr(images, "SUITE", "forky")
    _tag.cache_clear()
    assert image_tag(Language.PYTHON, Settings()) != tag
    monkeypatch.undo()
    _tag.cache_clear()


class NoImages:
    """An Engine without any image."""

    def inspect_image(self, tag):
        raise docker.errors.ImageNotFound(tag)


def test_a_missing_mmdebstrap_is_said_with_the_remedy(home, monkeypatch):
    monkeypatch.setenv("PATH", str(home.home))
    with pytest.raises(PermanentError, match="apt-get install mmdebstrap"):
        build_images(NoImages(), home, lambda _line: None)


def test_a_failing_mmdebstrap_shows_the_end_of_its_log(home, monkeypatch):
    fake = home.home / "mmdebstrap"
    fake.write_text("#!/bin/sh\necho E: mirror unreachable >&2\nexit 25\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{home.home}:/bin")
    with pytest.raises(PermanentError, match="mirror unreachable") as caught:
        build_images(NoImages(), home, lambda _line: None)
    assert "CALISOTA_DEBIAN_MIRROR" in caught.value.remedy
    assert "mirror unreachable" in (home.logs / "image-c.log").read_text()
    assert not list((home.home / "cache").glob("image-*"))


def test_the_mirror_is_the_configured_one_else_the_hosts_own_else_debians(home, monkeypatch):
    assert find_mirror(Settings(home=home.home, debian_mirror="http://here/debian")) == (
        "http://here/debian"
    )
    monkeypatch.setenv("PATH", f"{home.home}:/bin")
    assert find_mirror(home) == "http://deb.debian.org/debian"
    apt = home.home / "apt-get"
    apt.write_text(
        "#!/bin/sh\necho Other Debian http://other\necho Debian Debian-Security http://security\n"
        "echo Debian Debian http://mirror/debian\n"
    )
    apt.chmod(0o755)
    assert find_mirror(home) == "http://mirror/debian"


def test_two_installations_have_two_labels(tmp_path):
    assert home_label(tmp_path / "a") != home_label(tmp_path / "b")
    assert len(home_label(tmp_path)) == 12


def test_a_place_is_free_again_after_its_holder_fails(home):
    one = home.model_copy(update={"sandbox_concurrency": 1})
    with pytest.raises(RuntimeError), slot(one):
        raise RuntimeError
    with slot(one):
        pass
