package explore

import (
	"context"
	"fmt"
	"sort"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A program is a random or hand-written concurrent program in a tiny language, the input of the engine's tests against itself.
type program struct {
	threads   [][]instr
	forbidden int // Always: x + y != forbidden; 0 for no invariant
	reported  bool
	careless  bool // guarded declares Update, which says that nothing else decides whether it writes
}

type opcode int

const (
	load opcode = iota
	store
	storeReg
	cas
	lockOp
	unlockOp
	rlockOp
	runlockOp
	awaitEq  // wait until v == a
	awaitNot // wait until v != a
	awaitTake
	awaitStore // wait until v == a, set the next variable to b
	lockStore  // take the mutex and set v to a in one step
	guarded    // set v to b if the next variable is a: whether it writes v depends on another location
	opcodes
)

type instr struct {
	op   opcode
	v    int // variable
	a, b int
}

func (i instr) String() string {
	v := string(rune('x' + i.v))
	switch i.op {
	case load:
		return "load " + v
	case store:
		return fmt.Sprintf("%s=%d", v, i.a)
	case storeReg:
		return v + "=r"
	case cas:
		return fmt.Sprintf("cas %s %d->%d", v, i.a, i.b)
	case awaitEq:
		return fmt.Sprintf("await %s==%d", v, i.a)
	case awaitNot:
		return fmt.Sprintf("await %s!=%d", v, i.a)
	case awaitTake:
		return fmt.Sprintf("await %s==%d ->%d", v, i.a, i.b)
	case awaitStore:
		return fmt.Sprintf("await %s==%d next=%d", v, i.a, i.b)
	case lockStore:
		return fmt.Sprintf("lock,%s=%d", v, i.a)
	case guarded:
		return fmt.Sprintf("%s=%d if %c==%d", v, i.b, 'x'+(i.v+1)%programVars, i.a)
	}
	return [opcodes]string{lockOp: "lock", unlockOp: "unlock", rlockOp: "rlock", runlockOp: "runlock"}[i.op]
}

func (p program) String() string {
	var threads []string
	for _, t := range p.threads {
		threads = append(threads, strings.Trim(strings.ReplaceAll(fmt.Sprint(t), " ", " "), "[]"))
	}
	return strings.Join(threads, " || ")
}

const programVars = 3

// randomProgram draws two or three threads of one to four instructions, with sections under a mutex or an RWMutex.
func randomProgram(r *random) program {
	var p program
	p.reported = r.below(4) == 0
	if r.below(2) == 0 {
		p.forbidden = 2 + r.below(3)
	}
	vars := 1 + r.below(programVars)
	for range 2 + r.below(2) {
		var t []instr
		size := 1 + r.below(4)
		closing := instr{op: opcodes}
		for range size {
			i := instr{v: r.below(vars), a: r.below(2), b: r.below(3)}
			switch r.below(23) {
			case 0, 1, 2, 14, 15:
				i.op = load
			case 3, 4, 16, 17:
				i.op = store
			case 5:
				i.op = storeReg
			case 18, 19, 20, 21:
				i.op = guarded
			case 6, 7:
				i.op = cas
			case 8:
				i.op = awaitEq
			case 9:
				i.op = awaitTake
			case 22:
				i.op = awaitNot
			case 10:
				i.op = awaitStore
			case 11:
				i.op = load
				if closing.op == opcodes {
					i.op, closing = lockStore, instr{op: unlockOp, v: 0}
				}
			default:
				if closing.op != opcodes {
					t = append(t, closing)
					closing.op = opcodes
					continue
				}
				switch r.below(3) {
				case 0:
					i.op, closing = lockOp, instr{op: unlockOp, v: 0}
				case 1:
					i.op, closing = rlockOp, instr{op: runlockOp, v: 1}
				case 2:
					i.op, closing = lockOp, instr{op: unlockOp, v: 1}
				}
				i.v = closing.v
			}
			t = append(t, i)
		}
		if closing.op != opcodes && r.below(8) != 0 { // sometimes a lock stays held
			t = append(t, closing)
		}
		p.threads = append(p.threads, t)
	}
	return p
}

// programState is the memory of a running program.
type programState struct {
	vars [programVars]int
	regs [MaxCPUs]int

	broken bool // the invariant broke in some execution
}

func (s *programState) String() string { return fmt.Sprint(s.vars, s.regs[:3]) }

// scenario turns a program into a scenario. With reported the words are reported by Set, otherwise the explorer reads them.
func (p program) scenario(s *programState) Scenario {
	return Scenario{Name: p.String(), Build: func(w *World) {
		*s = programState{broken: s.broken}
		locs := make([]Loc, programVars)
		set := func(v int) {}
		if p.reported {
			for v := range locs {
				locs[v] = w.Loc(fmt.Sprint("v", v))
			}
			set = func(v int) { w.Set(locs[v], uint64(s.vars[v])) }
		} else {
			first := w.Array("v", programVars, func(i int) uint64 { return uint64(s.vars[i]) })
			for v := range locs {
				locs[v] = first.At(v)
			}
		}
		locks := []Loc{w.Mutex("m"), w.RWMutex("rw")}
		for id, t := range p.threads {
			w.CPU("", func(c *CPU) {
				for _, i := range t {
					i.run(c, s, id, locs, locks, set, p.careless)
				}
			})
		}
		if p.forbidden > 0 {
			w.Always("forbidden sum", func() error {
				if s.vars[0]+2*s.vars[1] == p.forbidden {
					s.broken = true
					return fmt.Errorf("x+2y is %d", p.forbidden)
				}
				return nil
			}, locs[0], locs[1])
		}
		w.Reset(func() { *s = programState{broken: s.broken} })
	}}
}

func (i instr) run(c *CPU, s *programState, id int, locs, locks []Loc, set func(int), careless bool) {
	v, reg := &s.vars[i.v%programVars], &s.regs[id]
	l := locs[i.v%programVars]
	switch i.op {
	case load:
		c.Step("load", Read(l))
		*reg = *reg*3 + *v + 1
	case store:
		c.Step("store", Write(l))
		*v = i.a
		set(i.v)
	case storeReg:
		c.Step("store", Write(l))
		*v = *reg % 4
		set(i.v)
	case cas:
		if c.w.locs[l].value == nil { // the value is reported: so is the kind
			c.Step("cas")
			if *v == i.a {
				c.Touch(Update(l))
			} else {
				c.Touch(Read(l))
			}
		} else {
			c.Step("cas", Update(l))
		}
		*reg = *reg*3 + 1
		if *v == i.a {
			*v = i.b
			set(i.v)
			*reg++
		}
	case lockOp:
		c.Step("lock", Lock(locks[i.v]))
	case unlockOp:
		c.Step("unlock", Unlock(locks[i.v]))
	case rlockOp:
		c.Step("rlock", RLock(locks[i.v]))
	case runlockOp:
		c.Step("runlock", RUnlock(locks[i.v]))
	case awaitEq:
		c.Await("await", l, func() bool { return *v == i.a })
	case awaitNot:
		c.Await("await", l, func() bool { return *v != i.a })
	case awaitTake:
		c.Await("await", l, func() bool { return *v == i.a }, Update(l))
		*v = i.b
		set(i.v)
	case awaitStore:
		next := (i.v + 1) % programVars
		c.Await("await", l, func() bool { return *v == i.a }, Write(locs[next]))
		s.vars[next] = i.b
		set(next)
	case guarded:
		next := (i.v + 1) % programVars
		if careless {
			c.Step("guarded", Read(locs[next]), Update(l))
		} else {
			c.Step("guarded", Read(locs[next]), Write(l))
		}
		if s.vars[next] == i.a {
			*v = i.b
		}
		set(i.v)
	case lockStore:
		c.Step("lock", Lock(locks[0]), Write(l))
		*v = i.a
		set(i.v)
	}
}

// outcome is everything an exhaustive search can tell about a program.
type outcome struct {
	finals     string
	deadlocks  int
	failing    bool
	executions int64
}

// exploreProgram runs one algorithm to its end, over failures too.
func exploreProgram(t testing.TB, p program, a Algorithm) outcome {
	return exploreWith(t, p, Config{Algorithm: a})
}

func exploreWith(t testing.TB, p program, cfg Config) outcome {
	t.Helper()
	var state programState
	finals := map[string]bool{}
	deadlocks := map[string]bool{}
	cfg.KeepGoing, cfg.MinimizeBudget, cfg.Preemptions = true, -1, -1
	cfg.observe = func(w *World) {
		text := state.String()
		if w.unfinished() != 0 {
			text += fmt.Sprint(" deadlock ", w.unfinished())
			deadlocks[text] = true
		}
		finals[text] = true
	}
	r, err := Run(context.Background(), p.scenario(&state), cfg)
	require.NoError(t, err, "%s by %s", p, cfg.Algorithm)
	var o outcome
	for _, pass := range r.Passes {
		o.executions += pass.Executions
	}
	last := r.Passes[len(r.Passes)-1]
	require.True(t, last.Complete, "%s by %s", p, cfg.Algorithm)
	require.EqualValues(t, len(finals) > 0, last.Finals > 0)
	o.finals, o.deadlocks, o.failing = sorted(finals), len(deadlocks), state.broken
	return o
}

func sorted(set map[string]bool) string {
	var all []string
	for s := range set {
		all = append(all, s)
	}
	sort.Strings(all)
	return strings.Join(all, "\n")
}

var exhaustive = []Algorithm{Naive, SleepSets, SourceDPOR, Cache, CacheSleep}

// TestAlgorithmsAgree runs the exhaustive algorithms on random programs: all must end in the same states, deadlocks
// included, and agree on whether an invariant over two words breaks.
func TestAlgorithmsAgree(t *testing.T) {
	programs := 4500
	if testing.Short() {
		programs = 500
	}
	r := random(2007)
	var executions [8]int64
	ran, withDeadlock, broken := 0, 0, 0
	for ran < programs {
		p := randomProgram(&r)
		if steps := len(p.threads[0]) * len(p.threads[1]); len(p.threads) > 2 && steps*len(p.threads[2]) > 40 {
			continue // naive search would take most of the time on few programs
		}
		ran++
		var want outcome
		for i, a := range exhaustive {
			got := exploreProgram(t, p, a)
			executions[i] += got.executions
			if a == Naive {
				want = got
				continue
			}
			got.executions = want.executions
			require.Equal(t, want, got, "%s by %s (forbidden %d, reported %v)", p, a, p.forbidden, p.reported)
		}
		if ran%20 == 0 {
			got := exploreProgram(t, p, PreemptionBound)
			require.Equal(t, want.finals, got.finals, "%s by %s", p, PreemptionBound)
		}
		if want.deadlocks > 0 {
			withDeadlock++
		}
		if want.failing {
			broken++
		}
	}
	t.Logf("%d programs, %d with deadlocks, %d with broken invariants; executions: %v %v", ran, withDeadlock, broken, exhaustive, executions[:len(exhaustive)])
	require.Greater(t, withDeadlock, programs/20)
	require.Greater(t, broken, programs/20)
}
