package mm_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hashmmu/ppc64/batch"
	"github.com/hashmmu/ppc64/hpt"
	"github.com/hashmmu/ppc64/mm"
	"github.com/hashmmu/ppc64/mm/mmtest"
	"github.com/hashmmu/ppc64/pte"
	"github.com/hashmmu/ppc64/tlb"
)

func TestConfigErrors(t *testing.T) {
	table, err := hpt.New(hpt.Config{})
	require.NoError(t, err)
	defer func() { require.NoError(t, table.Close()) }()
	for field, cfg := range map[string]mm.Config{
		"Table":  {},
		"CPUs":   {Table: table, CPUs: mm.MaxCPUs + 1},
		"Frames": {Table: table, Frames: -1},
		"Locks":  {Table: table, Locks: 9},
		"TLB":    {Table: table, TLB: tlb.CacheConfig{Sets: 3}},
	} {
		m, err := mm.New(cfg)
		require.Nil(t, m, field)
		require.ErrorIs(t, err, mm.ErrConfig)
		var ce *mm.ConfigError
		require.True(t, errors.As(err, &ce))
		require.Equal(t, field, ce.Field)
		require.ErrorContains(t, err, field+" = ")
	}
	for _, k := range []*mm.Kernel{{}, {Layout: pte.Linux61}, {Layout: pte.Linux61, VSID: &pte.VSIDScheme{}}, {VSID: pte.VSID61}} {
		_, err = mm.New(mm.Config{Table: table, Kernel: k})
		require.ErrorContains(t, err, "no Layout or no VSID")
	}
	far := *mm.Linux2620
	far.TaskSize *= 2 // within 64 bits, beyond its page tables
	_, err = mm.New(mm.Config{Table: table, Kernel: &far})
	require.ErrorContains(t, err, "does not reach TaskSize")
	_, err = mm.New(mm.Config{Table: table, CPUs: -1})
	require.ErrorIs(t, err, mm.ErrConfig)
	m, err := mm.New(mm.Config{Table: table})
	require.NoError(t, err)
	require.Equal(t, 2, m.CPUs())
	require.Equal(t, mm.Linux61, m.Kernel())
}

// TestConfigLimits: the smallest and the largest machine can be made, one beyond
// either cannot.
func TestConfigLimits(t *testing.T) {
	table, err := hpt.New(hpt.Config{})
	require.NoError(t, err)
	defer func() { require.NoError(t, table.Close()) }()
	for field, c := range map[string]struct {
		set       func(cfg *mm.Config, n int)
		good, bad []int
	}{
		"CPUs":       {func(cfg *mm.Config, n int) { cfg.CPUs = n }, []int{0, 1, mm.MaxCPUs}, []int{-1, mm.MaxCPUs + 1}},
		"Frames":     {func(cfg *mm.Config, n int) { cfg.Frames = n }, []int{0, 1}, []int{-1}},
		"Swap":       {func(cfg *mm.Config, n int) { cfg.Swap = n }, []int{0, 1}, []int{-1}},
		"HugeFrames": {func(cfg *mm.Config, n int) { cfg.HugeFrames, cfg.HugePieces = n, 1 }, []int{0, 1, 4096}, []int{-1, 4097}},
		"HugePieces": {func(cfg *mm.Config, n int) { cfg.HugeFrames, cfg.HugePieces = 1, n }, []int{0, 1, 4096}, []int{-1, 4097}},
		"Batch":      {func(cfg *mm.Config, n int) { cfg.Batch = n }, []int{0, 1, batch.MaxEntries}, []int{-1, batch.MaxEntries + 1}},
	} {
		for _, n := range c.good {
			cfg := mm.Config{Table: table}
			c.set(&cfg, n)
			_, err := mm.New(cfg)
			require.NoError(t, err, "%s = %d", field, n)
		}
		for _, n := range c.bad {
			cfg := mm.Config{Table: table}
			c.set(&cfg, n)
			_, err := mm.New(cfg)
			var ce *mm.ConfigError
			require.ErrorAs(t, err, &ce, "%s = %d", field, n)
			require.Equal(t, field, ce.Field)
		}
	}
	if limit := uint64(pte.RRPN) >> pte.VPNShift / 2; uint64(int(limit)) == limit {
		_, err := mm.New(mm.Config{Table: table, Frames: int(limit)})
		require.ErrorIs(t, err, mm.ErrConfig, "frames beyond the real address range")
	}
}

