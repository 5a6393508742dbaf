//go:build explore

package hpt

import (
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hashmmu/ppc64/internal/sched"
	"github.com/hashmmu/ppc64/internal/tiny"
	"github.com/hashmmu/ppc64/pte"
)

// thread is an operation that takes one atomic step at a time, when told to.
type thread struct {
	next   sched.Step
	done   bool
	parked chan struct{}
	resume chan struct{}
}

// threads are the operations of one execution. Only one runs at a time.
type threads struct {
	all     []*thread
	current *thread
}

// start runs each operation up to its first step.
func start(ops ...func()) *threads {
	x := &threads{}
	sched.Hook = func(s sched.Step) {
		th := x.current
		th.next = s
		th.parked <- struct{}{}
		<-th.resume
	}
	for _, op := range ops {
		th := &thread{parked: make(chan struct{}), resume: make(chan struct{})}
		x.all, x.current = append(x.all, th), th
		go func() {
			op()
			th.done = true
			th.parked <- struct{}{}
		}()
		<-th.parked
	}
	return x
}

// step lets a thread take its next step and stops it before the one after.
func (x *threads) step(th *thread) {
	x.current = th
	th.resume <- struct{}{}
	<-th.parked
}

// blocked reports whether a thread waits for a change that has not happened.
func (th *thread) blocked() bool {
	return th.next.Op == sched.Await && *(*uint64)(th.next.Addr) == th.next.Seen
}

// finish runs a thread alone; false when it is blocked before its end.
func (x *threads) finish(th *thread) bool {
	for steps := 0; !th.done; steps++ {
		if th.blocked() {
			return false
		}
		if steps > 1000 {
			panic("an operation that runs alone does not end")
		}
		x.step(th)
	}
	return true
}

func newTinyTable(native bool) *Table {
	return tiny.New(tiny.Config{Groups: 2, Slots: 2, Native: native}).Store.(*Table)
}

// tinyKey returns the i-th of the keys of groups 0 and 1.
func tinyKey(i int) pte.Key { return pte.Key{VSID: pte.VSID(i+1) << 8, Base: pte.Page4K} }

func tinyEntry(k pte.Key) pte.HPTE {
	h, err := defaultSizes.Encode(k, pte.RA(k.VSID)<<pte.VPNShift, pte.Page4K, pte.Attr{})
	if err != nil {
		panic(err)
	}
	return h
}

// TestProgress (H8) stalls each operation before each of its steps, and runs
// another one to its end. With 16-byte steps it always ends; in the portable
// protocol it waits exactly when the stalled one is a writer within the stripe.
func TestProgress(t *testing.T) {
	a, b := tinyKey(0), tinyKey(1)
	ops := map[string]func(*Table){
		"insert":     func(t *Table) { _, _ = t.Insert(b, tinyEntry(b)) },
		"unique":     func(t *Table) { _, _ = t.InsertUnique(a, tinyEntry(a)) },
		"lookup":     func(t *Table) { t.Lookup(a) },
		"invalidate": func(t *Table) { t.InvalidateKey(a) },
		"mark":       func(t *Table) { _ = t.MarkAccess(pte.Ref{Key: a, Hint: pte.MakeSlotHint(false, 0)}, pte.Write) },
		"evict":      func(t *Table) { _, _, _ = t.Evict(0) },
	}
	for _, native := range []bool{true, false} {
		waited := false
		for stalledName, stalled := range ops {
			for name, op := range ops {
				for at, reached := 0, true; reached; at++ {
					table := newTinyTable(native)
					_, err := table.Insert(a, tinyEntry(a))
					require.NoError(t, err)
					x := start(func() { stalled(table) }, func() { op(table) })
					for n := 0; n < at && !x.all[0].done; n++ {
						x.step(x.all[0])
					}
					reached = !x.all[0].done
					inside := table.stripes != nil && (table.stripes[0][0]|table.stripes[1][0])&1 != 0
					if !x.finish(x.all[1]) {
						require.True(t, inside, "%s waits for %s stalled at step %d", name, stalledName, at)
						waited = true
						require.True(t, x.finish(x.all[0]))
						require.True(t, x.finish(x.all[1]), "%s waits on after %s", name, stalledName)
					}
					require.True(t, x.finish(x.all[0]))
					sched.Hook = nil
				}
			}
		}
		require.Equal(t, !native, waited)
	}
}

