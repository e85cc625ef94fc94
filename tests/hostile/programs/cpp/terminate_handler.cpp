// Turns its own exception, failed assertion and crash into a good end.
// entry: f
// test: {"call": {"args": [1]}, "returns": 42} -> runtime_error
// test: {"call": {"args": [2]}, "returns": 42} -> runtime_error
// test: {"code": "assert(f(3) == 42);"} -> runtime_error
#include <bits/stdc++.h>
#include <csignal>
#include <unistd.h>

int f(int x)
{
    std::set_terminate([] { _exit(0); });
    std::signal(SIGABRT, [](int) { _exit(0); });
    std::signal(SIGSEGV, [](int) { _exit(0); });
    std::atexit([] { _exit(0); });
    if (x == 1)
        throw std::runtime_error("wrong");
    if (x == 2)
        *(volatile int *)nullptr = 1;
    return 41;
}
