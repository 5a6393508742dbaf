package pte_test

import (
	"math/bits"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/hashmmu/ppc64/pte"
)

var (
	layouts    = []*pte.Layout{pte.Linux2620, pte.Linux61}
	layouts64K = []*pte.Layout{pte.Linux2620With64K, pte.Linux61With64K}
	allLayouts = append(append([]*pte.Layout(nil), layouts...), layouts64K...)
)

// TestLayoutBits pins every bit of both kernels.
func TestLayoutBits(t *testing.T) {
	l := pte.Linux2620
	require.EqualValues(t, 0x001, l.Present)
	require.EqualValues(t, 0x002, l.User)
	require.EqualValues(t, 0x004, l.Exec)
	require.EqualValues(t, 0x080, l.Dirty)
	require.EqualValues(t, 0x100, l.Accessed)
	require.EqualValues(t, 0x200, l.Write)
	require.EqualValues(t, 0x400, l.HashPTE)
	require.EqualValues(t, 0x800, l.Busy)
	require.EqualValues(t, 0x8000, l.Second)
	require.EqualValues(t, 0x7000, l.GIX)
	require.EqualValues(t, 0xfc00, l.HPTEFlags())
	require.Zero(t, l.Leaf|l.Invalid|l.Read|l.Kernel|l.SoftDirty)
	require.Equal(t, l.Dirty, l.Stored())

	l = pte.Linux61
	require.EqualValues(t, 0x1, l.Exec)
	require.EqualValues(t, 0x2, l.Write)
	require.EqualValues(t, 0x4, l.Read)
	require.EqualValues(t, 0x8, l.Kernel)
	require.EqualValues(t, 0x40, l.Busy)
	require.EqualValues(t, 0x80, l.Dirty)
	require.EqualValues(t, 0x100, l.Accessed)
	require.EqualValues(t, 0x200, l.SoftDirty)
	require.EqualValues(t, 0x180|0x200, l.Accessed|l.Stored())
	require.EqualValues(t, uint64(1<<60), l.HashPTE)
	require.EqualValues(t, uint64(7<<53), l.GIX)
	require.EqualValues(t, uint64(1<<56), l.Second)
	require.EqualValues(t, uint64(1<<61), l.Invalid)
	require.EqualValues(t, uint64(1<<62), l.Leaf)
	require.EqualValues(t, uint64(1<<63), l.Present)
	require.EqualValues(t, uint64(1<<53-1<<12), l.RPN)
	require.Zero(t, l.User)
}

// TestLayoutFieldsAreDisjoint: no bit means two things, but for the slot of a whole
// page of 64K where the valid bits of its pieces would be.
func TestLayoutFieldsAreDisjoint(t *testing.T) {
	for _, l := range allLayouts {
		n := 0
		var all pte.LinuxPTE
		for _, f := range []pte.LinuxPTE{l.Present, l.Leaf, l.Invalid, l.Read, l.Write, l.Exec, l.User, l.Kernel,
			l.Dirty, l.Accessed, l.SoftDirty, l.Busy, l.HashPTE, l.Second | l.GIX | l.Sub, l.Combo, l.FourK, l.RPN} {
			n += bits.OnesCount64(uint64(f))
			all |= f
		}
		require.Equal(t, n, bits.OnesCount64(uint64(all)), l.Name)
	}
}

// TestHintInPTE (P3, P4): the hint comes back and touches nothing else.
func TestHintInPTE(t *testing.T) {
	for _, l := range layouts {
		rapid.Check(t, func(t *rapid.T) {
			p := pte.LinuxPTE(rapid.Uint64().Draw(t, "pte"))
			h := pte.SlotHint(0)
			if i := rapid.IntRange(-1, 15).Draw(t, "place"); i >= 0 {
				h = pte.MakeSlotHint(i >= 8, i&7)
			}
			q := l.WithHint(p, h)
			require.Equal(t, h, l.Hint(q))
			flags := l.HPTEFlags() &^ l.Busy
			require.Equal(t, p&^flags, q&^flags, "BUSY and the rest stay")
			require.Equal(t, l.None(p), l.None(q))
			if h.Hashed() && l == pte.Linux2620 {
				require.EqualValues(t, h.HIdx(), q>>12&0xf)
			}
			if h.Hashed() && l == pte.Linux61 {
				require.EqualValues(t, h.HIdx(), q>>53&0xf)
			}
		})
	}
}

