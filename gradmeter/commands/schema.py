"""`gradmeter schema`"""

import click


@click.command()
def schema() -> None:
    """Print the JSON schema of a record: what a line of records.jsonl holds.

    Example: gradmeter schema > record.schema.json
    """
    import json

    from benchmarks.store.json_schema import record_schema

    click.echo(json.dumps(record_schema(), indent=2, ensure_ascii=False))
