"""The command line: it parses, calls :mod:`deeptsr`, draws progress and sets exit codes.

Installed as ``deeptsr_cli``. Nothing imports it, and no module of it imports torch.

::

    main ──▶ upscale (one file a command) ──▶ conversation ──▶ endings    how a command ends
               │                                 ├──▶ talk, bar ──▶ pace stderr: lines or a bar
               └──▶ flags, kinds   shared flags  └──▶ records           stdout: JSON; the log file
                                                       words, notes      what all of them share
"""
