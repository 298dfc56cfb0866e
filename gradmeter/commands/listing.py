"""`gradmeter list`"""

import click

from gradmeter.options import say


@click.command("list")
@click.argument(
    "kind", type=click.Choice(["estimators", "problems", "families"]), default="estimators"
)
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
@click.option("--markdown", is_flag=True, help="A Markdown table, as in the docs.")
@click.option("--matrix", is_flag=True, help="Which estimator works on which family.")
def list_(kind: str, as_json: bool, markdown: bool, matrix: bool) -> None:
    """List what is registered.

    Example: gradmeter list problems
    """
    import json

    from benchmarks import catalogue
    from reports import terminal

    if markdown:
        say(catalogue.matrix_markdown() if matrix else catalogue.markdown())
    elif as_json:
        found = catalogue.matrix() if matrix else catalogue.rows(kind)
        say(json.dumps(found, indent=2, ensure_ascii=False))
    elif matrix:
        terminal.print_matrix(catalogue.matrix())
    else:
        terminal.print_rows(catalogue.rows(kind), kind)
