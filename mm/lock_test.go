package mm

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hashmmu/ppc64/hpt"
	"github.com/hashmmu/ppc64/pte"
)

const testEA pte.EA = 0x10000000

// testMachine is a machine with one space and one file.
func testMachine(t testing.TB, cfg Config) (*Machine, *AddressSpace, *Mapping) {
	var err error
	cfg.Table, err = hpt.New(hpt.Config{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, cfg.Table.Close()) })
	m, err := New(cfg)
	require.NoError(t, err)
	return m, m.NewAddressSpace(7), m.NewMapping(64, false)
}

// TestM6_LockOrder: every pair of ranks, in order and out of order.
func TestM6_LockOrder(t *testing.T) {
	m, as, f := testMachine(t, Config{})
	c := m.CPU(0)
	ptl := as.make(testEA).table.ptl
	locks := []*lock{&as.mmapSem, &f.iMmapLock, ptl}
	for i, first := range locks {
		for j, second := range locks {
			take := func() { c.lock(second, 0); c.unlock(second, 0) }
			c.lock(first, 0)
			if i < j {
				require.NotPanics(t, take)
			} else {
				require.PanicsWithValue(t, "mm: lock order: "+rankNames[second.rank]+" taken under "+rankNames[first.rank], take)
				require.Panics(t, func() { c.rlock(second, 0) })
			}
			c.unlock(first, 0)
			require.Empty(t, c.held)
		}
	}
	require.PanicsWithValue(t, "mm: PTE page lock released but not held", func() { c.unlock(ptl, 0) })
}

// TestM6_NestedLocks: a second lock of a rank is taken by lockNested only, and locks
// are given back in any order.
func TestM6_NestedLocks(t *testing.T) {
	m, as, _ := testMachine(t, Config{})
	c := m.CPU(0)
	first, second := as.make(testEA).table.ptl, as.make(testEA+1<<as.pgd.pmd).table.ptl
	c.lock(&as.mmapSem, 0)
	c.lock(first, 0)
	require.PanicsWithValue(t, "mm: lock order: PTE page lock taken under PTE page lock", func() { c.lock(second, 0) })
	require.PanicsWithValue(t, "mm: lock order: PTE page lock taken under PTE page lock", func() { c.lockNested(first, 0) })
	c.lockNested(second, 0)
	c.unlock(&as.mmapSem, 0)
	c.unlock(first, 0)
	require.Equal(t, []*lock{second}, c.held)
	c.unlock(second, 0)
	require.Empty(t, c.held)
}

// TestPTENeedsItsLock: no primitive changes a PTE without the PTE page lock, nor
// under that of another page.
func TestPTENeedsItsLock(t *testing.T) {
	m, as, _ := testMachine(t, Config{})
	c, p := m.CPU(0), as.make(testEA)
	primitives := map[string]func(){
		"getAndClear":    func() { c.getAndClear(p) },
		"clearFlush":     func() { c.clearFlush(p) },
		"setAccessFlags": func() { c.setAccessFlags(p, 0) },
		"set":            func() { c.set(p, 0) },
		"modifyProt":     func() { c.modifyProt(p, func(old pte.LinuxPTE) pte.LinuxPTE { return old }) },
	}
	other := as.make(testEA + 1<<as.pgd.pmd).table.ptl
	for name, f := range primitives {
		require.PanicsWithValue(t, "mm: PTE changed without its PTE page lock", f, name)
		c.lock(other, 0)
		require.Panics(t, f, name)
		c.unlock(other, 0)
		c.lock(p.table.ptl, 0)
		require.NotPanics(t, f, name)
		c.unlock(p.table.ptl, 0)
	}
}

// TestLockGranularity: which PTE pages share a lock.
func TestLockGranularity(t *testing.T) {
	for _, c := range []struct {
		g     LockGranularity
		name  string
		locks int // of 64 PTE pages
	}{{LockPerPage, "per-page", 64}, {LockPerSpace, "per-space", 1}, {LockStriped, "striped", 16}} {
		_, as, _ := testMachine(t, Config{Locks: c.g})
		locks := make(map[*lock]bool)
		span := pte.EA(1) << as.pgd.pmd
		for i := range pte.EA(64) {
			locks[as.make(testEA+i*span).table.ptl] = true
			require.Same(t, as.make(testEA+i*span).table.ptl, as.make(testEA+i*span+span-1).table.ptl)
		}
		require.Len(t, locks, c.locks)
		require.Equal(t, c.name, c.g.String())
		require.True(t, c.g.Valid())
	}
	require.False(t, LockGranularity(3).Valid())
}