func TestMakePTE(t *testing.T) {
	for _, l := range allLayouts {
		require.True(t, l.None(0), "P1")
		require.False(t, l.IsPresent(0), "P1")
		require.Zero(t, l.RealHint(pte.RealPTE{}), "P1")
		rapid.Check(t, func(t *rapid.T) {
			ra := pte.RA(rapid.Uint64Range(0, 1<<32-1).Draw(t, "frame")) << l.Page.Shift()
			a := pte.Access(rapid.IntRange(1, 7).Draw(t, "access")) | pte.Read
			p := l.Make(ra, a)
			require.Equal(t, ra, l.RA(p))
			require.Equal(t, a, l.Granted(p))
			require.True(t, l.IsPresent(p))
			require.False(t, l.None(p))
			require.Equal(t, p, l.WithRA(l.Make(0x70000, a), ra))
			require.False(t, l.RealHint(pte.RealPTE{PTE: p}).Hashed())
			b := pte.Access(rapid.IntRange(1, 7).Draw(t, "access")) | pte.Read
			require.Equal(t, l.Make(ra, b), l.WithAccess(p, b))
			require.Equal(t, uint8(pte.Memory), l.Attr(p).WIMG)
		})
	}
}

// TestPresence pins the states in which a kernel takes an entry as present.
func TestPresence(t *testing.T) {
	l := pte.Linux61
	p := l.Make(0x5000, pte.Read|pte.Write)
	changing := p&^l.Present | l.Invalid // modify_prot has begun
	require.True(t, l.IsPresent(changing))
	require.Zero(t, l.Granted(changing))
	require.False(t, l.IsPresent(p&^l.Present))
	require.False(t, l.IsPresent(l.Invalid))
	require.Zero(t, l.Granted(p|l.Kernel))
	require.Zero(t, l.Granted(l.WithAccess(p, 0)), "protnone")

	l = pte.Linux2620
	p = l.Make(0x5000, pte.Read)
	require.False(t, l.IsPresent(p&^l.Present))
	require.Zero(t, l.Granted(p&^l.User))
}

// TestProtection pins htab_convert_pte_flags of both kernels, row by row.
func TestProtection(t *testing.T) {
	const r, w, x, kernel, dirty = 4, 2, 1, 8, 0x80
	for _, c := range []struct {
		bits   pte.LinuxPTE
		pp     uint8
		noexec bool
	}{
		{r, pte.PPRead, true},
		{r | x, pte.PPRead, false},
		{r | w, pte.PPRead, true}, // writable but clean
		{r | w | dirty, pte.PPUserRW, true},
		{r | w | x | dirty, pte.PPUserRW, false},
		{r | dirty, pte.PPRead, true},
		{x, pte.PPRead, false},
		{0, pte.PPUserRead, true},
		{kernel | r, pte.PPSupervisorR, true},
		{kernel | r | dirty, pte.PPSupervisorR, true},
		{kernel | r | w, pte.PPSupervisorRW, true},
		{kernel | r | w | x, pte.PPSupervisorRW, false},
	} {
		a := pte.Linux61.Attr(pte.Linux61.Present | pte.Linux61.Leaf | c.bits)
		require.Equal(t, pte.Attr{PP: c.pp, NoExec: c.noexec, Ref: true, Chg: c.bits&dirty != 0, WIMG: pte.Memory}, a, "%#x", c.bits)
	}
	for cache, wimg := range map[pte.LinuxPTE]uint8{0: 2, 0x10: 8 | 4 | 2, 0x20: 4 | 1, 0x30: 4} {
		require.Equal(t, wimg, pte.Linux61.Attr(r|cache).WIMG, "%#x", cache)
	}
	for key, want := range map[pte.LinuxPTE]uint8{1 << 57: 2, 1 << 58: 4, 1 << 59: 8, 7 << 57: 14, 1 << 60: 0, 1 << 56: 0} {
		require.Equal(t, want, pte.Linux61.Attr(r|key).Key, "%#x", uint64(key))
	}

	const user, exec, write, accessed = 2, 4, 0x200, 0x100
	for _, c := range []struct {
		bits   pte.LinuxPTE
		pp     uint8
		noexec bool
	}{
		{user, pte.PPRead, true},
		{user | exec, pte.PPRead, false},
		{user | write, pte.PPRead, true}, // writable but clean
		{user | write | dirty, pte.PPUserRW, true},
		{user | dirty, pte.PPRead, true},
		{write | dirty, pte.PPSupervisorRW, true},
		{0, pte.PPUserRead, true},
	} {
		a := pte.Linux2620.Attr(c.bits | 1)
		require.Equal(t, pte.Attr{PP: c.pp, NoExec: c.noexec, Chg: true}, a, "%#x", c.bits)
		a = pte.Linux2620.Attr(c.bits | 1 | accessed | 0x78)
		require.Equal(t, pte.Attr{PP: c.pp, NoExec: c.noexec, Ref: true, Chg: true, WIMG: 15}, a, "%#x", c.bits)
	}
}

