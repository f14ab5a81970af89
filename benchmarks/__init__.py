"""Speed, as ratios in one run to a peer or a floor.

Threads wait as those of the application do, which must be said before torch is imported.
"""

from app.engine.waiting import wait_briefly

wait_briefly()
