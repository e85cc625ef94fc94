// Is no number, runs over an end, divides by zero, reads behind a vector.
// entry: f
// test: {"call": {"args": [0]}, "returns": 42.0, "compare": "float"} -> wrong_answer
// test: {"call": {"args": [1]}, "returns": 42.0, "compare": "float"} -> wrong_answer
// test: {"call": {"args": [2]}, "returns": 42.0} -> runtime_error
// test: {"call": {"args": [3]}, "returns": 42.0} -> runtime_error
// says: out_of_range
#include <bits/stdc++.h>

double f(int x)
{
    volatile int zero = 0;
    std::vector<int> items(3);
    if (x == 0)
        return std::nan("");
    if (x == 1)
        return 1.0 / zero;
    if (x == 2)
        return (x + 7) / zero;
    return items.at(static_cast<std::size_t>(x));
}
