/* The in-container runner: pid 1 of a sandbox container.
 *
 * It takes orders on stdin, runs each as its own process under another uid, and answers on stdout.
 * It judges nothing: expected outputs never reach it. The host speaks first and has at most one run
 * record under way beside the one that runs, small enough for a pipe to hold, so neither side can
 * block the other.
 *
 * A record is one type byte, the payload's length (u32), the payload. All integers are big-endian.
 *
 *   host -> runner
 *     'F'  file: u16 path length, path below /work/src, contents        no reply
 *     'X'  run: u8 kind (0 build, 1 cell), u32 wall ms, u32 cpu ms, u32 output cap (bytes, stdout
 *          and stderr each), u32 value cap (bytes), u32 largest file (bytes), u16 argc,
 *          argc x (u32 length, bytes), rest of the payload: stdin
 *     'Q'  quit                                                          exit 0
 *   runner -> host
 *     'R'  reply: u8 flags, u32 exit code or signal, u64 cpu us, u64 wall us, u64 peak bytes,
 *          u32 stdout length, u32 stderr length, u32 value length, the three texts
 *     'E'  error: one line of text; the runner then ends with status 4
 *
 * Exit status: 0 quit; 2 a record is short, oversized or unknown; 3 the host is gone; 4 our own
 * failure; 5 a deadline. When pid 1 ends, the kernel kills whatever else runs in the container.
 *
 * A build runs as uid 10002 in /work/build, which is read-only from then on. A cell runs as uid
 * 10001 in a fresh /work/cell: root's directory, sticky and world-writable, so that the candidate
 * fills it but cannot replace it. Descriptor 3 carries the call driver's value.
 *
 * `runner --idle SECONDS` waits that long for the first order: a container of the warm pool.
 *
 * Not covered: a kernel hole that turns uid 10001 into root; what two processes of the *same* cell
 * do to each other; wall time lost to a busy host.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { UID_CELL = 10001, UID_BUILD = 10002 };
enum { EXIT_BAD_RECORD = 2, EXIT_HOST_GONE = 3, EXIT_OURS = 4, EXIT_DEADLINE = 5 };
enum { FLAG_SIGNALED = 1, FLAG_TIMED_OUT = 2, FLAG_OOM = 4, FLAG_OUTPUT = 8, FLAG_CPU = 16 };
enum { IDLE_S = 30, MAX_IDLE_S = 7200, GRACE_S = 20, WIPE_S = 10, TICK_MS = 50 };
enum { MAX_RECORD = 8 << 20, MAX_ARGS = 128, MAX_PATH = 255, MAX_CAP = 4 << 20 };
enum { MAX_MS = 120000, NOFILE = 256, STACK_BYTES = 64 << 20 };
enum { VALUE_FD = 3 };

#define SRC "/work/src"
#define BUILD "/work/build"
#define CELL "/work/cell"

struct job {
    bool build;
    uint32_t wall_ms, cpu_ms, output_cap, value_cap, file_cap;
    char *argv[MAX_ARGS + 1];
    const unsigned char *input;
    size_t input_len;
};

struct stream {
    int fd;
    size_t len, cap;
    unsigned char *data;
};

struct result {
    uint8_t flags;
    uint32_t code;
    uint64_t cpu_us, rusage_us, wall_us, peak_bytes;
    struct stream out[3]; /* stdout, stderr, value */
};

static int child_signals; /* a signalfd for SIGCHLD */

static void write_all(const void *data, size_t len)
{
    const unsigned char *at = data;
    while (len > 0) {
        ssize_t done = write(STDOUT_FILENO, at, len);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            _exit(EXIT_HOST_GONE);
        at += done;
        len -= (size_t)done;
    }
}

static unsigned char *put(unsigned char *at, uint64_t value, int bytes)
{
    for (int i = bytes - 1; i >= 0; i--)
        *at++ = (unsigned char)(value >> (8 * i));
    return at;
}

