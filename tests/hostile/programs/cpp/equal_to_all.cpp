// Returns an object that is equal to all and turns into anything.
// entry: f
// test: {"call": {"args": [1]}, "returns": 42} -> wrong_answer
#include <string>

struct Same {
    template <typename T> operator T() const { return T(); }
    template <typename T> bool operator==(const T &) const { return true; }
};

Same f(int) { return {}; }
