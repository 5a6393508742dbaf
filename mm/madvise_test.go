package mm_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hashmmu/ppc64/batch"
	"github.com/hashmmu/ppc64/mm"
	"github.com/hashmmu/ppc64/mm/mmtest"
	"github.com/hashmmu/ppc64/pte"
)

// TestMadviseAges: what each advice clears, that contents stay, and that the next
// access and the next store are seen again.
func TestMadviseAges(t *testing.T) {
	for _, p := range allPolicies() {
		m, as := mapped(t, mm.Config{Policy: p}, 4)
		c, other, l := m.CPU(0), m.CPU(1), m.Kernel().Layout
		has := func(ea pte.EA) pte.LinuxPTE { return as.PTE(ea) & (l.Accessed | l.Dirty | l.HashPTE) }

		res, err := other.MadviseCold(ctx, as, mm.Pages(base, 2))
		require.NoError(t, err)
		require.Equal(t, mm.Result{Next: base + 2<<12, Pages: 2}, res)
		require.Equal(t, l.Dirty, has(base))
		require.Equal(t, l.Dirty|l.Accessed|l.HashPTE, has(base+2<<12))
		res, err = other.MadviseFree(ctx, as, mm.Pages(base, 3))
		require.NoError(t, err)
		require.Equal(t, 3, res.Pages)
		require.Zero(t, has(base))
		res, err = other.MadviseFree(ctx, as, mm.Pages(base, 3))
		require.NoError(t, err)
		require.Zero(t, res.Pages, "nothing left to clear")
		require.NoError(t, m.Check())

		holds(t, c, as, base, 1)
		require.Equal(t, l.Accessed|l.HashPTE, has(base))
		require.NoError(t, c.Store(as, base+1<<12, 20))
		require.Equal(t, l.Accessed|l.Dirty|l.HashPTE, has(base+1<<12))
		free := m.Frames().Free()
		res, err = c.MadvisePageout(ctx, as, mm.Pages(base, 4))
		require.NoError(t, err)
		require.Equal(t, 3, res.Pages, "not the one that was not accessed")
		require.Equal(t, free+4, m.Frames().Free(), "but that one goes too")
		require.True(t, l.OnDevice(as.PTE(base+1<<12)))
		holds(t, other, as, base+1<<12, 20)
		require.NoError(t, m.Check())

		res, err = c.MadviseFree(ctx, as, mm.Pages(base, 4))
		require.NoError(t, err)
		require.Equal(t, 4, res.Pages)
		holds(t, other, as, base, 0)
		holds(t, other, as, base+1<<12, 20)
		require.NoError(t, m.Check())
	}
}

// TestMadviseLeavesAlone pages that others map and those that nobody stored to.
func TestMadviseLeavesAlone(t *testing.T) {
	m, as := mapped(t, mm.Config{}, 2)
	c, file, at := m.CPU(0), m.NewMapping(2, false), base+2<<12
	require.NoError(t, c.Map(as, mm.VMA{Range: mm.Pages(at, 1), Prot: rw}))
	_, err := c.Load(as, at) // the page of zeroes
	require.NoError(t, err)
	require.NoError(t, c.Map(as, mm.VMA{Range: mm.Pages(at+1<<12, 2), Prot: rw, Shared: true, File: file}))
	for i := range pte.EA(2) {
		_, err = c.Load(as, at+(i+1)<<12)
		require.NoError(t, err)
	}
	child := m.NewAddressSpace(8)
	_, err = c.Fork(ctx, as, child)
	require.NoError(t, err)
	_, err = c.Load(child, at+1<<12)
	require.NoError(t, err)
	require.NoError(t, c.Store(as, base, 10))
	res, err := c.MadviseCold(ctx, as, mm.Pages(base, 5))
	require.NoError(t, err)
	require.Equal(t, 2, res.Pages, "the page that was copied, and that of the file that the child does not map")

	res, err = c.MadviseFree(ctx, as, mm.Pages(base, 5))
	require.ErrorIs(t, err, mm.ErrAdvice)
	require.Equal(t, at+1<<12, res.Next)
	res, err = c.MadviseCold(ctx, as, mm.Pages(base, 6))
	require.ErrorIs(t, err, mm.ErrNoVMA)
	require.Equal(t, base+6<<12, res.Next, "holes are passed over")
	_, err = c.MadviseCold(ctx, as, mm.Pages(base+1, 1))
	require.ErrorIs(t, err, mm.ErrRange)
	require.NoError(t, m.Check())

	m, as = mapped(t, mm.Config{Kernel: mm.Linux2620}, 1)
	for _, advise := range []func(context.Context, *mm.AddressSpace, mm.Range) (mm.Result, error){m.CPU(0).MadviseFree, m.CPU(0).MadviseCold, m.CPU(0).MadvisePageout} {
		_, err = advise(ctx, as, mm.Pages(base, 1))
		require.ErrorIs(t, err, mm.ErrUnsupported)
	}
	require.ErrorIs(t, m.CPU(0).MakeFolio(as, mm.Pages(base, 1)), mm.ErrUnsupported)
}