static _Noreturn void fail(const char *what, int error)
{
    char text[300];
    unsigned char head[5] = {'E'};
    int len = snprintf(text, sizeof text, "%s%s%s", what, error ? ": " : "",
        error ? strerror(error) : "");
    if (len >= (int)sizeof text)
        len = sizeof text - 1;
    put(head + 1, (uint32_t)len, 4);
    write_all(head, sizeof head);
    write_all(text, (size_t)len);
    _exit(EXIT_OURS);
}

static void on_alarm(int number)
{
    (void)number;
    _exit(EXIT_DEADLINE);
}

struct cursor {
    unsigned char *at, *end;
};

static void need(const struct cursor *in, size_t bytes)
{
    if ((size_t)(in->end - in->at) < bytes)
        _exit(EXIT_BAD_RECORD);
}

static uint64_t take(struct cursor *in, int bytes)
{
    uint64_t value = 0;
    need(in, (size_t)bytes);
    while (bytes-- > 0)
        value = value << 8 | *in->at++;
    return value;
}

static uint32_t take_upto(struct cursor *in, uint32_t most)
{
    uint32_t value = (uint32_t)take(in, 4);
    if (value > most)
        _exit(EXIT_BAD_RECORD);
    return value;
}

/* A NUL-terminated copy: exec and open read C strings. */
static char *take_text(struct cursor *in, size_t len)
{
    need(in, len);
    if (memchr(in->at, 0, len))
        _exit(EXIT_BAD_RECORD);
    char *text = malloc(len + 1);
    if (!text)
        fail("malloc", errno);
    memcpy(text, in->at, len);
    text[len] = 0;
    in->at += len;
    return text;
}

static void read_all(unsigned char *at, size_t len, int exit_at_end)
{
    while (len > 0) {
        ssize_t got = read(STDIN_FILENO, at, len);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            _exit(EXIT_HOST_GONE);
        if (got == 0)
            _exit(exit_at_end);
        at += got;
        len -= (size_t)got;
        exit_at_end = EXIT_BAD_RECORD;
    }
}

static uint64_t counter(const char *path, const char *key)
{
    char text[4096] = "\n";
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    ssize_t len = read(fd, text + 1, sizeof text - 2);
    close(fd);
    if (len <= 0)
        return 0;
    text[len + 1] = 0;
    const char *at = strstr(text, key);
    return at ? strtoull(at + strlen(key), NULL, 10) : 0;
}

static uint64_t oom_kills(void)
{
    return counter("/sys/fs/cgroup/memory.events", "\noom_kill ")
        + counter("/sys/fs/cgroup/memory/memory.oom_control", "\noom_kill ");
}

static uint64_t container_cpu_us(void)
{
    return counter("/sys/fs/cgroup/cpu.stat", "\nusage_usec ")
        + counter("/sys/fs/cgroup/cpuacct/cpuacct.usage", "\n") / 1000;
}

static uint64_t now_us(void)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return (uint64_t)at.tv_sec * 1000000 + (uint64_t)at.tv_nsec / 1000;
}

static _Noreturn void child_fails(int status_fd, const char *step)
{
    char text[120];
    int len = snprintf(text, sizeof text, "%s: %s", step, strerror(errno));
    if (len > 0 && write(status_fd, text, strnlen(text, sizeof text)) < 0)
        _exit(EXIT_HOST_GONE);
    _exit(EXIT_OURS);
}

/* Never above the container's own hard limit, which we have no right to raise. */
static bool limit(int resource, rlim_t soft, rlim_t hard)
{
    struct rlimit wanted;
    if (getrlimit(resource, &wanted) < 0)
        return false;
    if (hard < wanted.rlim_max)
        wanted.rlim_max = hard;
    wanted.rlim_cur = soft < wanted.rlim_max ? soft : wanted.rlim_max;
    return setrlimit(resource, &wanted) == 0;
}

static bool limit_all(const struct job *job)
{
    rlim_t cpu_s = job->cpu_ms / 1000 + 1;
    return limit(RLIMIT_CPU, cpu_s, cpu_s + 1) && limit(RLIMIT_CORE, 0, 0)
        && limit(RLIMIT_FSIZE, job->file_cap, job->file_cap) && limit(RLIMIT_NOFILE, NOFILE, NOFILE)
        && limit(RLIMIT_STACK, STACK_BYTES, STACK_BYTES);
}

