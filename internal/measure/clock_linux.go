package measure

import (
	"time"

	"golang.org/x/sys/unix"
)

// Clock names what Now counts.
const Clock = "CPU time of the thread"

// Now is the time that the calling thread has run. The goroutine must be locked to
// it.
func Now() time.Duration {
	var t unix.Timespec
	if unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t) != nil {
		return time.Since(start)
	}
	return time.Duration(t.Nano())
}

var start = time.Now()
