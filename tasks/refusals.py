"""Why a server did not let us in, read from what it said."""

from tasks.errors import DatabaseMissing, DatabaseUnreachable, LoginRefused, PipelineError, SettingInvalid

# libpq gives no code for a refused connection, only the server's English text or its own (lc_messages of the
# server may differ: then the job waits until [readiness] timeout_seconds, and shows the text as it is).
_REFUSALS: tuple[tuple[str, type[PipelineError], str], ...] = (
    ("password authentication failed", LoginRefused, "check user and password; ~/.pgpass and PGPASSWORD count too"),
    ("no password supplied", LoginRefused, "give the password in the URI, ~/.pgpass or PGPASSWORD"),
    ("authentication failed", LoginRefused, "check the user and the server's pg_hba.conf"),
    ("pg_hba.conf rejects connection", LoginRefused, "change the entry in the server's pg_hba.conf that rejects it"),
    ("no pg_hba.conf entry", LoginRefused, "add an entry for this user and host to the server's pg_hba.conf"),
    ("is not permitted to log in", LoginRefused, "alter role … login, or use another role"),
    ("permission denied for database", LoginRefused, "grant connect on the database to the role"),
    ('FATAL:  role "', LoginRefused, "create the role, or correct the user name"),
    ("does not support SSL", LoginRefused, "switch TLS on at the server, or take sslmode out of the URI"),
    ("certificate", LoginRefused, "check sslrootcert, sslmode and the server's certificate"),
    ("root.crt", LoginRefused, "check sslrootcert and sslmode"),
    ('FATAL:  database "', DatabaseMissing, "create the database, or correct its name"),
    ("could not translate host name", SettingInvalid, "correct the host name"),
    ("definition of service", SettingInvalid, "correct the service name, or ~/.pg_service.conf"),
    ("invalid", SettingInvalid, "correct the connection string"),
)

# Waiting may mend it: another's session ends.
_FULL = ("too many connections", "too many clients", "remaining connection slots are reserved")


def refusal(database: str, text: str) -> PipelineError:
    """Tell apart what waiting can mend, DatabaseUnreachable, from what it cannot."""
    line = first_line(text)
    # The server's address comes first, and may hold any of the words.
    reason = line.rsplit(" failed: ", 1)[-1]
    for words, kind, hint in _REFUSALS:
        is_meant = not words.startswith("FATAL") or "does not exist" in text
        if words in reason and is_meant and "Temporary failure in name resolution" not in reason:
            return kind(f"{database} cannot be used: {line}; nothing was changed", hint=hint)
    if any(words in reason for words in _FULL):
        return DatabaseUnreachable(
            f"{database} has no connection left: {line}; nothing was changed",
            hint="end sessions there, or raise max_connections or the connection limit of the role or database",
        )
    return DatabaseUnreachable(
        f"{database} does not answer: {line}; nothing was changed", hint="start the server, or correct host and port"
    )


def first_line(text: str) -> str:
    """Return the line of an error that says why: the server's own, where there is one, else the first."""
    lines = text.strip().splitlines() or ["no reason given"]
    return next((line for line in lines if "FATAL" in line), lines[0]).strip()
