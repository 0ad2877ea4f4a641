"""`python -m cadre_cli` is `cadre`."""

from cadre_cli.app import main

main()
