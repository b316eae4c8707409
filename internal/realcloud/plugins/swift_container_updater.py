#!/usr/bin/python3
"""Swift's container updater, which sweeps in this process.

Its own daemon forks for every partition of every sweep, and in each child eventlet looks through all objects for locks: half a
second of CPU time, more than a core when a dozen partitions are swept every 5 s.
"""
import sys
import time

from swift.common.utils import get_logger, readconf
from swift.container.updater import ContainerUpdater

settings = readconf(sys.argv[1], 'container-updater')
updater = ContainerUpdater(settings, get_logger(settings, log_route='container-updater'))
while True:
    updater.run_once()
    time.sleep(updater.interval)
