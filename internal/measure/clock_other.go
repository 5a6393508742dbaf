//go:build !linux

package measure

import "time"

// Clock names what Now counts.
const Clock = "wall time"

// Now is the time since the program started.
func Now() time.Duration { return time.Since(start) }

var start = time.Now()
