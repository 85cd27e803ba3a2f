"""``completion``: what makes a shell complete commands, options and run ids."""

from __future__ import annotations

import click

from console import PROGRAM


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion_command(shell: str) -> None:
    """Print what makes a shell complete commands, options and run ids.

    \b
    bash: sales-pipeline completion bash > ~/.local/share/bash-completion/completions/sales-pipeline
    zsh:  eval "$(sales-pipeline completion zsh)"            in ~/.zshrc, after compinit
    fish: sales-pipeline completion fish > ~/.config/fish/completions/sales-pipeline.fish
    """  # noqa: D301  (click's own sign, not two characters)
    from click.shell_completion import get_completion_class

    made_by = get_completion_class(shell)
    if made_by is not None:
        program = click.get_current_context().find_root().command
        click.echo(made_by(program, {}, PROGRAM, "_SALES_PIPELINE_COMPLETE").source())
