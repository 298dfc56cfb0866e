"""`gradmeter list`"""

import click

from gradmeter.options import say


@click.command("list")
@click.argument(
    "kind", type=click.Choice(["estimators", "problems", "families"]), default="estimators"
)
@click.argument("patterns", nargs=-1, metavar="[PATTERN]...")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
@click.option("--markdown", is_flag=True, help="A Markdown table, as in the docs.")
@click.option("--matrix", is_flag=True, help="Which estimator works on which family.")
def list_(
    kind: str, patterns: tuple[str, ...], as_json: bool, markdown: bool, matrix: bool
) -> None:
    """List what is registered, or of it what a PATTERN such as 'normal-*' names.

    Example: gradmeter list problems

    Some of them: gradmeter list problems 'normal-*' '*-vae*'
    """
    import json

    if patterns and (markdown or matrix):
        raise click.UsageError("A PATTERN chooses rows of the list; leave out --markdown and "
                               "--matrix, which show all.")  # fmt: skip
    if markdown:
        say(_markdown(matrix))
    elif as_json:
        shown = _matrix() if matrix else _rows(kind, patterns)
        say(json.dumps(shown, indent=2, ensure_ascii=False))
    elif matrix:
        from reports.terminal.tables import print_matrix

        print_matrix(_matrix())
    else:
        from reports.terminal.tables import print_rows

        print_rows(_rows(kind, patterns), kind)


def _rows(kind: str, patterns: tuple[str, ...]) -> list[dict]:
    """The rows of a kind, all or those that a pattern names; without importing torch."""
    from fnmatch import fnmatchcase

    from benchmarks import kept_catalogue

    rows = kept_catalogue.rows(kind)
    for pattern in patterns:
        if not any(fnmatchcase(row["name"], pattern) for row in rows):
            from estimators import unknown

            noun = {"estimators": "estimator", "problems": "problem", "families": "family"}[kind]
            raise click.UsageError(unknown(noun, pattern, [row["name"] for row in rows]))
    chosen = (row for row in rows if any(fnmatchcase(row["name"], p) for p in patterns))
    return list(chosen) if patterns else rows


def _matrix() -> dict[str, dict[str, str | None]]:
    from benchmarks import catalogue

    return catalogue.matrix()


def _markdown(matrix: bool) -> str:
    from benchmarks import catalogue

    return catalogue.matrix_markdown() if matrix else catalogue.markdown()