// TestPageoutLeavesSharedPages: only what the process has for itself is taken out of
// memory.
func TestPageoutLeavesSharedPages(t *testing.T) {
	m, as := mapped(t, mm.Config{}, 2)
	c, l := m.CPU(0), m.Kernel().Layout
	_, err := c.Fork(ctx, as, m.NewAddressSpace(8))
	require.NoError(t, err)
	require.NoError(t, c.Store(as, base, 9)) // a copy of its own
	_, err = c.MadvisePageout(ctx, as, mm.Pages(base, 2))
	require.NoError(t, err)
	require.False(t, l.IsPresent(as.PTE(base)))
	require.True(t, l.IsPresent(as.PTE(base+1<<12)), "the child has it too")
	require.NoError(t, m.Check())
}

// TestSplitFolio: a walk takes the folios apart that it meets, and stops at one that
// somebody else has a page of.
func TestSplitFolio(t *testing.T) {
	for _, p := range allPolicies() {
		for _, all := range mm.AllCountermeasures() {
			m, as := mapped(t, mm.Config{Policy: p, Countermeasures: all}, 8)
			c, f, l := m.CPU(0), m.Frames(), m.Kernel().Layout
			frame := func(i pte.EA) pte.RA { return l.RA(as.PTE(base + i<<12)) }
			require.NoError(t, c.MakeFolio(as, mm.Pages(base+1<<12, 2)))
			require.NoError(t, c.MakeFolio(as, mm.Pages(base+5<<12, 2)))
			require.True(t, f.InFolio(frame(5)))
			require.ErrorIs(t, c.MakeFolio(as, mm.Pages(base, 2)), mm.ErrFolio, "one of them is in a folio")
			f.Get(frame(6)) // pinned
			pinned := as.PTE(base + 6<<12)

			res, err := c.MadviseFree(ctx, as, mm.Pages(base, 8))
			require.NoError(t, err)
			require.Equal(t, mm.Result{Next: base + 8<<12, Pages: 5}, res)
			require.False(t, f.InFolio(frame(1)) || f.InFolio(frame(2)))
			require.True(t, f.InFolio(frame(5)) && f.InFolio(frame(6)), "in use")
			require.Equal(t, pinned, as.PTE(base+6<<12), "it was never out of the page table")
			require.NotZero(t, as.PTE(base+7<<12)&l.Dirty, "behind the folio that could not be split")
			f.Put(frame(6))
			res, err = c.MadviseFree(ctx, as, mm.Pages(base, 8))
			require.NoError(t, err)
			require.Equal(t, 3, res.Pages)
			for i := range pte.EA(8) {
				holds(t, m.CPU(1), as, base+i<<12, uint64(i)+1)
				require.False(t, f.InFolio(frame(i)))
			}
			require.NoError(t, m.Check())
		}
	}
}

// TestFolioInUseAtLast: somebody gets hold of a page of a folio while that is taken
// apart, after the references were counted. The folio stays one.
func TestFolioInUseAtLast(t *testing.T) {
	for user := range pte.EA(2) {
		st := new(mmtest.Stepper)
		m, as := mapped(t, mm.Config{Stepper: st}, 2)
		c, f, l := m.CPU(0), m.Frames(), m.Kernel().Layout
		require.NoError(t, c.MakeFolio(as, mm.Pages(base, 2)))
		frames := []pte.RA{l.RA(as.PTE(base)), l.RA(as.PTE(base + 1<<12))}
		pinning := mmtest.Leg{CPU: 0, Through: mm.StepGetPage}
		_, err := st.Run([]mmtest.Leg{pinning, pinning, {CPU: 1}},
			func() {
				_, err := c.MadviseFree(ctx, as, mm.Pages(base, 2))
				require.NoError(t, err)
			},
			func() { f.Get(frames[user]) })
		require.NoError(t, err)
		for i, ra := range frames {
			require.True(t, f.InFolio(ra))
			holds(t, c, as, base+pte.EA(i)<<12, uint64(i)+1)
		}
		f.Put(frames[user])
		require.NoError(t, m.Check())
	}
}

