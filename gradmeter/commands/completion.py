"""`gradmeter completion`"""

import click
from click.shell_completion import get_completion_class

VARIABLE = "_GRADMETER_COMPLETE"  # by which click knows that a shell asks


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print what completes commands and options in your shell.

    Example: eval "$(gradmeter completion bash)"
    """
    complete = get_completion_class(shell)
    click.echo(complete(ctx.find_root().command, {}, "gradmeter", VARIABLE).source())
