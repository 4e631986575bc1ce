#!/usr/bin/env python3
"""Records what supervisor 4.3.0 makes of the cases below, for tests/oracle.rs. Not run by `cargo test`.

    python3 -m venv /tmp/oracle && /tmp/oracle/bin/pip install supervisor==4.3.0
    /tmp/oracle/bin/python tests/oracle/record.py

Writes ini.json (supervisor.options.UnhosedConfigParser), split.json (shlex.split, which supervisor.process uses for `command`),
environment.json (supervisor.datatypes.dict_of_key_value_pairs) and expand.json (supervisor.options.expand) beside itself. Each is a
list of [input, answer]; an answer of null means that the original refuses the input.
"""

import json
import os
import random
import shlex
import tempfile

from supervisor import datatypes, options

HERE = os.path.dirname(os.path.abspath(__file__))


def ini(text):
    """Sections and options as the daemon sees them, read from a file as the daemon does."""
    with tempfile.NamedTemporaryFile("wb", delete=False) as file:
        file.write(text.encode())
    parser = options.UnhosedConfigParser()
    try:
        with open(file.name, "r", encoding="utf-8") as opened:
            parser.read_file(opened)
    except Exception:
        return None
    finally:
        os.unlink(file.name)
    own = [[name, [list(pair) for pair in parser._sections[name].items()]] for name in parser.sections()]
    return {"sections": own, "defaults": [list(pair) for pair in parser.defaults().items()]}


def refusing(function):
    def answer(text):
        try:
            return function(text)
        except Exception:
            return None

    return answer


NAMES = {"here": "/etc", "program_name": "web", "process_num": 3, "numprocs": 12, "ENV_HOME": "/home/me", "ENV_ODD": "a%b"}


class Names(dict):
    """A conversion without a name prints the whole table of names there. Nobody can want that: it counts as refused."""

    def __repr__(self):
        raise ValueError("the table itself")


def expand(text):
    return options.expand(text, Names(NAMES), "x")


