package hpt_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/hashmmu/ppc64/hpt"
	"github.com/hashmmu/ppc64/pte"
)

// births is a Detector that collects; two inserts may report at once.
type births struct {
	sync.Mutex
	seen []hpt.DuplicateBirth
}

func (b *births) report(d hpt.DuplicateBirth) {
	b.Lock()
	defer b.Unlock()
	b.seen = append(b.seen, d)
}

func detecting(t testing.TB, b *births, c hpt.Config) *hpt.Table {
	c.Detect = &hpt.Detector{Report: b.report}
	table, err := hpt.New(c)
	require.NoError(t, err)
	require.Equal(t, hpt.CodeGo, table.Config().Code)
	return table
}

func pageEntry(t testing.TB, table *hpt.Table, k pte.Key, ra pte.RA, pp uint8) pte.HPTE {
	h, err := table.Sizes().Encode(k, ra, k.Base, pte.Attr{PP: pp, WIMG: 2})
	require.NoError(t, err)
	return h
}

func TestDetectNamesThePair(t *testing.T) {
	for _, format := range []hpt.Format{hpt.Format2, hpt.Format3} {
		t.Run(format.String(), func(t *testing.T) {
			var b births
			table := detecting(t, &b, hpt.Config{Format: format})
			k := pte.MakeKey(0x1234567, 0x10000000, pte.Seg256M, pte.Page4K)
			o := pte.MakeKey(0x1234567, 0x10001000, pte.Seg256M, pte.Page4K)
			reader, writer := pageEntry(t, table, k, 0x4000, 3), pageEntry(t, table, k, 0x4000, 2)

			old, err := table.Insert(k, reader)
			require.NoError(t, err)
			for range 3 {
				_, err = table.Insert(o, pageEntry(t, table, o, 0x8000, 2))
				require.NoError(t, err)
			}
			require.Len(t, b.seen, 3, "of o: 1 at its second insert and 2 at its third")
			b.seen = nil

			require.NoError(t, table.Protect(pte.Ref{Key: k, Hint: old}, pte.Attr{PP: 1}))
			require.NoError(t, table.Protect(pte.Ref{Key: k, Hint: old}, pte.Attr{PP: 3}))
			require.Empty(t, b.seen, "a change of protection makes no entry")

			new, err := table.Insert(k, writer)
			require.NoError(t, err)
			hash := k.Hash()
			require.Equal(t, []hpt.DuplicateBirth{{
				Key: k,
				New: new.Slot(hash, table.Mask()), NewEntry: writer,
				Old: old.Slot(hash, table.Mask()), OldEntry: reader,
				Age: 4, Conflict: true,
			}}, b.seen)

			_, ok := table.Invalidate(pte.Ref{Key: k, Hint: old})
			require.True(t, ok)
			_, err = table.Insert(k, writer)
			require.NoError(t, err)
			require.Len(t, b.seen, 2)
			require.False(t, b.seen[1].Conflict)
		})
	}
}

// TestDetectAcrossGroups: the older entry sits in the secondary group.
func TestDetectAcrossGroups(t *testing.T) {
	var b births
	now := uint64(100)
	table, err := hpt.New(hpt.Config{Detect: &hpt.Detector{Report: b.report, Clock: func() uint64 { return now }}})
	require.NoError(t, err)
	k := pte.MakeKey(7, 0x10000000, pte.Seg256M, pte.Page64K)
	h := pageEntry(t, table, k, 0x10000, 2)
	h.V |= pte.VSecondary
	_, err = table.InsertGroup(k.Hash().Secondary(table.Mask()), h)
	require.NoError(t, err)
	now = 117
	_, err = table.Insert(k, h)
	require.NoError(t, err)
	require.Len(t, b.seen, 1)
	require.EqualValues(t, 17, b.seen[0].Age)
	require.True(t, b.seen[0].OldEntry.Secondary())
	require.False(t, b.seen[0].NewEntry.Secondary())
}

// TestDetectAgeOfForeign: an entry that was there before has the age of the table.
func TestDetectAgeOfForeign(t *testing.T) {
	ram := make([]byte, 2<<hpt.MinOrder)
	ram = ram[-uintptr(unsafe.Pointer(&ram[0]))&(1<<hpt.MinOrder-1):][:1<<hpt.MinOrder]
	before, err := hpt.New(hpt.Config{Memory: ram})
	require.NoError(t, err)
	k := pte.MakeKey(7, 0x10000000, pte.Seg256M, pte.Page4K)
	h := pageEntry(t, before, k, 0x4000, 2)
	_, err = before.Insert(k, h)
	require.NoError(t, err)

	var b births
	now := uint64(100)
	table, err := hpt.New(hpt.Config{Memory: ram, Detect: &hpt.Detector{Report: b.report, Clock: func() uint64 { return now }}})
	require.NoError(t, err)
	now = 117
	_, err = table.Insert(k, h)
	require.NoError(t, err)
	require.Len(t, b.seen, 1)
	require.EqualValues(t, 17, b.seen[0].Age)
}

