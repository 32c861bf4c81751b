import pytest
from pydantic import ValidationError

from backend.settings import Settings, load_settings, unknown_variables
from model.errors import SettingsError


def test_defaults_listen_on_this_machine_only_and_fetch_from_nowhere_else():
    settings = load_settings()
    assert (settings.host, settings.port) == ("127.0.0.1", 9090)
    assert settings.allowed_hosts == ()
    assert settings.max_image_pixels < 12_000 * 9_000


def test_environment_is_read_and_arguments_win(monkeypatch):
    monkeypatch.setenv("BOUNDARYCLICK_PORT", "1234")
    monkeypatch.setenv("BOUNDARYCLICK_ALLOWED_HOSTS", "Images.example.org, *.example.net:81,*:8080,")
    assert load_settings().port == 1234
    assert load_settings(port=0, host=None).port == 0
    assert load_settings().allowed_hosts == ("images.example.org", "*.example.net:81", "*:8080")


@pytest.mark.parametrize("name", ["LABEL_STUDIO_URL", "LABEL_STUDIO_HOST", "BOUNDARYCLICK_LABEL_STUDIO_URL"])
def test_label_studio_is_found_under_the_names_people_know(monkeypatch, name):
    monkeypatch.setenv(name, "https://labels.example.org/studio/")
    assert load_settings().label_studio_url == "https://labels.example.org/studio"


@pytest.mark.parametrize("name", ["LABEL_STUDIO_URL", "BOUNDARYCLICK_LABEL_STUDIO_URL", "BOUNDARYCLICK_PORT"])
def test_an_empty_variable_counts_as_unset(monkeypatch, name):
    default = load_settings()
    monkeypatch.setenv(name, "")
    assert load_settings() == default


def test_an_empty_variable_does_not_hide_another_name_of_it(monkeypatch):
    monkeypatch.setenv("BOUNDARYCLICK_LABEL_STUDIO_URL", "")
    monkeypatch.setenv("LABEL_STUDIO_HOST", "https://labels.example.org")
    assert load_settings().label_studio_url == "https://labels.example.org"


@pytest.mark.parametrize("name", ["LABEL_STUDIO_API_KEY", "LABEL_STUDIO_ACCESS_TOKEN"])
def test_the_token_is_not_shown(monkeypatch, name):
    monkeypatch.setenv(name, "very-secret")
    settings = load_settings()
    assert settings.label_studio_api_key.get_secret_value() == "very-secret"
    assert "very-secret" not in repr(settings)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "70000"),
        ("PORT", "abc"),
        ("DEVICE", "gpu"),
        ("THREADS", "-1"),
        ("FETCH_TIMEOUT", "nan"),
        ("FETCH_TIMEOUT", "0"),
        ("MAX_IMAGE_PIXELS", "0"),
        ("LOG_LEVEL", "loud"),
        ("ALLOWED_HOSTS", "http://example.org/"),
        ("ALLOWED_HOSTS", "ex*mple.org"),
        ("LABEL_STUDIO_URL", "ftp://example.org"),
        ("LABEL_STUDIO_URL", "http://example.org:99999"),
        ("LABEL_STUDIO_LOCAL_FILES_ROOT", "/there/is/no/such/folder"),
    ],
)
def test_a_bad_value_is_one_line_that_names_variable_and_value(monkeypatch, name, value):
    monkeypatch.setenv(f"BOUNDARYCLICK_{name}", value)
    with pytest.raises(SettingsError) as caught:
        load_settings()
    message = str(caught.value)
    assert f"BOUNDARYCLICK_{name}: " in message
    assert value in message
    assert "\n" not in message


def test_a_password_in_the_url_is_refused_without_being_repeated(monkeypatch):
    monkeypatch.setenv("LABEL_STUDIO_URL", "http://me:hunter2@example.org")
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert "hunter2" not in str(caught.value)


def test_settings_are_frozen():
    with pytest.raises(ValidationError):
        load_settings().port = 1


def test_slips_of_the_pen_are_found():
    given = {
        "BOUNDARYCLICK_PROT": "1",
        "BOUNDARYCLICK_PORT": "1",
        "BOUNDARYCLICK_LABEL_STUDIO_URL": "",
        "HOME": "",
    }
    assert unknown_variables(given) == ["BOUNDARYCLICK_PROT"]


def test_every_setting_is_documented():
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []
