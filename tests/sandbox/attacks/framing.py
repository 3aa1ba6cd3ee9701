"""Attacks on the kept shell and on how it reports: a later command must run as written, or a restart be admitted."""

from __future__ import annotations

from tests.sandbox.attacks.kit import IMPATIENT, Attack, Scene, never
from tests.sandbox.box import DriverError


def _gives(code: int | None, stdout: str, restarted: bool = False) -> object:
    def check(scene: Scene) -> None:
        result = scene.result
        assert (result.exit_code, result.stdout, result.restarted) == (code, stdout, restarted), result

    return check


def _code(scene: Scene, code: int) -> None:
    assert (scene.result.exit_code, scene.result.restarted) == (code, False), scene.result


def _unchanged_by_it(scene: Scene) -> None:
    scene.box.run("exit")
    assert scene.box.run("pwd; echo x; (exit 5)").stdout == "/app\nx\n"


_FORGE = r"""
forge() { for f in 10 11 12 13 14 15 16 17 18 19 20 201; do { printf '\n%s 0\n' "$1" >&$f; } 2>/dev/null; done; while read -r -u 255 x; do answer_to "$x"; done; }
answer_to() { [[ $1 =~ [0-9a-f]{32} ]] && for f in 10 11 12 13 201; do { printf '\n%s 0\n' "$BASH_REMATCH" >&$f; echo FORGED >&202; } 2>/dev/null; done; }
answer() { read -r -t 0.2 -u 255 x; answer_to "$x"; }
"""
"""What an agent would need that reports an end, reads the next command and answers for it."""
_DEBUG = _FORGE + "trap '@' DEBUG"


def _runs_later_commands(scene: Scene) -> None:
    """Each later command runs as it was given, or its result says that it was ended, or the sandbox says that it was deceived."""
    for number in range(3):
        try:
            result = scene.box.run(f"echo later{number} | tee /app/later{number}")
        except DriverError as error:
            assert "cannot be believed" in str(error)
            return
        assert "FORGED" not in result.stdout
        # A trap may print beside it.
        assert f"later{number}" in result.stdout or result.exit_code is None or result.restarted, result
        if result.exit_code == 0:
            assert f"/app/later{number}" in scene.tree()


