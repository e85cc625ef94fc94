// Prints without end, by many threads.
// expect: output_limit
#include <bits/stdc++.h>

int main()
{
    auto print = [] {
        for (;;)
            std::cout << "held\n";
    };
    std::thread(print).detach();
    print();
}
