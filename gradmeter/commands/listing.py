"""`gradmeter list`"""

import click


@click.command("list")
@click.argument(
    "kind", type=click.Choice(["estimators", "problems", "families"]), default="estimators"
)
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
@click.option("--markdown", is_flag=True, help="A Markdown table, as in the README and docs.")
@click.option("--matrix", is_flag=True, help="Which estimator works on which family.")
def list_(kind: str, as_json: bool, markdown: bool, matrix: bool) -> None:
    """List what is registered.

    Example: gradmeter list problems
    """
    import json

    from benchmarks import listing
    from reports import terminal

    if markdown:
        click.echo(listing.matrix_markdown() if matrix else listing.markdown())
    elif as_json:
        found = listing.matrix() if matrix else listing.rows(kind)
        click.echo(json.dumps(found, indent=2, ensure_ascii=False))
    elif matrix:
        terminal.print_matrix(listing.matrix())
    else:
        terminal.print_rows(listing.rows(kind), kind)
