package tlb_test

import (
	"math/bits"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hashmmu/ppc64/tlb"
)

// A quirk test runs the same few operations on the part and on the recorded
// machine and says what each answers.

// both makes the two.
func both(t *testing.T, profile string, q tlb.Quirk) (part, recorded *tlb.MIPSMMU) {
	return mipsOf(t, profile, 0), mipsOf(t, profile, q)
}

// put writes a page pair at an index.
func put(c *tlb.MIPSMMU, index, hi, mask, lo0, lo1 uint64) tlb.Fault {
	c.Write(tlb.EntryHi, hi)
	c.Write(tlb.PageMask, mask)
	c.Write(tlb.EntryLo0, lo0)
	c.Write(tlb.EntryLo1, lo1)
	c.Write(tlb.Index, index)
	return c.TLBWI()
}

func TestQuirkSearchOrderMIPS(t *testing.T) {
	part, recorded := both(t, "r4000", tlb.QuirkSearchOrder)
	for _, c := range []*tlb.MIPSMMU{part, recorded} {
		require.Equal(t, tlb.NoFault, put(c, 5, 0x10000, 0, lo(0x100000, true, true), 0))
		require.Equal(t, tlb.NoFault, put(c, 2, 0x10000, 0, lo(0x200000, true, true), 0))
	}
	require.Equal(t, tlb.Shutdown, part.Translate(tlb.MIPSUser, tlb.Load, 0x10000).Fault)
	r := recorded.Translate(tlb.MIPSUser, tlb.Load, 0x10000)
	require.True(t, r.OK())
	require.Equal(t, uint64(0x200000), r.PA, "the lowest index")
	require.Equal(t, tlb.Hit{N: 2, First: 2, Second: 5}, r.Hit)
}

func TestQuirkMIPSRandom(t *testing.T) {
	part, recorded := both(t, "mips32r2", tlb.QuirkMIPSRandom)
	n := part.Len()
	part.Write(tlb.Wired, 4)
	recorded.Write(tlb.Wired, 4)
	last := -1
	for i := range 100 {
		put(part, 0, uint64(i)<<13, 0, 0, 0)
		down, _ := part.TLBWR()
		require.Equal(t, n-1-i%(n-4), down)
		put(recorded, 0, uint64(i)<<13, 0, 0, 0)
		e, _ := recorded.TLBWR()
		require.NotEqual(t, last, e)
		require.GreaterOrEqual(t, e, 4)
		require.Less(t, e, n)
		last = e
	}
	before := recorded.Read(tlb.RandomReg)
	recorded.Step(1)
	require.Equal(t, before, recorded.Read(tlb.RandomReg), "an instruction does not count")
	recorded.Write(tlb.Wired, uint64(n-1))
	for i := range uint64(3) {
		put(recorded, 0, i<<13, 0, 0, 0)
		e, _ := recorded.TLBWR()
		require.Equal(t, n-1, e, "the one entry that is not wired")
	}
}

func TestQuirkMIPSVPNUnderMask(t *testing.T) {
	part, recorded := both(t, "mips32r2", tlb.QuirkMIPSVPNUnderMask)
	for c, want := range map[*tlb.MIPSMMU]uint64{part: 0x12340000, recorded: 0x12346000} {
		put(c, 3, 0x12346007, 0x1e000, 0, 0)
		c.TLBR()
		require.Equal(t, want|7, c.Read(tlb.EntryHi))
	}
}

func TestQuirkMIPSAnyPageMask(t *testing.T) {
	part, recorded := both(t, "r4000", tlb.QuirkMIPSAnyPageMask)
	for _, x := range []struct{ written, part, recorded uint64 }{
		{0x6000, 0x6000, 0x6000},
		{0x2000, 0, 0x2000},                 // 8K: no power of four
		{0x1ffe000, 0x1ffe000, 0x1ffe000},   // 16M
		{0x1fffe000, 0x1ffe000, 0x1fffe000}, // 256M, more than an R4000 has
		{0x1e000 | 1<<20, 0, 0},             // a gap
		{0xffffffff, 0x1ffe000, 0x1fffe000}, // how software asks for the largest
	} {
		part.Write(tlb.PageMask, x.written)
		recorded.Write(tlb.PageMask, x.written)
		require.Equal(t, x.part, part.Read(tlb.PageMask), "%#x", x.written)
		require.Equal(t, x.recorded, recorded.Read(tlb.PageMask), "%#x", x.written)
	}
}

