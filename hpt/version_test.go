package hpt

import (
	"encoding/binary"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/hashmmu/ppc64/internal/sched"
	"github.com/hashmmu/ppc64/pte"
)

// versions makes a table for every version of the code that works here, all over
// one memory and with one counter of tags.
func versions(t testing.TB) (tables []*Table) {
	memory := alignedBytes(1 << MinOrder)
	for _, code := range Codes() {
		table, err := newTable(Config{Memory: memory, Code: code}, nativeUsable() && !sched.Exploring)
		require.NoError(t, err)
		require.Equal(t, code, table.Config().Code)
		if len(tables) > 0 {
			table.tags = tables[0].tags
			table.stripes, table.stripeMask = tables[0].stripes, tables[0].stripeMask
		}
		tables = append(tables, table)
	}
	return tables
}

// checkScan compares the scans of all versions over one group with what the words
// say.
func checkScan(t require.TestingT, tables []*Table, group []byte, want, mask uint64) {
	var hits, free uint32
	for i := range pte.SlotsPerGroup {
		v := binary.BigEndian.Uint64(group[16*i:])
		if (v^want)&mask == 0 {
			hits |= 1 << i
		}
		if v&pte.VValid == 0 {
			free |= 1 << i
		}
	}
	copy(tables[0].config.Memory[128*5:], group)
	for _, table := range tables {
		h, f := table.scanFree(5, want, mask)
		require.Equal(t, [2]uint32{hits, free}, [2]uint32{h, f}, "%v", table.config.Code)
		require.Equal(t, hits, table.scanGroup(5, want, mask), "%v", table.config.Code)
	}
}

// TestScanVersions: every version nominates the same slots, in groups where the
// needle is in some of them, whole or but for a bit.
func TestScanVersions(t *testing.T) {
	tables := versions(t)
	rapid.Check(t, func(rt *rapid.T) {
		want := rapid.Uint64().Draw(rt, "want")
		mask := rapid.SampledFrom([]uint64{pte.VMatch, pte.VMatch &^ pte.VValid, ^uint64(0), 0, pte.VValid}).Draw(rt, "mask")
		group := make([]byte, groupBytes)
		for i := range pte.SlotsPerGroup {
			v := want
			switch rapid.IntRange(0, 3).Draw(rt, "kind") {
			case 0:
				v ^= 1 << rapid.IntRange(0, 63).Draw(rt, "bit")
			case 1:
				v = rapid.Uint64().Draw(rt, "v")
			case 2:
				v ^= rapid.Uint64().Draw(rt, "noise") &^ mask
			}
			binary.BigEndian.PutUint64(group[16*i:], v)
			binary.BigEndian.PutUint64(group[16*i+8:], rapid.SampledFrom([]uint64{0, want, ^want}).Draw(rt, "r"))
		}
		checkScan(rt, tables, group, want, mask)
	})
}

func FuzzScan(f *testing.F) {
	f.Add(make([]byte, groupBytes), uint64(0), uint64(0))
	f.Add([]byte{7: 1, 16: 0x80, 23: 1, 120: 0xff}, uint64(pte.VValid), uint64(pte.VMatch))
	tables := versions(f)
	f.Fuzz(func(t *testing.T, data []byte, want, mask uint64) {
		group := make([]byte, groupBytes)
		copy(group, data)
		checkScan(t, tables, group, want, mask)
	})
}

// TestVersionsTogether: goroutines work on one memory, each with another version
// of the code, and the versions must understand each other: no torn pair (H2),
// one entry per key (H3), and no stale hint that changes anything (H5). R of each
// entry says which key it was made for.
func TestVersionsTogether(t *testing.T) {
	const keys, steps = 40, 4000
	key := func(i int) pte.Key { return pte.Key{VSID: pte.VSID(i+1)<<20 | 21, Base: pte.Page4K} }
	tables := versions(t)
	var wg sync.WaitGroup
	failed := make(chan string, 64)
	for client := range 4 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			rng := rand.New(rand.NewPCG(7, uint64(client)))
			var hints [keys]pte.SlotHint
			found := make([]Found, 3)
			for range steps {
				table := tables[rng.IntN(len(tables))]
				i := rng.IntN(keys)
				k := key(i)
				ours := func(h pte.HPTE) bool { return h.R>>12&0xff == uint64(i) }
				var h pte.HPTE
				ok := false
				switch rng.IntN(7) {
				case 0, 1:
					if hint, err := table.InsertUnique(k, pte.HPTE{V: k.AVPN() | pte.VValid, R: uint64(i) << 12}); err == nil {
						hints[i] = hint
					}
				case 2:
					h, hints[i], ok = table.Lookup(k)
				case 3:
					h, ok = table.Invalidate(pte.Ref{Key: k, Hint: hints[i]})
				case 4:
					_ = table.MarkAccess(pte.Ref{Key: k, Hint: hints[i]}, pte.Write)
				case 5:
					table.LookupBatch([]pte.Key{key(rng.IntN(keys)), k, key(rng.IntN(keys))}, found)
					h, ok = found[1].Entry, found[1].OK()
				case 6:
					h, _, ok = table.InvalidateKey(k)
				}
				if ok && !ours(h) {
					failed <- h.String()
					return
				}
				if rng.IntN(8) == 0 {
					runtime.Gosched()
				}
			}
		}()
	}
	wg.Wait()
	close(failed)
	for h := range failed {
		t.Errorf("torn: %s", h)
	}
	require.NoError(t, tables[0].Check())
	for s := range pte.Slot(tables[0].Slots()) {
		require.False(t, tables[0].Tentative(s))
	}
}

