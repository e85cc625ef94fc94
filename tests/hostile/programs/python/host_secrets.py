# Reads what only the host's or the container's root may.
# expect: accepted
opened = []
for path in (
    "/etc/shadow",
    "/etc/gshadow",
    "/root/.ssh/id_rsa",
    "/root/.bashrc",
    "/proc/kcore",
    "/proc/keys",
    "/proc/timer_list",
    "/proc/sched_debug",
    "/sys/firmware/acpi/tables/DSDT",
    "/sys/kernel/debug/tracing/trace",
    "/proc/kallsyms",
    "/proc/1/cmdline",
):
    try:
        with open(path, "rb") as file:
            text = file.read(100_000)
        hidden = path == "/proc/kallsyms" and all(
            line.startswith(b"0000000000000000") for line in text.splitlines()[:100]
        )
        if text and not hidden and path != "/proc/1/cmdline":
            opened.append(path)
    except OSError:
        pass
print(opened or "held")
