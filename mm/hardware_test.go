package mm_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hashmmu/ppc64/batch"
	"github.com/hashmmu/ppc64/hpt"
	"github.com/hashmmu/ppc64/mm"
	"github.com/hashmmu/ppc64/mm/mmtest"
	"github.com/hashmmu/ppc64/pte"
)

const rw = pte.Read | pte.Write

// crowded is a machine with one free slot in each group that its places use,
// and all places mapped private and anonymous.
func crowded(t *testing.T, k *mm.Kernel, st mm.Stepper) (mmtest.Spec, *mm.Machine, *mm.AddressSpace) {
	s := mmtest.Spec{Base: base, Room: 1, Config: mm.Config{Kernel: k, Policy: batch.LazyMMU(), Frames: 64, Stepper: st, NoPreload: st != nil}}
	s.TLB.Ways = 32
	m, spaces, free, err := s.New(1)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, free()) })
	require.NoError(t, m.CPU(0).Map(spaces[0], mm.VMA{Range: s.Range(0, mmtest.Places-1), Prot: rw}))
	return s, m, spaces[0]
}

// TestEvictionDoesNotFlush: the entry of a victim goes, what TLBs have of it and
// the hint in its PTE stay, and a flush for that PTE still reaches the TLB.
func TestEvictionDoesNotFlush(t *testing.T) {
	for _, k := range mm.Kernels() {
		s, m, as := crowded(t, k, nil)
		c, l, bolted := m.CPU(0), k.Layout, validEntries(m)
		for i := range 6 {
			require.NoError(t, c.Store(as, s.EA(2*i), uint64(i)))
			require.Equal(t, bolted+min(i+1, 2), validEntries(m), "one victim at a time")
		}
		var victim pte.EA
		for i := range 6 {
			_, _, found := m.Table().Lookup(as.Key(s.EA(2 * i)))
			_, cached := c.TLB().Lookup(as.Key(s.EA(2 * i)))
			require.True(t, cached, "eviction does not flush")
			if !found {
				victim = s.EA(2 * i)
			}
		}
		require.NotZero(t, victim, "two slots cannot hold six entries")
		require.True(t, l.Hint(as.PTE(victim)).Hashed(), "the owner is not told")
		require.NoError(t, m.Check())

		before := as.PTE(victim)
		v, err := c.Load(as, victim)
		require.NoError(t, err)
		require.EqualValues(t, (victim-base)>>23, v)
		require.Equal(t, before, as.PTE(victim), "the TLB hit did not come to hash_page")

		_, err = c.ZapPageRange(ctx, as, mm.Pages(victim, 1))
		require.NoError(t, err)
		_, cached := c.TLB().Lookup(as.Key(victim))
		require.False(t, cached, "an unmatched invalidate still flushes the TLB")
		require.NoError(t, m.Check())
	}
}

// TestMissedUpdateFlushesTLB: a store through a stale read-only TLB entry whose
// hash table entry was evicted. updatepp misses, and flushes the TLB all the
// same; without that the access would be denied for ever.
func TestMissedUpdateFlushesTLB(t *testing.T) {
	for _, k := range mm.Kernels() {
		m := newMachine(t, mm.Config{Kernel: k})
		as, c := m.NewAddressSpace(7), m.CPU(0)
		f := m.NewMapping(1, false)
		require.NoError(t, c.Map(as, mm.VMA{Range: mm.Pages(base, 1), Prot: rw, Shared: true, File: f}))
		_, err := c.Load(as, base)
		require.NoError(t, err)
		e, ok := c.TLB().Lookup(as.Key(base))
		require.True(t, ok)
		require.False(t, e.Prot.Has(pte.Write), "clean, so not writable yet")
		_, _, ok = m.Table().InvalidateKey(as.Key(base)) // as an eviction does
		require.True(t, ok)
		require.NoError(t, c.Store(as, base, 5))
		require.NoError(t, m.Check())
		n := 0
		for range m.Table().All() {
			n++
		}
		require.Equal(t, 1, n)
	}
}

// TestEvictionMeetsRoom: between finding both groups full and looking for a
// victim, another CPU takes the entries away. Then there is nothing to evict and
// the insert goes on.
func TestEvictionMeetsRoom(t *testing.T) {
	st := new(mmtest.Stepper)
	s, m, as := crowded(t, mm.Linux61, st)
	for i := range 2 {
		require.NoError(t, m.CPU(1).Store(as, s.EA(2*i), 1))
	}
	_, err := st.Run([]mmtest.Leg{{CPU: 0, Through: mm.StepInsert}, {CPU: 0, Through: mm.StepInsert}, {CPU: 1}, {CPU: 0}},
		func() { require.NoError(t, m.CPU(0).Store(as, s.EA(4), 1)) },
		func() {
			_, err := m.CPU(1).ZapPageRange(ctx, as, s.Range(0, 3))
			require.NoError(t, err)
		})
	require.NoError(t, err)
	require.NoError(t, m.Check())
}

