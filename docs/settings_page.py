"""The tables of the settings page, from the settings themselves."""

from itertools import groupby

from i2i_keras.config.describe import Row, describe, shown, tables


def settings_tables() -> str:
    """All settings as Markdown: a heading a table, a row a setting."""
    from i2i_keras.experiment.settings import Settings

    about, parts = tables(Settings), list[str]()
    by_table: dict[str, list[Row]] = {}
    for table, rows in groupby(describe(Settings), key=lambda row: row.name.rpartition(".")[0]):
        by_table.setdefault(table, []).extend(rows)
    for table, rows in by_table.items():
        title = f"`[{table}]`" if table else "At the top"
        lines = [f"| {_cell(row)} |" for row in rows if row.name not in by_table]
        head = ["| Setting | Default | Meaning |", "|---|---|---|"]
        parts.append("\n".join([f"## {title}", "", about.get(table, ""), "", *head, *lines]))
    return "\n\n".join(parts)


def _cell(row: Row) -> str:
    """The three cells of a row; what it has to be stands behind its meaning."""
    name = row.name.rpartition(".")[2]
    meaning = f"{row.meaning} *({row.type})*".replace("|", "\\|")
    return f"`{name}` | `{shown(row.default)}` | {meaning}"
