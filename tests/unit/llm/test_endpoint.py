"""What errors say of an endpoint: never a secret, and a wait that can be waited."""

from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import SecretStr

from calisota.llm.endpoint import MAX_RETRY_AFTER_S, Endpoint, retry_after_s
from calisota.models import Route
from calisota.text import printable

keys = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=6, max_size=60)
AT = "http://127.0.0.1:1/v1"


@given(keys, st.text(max_size=400), st.text(max_size=50))
def test_no_key_is_in_any_text_that_was_cleaned(key: str, before: str, after: str):
    endpoint = Endpoint(base_url=SecretStr(AT), key=SecretStr(key))
    told = endpoint.clean(f"{before}{key}{after}")
    assert key not in told.replace("***", "")
    assert len(told.splitlines()) <= 1


@given(st.text())
def test_any_words_of_an_endpoint_make_one_line(words: str):
    endpoint = Endpoint(base_url=SecretStr(AT), key=SecretStr("none"))
    for error in (
        endpoint.unavailable(words),
        endpoint.no_endpoint(words),
        endpoint.rejected(401, words, model="m", route=Route.FAST),
    ):
        assert "\n" not in error.message
        assert printable(error.message) == error.message


def test_a_placeholder_is_no_secret():
    endpoint = Endpoint(base_url=SecretStr(AT), key=SecretStr("EMPTY"))
    assert endpoint.clean("the body was EMPTY.") == "the body was EMPTY"


def test_the_address_is_shown_without_what_it_keeps():
    url = "https://me:hunter22@host.example:8443/openai/v1/?api-key=abcdefgh"
    endpoint = Endpoint(base_url=SecretStr(url), key=SecretStr("none"))
    assert endpoint.shown == "https://host.example:8443/openai/v1"
    assert endpoint.clean("hunter22 and abcdefgh") == "*** and ***"


@given(st.text() | st.from_regex(r"\d*(\.\d*)?", fullmatch=True))
@example("Sun, 06 Nov 1994 08:49:37 GMT")
@example("Sun, 06 Nov 1994 08:49:37")
@example("Sun, 06 Nov 99999999999999999999 08:49:37 GMT")
@example("Sun, 06 Nov 1994 08:49:37 +99999999999999999999")
@example("Fri, 31 Dec 9999 23:59:59 -2359")
def test_a_wait_is_none_or_one_that_can_be_waited(header: str):
    for name in ("retry-after", "retry-after-ms"):
        wait = retry_after_s({name: header})
        assert wait is None or 0 <= wait <= MAX_RETRY_AFTER_S