INI = [
    "", "\n\n", "[a]", "[a]\n", "[a]\nb=1", "[a]\nb = 1\nc: 2\n", "b=1\n", "; x\n# y\n[a]\nb=1\n", "[a]\nb\n", "[a]\n=1\n", "[a]\n:1\n",
    "[a]\nb=1 ; c\n", "[a]\nb=1;c\n", "[a]\nb=1 # c\n", "[a]\nb=1#c\n", "[a]\nb='x ; y'\n", "[a]\nb='x; y'\n", "[a]\nb=\"x # y\"\n",
    "[a]\nb=;x\n", "[a]\nb= ;x\n", "[a]\nb=x;y ; z # w\n", "[a]\nb=x;y # z ; w\n", "[a]\nb=x#y ; z # w\n", "[a]\nb=x ;; y\n",
    "[a]\nb=1\n c\n", "[a]\nb=1\n\tc\n\td=2\n", "[a]\nb=1\n\n c\n", "[a]\nb=1\n\n\n c\n\n\n", "[a]\nb=1\n ;x\n c\n", "[a]\nb=1\n;x\n c\n",
    "[a]\nb=1\n c ; x\n  d\n", "[a]\n  b=1\n  c=2\n", "[a]\n  b=1\n c=2\n    d\n", "[a]\n  b=1\n   c=2\n  d=3\n", "[a]\nb=\n 1\n 2\n",
    "[a]\nb=1\n [c]\nd=2\n", " [a]\n b=1\n", " [a]\nb=1\n", "[a]\nb=1\n[a]\nc=2\nb=3\n", "[a]\nb=1\nb=2\n", "[A]\nb=1\n[a]\nb=2\n",
    "[a]\nB=1\nBc=X\n", "[a]\nb==1\n", "[a]\nb=1=2:3\n", "[a]\nb:1=2\n", "[a]\nb : 1\n", "[a]\nb   =   1   \n", "[a b]\nc d=1\n",
    "[a]]\nb=1\n", "[a] x\nb=1\n", "[a] ; x\nb=1\n", "[a];x\nb=1\n", "[a\nb=1\n", "[]\nb=1\n", "[]]\nb=1\n", "[[a]]\nb=1\n", "[ a ]\nb=1\n",
    "[program:x]\ncommand=/bin/cat\n", "[program: x ]\ncommand=/bin/cat\n", "[DEFAULT]\na=1\n[b]\nc=2\n", "[b]\nc=2\n[DEFAULT]\na=1\nc=3\n",
    "[default]\na=1\n", "[a]\r\nb=1\r\n c\r\n", "[a]\rb=1\rc=2", "[a]\r\n\r\nb=1\r\n", "[a]\nb=1\x0bc\n", "[a]\nb=1\x0c\n", "[a]\nb=\u00a01\u00a0\n",
    "[a]\nb=1\u00a0;x\n", "[a]\nb=1\u2028c\n", "[a]\nb=1\x1c\n", "[a]\n\u00a0b=1\n", "[a]\n\x1fb=1\n", "[\u00e9]\n\u00c9=\u00fc\n", "[a]\n\u0130=1\n", "[a]\n\u03a3=1\n\u0391\u03a3=2\n",
    "[a]\nb=%(c)s\nd=%%\ne=%\n", "[a]\nrem x\nb=1\n", "[a]\nREM=1\n", "[a]\nb=1\nx\n c\nd=2\n", "[a]\nx\n c=1\n", "[a]\n c\n", "[a]\nb=1\n;\n#\n\n;c\n d\n",
    "[a]\nb=\n\n\n[c]\nd=1\n", "[a]\nb=\nc=\n", "[a]\nb=1\n  \n c\n", "[a]\nb=1\n \t \n c\n", "[a]\nb=x\n  y=1\n  z\n",
    "[a]\ncommand=bash -c 'for i in 1 2 3; do echo $i; done'\n", "[a]\ncommand=bash -c 'a ; b'\n",
    "[a]\nenvironment=A=\"1\",\n    B=\"2\",\n    C=\"3\" ; last\n", "[a]\nenvironment=\n    A=1,\n    ; between\n    B=2\n",
    "[a]\nb=1\n[c] = 2\n", "[a]\n[b\n]\n", "[a]\nb=1\n # c\n", "[a]\nb = 1 ;\n", "[a]\nb=\u3000x\u3000\n", "[a]\n;b=1\n;[c]\nd=2", "\ufeff[a]\nb=1\n",
]

WORDS = [
    "", " ", "a", "a b", "a  b\tc\nd\re", "'a b' c", '"a b" c', "a'b'c", 'a"b"c', "a\\ b", "\\", "a\\", "'", '"', "'a", '"a', "''", '""', "'' ''", "a '' b",
    "'a\\'", "'a\\b'", '"a\\"b"', '"a\\\\b"', '"a\\nb"', '"a\\$b"', '"a\\`b"', "'\"'", '"\'"', "a # b", "a#b", "# a", "'#'", "\\#", "a;b", "a ; b", "a|b && c",
    "$HOME", "~/x", "a=b", "é ü", "a\u00a0b", "a\x0bb", '"\\', '"a\\', "\\\n", "a\\\nb", '"a\\\nb"', "\\'a\\'", "bash -c 'echo \"x y\"'",
    "sh -c \"trap 'exit 0' TERM; sleep 1\"", "/usr/bin/env python -u app.py --name=\"a b\" ''",
]

ENVIRONMENT = [
    "", " ", "A=1", "A=1,B=2", 'A="1",B="2"', "A='1',B='2'", 'A="1,2",B=3', 'A="a b",B=c', "A=a b", "A=/usr/bin:/bin", "A=/a.b+c-d():e", "A=http://x:80/y", "A=a@b", "A=a?b",
    "A=", "A=,B=1", "A", "A,B", "=1", "A==1", "A=1,", ",A=1", "A=1,,B=2", "A=1 B=2", "A=1\nB=2", "A=1,\nB=2", 'A="1",\n  B="2"', "A = 1 , B = 2", "A=1;B=2", 'A="', "A='", "A=\"it's\"",
    "A='say \"x\"'", 'A="a\\"b"', "A=a\\b", 'A=b"c d"', 'A=b"c', 'A="a"b', 'A=""', "A=''", "A=\"'x'\"", "A=#", "A=1#c\nB=2", "A=a#b\nc", "#", "A=1,#B=2\nC=3", "A.B=1", "A-B=1", "A/B=1", "1=2", '"A"=1',
    "A=é", 'A="é"', "é=1", "A=%", "A=$X", "A=*", "A=a,b", "A=1,A=2", "A=x\ty", "A=true,B=false", "A=(1)", "A=[1]", "A={1}", 'A="x" "y"', 'A="x""y"', "A=~", "A=a~b", "PATH=\"/x:%(ENV_PATH)s\"",
]

