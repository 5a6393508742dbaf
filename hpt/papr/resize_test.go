package papr_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/hashmmu/ppc64/hpt"
	"github.com/hashmmu/ppc64/hpt/papr"
	"github.com/hashmmu/ppc64/pte"
)

// TestResizeKeepsConfiguration: what the table in force was asked to be, the next one
// is.
func TestResizeKeepsConfiguration(t *testing.T) {
	was := hpt.Config{Order: 18, Format: hpt.Format3, Seed: 7, Code: hpt.CodeGo, LockUnique: true, Sizes: sizes}
	table, err := hpt.New(was)
	require.NoError(t, err)
	p := newPartition(t, papr.Config{Table: table})
	for _, f := range []func(papr.Flags, int32) (papr.Code, error){p.ResizePrepare, p.ResizeCommit} {
		code, err := f(0, 20)
		require.NoError(t, err)
		require.Equal(t, papr.Success, code)
	}
	was.Order = 20
	require.Equal(t, was, p.Table().Config())
}

func TestResizeStates(t *testing.T) {
	ready := false
	p := newPartition(t, papr.Config{MaxOrder: 22, Ready: func(int) bool { return ready }})
	old := p.Table()
	for i, c := range []struct {
		commit bool
		flags  papr.Flags
		shift  int32
		ready  bool
		code   papr.Code
	}{
		{true, 0, 19, true, papr.Closed},
		{false, 0, 17, true, papr.Parameter},
		{false, 0, 47, true, papr.Parameter},
		{false, 0, -1, true, papr.Parameter},
		{false, 0, 23, true, papr.Resource},
		{false, 0, hpt.MaxOrder, true, papr.Resource},
		{false, 0, 22, true, papr.Success},
		{false, 0, 0, true, papr.Success},
		{false, 0, 19, false, papr.LongBusy},
		{true, 0, 19, false, papr.Busy},
		{true, 0, 20, true, papr.Closed},
		{false, 0, 19, true, papr.Success},
		{false, 0, 19, true, papr.Success},
		{false, 0, 0, true, papr.Success}, // dropped
		{true, 0, 19, true, papr.Closed},
		{false, 0, 20, true, papr.Success},
		{false, 0, 21, true, papr.Success}, // replaces it
		{true, 0, 20, true, papr.Closed},
		{true, 0, 21, true, papr.Success},
		{true, 0, 21, true, papr.Closed},
	} {
		ready = c.ready
		f := p.ResizePrepare
		if c.commit {
			f = p.ResizeCommit
		}
		code, err := f(c.flags, c.shift)
		require.NoError(t, err)
		require.Equal(t, c.code, code, "step %d", i)
	}
	require.NotSame(t, old, p.Table())
	require.Equal(t, 21, p.Table().Order())
	require.Equal(t, []papr.Flush{{Kind: papr.FlushTable}}, p.flushed.take())

	forbidden := newPartition(t, papr.Config{NoResize: true})
	for _, f := range []func(papr.Flags, int32) (papr.Code, error){forbidden.ResizePrepare, forbidden.ResizeCommit} {
		code, err := f(0, 19)
		require.NoError(t, err)
		require.Equal(t, papr.Authority, code)
	}
}

// Two bolted entries whose groups fall together in a smaller table, at one index.
func collide(t *testing.T, anySlot bool) (p partition, keys [2]pte.Key, entries [2]pte.HPTE, slots [2]uint64) {
	tab, err := hpt.New(hpt.Config{Order: 19})
	require.NoError(t, err)
	p = newPartition(t, papr.Config{Table: tab, AnySlot: anySlot})
	for i := range keys {
		vsid := pte.VSID(0x123 + i<<11) // group bit 11 tells them apart, and an order of 18 has none
		keys[i], entries[i] = entry(vsid, 5, pte.Page4K, pte.Page4K, pte.Attr{Bolted: true})
		slots[i] = p.enter(t, keys[i], entries[i])
	}
	require.NotEqual(t, slots[0], slots[1])
	return p, keys, entries, slots
}

