package mm_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hashmmu/ppc64/mm"
	"github.com/hashmmu/ppc64/pte"
)

// TestClearYoung: every access after it is seen again, as no CPU has kept a
// translation; the hash bits stay.
func TestClearYoung(t *testing.T) {
	for _, p := range allPolicies() {
		m, as := mapped(t, mm.Config{Policy: p}, 3)
		c, l := m.CPU(0), m.Kernel().Layout
		hint := l.Hint(as.PTE(base))
		res, err := m.CPU(1).ClearYoung(ctx, as)
		require.NoError(t, err)
		require.Equal(t, mm.Result{Next: base + 3<<12, Pages: 3}, res)
		require.Zero(t, as.PTE(base)&l.Accessed)
		require.Equal(t, hint, l.Hint(as.PTE(base)))
		require.NoError(t, m.Check())
		holds(t, c, as, base+1<<12, 2)
		require.Zero(t, as.PTE(base)&l.Accessed)
		require.NotZero(t, as.PTE(base+1<<12)&l.Accessed)
		res, err = c.ClearYoung(ctx, as)
		require.NoError(t, err)
		require.Equal(t, 1, res.Pages)
		require.NoError(t, m.Check())
	}
}

// TestClearSoftDirty: after it every store is seen, by whatever way the page came
// to be writable.
func TestClearSoftDirty(t *testing.T) {
	for _, p := range allPolicies() {
		m, as := mapped(t, mm.Config{Policy: p}, 4)
		c := m.CPU(0)
		file, at := m.NewMapping(4, false), base+1<<24
		require.NoError(t, c.Map(as, mm.VMA{Range: mm.Pages(at, 4), Prot: rw, Shared: true, File: file}))
		require.NoError(t, c.Store(as, at, 9))
		_, err := c.Load(as, at+1<<12)
		require.NoError(t, err)
		dirty := func(ea pte.EA) bool {
			d, err := c.SoftDirty(as, ea)
			require.NoError(t, err)
			return d
		}
		require.True(t, dirty(at+3<<12), "never cleared")

		res, err := m.CPU(1).ClearSoftDirty(ctx, as)
		require.NoError(t, err)
		require.Equal(t, mm.Result{Next: at + 4<<12, Pages: 6}, res)
		require.NoError(t, m.Check())
		for _, ea := range []pte.EA{base, base + 1<<12, at, at + 1<<12, at + 2<<12} {
			require.False(t, dirty(ea))
			_, err := c.Load(as, ea)
			require.NoError(t, err)
			require.False(t, dirty(ea), "loads do not count")
		}
		_, err = c.Protect(ctx, as, mm.Pages(at, 2), pte.Read)
		require.NoError(t, err)
		_, err = c.Protect(ctx, as, mm.Pages(at, 2), rw)
		require.NoError(t, err)
		for _, ea := range []pte.EA{base, at, at + 1<<12, at + 2<<12, at + 3<<12} {
			require.NoError(t, c.Store(as, ea, 77))
			require.True(t, dirty(ea), "%v", ea)
		}
		require.False(t, dirty(base+1<<12))

		_, err = c.ClearSoftDirty(ctx, as)
		require.NoError(t, err)
		require.NoError(t, c.Store(as, base+2<<12, 30))
		require.True(t, c.SwapOut(as, base+2<<12))
		require.True(t, c.SwapOut(as, base+3<<12))
		require.True(t, dirty(base+2<<12), "kept in the swap entry")
		require.False(t, dirty(base+3<<12))
		holds(t, c, as, base+2<<12, 30)
		require.True(t, c.Migrate(as, base+2<<12))
		require.True(t, dirty(base+2<<12))
		require.True(t, c.SwapOut(as, base+2<<12))
		_, err = c.ClearSoftDirty(ctx, as)
		require.NoError(t, err)
		holds(t, c, as, base+2<<12, 30)
		require.False(t, dirty(base+2<<12), "cleared there")

		late := base + 1<<25
		require.NoError(t, c.Map(as, mm.VMA{Range: mm.Pages(late, 1), Prot: rw}))
		require.True(t, dirty(late), "mapped since")
		_, err = c.ClearSoftDirty(ctx, as)
		require.NoError(t, err)
		_, err = c.Remap(ctx, as, mm.Pages(base, 1), base+1<<26)
		require.NoError(t, err)
		require.True(t, dirty(base+1<<26), "moved since")
		child := m.NewAddressSpace(8)
		_, err = c.Fork(ctx, as, child)
		require.NoError(t, err)
		d, err := c.SoftDirty(child, base+1<<12)
		require.NoError(t, err)
		require.False(t, d)
		require.NoError(t, c.Store(child, base+1<<12, 78))
		d, err = c.SoftDirty(child, base+1<<12)
		require.NoError(t, err)
		require.True(t, d)
		require.NoError(t, m.Check())
	}
}

// TestClearRefsUnsupported: 2.6.20 has no clear_refs.
func TestClearRefsUnsupported(t *testing.T) {
	m, as := mapped(t, mm.Config{Kernel: mm.Linux2620}, 1)
	c := m.CPU(0)
	_, err := c.ClearYoung(ctx, as)
	require.ErrorIs(t, err, mm.ErrUnsupported)
	_, err = c.ClearSoftDirty(ctx, as)
	require.ErrorIs(t, err, mm.ErrUnsupported)
	_, err = c.SoftDirty(as, base)
	require.ErrorIs(t, err, mm.ErrUnsupported)
}

// TestProtectRaisesTracked: mprotect lets a process store at once to a page whose
// stores have been noted since its soft-dirty bit was cleared, and to no other.
func TestProtectRaisesTracked(t *testing.T) {
	m, as := mapped(t, mm.Config{}, 2)
	c, l := m.CPU(0), m.Kernel().Layout
	_, err := c.ClearSoftDirty(ctx, as)
	require.NoError(t, err)
	require.NoError(t, c.Store(as, base, 5))
	for _, a := range []pte.Access{pte.Read, rw} {
		_, err = c.Protect(ctx, as, mm.Pages(base, 2), a)
		require.NoError(t, err)
	}
	require.NotZero(t, as.PTE(base)&l.Write)
	require.Zero(t, as.PTE(base+1<<12)&l.Write)
	require.NoError(t, m.Check())
}
