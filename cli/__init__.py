"""The command line: it parses, calls :mod:`deeptsr`, draws progress and sets exit codes.

Installed as ``deeptsr_cli``. Nothing imports it, and no module of it imports torch.

::

    entry
      ▼
    main ──▶ commands (a file each) ──▶ session ──▶ exit_codes        how a command ends
               │                           ├──▶ console   sentences, lines, bar; JSON
               └──▶ arguments: flags,      └──▶ signals   Ctrl-C, gently
                    values, options
"""