func TestResizeCollisionNamesBoth(t *testing.T) {
	p, _, entries, slots := collide(t, false)
	before := p.Table().Digest()
	code, err := p.ResizePrepare(0, 18)
	require.NoError(t, err)
	require.Equal(t, papr.Success, code)
	code, err = p.ResizeCommit(0, 18)
	require.Equal(t, papr.PTEGFull, code)
	require.ErrorIs(t, err, papr.ErrCollision)
	var c *papr.CollisionError
	require.ErrorAs(t, err, &c)
	require.Equal(t, &papr.CollisionError{
		Order: 18, Slot: pte.Slot(slots[0]), Old: [2]pte.Slot{pte.Slot(slots[0]), pte.Slot(slots[1])}, Entries: entries,
	}, c)
	require.Equal(t, before, p.Table().Digest(), "nothing happened")
	require.Empty(t, p.flushed.take())
	code, _ = p.ResizeCommit(0, 18)
	require.Equal(t, papr.Closed, code)
}

func TestResizeAnySlot(t *testing.T) {
	p, keys, entries, _ := collide(t, true)
	for _, f := range []func(papr.Flags, int32) (papr.Code, error){p.ResizePrepare, p.ResizeCommit} {
		code, err := f(0, 18)
		require.NoError(t, err)
		require.Equal(t, papr.Success, code)
	}
	for i, k := range keys {
		e, _, ok := p.Table().Lookup(k)
		require.True(t, ok)
		require.Equal(t, entries[i], e)
	}
}

// Of equal entries, the one that took the slot is named.
func TestResizeCollisionAmongEqual(t *testing.T) {
	src, err := hpt.New(hpt.Config{Order: 19})
	require.NoError(t, err)
	k, e := entry(0x123, 5, pte.Page4K, pte.Page4K, pte.Attr{Bolted: true})
	k2, e2 := entry(0x123+1<<11, 5, pte.Page4K, pte.Page4K, pte.Attr{Bolted: true})
	g, g2 := k.Hash().Primary(src.Mask()), k2.Hash().Primary(src.Mask())
	src.StoreRaw(pte.Slot(g*8+3), e)
	src.StoreRaw(pte.Slot(g*8+5), e)
	src.StoreRaw(pte.Slot(g2*8+5), e2)
	dst, err := hpt.New(hpt.Config{})
	require.NoError(t, err)
	_, err = papr.Resize(dst, src, sizes, false, false)
	var c *papr.CollisionError
	require.ErrorAs(t, err, &c)
	require.Equal(t, [2]pte.Slot{pte.Slot(g*8 + 5), pte.Slot(g2*8 + 5)}, c.Old)
	require.ErrorContains(t, err, "two bolted entries need one slot: slot ")
}

// Seventeen bolted entries of one pair of groups fit nowhere.
func TestResizeAnySlotFull(t *testing.T) {
	src, err := hpt.New(hpt.Config{Order: 23})
	require.NoError(t, err)
	for i := range 17 {
		k, e := entry(pte.VSID(i<<11), 0, pte.Page4K, pte.Page4K, pte.Attr{Bolted: true})
		_, err := src.Insert(k, e)
		require.NoError(t, err)
	}
	dst, err := hpt.New(hpt.Config{})
	require.NoError(t, err)
	_, err = papr.Resize(dst, src, sizes, false, true)
	var c *papr.CollisionError
	require.ErrorAs(t, err, &c)
	require.Equal(t, c.Entries[0], src.Load(c.Old[0]))
	require.Equal(t, c.Entries[1], src.Load(c.Old[1]))
	require.NotEqual(t, c.Old[0], c.Old[1])
}

