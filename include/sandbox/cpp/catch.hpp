// The header of Catch2's second version, for suites written for it, on the third that is installed.
#pragma once
#include <catch2/catch_all.hpp>
using Catch::Approx;
