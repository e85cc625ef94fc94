// Instantiates templates deeper and deeper.
// build_s: 20
// expect: compile_error
// says: error
template <typename T> struct Deeper { using type = typename Deeper<Deeper<T>>::type; };

int main()
{
    Deeper<int>::type one;
}