// An entry that no search finds is dropped and counted, with rehash too.
func TestResizeMisplaced(t *testing.T) {
	src, err := hpt.New(hpt.Config{})
	require.NoError(t, err)
	_, e := entry(0x123, 5, pte.Page16M, pte.Page16M, pte.Attr{Bolted: true})
	src.StoreRaw(0, e)
	e.V &^= pte.VBolted
	src.StoreRaw(1, e)
	dst, err := hpt.New(hpt.Config{Order: 19})
	require.NoError(t, err)
	m, err := papr.Resize(dst, src, sizes, true, true)
	require.NoError(t, err)
	require.Equal(t, papr.Moved{Misplaced: 1, Dropped: 1}, m)
	require.Zero(t, dst.Stats().Valid)
}

// A resize carries over every bolted entry, primary or secondary, whatever its
// sizes, to where its hint says, and with rehash the others that find their place.
func TestResizeKeepsEntries(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		orders := rapid.IntRange(18, 21)
		src, err := hpt.New(hpt.Config{Order: orders.Draw(t, "old")})
		require.NoError(t, err)
		defer src.Close()
		dst, err := hpt.New(hpt.Config{Order: orders.Draw(t, "new")})
		require.NoError(t, err)
		defer dst.Close()
		rehash := rapid.Bool().Draw(t, "rehash")
		type placed struct {
			key  pte.Key
			hint pte.SlotHint
			e    pte.HPTE
		}
		var all []placed
		for range rapid.IntRange(0, 60).Draw(t, "entries") {
			k, e := drawEntry(t)
			if _, _, ok := src.Lookup(k); ok {
				continue
			}
			secondary := rapid.Bool().Draw(t, "secondary")
			if secondary {
				e.V |= pte.VSecondary
			}
			i, err := src.InsertGroup(k.Hash().Group(secondary, src.Mask()), e)
			if err != nil {
				continue
			}
			h := pte.MakeSlotHint(secondary, i)
			all = append(all, placed{k, h, src.Load(h.Slot(k.Hash(), src.Mask()))})
		}
		m, err := papr.Resize(dst, src, sizes, rehash, false)
		if err != nil {
			require.ErrorIs(t, err, papr.ErrCollision)
			require.Less(t, dst.Order(), src.Order())
			return
		}
		var got papr.Moved
		for _, p := range all {
			e := dst.Load(p.hint.Slot(p.key.Hash(), dst.Mask()))
			switch {
			case p.e.Bolted():
				require.Equal(t, p.e, e)
				got.Bolted++
			case e == p.e:
				require.True(t, rehash)
				got.Rehashed++
			default:
				require.True(t, !rehash || e.Valid(), "its slot was free")
				got.Dropped++
			}
		}
		require.Equal(t, got, m)
		require.NoError(t, dst.Check())
		require.Equal(t, got.Bolted+got.Rehashed, dst.Stats().Valid)
	})
}

// drawEntry draws a page of any size, often in the same few groups.
func drawEntry(t *rapid.T) (pte.Key, pte.HPTE) {
	bases := sizes.Bases()[:3]
	b := bases[rapid.IntRange(0, len(bases)-1).Draw(t, "base")]
	actual := b.Actual[rapid.IntRange(0, len(b.Actual)-1).Draw(t, "actual")].Size
	seg := pte.SegSize(rapid.IntRange(0, 1).Draw(t, "segment"))
	vsid := pte.VSID(rapid.Uint64Range(0, 3).Draw(t, "vsid low") | rapid.Uint64Range(0, 15).Draw(t, "vsid high")<<10)
	ea := pte.EA(rapid.Uint64Range(0, 1<<28-1).Draw(t, "ea"))
	k := pte.MakeKey(vsid, ea, seg, b.Base)
	e, err := sizes.Encode(k, 0, actual, pte.Attr{
		PP: pte.PPUserRW, WIMG: pte.Memory, Bolted: rapid.Bool().Draw(t, "bolted"), Ref: rapid.Bool().Draw(t, "r"),
	})
	require.NoError(t, err)
	return k, e
}
