"""One module per subcommand, with `add_parser(subparsers)` and `run(args) -> int`; found by being here."""
