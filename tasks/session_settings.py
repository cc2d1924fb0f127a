"""What a role, a database or PGOPTIONS may have set for its users, and what a session has instead."""

from collections.abc import Mapping

# What would end a long job, our own or a program's, or have it take a null in an array for a word ...
UNHINDERED = {
    "array_nulls": "on",
    "statement_timeout": "0",
    "lock_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
    "idle_session_timeout": "0",
    "transaction_timeout": "0",
    "default_transaction_isolation": "read committed",
    "default_transaction_deferrable": "off",
}
# ... and what would bend ours. pg_dump and pg_restore set these themselves; in dbt's sessions they are the user's.
OURS = {
    **UNHINDERED,
    "search_path": "",
    "timezone": "UTC",
    "datestyle": "ISO",
    "intervalstyle": "postgres",
    "extra_float_digits": "3",
    "bytea_output": "hex",
    "lc_monetary": "C",
    "quote_all_identifiers": "off",
    "row_security": "off",
    # A table is read from its beginning, whoever else reads it: the same rows make the same file.
    "synchronize_seqscans": "off",
}


# What libpq would tell the server besides, and the server heed more than options.
VARIABLES = {"PGDATESTYLE": "ISO", "PGTZ": "UTC"}


def held(overruled: Mapping[str, str], *, all_of_them: bool) -> dict[str, str]:
    """Return those settings that a program's sessions must have, or all that a session of ours has."""
    return {name: value for name, value in overruled.items() if all_of_them or name in UNHINDERED}


def options(settings: Mapping[str, str]) -> str:
    """Return the options of a connection that has these settings."""
    return " ".join("-c {}={}".format(name, value.replace(" ", "\\ ")) for name, value in settings.items())