// TestVersionsOfOddKeys: every version finds, changes and removes what another one
// inserted, for keys that no address has too: a page beyond its segment, a base page
// size or a segment size that there is not.
func TestVersionsOfOddKeys(t *testing.T) {
	tables := versions(t)
	rapid.Check(t, func(rt *rapid.T) {
		k := pte.Key{
			VSID: pte.VSID(rapid.Uint64().Draw(rt, "vsid")),
			Page: rapid.Uint32Range(0, 1<<32-1).Draw(rt, "page"),
			Base: rapid.SampledFrom([]pte.PageSize{pte.Page4K, pte.Page4K, pte.Page64K, 0, 11, 63, 76}).Draw(rt, "base"),
			Seg:  rapid.SampledFrom([]pte.SegSize{pte.Seg256M, pte.Seg256M, pte.Seg1T, 3}).Draw(rt, "segment"),
		}
		h := pte.HPTE{V: k.AVPN()&^pte.VSecondary | pte.VValid, R: 0x1000}
		for _, in := range tables {
			hint, err := in.Insert(k, h)
			require.NoError(rt, err)
			for _, table := range tables {
				got, at, ok := table.Lookup(k)
				require.True(rt, ok, "%v after %v", table.config.Code, in.config.Code)
				require.Equal(rt, hint, at)
				require.Equal(rt, h.V, got.V)
				found := make([]Found, 1)
				require.Equal(rt, 1, table.LookupBatch([]pte.Key{k}, found))
				require.Equal(rt, hint, found[0].Hint)
				r := pte.Ref{Key: k, Hint: hint}
				require.NoError(rt, table.MarkAccess(r, pte.Write))
				_, ok = table.Invalidate(r)
				require.True(rt, ok)
				require.Equal(rt, 1, table.InsertBatch([]pte.Key{k}, []pte.HPTE{h}, []pte.SlotHint{0}))
				require.Equal(rt, 1, table.InvalidateBatch([]pte.Ref{r}))
				_, err = table.InsertUnique(k, h)
				require.NoError(rt, err)
			}
			in.Clear()
		}
	})
}

// TestNoAllocations pins that the hot paths allocate nothing, in every version.
func TestNoAllocations(t *testing.T) {
	for _, locked := range []bool{false, true} {
		for _, code := range Codes() {
			table, err := newTable(Config{Code: code, LockUnique: locked}, nativeUsable() && !sched.Exploring)
			require.NoError(t, err)
			keys, entries := make([]pte.Key, 100), make([]pte.HPTE, 100)
			hints, refs, found := make([]pte.SlotHint, 100), make([]pte.Ref, 100), make([]Found, 100)
			hashes := make([]pte.Hash, 100)
			for i := range keys {
				keys[i] = pte.Key{VSID: pte.VSID(i * 77), Base: pte.Page4K}
				entries[i] = pte.HPTE{V: keys[i].AVPN() | pte.VValid}
				hashes[i] = keys[i].Hash()
			}
			k, h := pte.Key{VSID: 0x123457, Base: pte.Page4K}, pte.HPTE{}
			h.V = k.AVPN() | pte.VValid
			require.Zero(t, testing.AllocsPerRun(100, func() {
				hint, _ := table.Insert(k, h)
				r := pte.Ref{Key: k, Hint: hint}
				table.Lookup(k)
				table.Search(k.Hash(), h.V)
				_ = table.Protect(r, pte.Attr{PP: 3})
				_ = table.MarkAccess(r, pte.Write)
				_, _ = table.InsertUnique(k, h) // there is one
				table.Invalidate(r)
				table.Invalidate(r) // stale
				table.Lookup(k)     // missing
				_, _ = table.InsertUnique(k, h)
				table.InvalidateKey(k)
				table.Prefetch(hashes)
				table.InsertBatch(keys, entries, hints)
				table.LookupBatch(keys, found)
				for i, k := range keys {
					refs[i] = pte.Ref{Key: k, Hint: hints[i]}
				}
				table.InvalidateBatch(refs)
				table.InsertUniqueBatch(keys, entries, hints)
				for i := range keys {
					refs[i].Hint = hints[i]
				}
				table.InvalidateBatch(refs)
			}), "%v", code)
		}
	}
}

// TestCode: an unknown version is refused, the choice can be read back, and a
// Detector sees every insert.
func TestCode(t *testing.T) {
	_, err := New(Config{Code: CodeAVX512 + 1})
	require.ErrorIs(t, err, ErrConfig)
	table, err := New(Config{})
	require.NoError(t, err)
	require.NotEqual(t, CodeBest, table.Config().Code)
	table, err = New(Config{Detect: &Detector{Report: func(DuplicateBirth) {}}})
	require.NoError(t, err)
	require.Equal(t, CodeGo, table.Config().Code)
	require.Equal(t, "best go avx2 avx512 Code(4)", CodeBest.String()+" "+CodeGo.String()+" "+CodeAVX2.String()+" "+CodeAVX512.String()+" "+Code(4).String())
}

// TestDirtyBatch: a batch of removals tells the log.
func TestDirtyBatch(t *testing.T) {
	table, err := New(Config{})
	require.NoError(t, err)
	var refs []pte.Ref
	groups := map[uint64]bool{}
	for i := range 100 {
		k := pte.Key{VSID: pte.VSID(i * 3), Base: pte.Page4K}
		hint, err := table.Insert(k, pte.HPTE{V: k.AVPN() | pte.VValid})
		require.NoError(t, err)
		refs = append(refs, pte.Ref{Key: k, Hint: hint})
		groups[hint.Slot(k.Hash(), table.Mask()).Group()] = true
	}
	log, ok := table.LogDirty()
	require.True(t, ok)
	require.Equal(t, 100, table.InvalidateBatch(refs))
	for g := range log.Take() {
		delete(groups, g)
	}
	require.Empty(t, groups)
}