// TestContexts: a context number is one space's, and none for which there are no VSIDs.
func TestContexts(t *testing.T) {
	for _, k := range mm.Kernels() {
		m := newMachine(t, mm.Config{Kernel: k})
		last := k.VSID.MaxContext()
		m.NewAddressSpace(last)
		taken, beyond := fmt.Sprintf("mm: bad context number: %d is taken", last), fmt.Sprintf("mm: bad context number: %d, the last is %d", last+1, last)
		require.PanicsWithError(t, taken, func() { m.NewAddressSpace(last) })
		require.PanicsWithError(t, beyond, func() { m.NewAddressSpace(last + 1) })
		for want, context := range map[string]uint64{taken: last, beyond: last + 1} {
			space, err := m.NewKernelSpace(context, mm.Pages(base, 1))
			require.ErrorIs(t, err, mm.ErrContext)
			require.EqualError(t, err, want)
			require.Nil(t, space)
		}
		space, err := m.NewKernelSpace(7, mm.Range{})
		require.ErrorIs(t, err, mm.ErrRange)
		require.Nil(t, space)
		_, err = m.NewKernelSpace(7, mm.Pages(base, 1))
		require.NoError(t, err, "there is none that has it")
	}
}

func TestParseKernel(t *testing.T) {
	for _, k := range mm.Kernels() {
		got, err := mm.ParseKernel(k.Name)
		require.NoError(t, err)
		require.Equal(t, k, got)
	}
	_, err := mm.ParseKernel("2.4")
	require.ErrorContains(t, err, `"2.4"; one of [2.6.20 6.1 2.6.20-64k 6.1-64k]`)
}

func TestBadRanges(t *testing.T) {
	for _, k := range mm.Kernels() {
		m := newMachine(t, mm.Config{Kernel: k})
		as, c := m.NewAddressSpace(7), m.CPU(0)
		f := m.NewMapping(4, false)
		for _, r := range []mm.Range{{}, {Start: base, End: base}, {Start: base + 1, End: base + 0x2000}, {Start: base, End: base + 0xfff},
			{Start: base + 0x1000, End: base}, {Start: k.TaskSize - 0x1000, End: k.TaskSize + 0x1000}} {
			require.ErrorIs(t, c.Map(as, mm.VMA{Range: r, Prot: rw}), mm.ErrRange, "%v", r)
			_, err := c.Unmap(ctx, as, r)
			require.ErrorIs(t, err, mm.ErrRange)
			_, err = c.ZapPageRange(ctx, as, r)
			require.ErrorIs(t, err, mm.ErrRange)
			_, err = c.MadviseDontNeed(ctx, as, r)
			require.ErrorIs(t, err, mm.ErrRange)
			_, err = c.Protect(ctx, as, r, rw)
			require.ErrorIs(t, err, mm.ErrRange)
		}
		_, err := c.PunchHole(ctx, f, 0, 0)
		require.ErrorIs(t, err, mm.ErrRange)
		require.ErrorIs(t, c.Map(as, mm.VMA{Range: mm.Pages(base, 1), Shared: true}), mm.ErrRange, "shared without a file")
		require.ErrorContains(t, c.Map(as, mm.VMA{Range: mm.Pages(base, 2), File: f, Offset: ^uint64(0)}), mm.ErrRange.Error()+": file page 0xffffffffffffffff and 1 more")
		require.NoError(t, c.Map(as, mm.VMA{Range: mm.Pages(base, 4), Prot: rw}))
		require.ErrorIs(t, c.Map(as, mm.VMA{Range: mm.Pages(base+0x3000, 4), Prot: rw}), mm.ErrOverlap)
		require.NoError(t, m.Check())
	}
}