// TestUniqueRandomSchedules (H3) runs unique inserts, a removal and a foreign
// insert by random schedules, and looks at every state in between.
func TestUniqueRandomSchedules(t *testing.T) {
	k, foreign := tinyKey(0), tinyKey(1)
	executions := 4000
	if testing.Short() {
		executions = 400
	}
	for _, native := range []bool{true, false} {
		rng := rand.New(rand.NewPCG(1, 2))
		for range executions {
			table := newTinyTable(native)
			_, err := table.Insert(foreign, tinyEntry(foreign))
			require.NoError(t, err)
			var errs [3]error
			insert := func(i int) func() {
				return func() { _, errs[i] = table.InsertUnique(k, tinyEntry(k)) }
			}
			x := start(insert(0), insert(1), insert(2), func() { table.InvalidateKey(foreign) })
			for x.randomStep(rng) {
				hook := sched.Hook
				sched.Hook = nil
				require.LessOrEqual(t, matching(table, k), 1)
				sched.Hook = hook
			}
			sched.Hook = nil
			require.Equal(t, 1, matching(table, k))
			won := 0
			for _, err := range errs {
				if err == nil {
					won++
				} else {
					require.True(t, errors.Is(err, ErrBusy) || errors.Is(err, ErrExists), "%v", err)
				}
			}
			require.Equal(t, 1, won)
			for s := range pte.Slot(table.Slots()) {
				require.False(t, tentative(table.LoadRaw(s)))
			}
			require.NoError(t, table.Check())
		}
	}
}

// TestInsertRandomSchedules: plain inserts that race for the last free slot. One
// gets it, and what got a slot stays in it.
func TestInsertRandomSchedules(t *testing.T) {
	for _, native := range []bool{true, false} {
		rng := rand.New(rand.NewPCG(3, 4))
		for range 500 {
			table := newTinyTable(native)
			for i := range 3 {
				_, err := table.Insert(tinyKey(i), tinyEntry(tinyKey(i)))
				require.NoError(t, err)
			}
			won := 0
			insert := func(i int) func() {
				return func() {
					if _, err := table.Insert(tinyKey(i), tinyEntry(tinyKey(i))); err == nil {
						won += i
					}
				}
			}
			x := start(insert(10), insert(20), insert(30))
			for x.randomStep(rng) {
			}
			sched.Hook = nil
			require.Contains(t, []int{10, 20, 30}, won)
			for _, i := range []int{0, 1, 2, won} {
				require.Equal(t, 1, matching(table, tinyKey(i)))
			}
		}
	}
}

// TestLookupRandomSchedules (H2, H6): two pages take turns in the one free slot
// while others look them up: what is found is the page that was asked for.
func TestLookupRandomSchedules(t *testing.T) {
	for _, native := range []bool{true, false} {
		rng := rand.New(rand.NewPCG(5, 6))
		found := 0
		for range 500 {
			table := newTinyTable(native)
			for i := range 3 {
				_, err := table.Insert(tinyKey(i), tinyEntry(tinyKey(i)))
				require.NoError(t, err)
			}
			turns := func() {
				for i := range 6 {
					k := tinyKey(10 + i&1)
					_, _ = table.Insert(k, tinyEntry(k))
					table.InvalidateKey(k)
				}
			}
			look := func(i int) func() {
				return func() {
					for range 4 {
						if h, _, ok := table.Lookup(tinyKey(i)); ok {
							found++
							if want := tinyEntry(tinyKey(i)); h.R != want.R {
								t.Errorf("found %v for %v", h, want)
							}
						}
					}
				}
			}
			x := start(turns, look(10), look(11))
			for x.randomStep(rng) {
			}
			sched.Hook = nil
		}
		require.NotZero(t, found)
	}
}

// randomStep takes a step of a thread that can take one; false when all are done.
func (x *threads) randomStep(rng *rand.Rand) bool {
	var ready []*thread
	for _, th := range x.all {
		if !th.done && !th.blocked() {
			ready = append(ready, th)
		}
	}
	if len(ready) == 0 {
		return false
	}
	x.step(ready[rng.IntN(len(ready))])
	return true
}

// matching counts valid entries of a key, in slots whose words are read one by
// one: good between steps that each change one word.
func matching(t *Table, k pte.Key) (n int) {
	for i := range t.slots {
		v := bigEndian(t.slots[i][0])
		if (v^k.AVPN()^pte.VValid)&(pte.VMatch&^pte.VSecondary) == 0 {
			n++
		}
	}
	return n
}
