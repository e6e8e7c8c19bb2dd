"""Every option: documented, bounded, frozen; the contract's names and defaults hold."""

import math

import pytest
from pydantic import SecretStr, ValidationError

from twinlens.config.schema import Config
from twinlens.config.words import Option, Schema

SMALLEST = {
    "catalog": [{"name": "family", "roots": ["/srv/photos"]}],
    "database": {"path": "/state/twinlens.db"},
}
OPTIONS = tuple(Schema().options())
NUMBERS = [option for option in OPTIONS if option.node.get("type") in {"integer", "number"}]


def label(option: Option) -> str:
    return f"{option.section}.{option.name}"


def config_with(option: Option, value: object) -> Config:
    """A configuration with one option set."""
    section = {option.name: value}
    if option.section == "notify.webhook":
        data = {**SMALLEST, "notify": {"webhook": [{"url": "http://host/", **section}]}}
    elif option.section == "catalog":
        data = {**SMALLEST, "catalog": [{**SMALLEST["catalog"][0], **section}]}
    else:
        data = {**SMALLEST, option.section: section}
    return Config.model_validate(data)


def test_the_contracts_defaults_hold() -> None:
    config = Config.model_validate(SMALLEST)

    assert config.catalog[0].action == "report"
    assert (config.watch.settle_seconds, config.watch.polling) == (5.0, "auto")
    assert config.watch.scan_interval_minutes == 60
    assert config.workers.processes == 0
    assert config.similarity.preset == "normal"
    assert config.cleanup.grace_hours == 24
    assert config.notify.webhook == ()


@pytest.mark.parametrize("option", OPTIONS, ids=label)
def test_an_option_says_in_a_sentence_what_it_does(option: Option) -> None:
    sentence = option.node.get("description", "")

    assert sentence[:1].isupper() or sentence.startswith("`")
    assert sentence.endswith(".")


@pytest.mark.parametrize("option", NUMBERS, ids=label)
def test_a_number_has_bounds_and_keeps_them(option: Option) -> None:
    lowest, highest = option.node.get("minimum"), option.node["maximum"]
    below = option.node["exclusiveMinimum"] if lowest is None else lowest - 1

    config_with(option, highest)
    if lowest is not None:
        config_with(option, lowest)
    for beyond in (below, highest + 1, math.inf, math.nan):
        with pytest.raises(ValidationError):
            config_with(option, beyond)


@pytest.mark.parametrize("option", NUMBERS, ids=label)
@pytest.mark.parametrize("value", ["5", True, [5]])
def test_only_a_number_is_taken_for_a_number(option: Option, value: object) -> None:
    with pytest.raises(ValidationError):
        config_with(option, value)


def test_a_config_cannot_be_changed() -> None:
    config = Config.model_validate(SMALLEST)

    with pytest.raises(ValidationError):
        config.watch.settle_seconds = 1.0


def test_polling_of_a_single_root_must_name_a_root() -> None:
    catalog = {"name": "a", "roots": ["/a"], "polling": {"/b": "always"}}

    with pytest.raises(ValidationError, match="/b, which is not among the roots"):
        Config.model_validate({**SMALLEST, "catalog": [catalog]})


@pytest.mark.parametrize(
    "url",
    [
        "ftp://host/",
        "file:///etc/passwd",
        "host/hook",
        "http://",
        "http:///path",
        "http://host:99999/",
        "http://[::1/",
        "http://ada:secret@host/",
        "http://host/a b",
        "http://host/\n",
    ],
)
def test_a_webhook_address_is_http_to_a_host_without_credentials(url: str) -> None:
    with pytest.raises(ValidationError):
        Config.model_validate({**SMALLEST, "notify": {"webhook": [{"url": url}]}})


@pytest.mark.parametrize("url", ["http://127.0.0.1:8080/hook", "https://h.example/x?y=1"])
def test_a_usual_webhook_address_is_kept_as_written(url: str) -> None:
    config = Config.model_validate({**SMALLEST, "notify": {"webhook": [{"url": url}]}})

    assert config.notify.webhook[0].url == url


@pytest.mark.parametrize("pattern", ["*.tmp", "/scans", "2019/**", "private/"])
def test_a_pattern_may_begin_at_the_root(pattern: str) -> None:
    catalog = {"name": "a", "roots": ["/a"], "exclude": [pattern]}

    config = Config.model_validate({**SMALLEST, "catalog": [catalog]})

    assert config.catalog[0].exclude == (pattern,)


def test_a_secret_does_not_show_when_the_config_is_printed() -> None:
    hook = {"url": "http://h/", "secret": "hunter2"}

    config = Config.model_validate({**SMALLEST, "notify": {"webhook": [hook]}})

    assert config.notify.webhook[0].secret == SecretStr("hunter2")
    assert "hunter2" not in repr(config)


@pytest.mark.parametrize("path", ["tools/exiftool", " ", "a\0b"])
def test_a_program_is_a_name_or_absolute(path: str) -> None:
    with pytest.raises(ValidationError):
        Config.model_validate({**SMALLEST, "exiftool": {"path": path}})


@pytest.mark.parametrize("pattern", ["", "/", "a\0", "/a", "/a/b/*.jpg"])
def test_a_pattern_is_something_below_the_root(pattern: str) -> None:
    catalog = {"name": "a", "roots": ["/a"], "exclude": [pattern]}

    with pytest.raises(ValidationError):
        Config.model_validate({**SMALLEST, "catalog": [catalog]})
