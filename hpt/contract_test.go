package hpt_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/hashmmu/ppc64/hpt"
	"github.com/hashmmu/ppc64/hpt/hpttest"
	"github.com/hashmmu/ppc64/pte"
)

func newTable(t testing.TB, c hpt.Config, native bool) *hpt.Table {
	table, err := hpt.NewProtocol(c, native)
	require.NoError(t, err)
	return table
}

// TestContract runs the suite over both protocols, both formats, and own and
// guest memory (H1 to H7).
func TestContract(t *testing.T) {
	for name, native := range hpt.Protocols() {
		t.Run(name, func(t *testing.T) {
			hpttest.Run(t, func() hpttest.Store { return newTable(t, hpt.Config{}, native) })
		})
		t.Run(name+"/format3", func(t *testing.T) {
			hpttest.Run(t, func() hpttest.Store { return newTable(t, hpt.Config{Format: hpt.Format3}, native) })
		})
		t.Run(name+"/locked", func(t *testing.T) {
			hpttest.Run(t, func() hpttest.Store { return newTable(t, hpt.Config{LockUnique: true}, native) })
		})
		t.Run(name+"/guest", func(t *testing.T) {
			hpttest.Run(t, func() hpttest.Store {
				return newTable(t, hpt.Config{Memory: hpt.AlignedBytes(1 << hpt.MinOrder)}, native)
			})
		})
	}
}

// step draws one operation and applies it to a table; what it returns is
// comparable.
func step(t *rapid.T, mask uint64) func(*hpt.Table) any {
	type result struct {
		old  pte.HPTE
		hint pte.SlotHint
		slot pte.Slot
		n    int
		ok   bool
		err  error
	}
	k := hpttest.Keys(mask).Draw(t, "key")
	h := hpttest.Entry(k).Draw(t, "entry")
	r := pte.Ref{Key: k, Actual: k.Base, Hint: hpttest.Hints().Draw(t, "hint")}
	s := r.Hint.Slot(k.Hash(), mask)
	var f func(*hpt.Table) (r result)
	switch rapid.SampledFrom([]string{"insert", "unique", "protect", "mark", "remove", "search", "evict", "group", "cas", "store"}).Draw(t, "op") {
	case "insert":
		f = func(t *hpt.Table) (r result) { r.hint, r.err = t.Insert(k, h); return }
	case "unique":
		f = func(t *hpt.Table) (r result) { r.hint, r.err = t.InsertUnique(k, h); return }
	case "protect":
		f = func(t *hpt.Table) result { return result{err: t.Protect(r, h.Attr())} }
	case "mark":
		f = func(t *hpt.Table) result { return result{err: t.MarkAccess(r, pte.Write)} }
	case "remove":
		f = func(t *hpt.Table) (x result) { x.old, x.ok = t.Invalidate(r); return }
	case "search":
		f = func(t *hpt.Table) (x result) { x.old, x.hint, x.ok = t.InvalidateKey(k); return }
	case "evict":
		f = func(t *hpt.Table) (x result) { x.slot, x.old, x.err = t.Evict(s.Group()); return }
	case "group":
		f = func(t *hpt.Table) (x result) { x.n, x.err = t.InsertGroup(s.Group(), h); return }
	case "cas":
		f = func(t *hpt.Table) result { return result{ok: t.CompareAndSwap(s, t.Load(s), h)} }
	case "store":
		h.V &^= pte.VValid // what a guest leaves in a free slot
		f = func(t *hpt.Table) (x result) { t.StoreRaw(s, h); return }
	}
	return func(t *hpt.Table) any { return f(t) }
}

// TestTwins drives tables that must be equal through the same operations: the
// two protocols, every version of the code, and own and guest memory, byte for
// byte.
func TestTwins(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		c := hpt.Config{
			Format: rapid.SampledFrom([]hpt.Format{hpt.Format2, hpt.Format3}).Draw(rt, "format"),
			Seed:   rapid.Uint64().Draw(rt, "seed"),
		}
		first := newTable(t, c, false)
		guest := c
		guest.Memory = hpt.AlignedBytes(1 << hpt.MinOrder)
		twins := []*hpt.Table{newTable(t, guest, false)}
		if hpt.NativeUsable() {
			for _, code := range hpt.Codes() {
				c.Code, c.LockUnique = code, rapid.Bool().Draw(rt, "locked")
				twins = append(twins, newTable(t, c, true))
			}
		}
		for range rapid.IntRange(1, 100).Draw(rt, "steps") {
			op := step(rt, first.Mask())
			want := op(first)
			for _, twin := range twins {
				require.Equal(rt, want, op(twin))
			}
		}
		for _, twin := range twins {
			require.Equal(rt, first.Digest(), twin.Digest())
		}
		require.Equal(rt, image(t, first), string(guest.Memory))
	})
}
