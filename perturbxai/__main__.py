"""`python -m perturbxai` is the command `perturbxai`."""

from perturbxai.cli import main

raise SystemExit(main())
