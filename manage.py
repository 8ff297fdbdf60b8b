#!/usr/bin/env python
"""Django's command line; beside a running `make run` it finds that shop's services by itself."""

import os
import sys

from django.core.management import execute_from_command_line

from coinshop.embedded.environment import load_if_running

if __name__ == "__main__":
    load_if_running()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "coinshop.settings")
    execute_from_command_line(sys.argv)
