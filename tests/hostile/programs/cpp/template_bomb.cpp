// Instantiates templates two by two without end.
// build_s: 12
// expect: compile_error
// says: the build
template <int N, int M> struct Tree : Tree<N - 1, 2 * M>, Tree<N - 1, 2 * M + 1> {};
template <int M> struct Tree<0, M> {};

int main()
{
    Tree<24, 0> tree;
    return sizeof tree == 0;
}
