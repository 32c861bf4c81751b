"""The settings as a Markdown table; `python -m backend.settings_table` prints the one of docs/operation.md."""

from pydantic import SecretStr

from backend.settings import Settings, variable_names


def settings_table() -> str:
    """One row for each setting: its variables, the preferred one first, its default, its meaning."""
    rows = ["| variable | default | meaning |", "|---|---|---|"]
    for name, field in Settings.model_fields.items():
        variables = ", ".join(f"`{variable}`" for variable in variable_names(name))
        rows.append(f"| {variables} | {_shown(field.default)} | {_cell(field.description or '')} |")
    return "\n".join(rows)


def _shown(default: object) -> str:
    if default is None or default == ():
        return "not set"
    if isinstance(default, SecretStr):
        return "secret"
    return f"`{default}`"


def _cell(text: str) -> str:
    """No bars, which would end the cell; no angle brackets or stars that Markdown takes for its own."""
    return text.replace("|", "\\|").replace("*", "\\*").replace("<", "&lt;")


if __name__ == "__main__":
    print(settings_table())