static bool first_to_go_when_memory_ends(void)
{
    int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    bool held = fd >= 0 && write(fd, "1000", 4) == 4;
    if (fd >= 0)
        close(fd);
    return held;
}

static bool drop_to(uid_t uid)
{
    return setgroups(0, NULL) == 0 && setresgid(uid, uid, uid) == 0
        && setresuid(uid, uid, uid) == 0 && setuid(0) != 0 && getuid() == uid
        && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
}

static _Noreturn void become(const struct job *job, const int fds[4], int status_fd)
{
    static char *const cell_env[] = {"PATH=/usr/bin:/bin", "LANG=C.UTF-8", "HOME=" CELL,
        "TMPDIR=" CELL, "PYTHONDONTWRITEBYTECODE=1", "PYTHONHASHSEED=0", NULL};
    static char *const build_env[] = {"PATH=/usr/bin:/bin", "LANG=C.UTF-8", "HOME=" BUILD,
        "TMPDIR=" BUILD, "PYTHONDONTWRITEBYTECODE=1", "PYTHONHASHSEED=0", NULL};
    sigset_t none;

    if (setsid() < 0)
        child_fails(status_fd, "setsid");
    for (int fd = 0; fd < 4; fd++)
        if (dup2(fds[fd], fd) < 0)
            child_fails(status_fd, "dup2");
    if (!first_to_go_when_memory_ends())
        child_fails(status_fd, "oom_score_adj");
    if (!limit_all(job))
        child_fails(status_fd, "setrlimit");
    if (!drop_to(job->build ? UID_BUILD : UID_CELL))
        child_fails(status_fd, "setuid");
    if (chdir(job->build ? BUILD : CELL) < 0)
        child_fails(status_fd, "chdir");
    sigemptyset(&none);
    if (signal(SIGPIPE, SIG_DFL) == SIG_ERR || sigprocmask(SIG_SETMASK, &none, NULL) < 0)
        child_fails(status_fd, "signals");
    execve(job->argv[0], job->argv, job->build ? build_env : cell_env);
    /* What a build left may be no program at all: that is its own fault, not ours. */
    if (!strncmp(job->argv[0], BUILD "/", sizeof BUILD)) {
        dprintf(STDERR_FILENO, "the build left no program that starts: %s\n", strerror(errno));
        _exit(126);
    }
    child_fails(status_fd, "exec");
}

/* The new process; `ends` are our ends of its stdin, stdout, stderr and value pipes. */
static pid_t start(const struct job *job, int ends[4])
{
    int theirs[4], status[2];
    char why[120];

    if (pipe2(status, O_CLOEXEC) < 0)
        fail("pipe", errno);
    for (int i = 0; i < 4; i++) {
        int pair[2];
        if (pipe2(pair, O_CLOEXEC) < 0)
            fail("pipe", errno);
        ends[i] = pair[i == 0];
        theirs[i] = pair[i != 0];
        if (fcntl(ends[i], F_SETFL, O_NONBLOCK) < 0)
            fail("fcntl", errno);
    }
    pid_t pid = fork();
    if (pid < 0)
        fail("fork", errno);
    if (pid == 0)
        become(job, theirs, status[1]);
    close(status[1]);
    for (int i = 0; i < 4; i++)
        close(theirs[i]);
    ssize_t len = read(status[0], why, sizeof why - 1);
    close(status[0]);
    if (len > 0) {
        why[len] = 0;
        fail(why, 0);
    }
    return pid;
}

/* False when the stream is over its cap. */
static bool drain(struct stream *stream)
{
    unsigned char rest[1];
    for (;;) {
        bool full = stream->len == stream->cap;
        ssize_t got = full ? read(stream->fd, rest, 1)
                           : read(stream->fd, stream->data + stream->len, stream->cap - stream->len);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return true;
        if (got == 0) {
            close(stream->fd);
            stream->fd = -1;
            return true;
        }
        if (full)
            return false;
        stream->len += (size_t)got;
    }
}

static void feed(int *fd, const unsigned char *input, size_t len, size_t *sent)
{
    while (*sent < len) {
        ssize_t done = write(*fd, input + *sent, len - *sent);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0 && errno == EAGAIN)
            return;
        if (done <= 0)
            break;
        *sent += (size_t)done;
    }
    close(*fd);
    *fd = -1;
}

static void account(struct result *result, pid_t pid, pid_t first, int status, struct rusage *used)
{
    uint64_t peak = (uint64_t)used->ru_maxrss * 1024;
    result->rusage_us += (uint64_t)(used->ru_utime.tv_sec + used->ru_stime.tv_sec) * 1000000
        + (uint64_t)(used->ru_utime.tv_usec + used->ru_stime.tv_usec);
    if (peak > result->peak_bytes)
        result->peak_bytes = peak;
    if (pid != first)
        return;
    if (WIFSIGNALED(status)) {
        result->flags |= FLAG_SIGNALED;
        result->code = (uint32_t)WTERMSIG(status);
    } else {
        result->code = (uint32_t)WEXITSTATUS(status);
    }
}

/* Reaps what has ended; true once `first` has. */
static bool reap(struct result *result, pid_t first)
{
    struct signalfd_siginfo ignored;
    struct rusage used;
    int status;
    pid_t pid;
    bool ended = false;

    while (read(child_signals, &ignored, sizeof ignored) > 0)
        ;
    while ((pid = wait4(-1, &status, WNOHANG | __WALL, &used)) > 0) {
        account(result, pid, first, status, &used);
        ended = ended || pid == first;
    }
    return ended;
}

/* Nothing but pid 1 is left after this. Killing all at once leaves no time to fork away, and needs
 * no helper process, which a candidate could deny us by holding every pid of the container. */
static void kill_all(struct result *result, pid_t first)
{
    struct rusage used;
    int status;
    for (;;) {
        kill(-1, SIGKILL);
        pid_t pid = wait4(-1, &status, __WALL, &used);
        if (pid > 0)
            account(result, pid, first, status, &used);
        else if (errno == ECHILD)
            return;
    }
}

static void supervise(const struct job *job, struct result *result, pid_t first, int input_fd)
{
    uint64_t began = now_us(), cpu_before = container_cpu_us(), next_look = began;
    size_t sent = 0;
    bool ended = false;

    while (!ended) {
        uint64_t now = now_us();
        if (now - began >= (uint64_t)job->wall_ms * 1000) {
            result->flags |= FLAG_TIMED_OUT;
            break;
        }
        if (now >= next_look) {
            next_look = now + TICK_MS * 1000;
            if (container_cpu_us() - cpu_before > (uint64_t)job->cpu_ms * 1000) {
                result->flags |= FLAG_CPU;
                break;
            }
        }
        struct pollfd fds[] = {{.fd = STDIN_FILENO}, {.fd = STDOUT_FILENO},
            {.fd = child_signals, .events = POLLIN}, {.fd = input_fd, .events = POLLOUT},
            {.fd = result->out[0].fd, .events = POLLIN}, {.fd = result->out[1].fd, .events = POLLIN},
            {.fd = result->out[2].fd, .events = POLLIN}};
        uint64_t left_ms = job->wall_ms - (now - began) / 1000;
        if (poll(fds, 7, left_ms < TICK_MS ? (int)left_ms + 1 : TICK_MS) < 0 && errno != EINTR)
            fail("poll", errno);
        if ((fds[0].revents | fds[1].revents) & (POLLHUP | POLLERR | POLLNVAL))
            _exit(EXIT_HOST_GONE);
        if (input_fd >= 0 && fds[3].revents)
            feed(&input_fd, job->input, job->input_len, &sent);
        for (int i = 0; i < 3; i++)
            if (result->out[i].fd >= 0 && fds[4 + i].revents && !drain(&result->out[i]))
                result->flags |= FLAG_OUTPUT;
        ended = reap(result, first) || result->flags & FLAG_OUTPUT;
    }
    kill_all(result, first);
    result->wall_us = now_us() - began;
    uint64_t cpu = container_cpu_us() - cpu_before;
    result->cpu_us = cpu ? cpu : result->rusage_us;
    if (input_fd >= 0)
        close(input_fd);
    for (int i = 0; i < 3; i++) {
        if (result->out[i].fd >= 0 && !drain(&result->out[i]))
            result->flags |= FLAG_OUTPUT;
        if (result->out[i].fd >= 0)
            close(result->out[i].fd);
    }
}

