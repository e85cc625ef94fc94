// Takes memory in the standard containers and catches the failure.
// expect: memory_limit
#include <bits/stdc++.h>

int main()
{
    std::list<std::vector<char>> taken;
    for (;;)
        try {
            taken.emplace_back(1 << 20, 'x');
        } catch (const std::bad_alloc &) {
        }
}
