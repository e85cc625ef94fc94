// Starts threads that start threads, all of which take memory.
// limits: wall_s=2
// test: {"argv": [], "stdout": "held"} -> time_limit memory_limit runtime_error
#include <bits/stdc++.h>

void flood()
{
    std::vector<std::string> taken;
    for (;;)
        try {
            std::thread(flood).detach();
            taken.emplace_back(1 << 16, 'x');
        } catch (const std::system_error &) {
            taken.emplace_back(1 << 16, 'x');
        }
}

int main() { flood(); }
