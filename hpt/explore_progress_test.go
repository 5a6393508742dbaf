//go:build explore

package hpt

import (
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

// TestExploreProgress (H8) stalls each operation before each of its steps, and runs
// another one to its end. With 16-byte steps it always ends; in the portable
// protocol it waits exactly when the stalled one is a writer within the stripe.
func TestExploreProgress(t *testing.T) {
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