// TestNoCache: device storage comes out cache-inhibited and guarded, so hardware
// fetches nothing from it.
func TestNoCache(t *testing.T) {
	for _, l := range allLayouts {
		p := l.Make(0x50000, pte.Read|pte.Exec)
		require.False(t, l.Inhibited(p))
		require.True(t, l.Inhibited(p|l.NoCache))
		a := l.Attr(p | l.NoCache)
		require.EqualValues(t, 4|1, a.WIMG&(4|1))
		require.False(t, pte.HPTE{}.WithAttr(a).Permits(true).Has(pte.Exec))
	}
}

// TestWritableEntriesHaveC: hardware need never write C, since whatever user code
// can write has it; eviction without a flush relies on that.
func TestWritableEntriesHaveC(t *testing.T) {
	for _, l := range allLayouts {
		rapid.Check(t, func(t *rapid.T) {
			p := pte.LinuxPTE(rapid.Uint64().Draw(t, "pte")) | l.Present | l.Leaf | l.User
			p &^= l.Kernel
			a := l.Attr(p)
			h := pte.HPTE{}.WithAttr(a)
			if h.Permits(true).Has(pte.Write) {
				require.True(t, a.Chg)
				require.NotZero(t, p&l.Dirty)
				require.NotZero(t, p&l.Write)
			}
		})
	}
}

// TestProtNone: which entries of 6.1 map a page for nobody; 2.6.20 has none.
func TestProtNone(t *testing.T) {
	l := pte.Linux61
	made := func(a pte.Access) pte.LinuxPTE { return l.Make(0x5000, a) | l.Accessed }
	for _, c := range []struct {
		name  string
		p     pte.LinuxPTE
		none  bool
		saved bool
	}{
		{"none", 0, false, false},
		{"readable", made(pte.Read), false, false},
		{"PROT_NONE", made(0), true, true},
		{"hinted, was writable", l.Hinting(made(pte.Read | pte.Write)), true, true},
		{"hinted, was read-only", l.Hinting(made(pte.Read)), true, false},
		{"hinted, was code", l.Hinting(made(pte.Read | pte.Exec)), true, false},
		{"being changed", made(0)&^l.Present | l.Invalid, false, false},
		{"for the kernel", made(pte.Read) | l.Kernel, false, false},
	} {
		require.Equal(t, c.none, l.ProtNone(c.p), c.name)
		require.Equal(t, c.saved, l.SavedWrite(c.p), c.name)
		require.False(t, pte.Linux2620.ProtNone(c.p), c.name)
		clr, set := l.WriteProtect(c.p)
		require.False(t, l.Writable(c.p&^clr|set), c.name)
		require.Equal(t, c.none, l.ProtNone(c.p&^clr|set), c.name)
	}
	p := l.Hinting(made(pte.Read|pte.Write) | l.Dirty)
	require.Zero(t, l.Granted(p))
	require.True(t, l.IsPresent(p))
	require.True(t, l.Writable(p), "saved")
	require.True(t, l.Writable(made(pte.Read|pte.Write)))
	require.False(t, l.Writable(made(pte.Read|pte.Exec)))
	require.Equal(t, made(pte.Read)|l.Dirty, l.WithAccess(p, pte.Read), "all but the access stays")
	require.Equal(t, made(pte.Read), l.WithAccess(l.Hinting(made(pte.Read)), pte.Read), "and the kernel's bit goes")
}