/* Empties the directory we stand in, however deep and whatever its modes; runs as the candidate.
 * It walks with chdir, so neither path length nor open descriptors limit the depth. Entries of
 * root (links to the files) are skipped: the directory is sticky. */
static void empty_here(void)
{
    for (int depth = 0;;) {
        int inside = -1;
        DIR *dir = opendir(".");
        struct dirent *entry;
        while (dir && inside < 0 && (entry = readdir(dir))) {
            if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
                continue;
            if (unlinkat(AT_FDCWD, entry->d_name, 0) == 0
                || unlinkat(AT_FDCWD, entry->d_name, AT_REMOVEDIR) == 0 || errno == ENOTDIR)
                continue;
            struct stat info;
            if (lstat(entry->d_name, &info) < 0 || !S_ISDIR(info.st_mode)
                || chmod(entry->d_name, 0700) < 0)
                continue;
            inside = open(entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        }
        if (dir)
            closedir(dir);
        if (inside >= 0) {
            if (fchdir(inside) < 0)
                _exit(EXIT_OURS);
            close(inside);
            depth++;
        } else if (depth-- == 0) {
            return;
        } else if (chdir("..") < 0) {
            _exit(EXIT_OURS);
        }
    }
}

/* Whether root alone has entries in the cell's directory: then there is nothing to wipe as the
 * candidate. No process of the candidate is left that could add one. */
static bool only_ours(void)
{
    struct dirent *entry;
    struct stat info;
    bool ours = true;
    DIR *dir = opendir(CELL);
    if (!dir)
        return false;
    while (ours && (entry = readdir(dir)))
        ours = fstatat(dirfd(dir), entry->d_name, &info, AT_SYMLINK_NOFOLLOW) == 0
            && info.st_uid == 0;
    closedir(dir);
    return ours;
}

static void wipe_as_candidate(void)
{
    pid_t pid = fork();
    if (pid < 0)
        fail("fork", errno);
    if (pid == 0) {
        alarm(WIPE_S);
        if (!drop_to(UID_CELL) || chdir(CELL) < 0)
            _exit(EXIT_OURS);
        empty_here();
        _exit(0);
    }
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        ;
}

static void wipe_cell(void)
{
    if (!only_ours())
        wipe_as_candidate();
    DIR *dir = opendir(CELL);
    struct dirent *entry;
    while (dir && (entry = readdir(dir)))
        unlinkat(dirfd(dir), entry->d_name, 0);
    if (dir)
        closedir(dir);
    /* Fails when anything is left, so a cell never sees what an earlier one wrote. */
    if (rmdir(CELL) < 0)
        fail("wipe", errno);
}

/* What a check left behind for all to write would carry words from one test to the next: folders
 * become unreachable (a program lies beside them), files unwritable. */
static void close_here(void)
{
    struct dirent *entry;
    struct stat info;
    DIR *dir = opendir(".");
    if (!dir)
        _exit(EXIT_OURS);
    while ((entry = readdir(dir))) {
        if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
            continue;
        if (lstat(entry->d_name, &info) < 0)
            _exit(EXIT_OURS);
        mode_t kept = S_ISREG(info.st_mode) ? 0555 : 0;
        if (!S_ISLNK(info.st_mode) && chmod(entry->d_name, info.st_mode & kept) < 0)
            _exit(EXIT_OURS);
    }
    closedir(dir);
    _exit(0);
}

static void seal_build(void)
{
    int status = 0;
    if (chmod(BUILD, 0755) < 0)
        fail("chmod", errno);
    pid_t pid = fork();
    if (pid < 0)
        fail("fork", errno);
    if (pid == 0) {
        alarm(WIPE_S);
        if (!drop_to(UID_BUILD) || chdir(BUILD) < 0)
            _exit(EXIT_OURS);
        close_here();
    }
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (status != 0)
        fail("seal", 0);
}

static void open_to_all(const char *path)
{
    if (mkdir(path, 0755) < 0 || chmod(path, 01777) < 0)
        fail(path, errno);
}

/* A fresh working directory in which the Problem's files seem to lie. */
static void fresh_cell(void)
{
    char target[sizeof SRC + 1 + 256], name[sizeof CELL + 1 + 256];
    open_to_all(CELL);
    DIR *dir = opendir(SRC);
    struct dirent *entry;
    if (!dir)
        fail(SRC, errno);
    while ((entry = readdir(dir))) {
        if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
            continue;
        snprintf(target, sizeof target, "%s/%s", SRC, entry->d_name);
        snprintf(name, sizeof name, "%s/%s", CELL, entry->d_name);
        if (symlink(target, name) < 0)
            fail("link", errno);
    }
    closedir(dir);
}

static void order_file(struct cursor *in)
{
    char path[sizeof SRC + 1 + MAX_PATH];
    size_t len = (size_t)take(in, 2);
    char *name = take_text(in, len);
    if (len == 0 || len > MAX_PATH || name[0] == '/' || name[0] == '.' || strstr(name, "/.")
        || strstr(name, "//"))
        _exit(EXIT_BAD_RECORD);
    snprintf(path, sizeof path, "%s/%s", SRC, name);
    for (char *at = path + sizeof SRC; (at = strchr(at, '/')); at++) {
        *at = 0;
        if (mkdir(path, 0755) < 0 && errno != EEXIST)
            fail("mkdir", errno);
        *at = '/';
    }
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (fd < 0)
        fail("create", errno);
    while (in->at < in->end) {
        ssize_t done = write(fd, in->at, (size_t)(in->end - in->at));
        if (done <= 0)
            fail("write", errno);
        in->at += done;
    }
    close(fd);
    free(name);
}

static void parse_run(struct cursor *in, struct job *job)
{
    uint64_t kind = take(in, 1);
    job->build = kind == 0;
    job->wall_ms = take_upto(in, MAX_MS);
    job->cpu_ms = take_upto(in, MAX_MS);
    job->output_cap = take_upto(in, MAX_CAP);
    job->value_cap = take_upto(in, MAX_CAP);
    job->file_cap = take_upto(in, UINT32_MAX);
    size_t argc = (size_t)take(in, 2);
    if (kind > 1 || argc == 0 || argc > MAX_ARGS)
        _exit(EXIT_BAD_RECORD);
    for (size_t i = 0; i < argc; i++)
        job->argv[i] = take_text(in, take_upto(in, MAX_RECORD));
    job->input = in->at;
    job->input_len = (size_t)(in->end - in->at);
}

static void reply(const struct result *result)
{
    unsigned char head[5 + 41] = {'R'};
    unsigned char *at = head + 5;
    size_t texts = 0;
    at = put(at, result->flags, 1);
    at = put(at, result->code, 4);
    at = put(at, result->cpu_us, 8);
    at = put(at, result->wall_us, 8);
    at = put(at, result->peak_bytes, 8);
    for (int i = 0; i < 3; i++) {
        at = put(at, result->out[i].len, 4);
        texts += result->out[i].len;
    }
    put(head + 1, (uint64_t)(at - head - 5) + texts, 4);
    write_all(head, (size_t)(at - head));
    for (int i = 0; i < 3; i++)
        write_all(result->out[i].data, result->out[i].len);
}

static void order_run(struct cursor *in)
{
    struct job job = {0};
    struct result result = {0};
    int ends[4];

    parse_run(in, &job);
    alarm(job.wall_ms / 1000 + GRACE_S);
    if (job.build)
        open_to_all(BUILD);
    else
        fresh_cell();
    for (int i = 0; i < 3; i++) {
        result.out[i].cap = i == 2 ? job.value_cap : job.output_cap;
        if (!(result.out[i].data = malloc(result.out[i].cap + 1)))
            fail("malloc", errno);
    }
    uint64_t kills = oom_kills();
    pid_t first = start(&job, ends);
    for (int i = 0; i < 3; i++)
        result.out[i].fd = ends[i + 1];
    supervise(&job, &result, first, ends[0]);
    bool killed = result.flags & FLAG_SIGNALED && result.code == SIGKILL;
    /* A compiler says in words of its own that a child of it was killed. */
    if (oom_kills() > kills && (killed || (job.build && result.code != 0)))
        result.flags |= FLAG_OOM;
    alarm(WIPE_S + GRACE_S);
    if (!job.build)
        wipe_cell();
    else
        seal_build();
    reply(&result);
    for (int i = 0; i < 3; i++)
        free(result.out[i].data);
    for (int i = 0; job.argv[i]; i++)
        free(job.argv[i]);
}

/* Whoever has no login id may choose one, and no process of ours has: what the kernel writes into
 * its audit log would then name whom a candidate likes. Once chosen it stays. */
static void choose_login_id(void)
{
    int fd = open("/proc/self/loginuid", O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return; /* a kernel without audit */
    if (write(fd, "10001", 5) < 0 && errno != EPERM)
        fail("loginuid", errno);
    close(fd);
}

static void set_up(void)
{
    struct sigaction alarmed = {.sa_handler = on_alarm};
    sigset_t children;

    for (int fd = 3; fd < 1024; fd++)
        close(fd);
    /* Descriptor 3 stays taken, so that no pipe of ours gets the number a child will want. */
    if (open("/dev/null", O_RDONLY | O_CLOEXEC) != VALUE_FD)
        fail("/dev/null", errno);
    umask(022);
    sigemptyset(&children);
    sigaddset(&children, SIGCHLD);
    if (sigaction(SIGALRM, &alarmed, NULL) < 0 || signal(SIGPIPE, SIG_IGN) == SIG_ERR
        || sigprocmask(SIG_BLOCK, &children, NULL) < 0
        || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
        fail("signals", errno);
    child_signals = signalfd(-1, &children, SFD_CLOEXEC | SFD_NONBLOCK);
    if (child_signals < 0)
        fail("signalfd", errno);
    if (mkdir(SRC, 0755) < 0)
        fail(SRC, errno);
    choose_login_id();
}

/* The seconds of `--idle SECONDS`, the only argument there is: 1 to 4 digits, nothing else. */
static unsigned idle_seconds(int argc, char **argv)
{
    unsigned seconds = 0;
    if (argc == 1)
        return IDLE_S;
    if (argc != 3 || strcmp(argv[1], "--idle") != 0 || strlen(argv[2]) > 4)
        _exit(EXIT_BAD_RECORD);
    for (const char *at = argv[2]; *at; at++) {
        if (*at < '0' || *at > '9')
            _exit(EXIT_BAD_RECORD);
        seconds = seconds * 10 + (unsigned)(*at - '0');
    }
    if (seconds == 0 || seconds > MAX_IDLE_S)
        _exit(EXIT_BAD_RECORD);
    return seconds;
}

int main(int argc, char **argv)
{
    unsigned idle = idle_seconds(argc, argv);
    set_up();
    for (;;) {
        unsigned char head[5];
        struct cursor size = {head + 1, head + 5};
        alarm(idle);
        read_all(head, sizeof head, EXIT_HOST_GONE);
        idle = IDLE_S;
        size_t len = take_upto(&size, MAX_RECORD);
        unsigned char *payload = malloc(len + 1);
        if (!payload)
            fail("malloc", errno);
        read_all(payload, len, EXIT_BAD_RECORD);
        struct cursor in = {payload, payload + len};
        if (head[0] == 'F')
            order_file(&in);
        else if (head[0] == 'X')
            order_run(&in);
        else
            _exit(head[0] == 'Q' ? 0 : EXIT_BAD_RECORD);
        free(payload);
    }
}
