"""`python -m perturbxai` is the command `perturbxai`."""

import os
import sys

# Python puts the current folder before what is installed, and a file pandas.py there would be run
if not sys.flags.safe_path and sys.path[:1] in ([""], [os.getcwd()]):
    del sys.path[0]

from perturbxai.command.cli import main

raise SystemExit(main())