EXPAND = [
    "", "plain", "%", "100%", "%%", "100%%", "%(here)s", "%(here)s/x", "x%(program_name)sy", "%(process_num)d", "%(process_num)02d", "%(process_num)03d", "%(process_num)s", "%(process_num)2s|",
    "%(process_num)-4d|", "%(process_num)+d", "%(process_num) d", "%(process_num)x", "%(numprocs)x", "%(numprocs)#x", "%(numprocs)X", "%(numprocs)o", "%(numprocs)#o", "%(process_num)i", "%(process_num)u",
    "%(process_num).3d", "%(process_num)5.3d|", "%(process_num)-05d|", "%(process_num)+03d", "%(numprocs)#06x", "%(program_name)d", "%(program_name)10s|", "%(program_name)-10s|", "%(program_name).2s", "%(program_name)05s|", "%(program_name)5.2s|",
    "%(nope)s", "%(here", "%(here)", "%(here)z", "%(here)%", "%(here) ", "%(ENV_HOME)s", "%(ENV_NOPE)s", "%(ENV_ODD)s", "%%(here)s", "%%%(here)s", "%d", "%x", "%5", "%(process_num)ld", "%(process_num)*d", "%()s", "%(a(b)c)s",
    "%(here)s%(program_name)s%(process_num)s", "date +%Y", "date +%%Y", "%5%", "%-5%|", "%(process_num)c", "%(process_num)r", "%(process_num)a", "50%,x", "%\u00e9",
]


def random_texts(alphabet, count, longest, seed):
    """Texts of pieces, the same at every recording."""
    source = random.Random(seed)
    return ["".join(source.choice(alphabet) for _ in range(source.randint(0, longest))) for _ in range(count)]


def record(name, function, texts):
    cases = [[text, function(text)] for text in dict.fromkeys(texts)]
    with open(os.path.join(HERE, name), "w", encoding="utf-8") as file:
        file.write("[\n" + ",\n".join(json.dumps(case) for case in cases) + "\n]\n")
    refused = sum(answer is None for _, answer in cases)
    print(f"{name}: {len(cases)} cases, {refused} of them refused")


def main():
    pieces = ["\n", "\n", "\n ", "\n\t", "\n\n", "[a]", "\n[a]\n", "\n[b:c]\n", "x=1", "\nX: y", "\nz = ", " ; c", ";", " # d", "#", "=", " ", "  ", "'", "\r\n", "[DEFAULT]\n", "%(here)s"]
    headed = ["[h]\n" + text for text in random_texts(pieces, 600, 14, 1)]
    record("ini.json", ini, INI + headed + random_texts(pieces, 100, 10, 2))
    signs = ["a", "b", " ", "  ", "'", '"', "\\", "#", ";", "\n", "\t", "$", "é", "=", ","]
    record("split.json", refusing(shlex.split), WORDS + random_texts(signs, 300, 12, 3))
    pairs = ["A", "B", "=", "=", ",", ",", '"', "'", " ", "1", "/x:y", "a b", "#", "\n", "\\", ".", "-", "@", "é", "A=1", ',B="2"']
    record("environment.json", refusing(datatypes.dict_of_key_value_pairs), ENVIRONMENT + random_texts(pairs, 400, 9, 4))
    formats = ["%", "%", "%%", "(here)", "(process_num)", "(nope)", "s", "d", "02d", "x", "-", "+", "0", "5", ".2", "a", " ", "#"]
    record("expand.json", refusing(expand), EXPAND + random_texts(formats, 400, 8, 5))


if __name__ == "__main__":
    main()