// TestMakeFolioRefuses what is not private, mapped and in one PTE page.
func TestMakeFolioRefuses(t *testing.T) {
	m, as := mapped(t, mm.Config{}, 514)
	c := m.CPU(0)
	_, err := c.Fork(ctx, as, m.NewAddressSpace(8))
	require.NoError(t, err)
	require.ErrorIs(t, c.MakeFolio(as, mm.Pages(base, 2)), mm.ErrFolio, "shared with a child")
	_, err = c.Exit(m.Space(8))
	require.NoError(t, err)
	require.NoError(t, c.MakeFolio(as, mm.Pages(base, 2)))
	require.ErrorIs(t, c.MakeFolio(as, mm.Pages(base+511<<12, 2)), mm.ErrFolio, "over two PTE pages")
	require.NoError(t, c.MakeFolio(as, mm.Pages(base+510<<12, 2)), "the last of a PTE page")
	require.ErrorIs(t, c.MakeFolio(as, mm.Pages(base+1<<24, 2)), mm.ErrFolio, "no PTE page")
	_, err = c.MadviseDontNeed(ctx, as, mm.Pages(base+4<<12, 1))
	require.NoError(t, err)
	require.ErrorIs(t, c.MakeFolio(as, mm.Pages(base+4<<12, 1)), mm.ErrFolio, "not mapped")
	_, err = c.Load(as, base+4<<12)
	require.NoError(t, err)
	require.ErrorIs(t, c.MakeFolio(as, mm.Pages(base+4<<12, 1)), mm.ErrFolio, "the page of zeroes")
	ra := m.Kernel().Layout.RA(as.PTE(base))
	_, err = c.MadviseDontNeed(ctx, as, mm.Pages(base, 2))
	require.NoError(t, err)
	require.False(t, m.Frames().InFolio(ra), "free")
	require.NoError(t, c.Store(as, base, 3))
	require.False(t, m.Frames().InFolio(m.Kernel().Layout.RA(as.PTE(base))), "a frame leaves its folio when it is freed")
	require.NoError(t, m.Check())
}

// TestSplitOpensTheWindow replays what a running 6.1 was seen to do: while one CPU
// takes a folio apart in the middle of a walk, another throws the page away that
// the walk has just aged and reads it. The old entry still answers.
func TestSplitOpensTheWindow(t *testing.T) {
	var closes mm.Countermeasures
	closes.LeaveLazyBeforeUnlock = true
	for _, counter := range []mm.Countermeasures{{}, closes} {
		st := new(mmtest.Stepper)
		m, as := mapped(t, mm.Config{Policy: batch.LazyMMU(), Stepper: st, Countermeasures: counter}, 2)
		a, b := m.CPU(0), m.CPU(1)
		_, err := a.MadviseFree(ctx, as, mm.Pages(base, 1))
		require.NoError(t, err)
		holds(t, a, as, base, 1) // clean and accessed
		b.Join(as)
		require.NoError(t, a.MakeFolio(as, mm.Pages(base+1<<12, 1)))
		var seen uint64
		_, err = st.Run([]mmtest.Leg{{CPU: 0, Through: mm.StepSplit}, {CPU: 1}, {CPU: 0}},
			func() {
				_, err := a.MadviseCold(ctx, as, mm.Pages(base, 2))
				require.NoError(t, err)
			},
			func() {
				_, err := b.MadviseDontNeed(ctx, as, mm.Pages(base, 1))
				require.NoError(t, err)
				seen, err = b.Load(as, base)
				require.NoError(t, err)
			})
		require.NoError(t, err)
		if counter.LeaveLazyBeforeUnlock {
			require.Zero(t, seen)
			require.NoError(t, m.Check())
			continue
		}
		require.NotZero(t, seen, "MADV_DONTNEED had returned")
		require.ErrorIs(t, m.Frames().Err(), mm.ErrUseAfterFree)
	}
}