// TestNothingButBolted: a table without room for an entry ends the access with
// an error and leaves the PTE usable.
func TestNothingButBolted(t *testing.T) {
	for _, k := range mm.Kernels() {
		s := mmtest.Spec{Base: base, Room: 1, Config: mm.Config{Kernel: k, Policy: batch.LazyMMU()}}
		m, spaces, free, err := s.New(1)
		require.NoError(t, err)
		as, c, table := spaces[0], m.CPU(0), m.Table()
		require.NoError(t, c.Map(as, mm.VMA{Range: s.Range(0, 1), Prot: rw}))
		hash := as.Key(base).Hash()
		var plugs []pte.Ref
		for i, group := range []uint64{hash.Primary(table.Mask()), hash.Secondary(table.Mask())} {
			key := pte.Key{VSID: pte.VSID((0x500000+uint64(i))*table.Groups() | group), Base: pte.Page4K}
			e, err := table.Sizes().Encode(key, 0, pte.Page4K, pte.Attr{Bolted: true})
			require.NoError(t, err)
			hint, err := table.Insert(key, e)
			require.NoError(t, err)
			plugs = append(plugs, pte.Ref{Key: key, Actual: pte.Page4K, Hint: hint})
		}
		_, err = c.Load(as, base)
		require.ErrorIs(t, err, hpt.ErrBolted)
		require.Zero(t, as.PTE(base)&(k.Layout.Busy|k.Layout.HashPTE))
		f := m.NewMapping(1, false)
		require.NoError(t, c.Map(as, mm.VMA{Range: s.Range(2, 2), Prot: rw, Shared: true, File: f}))
		_, err = c.Load(as, s.EA(2))
		require.ErrorIs(t, err, hpt.ErrBolted)
		before := as.PTE(s.EA(2))
		require.True(t, k.Layout.IsPresent(before))
		require.ErrorIs(t, c.Store(as, s.EA(2), 1), hpt.ErrBolted)
		require.Equal(t, before, as.PTE(s.EA(2)), "not dirtied by a store that failed")
		require.NoError(t, m.Check())
		for _, p := range plugs {
			_, ok := table.Invalidate(p)
			require.True(t, ok)
		}
		require.NoError(t, c.Store(as, base, 3))
		require.NoError(t, m.Check())
		require.NoError(t, free())
	}
}

// TestBusy: while one CPU has a PTE busy, the other takes its fault again and
// again, and a change of the PTE waits.
func TestBusy(t *testing.T) {
	for _, k := range mm.Kernels() {
		st := new(mmtest.Stepper)
		m := newMachine(t, mm.Config{Kernel: k, NoPreload: true, Stepper: st})
		as := m.NewAddressSpace(7)
		require.NoError(t, m.CPU(0).Map(as, mm.VMA{Range: mm.Pages(base, 1), Prot: rw}))
		require.NoError(t, m.CPU(0).Store(as, base, 1))
		m.CPU(1).Join(as)
		m.CPU(0).TLB().InvalidateAll()
		m.Table().Clear()
		busy := 0
		st.Each = func() error {
			if as.PTE(base)&k.Layout.Busy != 0 {
				busy++
				if k.EarlyHashPTE {
					require.NotZero(t, as.PTE(base)&k.Layout.HashPTE, "before the entry exists")
				}
			}
			return nil
		}
		trace, err := st.Run([]mmtest.Leg{{CPU: 0, Through: mm.StepSetBusy}, {CPU: 1}},
			func() {
				v, err := m.CPU(0).Load(as, base)
				require.NoError(t, err)
				require.EqualValues(t, 1, v)
			},
			func() {
				_, err := m.CPU(1).ZapPageRange(ctx, as, mm.Pages(base, 1))
				require.NoError(t, err)
			})
		require.NoError(t, err)
		require.Positive(t, busy)
		var order []mm.Step
		for _, s := range trace {
			if s.Step == mm.StepClearBusy || s.Step == mm.StepPTEClear {
				order = append(order, s.Step)
			}
		}
		require.Equal(t, []mm.Step{mm.StepClearBusy, mm.StepPTEClear}, order, "pte_clear waits for BUSY")
		require.NoError(t, m.Check())
	}
}
