"""The command line: it parses, calls :mod:`deeptsr`, draws progress and sets exit codes.

Installed as ``deeptsr_cli``. Nothing imports it, and no module of it imports torch.

::

    main ──▶ upscale (one file a command) ──▶ conversation ──▶ endings    how a command ends
               │                                 ├──▶ talk, bar ──▶ pace, summary   stderr
               └──▶ flags, kinds   shared flags  └──▶ records           stdout: JSON; the log file
               └──▶ signals Ctrl-C, gently       words, notes            what all of them share
"""
