package explore

import (
	"fmt"
	"strconv"
	"strings"
)

// A Turn is a number of consecutive steps of one CPU.
type Turn struct{ CPU, Steps int }

// A Schedule says who runs when: turn after turn. Its text form is "0*3 1*7": three steps of CPU 0, then seven of CPU
// 1. A schedule that stops before the CPUs have finished describes a prefix.
type Schedule []Turn

// ParseSchedule reads the text form. The error is ErrSchedule for errors.Is, and
// names the turn.
func ParseSchedule(text string) (Schedule, error) {
	var s Schedule
	for i, field := range strings.Fields(text) {
		cpu, steps, found := strings.Cut(field, "*")
		c, err1 := strconv.ParseUint(cpu, 10, 8)
		n, err2 := strconv.ParseUint(steps, 10, 16)
		if !found || err1 != nil || err2 != nil || c >= MaxCPUs || n == 0 {
			return nil, fmt.Errorf("%w: turn %d: %q is not CPU*STEPS with a CPU below %d and 1 to 65535 steps", ErrSchedule, i+1, field, MaxCPUs)
		}
		s.extend(int(c), int(n))
	}
	return s, nil
}

// extend appends n steps of a CPU, to the last turn if that is the CPU's own.
func (s *Schedule) extend(cpu, n int) {
	if last := len(*s) - 1; last >= 0 && (*s)[last].CPU == cpu {
		(*s)[last].Steps += n
		return
	}
	*s = append(*s, Turn{cpu, n})
}

func (s Schedule) String() string {
	var b strings.Builder
	for i, t := range s {
		if i > 0 {
			b.WriteByte(' ')
		}
		fmt.Fprintf(&b, "%d*%d", t.CPU, t.Steps)
	}
	return b.String()
}

// MarshalText gives the text form.
func (s Schedule) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads the text form, so that a flag.TextVar or a JSON field can hold a schedule.
func (s *Schedule) UnmarshalText(text []byte) error {
	parsed, err := ParseSchedule(string(text))
	if err == nil {
		*s = parsed
	}
	return err
}

// Steps is the length of the schedule.
func (s Schedule) Steps() int {
	n := 0
	for _, t := range s {
		n += t.Steps
	}
	return n
}

// Switches is the number of times another CPU goes on.
func (s Schedule) Switches() int { return max(len(s)-1, 0) }

// size is "10 steps, 1 context switch".
func (s Schedule) size() string {
	switches := plural(int64(s.Switches()), "context switch")
	if s.Switches() != 1 {
		switches = fmt.Sprintf("%d context switches", s.Switches())
	}
	return plural(int64(s.Steps()), "step") + ", " + switches
}

// scheduleOf is the schedule that runs one step of each CPU in turn.
func scheduleOf(steps []uint8) Schedule {
	var s Schedule
	for _, cpu := range steps {
		s.extend(int(cpu), 1)
	}
	return s
}
