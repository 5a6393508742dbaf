package explore

import "fmt"

// A walk is one execution whose scheduler is a function: replays, random walks and the minimiser.
type walk struct {
	w        *World
	scenario Scenario
	maxSteps int
	steps    []uint8 // the schedule that was followed
	event    event
	begun    func() // called in the initial state
	left     cpuSet // CPUs that had not finished at the end
}

// stopped is how a chooser ends a walk.
const stopped = -1

// run executes the scenario. choose is given the enabled CPUs and returns one of them or stopped. The returned
// failure has no schedule yet. after, if not nil, is called after every step.
func (k *walk) run(choose func(enabled cpuSet) int, after func(c *CPU, ev *event)) (*Failure, error) {
	w := k.w
	k.steps = k.steps[:0]
	w.start(k.scenario.Build)
	defer func() {
		k.left = w.unfinished()
		w.abort()
	}()
	if k.begun != nil {
		k.begun()
	}
	if f := w.brokenStart(); f != nil {
		return f, nil
	}
	for {
		enabled := w.enabled()
		if enabled == 0 {
			return w.brokenEnd(), nil
		}
		if len(k.steps) == k.maxSteps {
			return nil, tooLong(k.scenario, k.maxSteps)
		}
		cpu := choose(enabled)
		if cpu == stopped {
			return nil, nil
		}
		k.steps = append(k.steps, uint8(cpu))
		c := w.cpus[cpu]
		w.step(c, &k.event)
		f := w.broken(c)
		if after != nil {
			after(c, &k.event)
		}
		if f != nil {
			return f, nil
		}
	}
}

func tooLong(s Scenario, steps int) error {
	return fmt.Errorf("%w: scenario %q is still running after %d steps", ErrTooLong, s.Name, steps)
}

// replay follows a schedule to its end, strictly: every step must be enabled.
func (k *walk) replay(s Schedule, after func(c *CPU, ev *event)) (*Failure, error) {
	turn, used, step := 0, 0, 0
	var refused error
	f, err := k.run(func(enabled cpuSet) int {
		if turn < len(s) && used == s[turn].Steps {
			turn, used = turn+1, 0
		}
		if turn >= len(s) {
			return stopped
		}
		cpu := s[turn].CPU
		if !enabled.has(cpu) {
			refused = &NotEnabledError{Schedule: s, Step: step, CPU: cpu, Reason: k.w.refusal(cpu)}
			return stopped
		}
		used++
		step++
		return cpu
	}, after)
	if err == nil {
		err = refused
	}
	if err == nil && step < s.Steps() && f == nil {
		// All CPUs finished with steps left over.
		cpu := s[min(turn, len(s)-1)].CPU
		err = &NotEnabledError{Schedule: s, Step: step, CPU: cpu, Reason: "every CPU has finished"}
	}
	return f, err
}

// refusal says why a CPU cannot run.
func (w *World) refusal(cpu int) string {
	if cpu >= len(w.cpus) {
		return fmt.Sprintf("the scenario has %d CPUs", len(w.cpus))
	}
	if w.cpus[cpu].finished {
		return "it has finished"
	}
	for _, v := range w.waits() {
		if v.CPU == cpu {
			return v.String()
		}
	}
	return "it cannot run"
}
