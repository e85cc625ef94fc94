// Grows small, fills pipes, whose memory no process is blamed for, and so has pid 1 killed for it.
// limits: memory_mb=32
// test: {"argv": ["fill"], "stdout": "held"} -> memory_limit runtime_error time_limit
// test: {"argv": ["rest"], "stdout": "held"} -> accepted
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/rseq.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifdef __x86_64__
/* Unmaps all but its own page, then writes that page into descriptors 4 to 255 over and over. */
__attribute__((naked, noinline, aligned(4096), section(".tiny,\"ax\",@progbits#"))) static void tiny(void)
{
    __asm__("lea tiny(%rip), %rbx\n"
            "mov $11, %eax\n xor %edi, %edi\n mov %rbx, %rsi\n syscall\n"
            "mov $11, %eax\n lea 4096(%rbx), %rdi\n mov $0x7ffffffff000, %rsi\n"
            "sub %rdi, %rsi\n syscall\n"
            "again: mov $4, %r12d\n"
            "next: mov $1, %eax\n mov %r12d, %edi\n mov %rbx, %rsi\n mov $4096, %edx\n syscall\n"
            "inc %r12d\n cmp $256, %r12d\n jl next\n"
            "mov $24, %eax\n syscall\n jmp again\n"
            ".balign 4096\n");
}
#else
static void tiny(void)
{
    for (;;)
        pause();
}
#endif

int main(int argc, char **argv)
{
    if (argc < 2 || strcmp(argv[1], "fill")) {
        puts("held");
        return 0;
    }
    FILE *file = fopen("/proc/self/oom_score_adj", "w");
    if (file) {
        fputs("0", file);
        fclose(file);
    }
    /* Else the kernel would write to a page that is gone. */
    syscall(SYS_rseq, (char *)__builtin_thread_pointer() + __rseq_offset, 32, 1, RSEQ_SIG);
    for (int pair[2]; pipe2(pair, O_NONBLOCK) == 0;)
        ;
    for (int i = 0; i < 12; i++)
        if (fork() == 0)
            tiny();
        else {
            for (int fd = 4; fd < 256; fd++)
                close(fd);
            for (int pair[2]; pipe2(pair, O_NONBLOCK) == 0;)
                ;
        }
    tiny();
}
