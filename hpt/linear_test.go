package hpt_test

import (
	"errors"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/anishathalye/porcupine"
	"github.com/stretchr/testify/require"

	"github.com/hashmmu/ppc64/hpt"
	"github.com/hashmmu/ppc64/pte"
)

// The specification of one key whose inserts are all unique: absent, or present
// with C clear or set. ErrBusy says nothing, and neither does a stale hint.

type keyState struct{ present, changed bool }

type keyOp struct {
	key  int
	kind string // insert, remove, lookup, mark
}

type keyResult struct {
	ok, changed, busy bool
}

var keyModel = porcupine.Model{
	Partition: func(history []porcupine.Operation) [][]porcupine.Operation {
		byKey := map[int][]porcupine.Operation{}
		for _, o := range history {
			k := o.Input.(keyOp).key
			byKey[k] = append(byKey[k], o)
		}
		var parts [][]porcupine.Operation
		for _, p := range byKey {
			parts = append(parts, p)
		}
		return parts
	},
	Init: func() any { return keyState{} },
	Step: func(state, input, output any) (bool, any) {
		s, r := state.(keyState), output.(keyResult)
		switch input.(keyOp).kind {
		case "insert":
			if r.busy {
				return true, s
			}
			if r.ok {
				return !s.present, keyState{present: true}
			}
			return s.present, s
		case "remove":
			return r.ok == s.present && r.changed == s.changed, keyState{}
		case "lookup":
			return r.ok == s.present && r.changed == s.changed, s
		default: // mark
			if !r.ok {
				return true, s
			}
			return s.present, keyState{true, true}
		}
	},
}

// apply runs one operation; hint is where the goroutine last saw the key.
func (o keyOp) apply(table *hpt.Table, k pte.Key, h pte.HPTE, hint *pte.SlotHint) (r keyResult) {
	switch o.kind {
	case "insert":
		got, err := table.InsertUnique(k, h)
		if err == nil {
			*hint = got
		}
		return keyResult{ok: err == nil, busy: errors.Is(err, hpt.ErrBusy)}
	case "remove":
		old, _, ok := table.InvalidateKey(k)
		return keyResult{ok: ok, changed: old.Attr().Chg}
	case "lookup":
		old, got, ok := table.Lookup(k)
		if ok {
			*hint = got
		}
		return keyResult{ok: ok, changed: old.Attr().Chg}
	}
	return keyResult{ok: table.MarkAccess(pte.Ref{Key: k, Hint: *hint}, pte.Write) == nil}
}

// TestLinearizable: histories of goroutines on three keys of one pair of groups
// can be put in an order that the specification allows (H3, H6, H7).
func TestLinearizable(t *testing.T) {
	rounds := 200
	if testing.Short() {
		rounds = 15
	}
	for name, native := range hpt.Protocols() {
		for _, x := range []struct {
			name    string
			locked  bool
			crowded bool // the primary group is full: entries go into the secondary one
		}{{"", false, false}, {"/locked", true, false}, {"/crowded", false, true}, {"/crowded locked", true, true}} {
			t.Run(name+x.name, func(t *testing.T) {
				for round := range rounds {
					table := newTable(t, hpt.Config{LockUnique: x.locked}, native)
					for i := 0; x.crowded && i < 8; i++ {
						k := inPair(10 + i)
						_, err := table.Insert(k, encode(t, table, k, pte.Attr{}))
						require.NoError(t, err)
					}
					history := record(t, table, uint64(round))
					require.True(t, porcupine.CheckOperations(keyModel, history), "round %d", round)
				}
			})
		}
	}
}

func record(t *testing.T, table *hpt.Table, seed uint64) (history []porcupine.Operation) {
	var clock atomic.Int64
	var mu sync.Mutex
	var wg sync.WaitGroup
	for client := range 4 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			rng := rand.New(rand.NewPCG(seed, uint64(client)))
			var hints [3]pte.SlotHint
			var ops []porcupine.Operation
			for range 40 {
				o := keyOp{rng.IntN(3), []string{"insert", "remove", "lookup", "mark"}[rng.IntN(4)]}
				k := inPair(o.key)
				h := encode(t, table, k, pte.Attr{})
				call := clock.Add(1)
				out := o.apply(table, k, h, &hints[o.key])
				ops = append(ops, porcupine.Operation{ClientId: client, Input: o, Call: call, Output: out, Return: clock.Add(1)})
				if rng.IntN(4) == 0 {
					runtime.Gosched()
				}
			}
			mu.Lock()
			defer mu.Unlock()
			history = append(history, ops...)
		}()
	}
	wg.Wait()
	return history
}

// TestLinearizableControl: a history that no order explains is refused, so the
// check can fail.
func TestLinearizableControl(t *testing.T) {
	at := func(call int64, o keyOp, r keyResult) porcupine.Operation {
		return porcupine.Operation{Input: o, Call: call, Output: r, Return: call + 1}
	}
	ok := keyResult{ok: true}
	require.False(t, porcupine.CheckOperations(keyModel, []porcupine.Operation{
		at(1, keyOp{0, "insert"}, ok), at(3, keyOp{0, "insert"}, ok),
	}), "two entries")
	require.False(t, porcupine.CheckOperations(keyModel, []porcupine.Operation{
		at(1, keyOp{0, "insert"}, ok), at(3, keyOp{0, "mark"}, ok), at(5, keyOp{0, "remove"}, ok),
	}), "a lost C")
	require.False(t, porcupine.CheckOperations(keyModel, []porcupine.Operation{
		at(1, keyOp{0, "insert"}, ok), at(3, keyOp{0, "remove"}, ok), at(5, keyOp{0, "lookup"}, ok),
	}), "found after its removal")
}
