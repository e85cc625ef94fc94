// Becomes root, raises capabilities, sets the clock and the name, restarts the machine.
// expect: accepted
#define _GNU_SOURCE
#include <linux/capability.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

int main(void)
{
    struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2] = {{~0u, ~0u, ~0u}, {~0u, ~0u, ~0u}};
    struct timeval now = {0};
    struct timespec at = {0};
    int done = 0;
    done |= setuid(0) == 0;
    done |= (setresuid(0, 0, 0) == 0) << 1;
    done |= (setresgid(0, 0, 0) == 0) << 2;
    done |= (syscall(SYS_capset, &head, data) == 0) << 3;
    done |= (prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0) == 0) << 4;
    done |= (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, 21, 0, 0) == 0) << 5;
    done |= (settimeofday(&now, 0) == 0) << 6;
    done |= (clock_settime(CLOCK_REALTIME, &at) == 0) << 7;
    done |= (sethostname("x", 1) == 0) << 8;
    done |= (syscall(SYS_reboot, 0xfee1dead, 672274793, 0x89abcdef, 0) == 0) << 9;
    done |= (setpriority(PRIO_PROCESS, 0, -20) == 0) << 10;
    done |= (prctl(PR_CAPBSET_READ, 21, 0, 0, 0) == 1) << 11;
    printf(done ? "did %x\n" : "held\n", done);
}
