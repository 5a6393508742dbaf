package mm_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hashmmu/ppc64/batch"
	"github.com/hashmmu/ppc64/mm"
	"github.com/hashmmu/ppc64/pte"
)

// cancelled is a machine on which an operation over a long range is cancelled: a
// file and private memory, mapped by one space, the file by another one too. The
// ranges have PTE pages with pages in them, some without, and gaps between.
type cancelled struct {
	m            *mm.Machine
	c            *mm.CPU
	as, other    *mm.AddressSpace
	child        *mm.AddressSpace
	file         *mm.Mapping
	shared, anon mm.Range
	touched      []mm.PageOf
}

// cancelUnit is as much as a PTE page maps, or more.
func cancelUnit(k *mm.Kernel) pte.EA {
	if k.PageSize() == pte.Page64K {
		return 256 << 20
	}
	return 4 << 20
}

func newCancelled(t *testing.T, cfg mm.Config) *cancelled {
	cfg.Frames = 256
	size := uint64(cfg.Kernel.PageSize().Bytes())
	unit := cancelUnit(cfg.Kernel)
	pages := 3 * uint64(unit) / size
	x := &cancelled{
		m: newMachine(t, cfg), shared: cfg.Kernel.Pages(base, pages), anon: cfg.Kernel.Pages(base+4*unit, pages),
	}
	x.c, x.as, x.other, x.child = x.m.CPU(0), x.m.NewAddressSpace(7), x.m.NewAddressSpace(8), x.m.NewAddressSpace(9)
	x.file = x.m.NewMapping(pages, false)
	for _, as := range []*mm.AddressSpace{x.as, x.other} {
		require.NoError(t, x.c.Map(as, mm.VMA{Range: x.shared, Prot: rw, Shared: true, File: x.file}))
	}
	require.NoError(t, x.c.Map(x.as, mm.VMA{Range: x.anon, Prot: rw}))
	for _, r := range []mm.Range{x.shared, x.anon} {
		for _, at := range []pte.EA{0, 2 * unit} { // nothing in between
			for page := range pte.EA(3) {
				x.touch(t, x.as, r.Start+at+page*pte.EA(size))
			}
		}
	}
	x.touch(t, x.other, x.shared.Start+pte.EA(size))
	return x
}

// touch stores the address to a page, and has another CPU read it.
func (x *cancelled) touch(t *testing.T, as *mm.AddressSpace, ea pte.EA) {
	require.NoError(t, x.c.Store(as, ea, uint64(ea)))
	holds(t, x.m.CPU(1), as, ea, uint64(ea))
	x.touched = append(x.touched, mm.PageOf{Space: as, EA: ea})
}

// ptes are the touched pages' PTEs, without what the hash table keeps there.
func (x *cancelled) ptes() []pte.LinuxPTE {
	var out []pte.LinuxPTE
	for _, p := range x.touched {
		out = append(out, p.Space.PTE(p.EA)&^x.m.Kernel().Layout.HPTEFlags())
	}
	return out
}

// check verifies the machine, and that no entry translates to a free frame.
func (x *cancelled) check(t *testing.T) {
	require.NoError(t, x.m.Check())
	require.NoError(t, x.m.Table().Check())
	require.Zero(t, x.c.Batch().Len(), "pending")
	for s, h := range x.m.Table().All() {
		require.Positive(t, x.m.Frames().Refs(h.RA(x.m.Kernel().PageSize())), "the frame of slot %d", s)
	}
}

// cancelledOp is an operation that takes a context. do does it from an address on;
// operations that have no range of addresses do all of it again.
type cancelledOp struct {
	name   string
	do     func(x *cancelled, ctx context.Context, from pte.EA) (mm.Result, error)
	ranged func(x *cancelled) mm.Range // in x.as; nil: none
}

func sharedRange(x *cancelled) mm.Range { return x.shared }
func anonRange(x *cancelled) mm.Range   { return x.anon }
func bothRanges(x *cancelled) mm.Range  { return mm.Range{Start: x.shared.Start, End: x.anon.End} }

// onRange is an operation on a range of an address space.
func onRange(name string, ranged func(*cancelled) mm.Range, do func(*mm.CPU, context.Context, *mm.AddressSpace, mm.Range) (mm.Result, error)) cancelledOp {
	return cancelledOp{name, func(x *cancelled, ctx context.Context, from pte.EA) (mm.Result, error) {
		return do(x.c, ctx, x.as, mm.Range{Start: from, End: ranged(x).End})
	}, ranged}
}

// onAll is one on a file or on the whole space.
func onAll(name string, do func(*cancelled, context.Context) (mm.Result, error)) cancelledOp {
	return cancelledOp{name, func(x *cancelled, ctx context.Context, _ pte.EA) (mm.Result, error) { return do(x, ctx) }, nil}
}

