// Uses the kernel's keys, programs, counters and page faults.
// expect: accepted
#include <errno.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(void)
{
    long calls[] = {SYS_keyctl, SYS_add_key, SYS_request_key, SYS_bpf, SYS_perf_event_open,
        SYS_userfaultfd, SYS_fanotify_init, SYS_open_by_handle_at, SYS_name_to_handle_at,
        SYS_lookup_dcookie, SYS_quotactl, SYS_acct, SYS_swapon, SYS_syslog, SYS_personality,
        SYS_init_module, SYS_finit_module, SYS_delete_module, SYS_kexec_load, SYS_memfd_create,
        SYS_remap_file_pages, SYS_mbind, SYS_move_pages, SYS_vmsplice, SYS_inotify_init1,
        444 /* landlock_create_ruleset */, 446, 447 /* memfd_secret */, 453 /* map_shadow_stack */};
    int reached = 0;
    for (unsigned i = 0; i < sizeof calls / sizeof *calls; i++) {
        errno = 0;
        if (syscall(calls[i], 0, 0, 0, 0, 0, 0) >= 0 || (errno != EPERM && errno != ENOSYS)) {
            printf("call %ld: %d\n", calls[i], errno);
            reached = 1;
        }
    }
    if (!reached)
        puts("held");
}
