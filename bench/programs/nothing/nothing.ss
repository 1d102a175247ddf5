(include "timed.ss")

(show 0)