func TestDetectWantsAReport(t *testing.T) {
	_, err := hpt.New(hpt.Config{Detect: &hpt.Detector{}})
	var ce *hpt.ConfigError
	require.True(t, errors.As(err, &ce) && errors.Is(err, hpt.ErrConfig), "%v", err)
	require.Equal(t, "Detect.Report", ce.Field)
}

// TestDetectAgreesWithCheck: in whatever order entries come and go, the pairs
// reported and not ended since are those that Check finds.
func TestDetectAgreesWithCheck(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		type pair [2]pte.Slot
		open := map[pair]bool{}
		table, err := hpt.New(hpt.Config{Detect: &hpt.Detector{Report: func(d hpt.DuplicateBirth) {
			open[pair{min(d.New, d.Old), max(d.New, d.Old)}] = true
		}}})
		require.NoError(t, err)
		var live []pte.Slot
		for range rapid.IntRange(1, 60).Draw(t, "operations") {
			if len(live) > 0 && rapid.IntRange(0, 2).Draw(t, "remove") == 0 {
				i := rapid.IntRange(0, len(live)-1).Draw(t, "which")
				table.StoreRaw(live[i], pte.HPTE{})
				for p := range open {
					if p[0] == live[i] || p[1] == live[i] {
						delete(open, p)
					}
				}
				live = append(live[:i], live[i+1:]...)
				continue
			}
			base := rapid.SampledFrom([]pte.PageSize{pte.Page4K, pte.Page64K}).Draw(t, "base")
			k := pte.MakeKey(3, pte.EA(rapid.IntRange(0, 2).Draw(t, "page"))<<base, pte.Seg256M, base)
			h, err := table.Sizes().Encode(k, 0, base, pte.Attr{PP: uint8(rapid.IntRange(2, 3).Draw(t, "pp"))})
			require.NoError(t, err)
			if hint, err := table.Insert(k, h); err == nil {
				live = append(live, hint.Slot(k.Hash(), table.Mask()))
			}
		}
		found := map[pair]bool{}
		if err := table.Check(); err != nil {
			for _, e := range err.(interface{ Unwrap() []error }).Unwrap() {
				var d *hpt.DuplicateError
				require.ErrorAs(t, e, &d)
				found[pair(d.Slots)] = true
			}
		}
		require.Equal(t, found, open)
	})
}

// TestDetectMissesNoOverlap: of inserts that overlap at least one reports.
func TestDetectMissesNoOverlap(t *testing.T) {
	var b births
	table := detecting(t, &b, hpt.Config{})
	const keys, cpus = 300, 3
	var wg sync.WaitGroup
	for range cpus {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for i := range keys {
				k := pte.MakeKey(pte.VSID(i), 0, pte.Seg256M, pte.Page4K)
				h, err := table.Sizes().Encode(k, 0, pte.Page4K, pte.Attr{PP: 2})
				if err == nil {
					_, err = table.Insert(k, h)
				}
				if err != nil {
					panic(err)
				}
			}
		}()
	}
	wg.Wait()
	pairs := map[string]bool{}
	for _, d := range b.seen {
		pairs[fmt.Sprint(d.Key, min(d.New, d.Old), max(d.New, d.Old))] = true
	}
	require.Len(t, pairs, keys*cpus*(cpus-1)/2)
	require.EqualValues(t, len(pairs), table.Stats().Duplicates)
}

// TestDetectAllocatesNothing: neither without a duplicate nor with one.
func TestDetectAllocatesNothing(t *testing.T) {
	var n int
	table, err := hpt.New(hpt.Config{Detect: &hpt.Detector{Report: func(hpt.DuplicateBirth) { n++ }}})
	require.NoError(t, err)
	k := pte.MakeKey(1, 0, pte.Seg256M, pte.Page4K)
	h := pageEntry(t, table, k, 0, 2)
	require.Zero(t, testing.AllocsPerRun(100, func() {
		a, _ := table.Insert(k, h)
		b, _ := table.Insert(k, h)
		table.Invalidate(pte.Ref{Key: k, Hint: a})
		table.Invalidate(pte.Ref{Key: k, Hint: b})
	}))
	require.Equal(t, 101, n)
}

// BenchmarkDetect is what detection adds to an insert and its removal.
func BenchmarkDetect(b *testing.B) {
	for name, d := range map[string]*hpt.Detector{"off": nil, "on": {Report: func(hpt.DuplicateBirth) {}}} {
		b.Run("detect="+name, func(b *testing.B) {
			table, err := hpt.New(hpt.Config{Order: 20, Code: hpt.CodeGo, Detect: d})
			require.NoError(b, err)
			rng := rand.New(rand.NewPCG(1, 2))
			keys := make([]pte.Key, 4096)
			entries := make([]pte.HPTE, len(keys))
			for i := range keys {
				keys[i] = pte.MakeKey(pte.VSID(rng.Uint64N(1<<36)), pte.EA(rng.Uint64()), pte.Seg256M, pte.Page4K)
				entries[i] = pageEntry(b, table, keys[i], 0, 2)
			}
			b.ResetTimer()
			for i := range b.N {
				k := keys[i%len(keys)]
				hint, err := table.Insert(k, entries[i%len(keys)])
				if err != nil {
					b.Fatal(err)
				}
				table.Invalidate(pte.Ref{Key: k, Hint: hint})
			}
		})
	}
}