func TestQuirkMIPSAddressErrorLoads(t *testing.T) {
	part, recorded := both(t, "mips64r2", tlb.QuirkMIPSAddressErrorLoads)
	const va = 0xffffffff80012345
	for _, c := range []*tlb.MIPSMMU{part, recorded} {
		c.Write(tlb.EntryHi, 0x7)
		r := c.Translate(tlb.MIPSUser, tlb.Store, va)
		require.Equal(t, tlb.AddressError, r.Fault)
		require.Equal(t, uint8(5), r.ExcCode())
		require.Equal(t, uint64(va), c.Read(tlb.BadVAddr))
	}
	require.Equal(t, uint64(7), part.Read(tlb.EntryHi))
	require.Zero(t, part.Read(tlb.Context))
	require.Zero(t, part.Read(tlb.XContext))
	require.Equal(t, uint64(0xc00003ff80012007), recorded.Read(tlb.EntryHi))
	require.NotZero(t, recorded.Read(tlb.Context))
	require.NotZero(t, recorded.Read(tlb.XContext))
}

func TestQuirkMIPSReadDespiteRI(t *testing.T) {
	part, recorded := both(t, "mips32r6", tlb.QuirkMIPSReadDespiteRI)
	const ri = 1 << 31
	for c, want := range map[*tlb.MIPSMMU]tlb.Access{part: tlb.Store | tlb.Fetch, recorded: tlb.Load | tlb.Store | tlb.Fetch} {
		put(c, 0, 0x10000, 0, lo(0x100000, true, true)|ri, 0)
		require.Equal(t, want, c.Translate(tlb.MIPSUser, tlb.Store, 0x10000).Prot)
		require.Equal(t, tlb.ReadInhibit, c.Translate(tlb.MIPSUser, tlb.Load, 0x10000).Fault)
	}
}

func TestQuirkMIPSWideMMID(t *testing.T) {
	part, recorded := both(t, "mips64r6-mmid", tlb.QuirkMIPSWideMMID)
	for c, hit := range map[*tlb.MIPSMMU]int{part: 1, recorded: 0} {
		c.Write(tlb.MemoryMapID, 0x10005)
		put(c, 0, 0x10000, 0, lo(0x100000, true, true), 0)
		c.Write(tlb.MemoryMapID, 0x5)
		require.EqualValues(t, hit, c.Translate(tlb.MIPSUser, tlb.Load, 0x10000).Hit.N)
	}
}

func TestQuirkMIPSStickyProbe(t *testing.T) {
	part, recorded := both(t, "mips32r6", tlb.QuirkMIPSStickyProbe)
	for c, want := range map[*tlb.MIPSMMU]uint64{part: 3, recorded: 0x80000003} {
		c.Write(tlb.EntryHi, 0x10000)
		c.TLBP()
		require.Equal(t, uint64(0x80000000), c.Read(tlb.Index), "no match")
		c.Write(tlb.Index, 3)
		require.Equal(t, want, c.Read(tlb.Index))
		c.Write(tlb.Index, 0x80000004)
		require.Equal(t, uint64(0x80000004), c.Read(tlb.Index))
	}
}

// TestQuirkTable: every quirk has a bit, a name and two descriptions of its own.
func TestQuirkTable(t *testing.T) {
	var all tlb.Quirk
	names := map[string]bool{}
	for _, q := range tlb.Quirks {
		require.Equal(t, 1, bits.OnesCount64(uint64(q.Quirk)), q.Name)
		require.False(t, all.Has(q.Quirk), q.Name)
		require.False(t, names[q.Name], q.Name)
		require.NotEmpty(t, q.Families)
		require.NotEmpty(t, q.Part)
		require.NotEmpty(t, q.Recorded)
		require.NotEqual(t, q.Part, q.Recorded)
		require.Equal(t, q.Name, q.Quirk.String())
		all |= q.Quirk
		names[q.Name] = true
	}
	require.Empty(t, tlb.Quirk(0).String())
	require.Equal(t, "search-order,mips-random", (tlb.QuirkSearchOrder | tlb.QuirkMIPSRandom).String())
}

// TestProfilesAreTheDocumentedParts: no named profile has a quirk, and every
// name finds its profile.
func TestProfilesAreTheDocumentedParts(t *testing.T) {
	for _, p := range tlb.Profiles {
		require.Zero(t, p.Quirks, p.Name)
		found, err := tlb.ByName(p.Name)
		require.NoError(t, err)
		require.Equal(t, p, found)
	}
	_, err := tlb.ByName("z80")
	require.ErrorIs(t, err, tlb.ErrProfile)
}
