// Has the compiler explain a failure at endless length.
// build_s: 25
// expect: compile_error
// says: the build wrote too much
// append: {"text": "int bad() { return std::vector<std::map<int, Nothing>>{}; }\n", "times": 3000}
#include <bits/stdc++.h>
int main() { }