// TestBeyondTaskSize: an address that no mapping can have reaches nothing, in
// particular not the page that its low bits name.
func TestBeyondTaskSize(t *testing.T) {
	for _, k := range mm.Kernels() {
		m := newMachine(t, mm.Config{Kernel: k})
		as, c := m.NewAddressSpace(7), m.CPU(0)
		require.NoError(t, c.Map(as, mm.VMA{Range: mm.Pages(base, 1), Prot: rw}))
		require.NoError(t, c.Store(as, base, 5))
		for _, ea := range []pte.EA{k.TaskSize, base + k.TaskSize, base + mm.MaxEA, base + 3<<60, ^pte.EA(0)} {
			_, err := c.Load(as, ea)
			require.ErrorIs(t, err, mm.ErrNoVMA, "%v", ea)
		}
		last := mm.Range{Start: k.TaskSize - 0x1000, End: k.TaskSize}
		require.NoError(t, c.Map(as, mm.VMA{Range: last, Prot: rw}))
		require.NoError(t, c.Store(as, last.Start, 6))
		v, err := c.Load(as, base)
		require.NoError(t, err)
		require.EqualValues(t, 5, v)
		require.NoError(t, m.Check())
	}
}

// TestProtNone: a page without any access is out of reach in every kernel, and
// keeps its contents.
func TestProtNone(t *testing.T) {
	forEachKernel(t, func(t *testing.T, cfg mm.Config) {
		m := newMachine(t, cfg)
		as, c := m.NewAddressSpace(7), m.CPU(0)
		r := mm.Pages(base, 1)
		require.NoError(t, c.Map(as, mm.VMA{Range: r, Prot: rw}))
		require.NoError(t, c.Store(as, base, 5))
		_, err := c.Protect(ctx, as, r, 0)
		require.NoError(t, err)
		_, err = m.CPU(1).Load(as, base)
		require.ErrorIs(t, err, mm.ErrProtected)
		_, err = c.Protect(ctx, as, r, pte.Read)
		require.NoError(t, err)
		v, err := c.Load(as, base)
		require.NoError(t, err)
		require.EqualValues(t, 5, v)
	})
}

// missing is a Backend whose translations are never found again.
type missing struct {
	mm.Backend
	misses int
}

func (b *missing) Walk(*mm.CPU, pte.Key, pte.Access) (mm.Translation, mm.Outcome) {
	return mm.Translation{}, mm.Miss
}

func (b *missing) Miss(*mm.CPU, *mm.AddressSpace, pte.EA, pte.Access, mm.Outcome) (bool, error) {
	b.misses++
	return true, nil
}

// TestPatience: an access is given up after as many tries as the machine was told, or
// an explorer's default.
func TestPatience(t *testing.T) {
	for want, cfg := range map[int]mm.Config{
		3: {Patience: 3},
		4: {Patience: 4, Stepper: new(mmtest.Stepper)},
		8: {Stepper: new(mmtest.Stepper)},
	} {
		var b *missing
		cfg.Backend = func(m *mm.Machine) mm.Backend { b = &missing{Backend: mm.NewHash(m)}; return b }
		m := newMachine(t, cfg)
		_, err := m.CPU(0).Load(m.NewAddressSpace(7), base)
		require.ErrorIs(t, err, mm.ErrRefault)
		require.Equal(t, want, b.misses)
	}
}

// TestStringsOfNoName: a number that is none of a type's values has a text too.
func TestStringsOfNoName(t *testing.T) {
	require.Equal(t, "denied Outcome(3)", fmt.Sprint(mm.Denied, mm.Outcome(3)))
	require.Equal(t, "striped LockGranularity(3)", fmt.Sprint(mm.LockStriped, mm.LockGranularity(3)))
}
