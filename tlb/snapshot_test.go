package tlb_test

import (
	"encoding"
	"encoding/binary"
	"testing"

	"github.com/cespare/xxhash/v2"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/hashmmu/ppc64/tlb"
)

// binaryState is what every MMU here offers.
type binaryState interface {
	encoding.BinaryMarshaler
	encoding.BinaryUnmarshaler
}

// newMMU makes the MMU of a MIPS or SPARC profile.
func newMMU(t require.TestingT, p tlb.Profile) binaryState {
	var m binaryState
	var err error
	switch {
	case p.Family == tlb.MIPS:
		m, err = tlb.NewMIPS(p)
	case p.Sparc.Format == tlb.TTE4v:
		m, err = tlb.NewSun4v(p)
	default:
		m, err = tlb.NewSun4u(p)
	}
	require.NoError(t, err)
	return m
}

// ownProfiles are the profiles of the families tested here.
func ownProfiles() (own []tlb.Profile) {
	for _, p := range tlb.Profiles {
		if p.Family == tlb.MIPS || p.Family == tlb.UltraSPARC {
			own = append(own, p)
		}
	}
	return own
}

// scramble runs random operations.
func scramble(t *rapid.T, m binaryState) {
	word := rapid.Uint64()
	for range rapid.IntRange(0, 60).Draw(t, "operations") {
		v, i := word.Draw(t, "value"), rapid.IntRange(0, 63).Draw(t, "entry")
		side := tlb.SparcSide(i & 1)
		switch m := m.(type) {
		case *tlb.MIPSMMU:
			m.Write(tlb.MIPSReg(v%16), v>>8)
			m.Write(tlb.Index, uint64(i%m.Len()))
			m.TLBWI()
			m.TLBWR()
			m.Translate(tlb.MIPSUser, tlb.Load, v)
		case *tlb.Sun4u:
			m.Write(side, tlb.Sun4uReg(v%6), v>>8)
			m.Write(side, tlb.TagAccess, v)
			m.DataIn(side, v|1<<63)
			m.DataAccess(side, i, v)
			m.Translate(tlb.KernelPrimary, tlb.Load, false, v)
		case *tlb.Sun4v:
			m.MapAddr(side, v, v>>20, v|1<<63)
			m.PrimaryContext = v & 0x1fff
			m.Translate(tlb.KernelPrimary, tlb.Load, false, v)
		}
	}
}

// TestSnapshotRoundTrip: a snapshot restores to an MMU whose snapshot is the
// same, and which goes on as the first one does.
func TestSnapshotRoundTrip(t *testing.T) {
	for _, p := range ownProfiles() {
		t.Run(p.Name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				m, twin := newMMU(t, p), newMMU(t, p)
				scramble(t, m)
				snap, err := m.MarshalBinary()
				require.NoError(t, err)
				require.NoError(t, twin.UnmarshalBinary(snap))
				again, _ := twin.MarshalBinary()
				require.Equal(t, snap, again)
				switch m := m.(type) {
				case *tlb.MIPSMMU:
					i, f := m.TLBWR()
					j, g := twin.(*tlb.MIPSMMU).TLBWR()
					require.Equal(t, i, j)
					require.Equal(t, f, g)
				case *tlb.Sun4u:
					require.Equal(t, m.DataIn(tlb.DMMU, 1<<63), twin.(*tlb.Sun4u).DataIn(tlb.DMMU, 1<<63))
				}
			})
		})
	}
}

// TestSnapshotRefusals: a snapshot that is damaged or of another part changes
// nothing and says why.
func TestSnapshotRefusals(t *testing.T) {
	profiles := ownProfiles()
	for i, p := range profiles {
		m := newMMU(t, p)
		before, _ := m.MarshalBinary()
		other, _ := newMMU(t, profiles[(i+1)%len(profiles)]).MarshalBinary()
		damaged := append([]byte(nil), before...)
		damaged[len(damaged)/2] ^= 1
		for name, b := range map[string][]byte{"empty": nil, "short": before[:len(before)-1], "damaged": damaged, "another part": other} {
			err := m.UnmarshalBinary(b)
			require.ErrorIs(t, err, tlb.ErrSnapshot, "%s: %s", p.Name, name)
			var typed *tlb.SnapshotError
			require.ErrorAs(t, err, &typed)
			require.NotEmpty(t, typed.Error())
		}
		after, _ := m.MarshalBinary()
		require.Equal(t, before, after)
	}
}

func TestTSBImage(t *testing.T) {
	a, b := newTSB(t, tlb.TSBConfig{}), newTSB(t, tlb.TSBConfig{})
	a.Insert(0x2000, 0x1234)
	a.Lock(0x4000)
	image, err := a.MarshalBinary()
	require.NoError(t, err)
	require.Len(t, image, 8192)
	require.Equal(t, uint64(0x1234), binary.BigEndian.Uint64(image[16+8:]))
	require.NoError(t, b.UnmarshalBinary(image))
	tte, ok := b.Lookup(0x2000)
	require.True(t, ok)
	require.Equal(t, uint64(0x1234), tte)
	require.True(t, b.Lock(0x4000), "the lock's holder is not in the image")
	require.ErrorIs(t, b.UnmarshalBinary(image[1:]), tlb.ErrSnapshot)
	var typed *tlb.SnapshotError
	require.ErrorAs(t, b.UnmarshalBinary(image[1:]), &typed)
	require.Equal(t, tlb.SnapshotError{Field: "length", Offset: 8191, Got: 8191, Want: 8192}, *typed)
}

// FuzzSnapshot feeds the decoder bodies of any content under a right seal: the
// MMU must stay usable, and its own snapshot must then restore to the same.
func FuzzSnapshot(f *testing.F) {
	profiles := ownProfiles()
	for i, p := range profiles {
		b, _ := newMMU(f, p).MarshalBinary()
		f.Add(byte(i), b[:len(b)-8])
	}
	f.Fuzz(func(t *testing.T, which byte, body []byte) {
		p := profiles[int(which)%len(profiles)]
		m := newMMU(t, p)
		if m.UnmarshalBinary(body) == nil {
			return // sealed by itself
		}
		if m.UnmarshalBinary(binary.BigEndian.AppendUint64(body, xxhash.Sum64(body))) != nil {
			return
		}
		use(m)
		snap, _ := m.MarshalBinary()
		twin := newMMU(t, p)
		require.NoError(t, twin.UnmarshalBinary(snap))
		again, _ := twin.MarshalBinary()
		require.Equal(t, snap, again)
	})
}

// use makes every kind of operation once.
func use(m binaryState) {
	switch m := m.(type) {
	case *tlb.MIPSMMU:
		m.Translate(tlb.MIPSUser, tlb.Load, 0x1234)
		m.TLBP()
		m.TLBR()
		m.TLBWI()
		m.TLBWR()
		m.TLBINV()
		m.TLBINVF()
	case *tlb.Sun4u:
		for _, s := range []tlb.SparcSide{tlb.DMMU, tlb.IMMU} {
			m.Translate(tlb.UserPrimary, tlb.Store, false, 0x1234)
			m.DataIn(s, 1<<63)
			m.ReadData(s, 0)
			m.TSBPointers(s)
			m.Demap(s, 0x40)
		}
	case *tlb.Sun4v:
		m.Translate(tlb.UserPrimary, tlb.Fetch, false, 0x1234)
		m.MapAddr(tlb.IMMU, 0x2000, 1, 1<<63)
		m.DemapAll(tlb.DMMU)
	}
}