var cancelledOps = []cancelledOp{
	onRange("ZapPageRange", bothRanges, (*mm.CPU).ZapPageRange),
	onRange("MadviseDontNeed", anonRange, (*mm.CPU).MadviseDontNeed),
	onRange("Unmap", bothRanges, (*mm.CPU).Unmap),
	onRange("Protect", sharedRange, func(c *mm.CPU, ctx context.Context, as *mm.AddressSpace, r mm.Range) (mm.Result, error) {
		return c.Protect(ctx, as, r, pte.Read)
	}),
	onRange("MadviseFree", anonRange, (*mm.CPU).MadviseFree),
	onRange("MadviseCold", anonRange, (*mm.CPU).MadviseCold),
	onRange("MadvisePageout", anonRange, (*mm.CPU).MadvisePageout),
	onRange("HintNUMA", anonRange, (*mm.CPU).HintNUMA),
	onRange("MigrateVMA", anonRange, (*mm.CPU).MigrateVMA),
	{"Remap", func(x *cancelled, ctx context.Context, from pte.EA) (mm.Result, error) {
		return x.c.Remap(ctx, x.as, mm.Range{Start: from, End: x.anon.End}, from+4*cancelUnit(x.m.Kernel()))
	}, anonRange},
	onAll("MadviseRemove", func(x *cancelled, ctx context.Context) (mm.Result, error) {
		return x.c.MadviseRemove(ctx, x.as, x.shared)
	}),
	onAll("UnmapMappingRange", func(x *cancelled, ctx context.Context) (mm.Result, error) {
		return x.c.UnmapMappingRange(ctx, x.file, 0, 0, true)
	}),
	onAll("PunchHole", func(x *cancelled, ctx context.Context) (mm.Result, error) {
		return x.c.PunchHole(ctx, x.file, 0, x.file.Size())
	}),
	onAll("Truncate", func(x *cancelled, ctx context.Context) (mm.Result, error) { return x.c.Truncate(ctx, x.file, 1) }),
	onAll("Invalidate", func(x *cancelled, ctx context.Context) (mm.Result, error) { return x.c.Invalidate(ctx, x.file, 0, 0) }),
	onAll("ClearYoung", func(x *cancelled, ctx context.Context) (mm.Result, error) { return x.c.ClearYoung(ctx, x.as) }),
	onAll("ClearSoftDirty", func(x *cancelled, ctx context.Context) (mm.Result, error) { return x.c.ClearSoftDirty(ctx, x.as) }),
	onAll("Fork", func(x *cancelled, ctx context.Context) (mm.Result, error) { return x.c.Fork(ctx, x.as, x.child) }),
}

// start is where the operation begins.
func (op *cancelledOp) start(x *cancelled) pte.EA {
	if op.ranged == nil {
		return 0
	}
	return op.ranged(x).Start
}

// A canceller makes a context that is done at the nth point, and what the machine
// calls when it has made progress.
type canceller func(n int) (context.Context, func())

// onLook ends at the nth look at the context.
func onLook(n int) (context.Context, func()) { return expiring{ctx, &n}, func() {} }

// onProgress ends in the middle of the nth report of progress.
func onProgress(n int) (context.Context, func()) {
	ctx, cancel := context.WithCancel(ctx)
	return ctx, func() {
		if n--; n == -1 {
			cancel()
		}
	}
}

// TestCancelledAtEveryPoint (M5): an operation is cancelled at each look at its
// context, and in each report of its progress, up to its end. Every time each page is
// as it was or as it becomes, the table has no entry too many, and the operation comes
// to the same end when it goes on.
func TestCancelledAtEveryPoint(t *testing.T) {
	kernels := mm.AllKernels()
	if testing.Short() {
		kernels = mm.Kernels()
	}
	policies := []batch.Policy{batch.BeforeUnlock(), batch.LazyMMU(), batch.Immediate(), batch.AtFinish(), batch.Capacity(2), batch.Capacity(batch.MaxEntries)}
	for i, op := range cancelledOps {
		for j, kernel := range kernels {
			some := policies
			if testing.Short() { // another one each time
				some = policies[(i+j)%len(policies):][:1]
			}
			for _, policy := range some {
				t.Run(op.name+"/"+kernel.Name+"/"+policy.String(), func(t *testing.T) {
					cfg := mm.Config{Kernel: kernel, Policy: policy}
					x := newCancelled(t, cfg)
					before := x.ptes()
					_, err := op.do(x, ctx, op.start(x))
					if errors.Is(err, mm.ErrUnsupported) {
						t.Skip(err)
					}
					require.NoError(t, err)
					x.check(t)
					for _, how := range []canceller{onLook, onProgress} {
						n := 0
						for cancelOnce(t, cfg, op, how, n, before, x.ptes()) {
							n++
						}
						require.Positive(t, n)
					}
				})
			}
		}
	}
}

// cancelOnce cancels an operation at one point, and reports whether there is such a
// point.
func cancelOnce(t *testing.T, cfg mm.Config, op cancelledOp, how canceller, n int, before, after []pte.LinuxPTE) bool {
	ctx, progress := how(n)
	cfg.Trace.Walked = func(*mm.CPU, *mm.AddressSpace, mm.Range, int) { progress() }
	x := newCancelled(t, cfg)
	res, err := op.do(x, ctx, op.start(x))
	if err == nil {
		require.Equal(t, after, x.ptes())
		return false
	}
	require.Equal(t, context.Canceled, err)
	x.check(t)
	for i, now := range x.ptes() {
		ea := x.touched[i].EA
		require.Contains(t, []pte.LinuxPTE{before[i], after[i]}, now, "PTE of %v, of %v", ea, x.touched[i].Space)
		if op.ranged != nil && before[i] != after[i] {
			require.Equal(t, ea < res.Next, now == after[i], "%v, and Next is %v", ea, res.Next)
		}
		if now == before[i] && now != after[i] { // what is not done can be used
			holds(t, x.c, x.touched[i].Space, ea, uint64(ea))
		}
	}
	_, err = op.do(x, context.Background(), res.Next)
	require.NoError(t, err)
	x.check(t)
	require.Equal(t, after, x.ptes())
	return true
}
