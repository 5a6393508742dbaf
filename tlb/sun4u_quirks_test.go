package tlb_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hashmmu/ppc64/tlb"
)

// sun4uPair makes the part and the recorded machine.
func sun4uPair(t *testing.T, q tlb.Quirk) (part, recorded *tlb.Sun4u) {
	p, err := tlb.ByName("ultrasparc")
	require.NoError(t, err)
	part, err = tlb.NewSun4u(p)
	require.NoError(t, err)
	p.Quirks = q
	recorded, err = tlb.NewSun4u(p)
	require.NoError(t, err)
	return part, recorded
}

func TestQuirkSearchOrderSun4u(t *testing.T) {
	part, recorded := sun4uPair(t, tlb.QuirkSearchOrder)
	for u, pa := range map[*tlb.Sun4u]uint64{part: 0x300000, recorded: 0x200000} {
		u.Write(tlb.DMMU, tlb.TagAccess, 0x40000000)
		u.DataAccess(tlb.DMMU, 9, tteV|0x100000)
		u.DataAccess(tlb.DMMU, 4, tteV|0x200000)
		r := u.Translate(tlb.KernelPrimary, tlb.Load, false, 0x40000000)
		require.Equal(t, pa, r.PA)
		require.Equal(t, tlb.Hit{N: 2, First: 4, Second: 9}, r.Hit)
	}
}

func TestQuirkSun4uSoftBits(t *testing.T) {
	part, recorded := sun4uPair(t, tlb.QuirkSun4uSoftBits)
	const (
		size512K = 2 << 61
		soft2    = 0x1ff << 50
		soft     = 0x3f << 7
		nfo      = 1 << 60
		cv       = 1 << 4
	)
	tte := uint64(tteV | size512K | nfo | soft2 | 0x180000 | soft | cv | 1<<6)
	for _, side := range []tlb.SparcSide{tlb.DMMU, tlb.IMMU} {
		for _, u := range []*tlb.Sun4u{part, recorded} {
			u.DataAccess(side, 7, tte)
		}
		require.Equal(t, tte, recorded.ReadData(side, 7))
	}
	const diag = 3<<42 | 3<<45 // 512K, in both size fields
	want := uint64(tteV | size512K | nfo | diag | 0x180000 | cv | 1<<6)
	require.Equal(t, want, part.ReadData(tlb.DMMU, 7))
	require.Equal(t, want&^(nfo|cv), part.ReadData(tlb.IMMU, 7))
}

func TestQuirkSun4uNoASI(t *testing.T) {
	part, recorded := sun4uPair(t, tlb.QuirkSun4uNoASI)
	for _, x := range []struct {
		mode tlb.Sun4uMode
		nf   bool
		asi  uint64
	}{
		{tlb.UserPrimary, false, 0x80}, {tlb.UserSecondary, false, 0x81}, {tlb.UserPrimary, true, 0x82},
		{tlb.UserSecondary, true, 0x83}, {tlb.Nucleus, false, 0x04},
	} {
		for u, asi := range map[*tlb.Sun4u]uint64{part: x.asi, recorded: 0} {
			// A side-effect page that only no-fault loads may use refuses every load.
			u.Write(tlb.DMMU, tlb.TagAccess, 0x2000)
			u.DataAccess(tlb.DMMU, 0, tteV|1<<60|1<<3|1)
			require.Equal(t, tlb.AccessFault, u.Translate(x.mode, tlb.Load, x.nf, 0x2000).Fault)
			require.Equal(t, asi, u.Read(tlb.DMMU, tlb.SFSR)>>16&0xff)
		}
	}
}

func TestQuirkSun4uSFARPage(t *testing.T) {
	part, recorded := sun4uPair(t, tlb.QuirkSun4uSFARPage)
	for u, sfar := range map[*tlb.Sun4u]uint64{part: 0x2345, recorded: 0x2000} {
		u.Write(tlb.DMMU, tlb.TagAccess, 0x2000)
		u.DataAccess(tlb.DMMU, 0, tteV)
		require.Equal(t, tlb.Protection, u.Translate(tlb.UserPrimary, tlb.Store, false, 0x2345).Fault)
		require.Equal(t, sfar, u.Read(tlb.DMMU, tlb.SFAR))
	}
}

func TestQuirkSun4uNoVAHole(t *testing.T) {
	part, recorded := sun4uPair(t, tlb.QuirkSun4uNoVAHole)
	const va = 0x0000_0800_0000_0000 // the first address beyond the lower half
	require.Equal(t, tlb.AddressError, part.Translate(tlb.UserPrimary, tlb.Load, false, va).Fault)
	require.NotZero(t, part.Read(tlb.DMMU, tlb.SFSR)&(1<<12), "out of range")
	require.Equal(t, tlb.TLBMiss, part.Translate(tlb.UserPrimary, tlb.Load, false, va-1).Fault)
	require.Equal(t, tlb.TLBMiss, part.Translate(tlb.UserPrimary, tlb.Load, false, ^uint64(va-1)).Fault)
	require.Equal(t, tlb.TLBMiss, recorded.Translate(tlb.UserPrimary, tlb.Load, false, va).Fault)
}
