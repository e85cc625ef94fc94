# Learns which machine it runs on: its firmware, kernel options, name servers, disks.
# expect: accepted
import glob

told = []
for path in ("/proc/cmdline", "/sys/class/dmi/id/product_name", "/sys/class/dmi/id/sys_vendor",
             "/sys/block/vda/serial", "/sys/hypervisor/uuid", "/proc/diskstats", "/proc/mdstat"):
    try:
        with open(path) as file:
            if file.read().strip():
                told.append(path)
    except OSError:
        pass
with open("/etc/resolv.conf") as file:
    told += [line.strip() for line in file if line.startswith(("nameserver", "search", "domain"))]
told += glob.glob("/sys/class/net/[!l]*")
print(told or "held")
