"""`gradmeter cite`"""

import click

from gradmeter.options import say


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
def cite(names: tuple[str, ...]) -> None:
    """Print BibTeX of the sources of estimators, and of this software; without names of it alone.

    An entry has what the registry says and nothing else; a NAME may be a pattern.

    Example: gradmeter cite disarm 'reinforce-*' >methods.bib
    """
    from benchmarks.citation import bibliography
    from benchmarks.running.selection import choose
    from estimators import names as registered

    say(bibliography(choose("estimator", names, registered()) if names else ()))
