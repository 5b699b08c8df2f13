"""The rehearsal: an embedded AWS in virtual time that runs the real program, definition, Lambda and job. The component
package must never import it."""

import time

# When the command began, by the clock that virtual time leaves alone: imports are part of what a person waits for.
STARTED = time.perf_counter()
