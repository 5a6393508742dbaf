package hpt_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/anishathalye/porcupine"
	"github.com/stretchr/testify/require"

	"github.com/hashmmu/ppc64/hpt"
	"github.com/hashmmu/ppc64/pte"
)

// mixedHistory is what some threads do on one pair of groups of a table.
type mixedHistory struct {
	raw     *hpt.Table
	pair    uint64
	init    mixedState
	clock   atomic.Int64
	clients []*mixedClient
}

// drawHistory puts a pair of groups into a state to begin with and draws what the
// threads will do there.
func drawHistory(store mixedStore, raw *hpt.Table, seed uint64, threads, calls int) *mixedHistory {
	h := &mixedHistory{raw: raw, pair: seed % (raw.Mask() / 2)}
	rng := rand.New(rand.NewPCG(seed, 0))
	crowd := rng.IntN(17) // bolted entries that nobody names leave so many slots fewer
	for i := range h.init {
		if rng.IntN(20) < crowd {
			h.init[i] = pte.HPTE{V: pairKey(h.pair, 40+i).AVPN() | pte.VValid | pte.VBolted, R: uint64(i) << 12}
			if i >= pte.SlotsPerGroup {
				h.init[i].V |= pte.VSecondary
			}
		}
		raw.CompareAndSwap(h.slot(i), raw.Load(h.slot(i)), h.init[i])
	}
	for id := range threads {
		c := &mixedClient{id: id, store: store, pair: h.pair, clock: &h.clock, rng: rand.New(rand.NewPCG(seed, uint64(id+1)))}
		for range calls {
			c.calls = append(c.calls, c.draw(raw.Mask()))
		}
		h.clients = append(h.clients, c)
	}
	return h
}

// slot is the slot of a place.
func (h *mixedHistory) slot(place int) pte.Slot {
	hint := pte.MakeSlotHint(place >= pte.SlotsPerGroup, place%pte.SlotsPerGroup)
	return hint.Slot(pairKey(h.pair, 0).Hash(), h.raw.Mask())
}

// check looks for an order that explains what was done, and what is in the slots
// now that all is over.
func (h *mixedHistory) check() error {
	var all []porcupine.Operation
	for _, c := range h.clients {
		all = append(all, c.history()...)
	}
	end := h.clock.Add(1)
	for i := range h.init {
		all = append(all, porcupine.Operation{ClientId: len(h.clients), Call: end, Return: end + 1, Input: i, Output: h.raw.Load(h.slot(i))})
	}
	if porcupine.CheckOperations(withFinal(mixedSpec(h.pair, h.init)), all) {
		return nil
	}
	var b strings.Builder
	for _, o := range all {
		fmt.Fprintf(&b, "\n%d: %d-%d %+v -> %+v", o.ClientId, o.Call, o.Return, o.Input, o.Output)
	}
	return fmt.Errorf("no order explains, from %+v, group %d:%s", h.init, h.pair, b.String())
}

// figures counts operations, and those that overlapped with one of another thread.
func (h *mixedHistory) figures() (ops, overlapped int) {
	for _, c := range h.clients {
		for i := range c.calls {
			n := max(1, len(c.calls[i].elements))
			ops += n
			if h.overlaps(c, &c.calls[i]) {
				overlapped += n
			}
		}
	}
	return ops, overlapped
}

func (h *mixedHistory) overlaps(c *mixedClient, o *mixedCall) bool {
	for _, other := range h.clients {
		for i := range other.calls {
			if p := &other.calls[i]; other != c && p.called < o.returns && o.called < p.returns {
				return true
			}
		}
	}
	return false
}

// mixedRun is a store that goes through histories.
type mixedRun struct {
	store           mixedStore
	raw             *hpt.Table // the same, to be looked at while nobody works on it
	patience        int        // of a thread, for 128 histories: see guest
	ops, overlapped int        // of all histories
}

// histories goes through a row of histories, one after the other by the same
// threads, and checks each.
func (m *mixedRun) histories(seed uint64) error {
	const row = 128
	threads := 2 + int(seed)%max(1, min(runtime.GOMAXPROCS(0), 4)-1)
	all, failed := make([]*mixedHistory, row), make([]error, row)
	parallel(threads, func(id int) {
		for i := id; i < row; i += threads {
			all[i] = drawHistory(m.store, m.raw, seed*row+uint64(i), threads, 4+int(seed%13))
		}
	})
	together := &meeting{threads: int32(threads)}
	parallel(threads, func(id int) {
		g := &guest{meeting: together, patience: m.patience}
		for _, h := range all {
			h.clients[id].run(g)
		}
	})
	parallel(threads, func(id int) {
		for i := id; i < row; i += threads {
			failed[i] = all[i].check()
		}
	})
	for _, h := range all {
		ops, overlapped := h.figures()
		m.ops, m.overlapped = m.ops+ops, m.overlapped+overlapped
	}
	return errors.Join(failed...)
}

// parallel calls f for 0 to n-1 at the same time.
func parallel(n int, f func(id int)) {
	var wg sync.WaitGroup
	for id := range n {
		wg.Add(1)
		go func() {
			defer wg.Done()
			f(id)
		}()
	}
	wg.Wait()
}

// run goes through so many operations.
func (m *mixedRun) run(ops int) error {
	for seed := uint64(0); m.ops < ops; seed++ {
		if seed%8 == 0 {
			m.raw.Clear() // all pairs were used
		}
		if err := m.histories(seed); err != nil {
			return err
		}
	}
	return nil
}

// mixedTables are all versions of a table, by name.
func mixedTables() map[string]func(testing.TB) *hpt.Table {
	tables := map[string]func(testing.TB) *hpt.Table{}
	add := func(name string, c hpt.Config, native bool) {
		locked := c
		locked.LockUnique = true
		tables[name] = func(t testing.TB) *hpt.Table { return newTable(t, c, native) }
		tables[name+"/locked"] = func(t testing.TB) *hpt.Table { return newTable(t, locked, native) }
	}
	add("portable", hpt.Config{}, false)
	add("portable/format3", hpt.Config{Format: hpt.Format3}, false)
	if _, native := hpt.Protocols()["native"]; native {
		for _, code := range hpt.Codes() {
			add(code.String(), hpt.Config{Code: code}, true)
			add(code.String()+"/format3", hpt.Config{Code: code, Format: hpt.Format3}, true)
		}
	}
	return tables
}

// TestLinearizableMixed (H2 to H7): histories of all operations, batches included,
// on six keys of one pair of groups, in every version of the table.
func TestLinearizableMixed(t *testing.T) {
	ops, patience := 5000, 1<<23
	if testing.Short() {
		ops = 1000
	}
	if s := os.Getenv("LINEAR_OPS"); s != "" {
		var err error
		ops, err = strconv.Atoi(s)
		require.NoError(t, err)
		patience = 1 << 25
	}
	for name, table := range mixedTables() {
		t.Run(name, func(t *testing.T) {
			raw := table(t)
			m := &mixedRun{store: raw, raw: raw, patience: patience}
			require.NoError(t, m.run(ops))
			t.Logf("%s: %d operations, %d of them overlapped", name, m.ops, m.overlapped)
		})
	}
}
