package mm_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hashmmu/ppc64/batch"
	"github.com/hashmmu/ppc64/mm"
	"github.com/hashmmu/ppc64/tlb"
)

// softMachine is a machine without a hash table, a private page mapped at 256M.
func softMachine(t *testing.T, part string, cfg mm.SoftConfig) (*mm.Machine, *mm.AddressSpace, *mm.SoftTLB) {
	var err error
	cfg.Profile, err = tlb.ByName(part)
	require.NoError(t, err)
	make, err := mm.NewSoftTLB(cfg)
	require.NoError(t, err)
	var soft *mm.SoftTLB
	m, err := mm.New(mm.Config{Policy: batch.AtFinish(), Backend: func(m *mm.Machine) mm.Backend {
		b := make(m)
		soft, _ = b.(*mm.SoftTLB)
		return b
	}})
	require.NoError(t, err)
	as := m.NewAddressSpace(7)
	require.NoError(t, m.CPU(0).Map(as, mm.VMA{Range: mm.Pages(base, 1), Prot: rw}))
	return m, as, soft
}

// TestSoftTLBOfItsOwn: no hash table is needed; what goes wrong is a typed error.
func TestSoftTLBOfItsOwn(t *testing.T) {
	m, as, soft := softMachine(t, "e5500", mm.SoftConfig{})
	require.NoError(t, m.CPU(0).Store(as, base, 42))
	v, err := m.CPU(1).Load(as, base)
	require.NoError(t, err)
	require.EqualValues(t, 42, v)
	soft.PowerOn()
	v, err = m.CPU(0).Load(as, base)
	require.NoError(t, err)
	require.EqualValues(t, 42, v)
	require.NoError(t, m.Check())
	_, err = m.CPU(0).Load(as, 1<<31)
	require.ErrorIs(t, err, mm.ErrReach)

	for i := range uint64(300) { // more spaces than context numbers
		_, err = m.CPU(0).Load(m.NewAddressSpace(1000+i), base)
		require.Error(t, err)
	}
	require.ErrorIs(t, err, mm.ErrReach)
}

func TestSoftTLBBadConfig(t *testing.T) {
	p, err := tlb.ByName("ppc440")
	require.NoError(t, err)
	_, err = mm.NewSoftTLB(mm.SoftConfig{Profile: p, Tasks: -1})
	require.ErrorIs(t, err, mm.ErrConfig)
	p.PPC4xx.Entries = 0
	_, err = mm.NewSoftTLB(mm.SoftConfig{Profile: p})
	require.ErrorIs(t, err, tlb.ErrProfile)
}

// TestSoftTLBNoticesTwoEntries: without the probe the first page fault makes two
// entries, and the part that notices ends the access.
func TestSoftTLBNoticesTwoEntries(t *testing.T) {
	for _, part := range []string{"r4000", "mips32r2"} {
		m, as, soft := softMachine(t, part, mm.SoftConfig{Guards: tlb.Guards{NoProbe: true}})
		_, err := m.CPU(0).Load(as, base)
		require.ErrorIs(t, err, mm.ErrMultiHit, part)
		c, ok := soft.Collision()
		require.True(t, ok)
		require.Equal(t, tlb.OnWrite, c.Report.When)
		dup, _ := as.Duplicate(base)
		require.True(t, dup)
		require.ErrorIs(t, m.Check(), mm.ErrDuplicate)
	}
}

// TestPostedCalls: a flush that does not wait leaves the other CPU with the old
// page; the call is taken when that CPU enters the kernel next.
func TestPostedCalls(t *testing.T) {
	m, as, _ := softMachine(t, "sparc64-tsb", mm.SoftConfig{PostCalls: true})
	for i := range 2 {
		require.NoError(t, m.CPU(i).Store(as, base, 42))
	}
	_, err := m.CPU(0).ZapPageRange(ctx, as, mm.Pages(base, 1))
	require.NoError(t, err)
	_, err = m.CPU(1).Load(as, base)
	require.NoError(t, err)
	require.ErrorIs(t, m.Check(), mm.ErrUseAfterFree, "the frame was free")
	v, err := m.CPU(1).Load(as, base)
	require.NoError(t, err)
	require.Zero(t, v, "the page of zeroes: Check has had the call taken")
}
