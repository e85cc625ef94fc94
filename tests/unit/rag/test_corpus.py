import pytest

from calisota.errors import PermanentError
from calisota.rag.corpus import stdlib_sources


def paths(*modules, progress=print):
    return [source.path for source in stdlib_sources(modules, progress)]


def test_a_module_is_one_file_and_a_package_all_of_its_own():
    assert paths("heapq") == ["heapq.py"]
    found = paths("json", "bisect")
    assert found[0] == "bisect.py"
    assert {"json/__init__.py", "json/decoder.py", "json/tool.py"} <= set(found)


def test_a_module_named_twice_is_read_once():
    assert paths("json", "json.decoder").count("json/decoder.py") == 1


def test_tests_are_left_out():
    assert not [path for path in paths("unittest", "ctypes") if "/test/" in path]


def test_a_module_without_source_is_reported_and_skipped():
    told = []
    assert paths("math", "heapq", progress=told.append) == ["heapq.py"]
    assert told == ["Not indexed, they have no Python source: math."]


def test_a_name_outside_the_standard_library_is_refused():
    with pytest.raises(PermanentError, match=r"'heapqq' is no module.*CALISOTA_INDEX_MODULES"):
        paths("heapqq")


def test_nothing_to_index_is_refused():
    with pytest.raises(PermanentError, match="None of the modules"):
        paths("math")