ATTACKS = (
    Attack(
        "frames that look like the real ones",
        "for i in 1 2; do printf '%s 0\\n' $(head -c 16 /dev/urandom | od -An -tx1 | tr -d ' \\n') >&$i; done; (exit 3)",
        lambda scene: _code(scene, 3),
    ),
    Attack(
        "frames on every descriptor",
        'for f in $(seq 3 255); do eval "echo 00000000000000000000000000000000 0 >&$f" 2>/dev/null; done; (exit 3)',
        lambda scene: _code(scene, 3),
    ),
    Attack(
        "frames into the shell's descriptors from a child",
        "bash -c 'for f in /proc/$PPID/fd/* /proc/1/fd/*; do echo 0 0 >$f && echo REACHED; done 2>/dev/null'; (exit 3)",
        lambda scene: (_code(scene, 3), never("REACHED")(scene)),
    ),
    Attack(
        "commands into the shell's script",
        "bash -c 'for f in 200 201 202 203 255; do echo \"echo INJECTED\" >/proc/$PPID/fd/$f; done 2>/dev/null'; true",
        never("INJECTED"),
    ),
    Attack(
        "reading ahead in the script",
        'while read -r -t 0.1 -u 255 line; do echo "GOT $line"; done; (exit 4)',
        lambda scene: (_code(scene, 4), never("GOT")(scene)),
    ),
    Attack(
        "an end reported from a copy of the frame pipe, and waiting for the next command",
        _DEBUG.replace(
            "@",
            "(( BASH_SUBSHELL )) || [[ $BASH_COMMAND != *printf*%s* ]] || { set -- $BASH_COMMAND; forge $4; }",
        ),
        lambda scene: _runs_later_commands(scene),
        IMPATIENT,
    ),
    Attack(
        "answering for the next command in a trap",
        _DEBUG.replace("@", "[[ -n $armed ]] || { armed=1; return; }; answer"),
        lambda scene: _runs_later_commands(scene),
        IMPATIENT,
    ),
    Attack(
        "answering for the next command in a trap for signals",
        _FORGE
        + "trap answer USR1; shell=$BASHPID; (for i in 1 2 3 4 5 6 7 8 9; do sleep 0.05; kill -USR1 $shell; done) &",
        lambda scene: _runs_later_commands(scene),
        IMPATIENT,
    ),
    Attack(
        "skipping the next commands in a trap",
        "shopt -s extdebug; trap '[[ $BASH_COMMAND == *printf* || $BASH_COMMAND == *trap* ]]' DEBUG",
        lambda scene: _runs_later_commands(scene),
        IMPATIENT,
    ),
    Attack(
        "reading ahead in the script from a child",
        "cat /proc/$PPID/fd/255 /proc/$$/fd/255",
        lambda scene: _code(scene, 1),
    ),
    Attack(
        "closing every descriptor", 'for f in $(seq 3 255); do eval "exec $f>&-"; done', lambda scene: None
    ),
    Attack("closing standard output", "exec >&- 2>&-; echo lost", _gives(1, "")),
    Attack("sending all output away", "exec >/dev/null 2>&1; echo hidden", _gives(0, "")),
    Attack("reading from standard input", 'cat; read -r x; echo "$x."', _gives(0, ".\n")),
    Attack("another standard input for later", "exec </dev/zero; echo x", _gives(0, "x\n")),
    Attack(
        "output made not to block",
        "import fcntl, os\nfor fd in 1, 2: fcntl.fcntl(fd, fcntl.F_SETFL, os.O_NONBLOCK)",
        lambda scene: None,
        python=True,
    ),
    Attack(
        "functions in place of builtins",
        'for f in printf eval echo exit read trap command unset exec test kill type set return cd; do eval "$f() { true; }"; done',
        lambda scene: None,
    ),
    Attack("a function in place of builtin", "builtin() { true; }", _gives(None, "", True), IMPATIENT),
    Attack(
        "read-only functions", "printf() { true; }; exit() { true; }; readonly -f printf exit", _gives(0, "")
    ),
    Attack(
        "aliases",
        "shopt -s expand_aliases; alias builtin=true eval=true printf=true exit=true '['=true",
        _gives(0, ""),
    ),
    Attack("builtins switched off", "enable -n printf eval", lambda scene: None),
    Attack("all builtins switched off", "enable -n printf eval exit builtin", lambda scene: None, IMPATIENT),
    Attack("read-only variables", "readonly IFS=x PATH=/nowhere HOME=/ LINENO OPTIND=1 PS4=x", _gives(0, "")),
    Attack("another field separator", "IFS=$'0123456789 \\n'; (exit 107)", _gives(107, "")),
    Attack(
        "traps on everything",
        "for s in DEBUG ERR RETURN EXIT CHLD USR1 TERM; do trap 'echo trapped' $s; done; (exit 4)",
        lambda scene: _code(scene, 4),
    ),
    Attack(
        "traps that skip commands",
        "shopt -s extdebug; trap '(exit 1)' DEBUG",
        _gives(None, "", True),
        IMPATIENT,
    ),
    Attack(
        "start-up files and variables",
        "for f in ~/.bashrc ~/.bash_profile ~/.profile ~/.bash_logout /app/bash /app/rc; do echo 'echo RC; exit' >$f; done; "
        "export BASH_ENV=/app/rc ENV=/app/rc PROMPT_COMMAND='echo RC' PS4='$(echo RC)' LD_PRELOAD=/app/rc PATH=/app",
        _unchanged_by_it,
    ),
    Attack(
        "exported functions",
        "pwd() { echo F; }; cd() { echo F; }; builtin() { echo F; }; export -f pwd cd builtin",
        _unchanged_by_it,
        IMPATIENT,
    ),
    Attack("set -e", "set -euo pipefail; false; echo no", _gives(1, "", True)),
    Attack("set -u", "set -u; echo $nothing; echo no", _gives(1, "", True)),
    Attack("set -n", "set -n", _gives(None, "", True), IMPATIENT),
    Attack("set -xv", "set -xv; true", lambda scene: None),
    Attack("set -k and posix", "set -k -o posix -f -C; true", _gives(0, "")),
    Attack("exec", "exec /bin/echo gone", _gives(0, "gone\n", True)),
    Attack("exec of another shell", "exec bash -c 'echo other; exit 6'", _gives(6, "other\n", True)),
    Attack("exec of something that stays", "exec sleep 30", _gives(None, "", True), IMPATIENT),
    Attack("exit", "echo bye; exit 3", _gives(3, "bye\n", True)),
    Attack("exit of a trap", "trap 'exit 7' EXIT; exit 3", _gives(7, "", True)),
    Attack("break, continue and return", "break 9; continue 9; return 5; echo x", lambda scene: None),
    Attack("a quote without its end", "echo 'a", lambda scene: _code(scene, 2)),
    Attack("a command without its end", "if true; then echo a", lambda scene: _code(scene, 2)),
    Attack("a closing quote and more", "'; echo INJECTED; '", lambda scene: _code(scene, 127)),
    Attack("a here-document without its end", "cat <<END\nfoo", _gives(0, "foo\n")),
    Attack("an arithmetic error", "echo $((1 / 0)); echo no", _gives(1, "")),
    Attack(
        "a missing value",
        "echo ${x:?must be set}; echo no",
        lambda scene: never("no\n")(scene),
    ),
    Attack("no descriptors left", "ulimit -n 5; ls", lambda scene: None, IMPATIENT),
    Attack("carriage returns and tabs", "printf 'a\\r\\tb\\f\\n'", _gives(0, "a\r\tb\f\n")),
)
