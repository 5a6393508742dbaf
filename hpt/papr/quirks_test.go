package papr_test

import (
	"reflect"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hashmmu/ppc64/hpt/papr"
	"github.com/hashmmu/ppc64/pte"
)

// QEMU72 is every quirk there is.
func TestQEMU72HasAllQuirks(t *testing.T) {
	v := reflect.ValueOf(papr.QEMU72)
	for i := range v.NumField() {
		if f := v.Type().Field(i); f.IsExported() {
			require.True(t, v.Field(i).Bool(), f.Name)
		}
	}
}

func TestQuirkAcceptInvalid(t *testing.T) {
	both(t, papr.Quirks{AcceptInvalid: true}, func(t *testing.T, p partition, quirk bool) {
		k, e := small(0x123, 5)
		e.V &^= pte.VValid
		s := p.enter(t, k, e)
		require.Equal(t, !quirk, p.Table().Load(pte.Slot(s)).Valid())
		require.Equal(t, e.R, p.Table().Load(pte.Slot(s)).R)
	})
}

func TestQuirkAcceptReservedB(t *testing.T) {
	both(t, papr.Quirks{AcceptReservedB: true}, func(t *testing.T, p partition, quirk bool) {
		_, e := small(0x123, 5)
		for b := uint64(2); b <= 3; b++ {
			e.V = e.V&^(3<<62) | b<<62
			_, code := p.Enter(0, 0, e)
			require.Equal(t, choose(quirk, papr.Success, papr.Parameter), code)
		}
	})
}

func TestQuirkKeepReservedR(t *testing.T) {
	both(t, papr.Quirks{KeepReservedR: true}, func(t *testing.T, p partition, quirk bool) {
		k, e := small(0x123, 5)
		s := p.enter(t, k, pte.HPTE{V: e.V, R: e.R | 1<<62})
		require.Equal(t, choose(quirk, e.R|1<<62, e.R), p.Table().Load(pte.Slot(s)).R)
	})
}

// pages is a Memory that does what H_ENTER's flags ask for.
type pages struct {
	papr.RAMBelow
	zeroed, code []pte.RA
}

func (p *pages) Zero(ra pte.RA, size uint64)             { p.zeroed = append(p.zeroed, ra) }
func (p *pages) InvalidateICache(ra pte.RA, size uint64) { p.code = append(p.code, ra) }

func TestQuirkIgnoreEnterFlags(t *testing.T) {
	for _, quirk := range []bool{false, true} {
		m := &pages{RAMBelow: ram}
		p := newPartition(t, papr.Config{Memory: m, Quirks: papr.Quirks{IgnoreEnterFlags: quirk}})
		k, e := small(0x123, 5)
		e = e.WithRA(0x7000, pte.Page4K)
		for _, f := range []papr.Flags{papr.ZeroPage, papr.ICacheInvalidate, papr.ICacheSync} {
			_, code := p.Enter(f, p.home(k), e)
			require.Equal(t, papr.Success, code)
			_, code = p.Enter(f, p.home(k), pte.HPTE{V: e.V, R: e.R&^pte.RWIMG | 4<<3}.WithRA(ram, pte.Page4K))
			require.Equal(t, papr.Success, code, "no effect on devices")
			_, large := entry(0x123, 5, pte.Page16M, pte.Page16M, pte.Attr{})
			_, code = p.Enter(f, 0, large)
			require.Equal(t, choose(quirk, papr.Success, papr.TooBig), code)
		}
		_, code := p.Enter(papr.Compression, 0, e)
		require.Equal(t, choose(quirk, papr.Success, papr.Unsupported-56), code)
		_, code = p.Remove(papr.Compression, 0, 0)
		require.Equal(t, choose(quirk, papr.Success, papr.Unsupported-56), code)
		require.Equal(t, choose(quirk, nil, []pte.RA{0x7000}), m.zeroed)
		require.Equal(t, choose(quirk, nil, []pte.RA{0x7000, 0x7000}), m.code)
	}
	p := newPartition(t, papr.Config{})
	k, e := small(0x123, 5)
	_, code := p.Enter(papr.ZeroPage, p.home(k), e)
	require.Equal(t, papr.Unsupported-48, code, "the memory cannot be cleared")

	m := &pages{RAMBelow: ram}
	p = newPartition(t, papr.Config{Memory: m})
	k, e = entry(0x123, 5, pte.Page64K, pte.Page64K, pte.Attr{})
	_, code = p.Enter(papr.ZeroPage, p.home(k), e)
	require.Equal(t, papr.Success, code, "the largest page that is cleared")
	require.Equal(t, []pte.RA{0}, m.zeroed)
}

func TestQuirkFirstByteStorage(t *testing.T) {
	for _, quirk := range []bool{false, true} {
		p := newPartition(t, papr.Config{Memory: papr.RAMBelow(8 << 20), Quirks: papr.Quirks{FirstByteStorage: quirk}})
		_, e := entry(0x123, 5, pte.Page16M, pte.Page16M, pte.Attr{})
		_, code := p.Enter(0, 0, e)
		require.Equal(t, choose(quirk, papr.Success, papr.Parameter), code)
	}
}

func TestQuirkMarkWritten(t *testing.T) {
	both(t, papr.Quirks{MarkWritten: true}, func(t *testing.T, p partition, quirk bool) {
		mark := choose(quirk, uint64(0x40), 0)
		k, e := small(0x123, 5)
		s := p.enter(t, k, pte.HPTE{V: e.V | 0x60, R: e.R})
		require.Equal(t, e.V|mark, p.Table().Load(pte.Slot(s)).V)
		p.Table().StoreRaw(pte.Slot(s), e)
		require.Equal(t, papr.Success, p.Protect(1, s, 0))
		require.Equal(t, e.V|mark, p.Table().Load(pte.Slot(s)).V)
		_, code := p.Remove(0, s, 0)
		require.Equal(t, papr.Success, code)
		require.Equal(t, pte.HPTE{V: mark}, p.Table().Load(pte.Slot(s)))
	})
}

func TestQuirkProtectKeepsR(t *testing.T) {
	both(t, papr.Quirks{ProtectKeepsR: true}, func(t *testing.T, p partition, quirk bool) {
		k, e := small(0x123, 5)
		s := p.enter(t, k, pte.HPTE{V: e.V, R: e.R | pte.RRef | pte.RChg})
		require.Equal(t, papr.Success, p.Protect(2, s, 0))
		require.Equal(t, choose(quirk, e.R|pte.RRef|pte.RChg, e.R|pte.RChg), p.Table().Load(pte.Slot(s)).R)
	})
}

func TestQuirkBulkShiftRC(t *testing.T) {
	both(t, papr.Quirks{BulkShiftRC: true}, func(t *testing.T, p partition, quirk bool) {
		k, e := small(0x123, 5)
		for rc, want := range map[uint64][2]uint64{
			pte.RRef: {0x8008 << 48, 0x88 << 56},
			pte.RChg: {0x8004 << 48, 0x84 << 56},
		} {
			s := p.enter(t, k, pte.HPTE{V: e.V, R: e.R | rc})
			ts := [8]uint64{0x40<<56 | s, 0, 0xc0 << 56}
			require.Equal(t, papr.Success, p.BulkRemove(&ts))
			require.Equal(t, choose(quirk, want[0], want[1])|s, ts[0])
		}
	})
}

func TestQuirkBulkAndAll(t *testing.T) {
	both(t, papr.Quirks{BulkAndAll: true}, func(t *testing.T, p partition, quirk bool) {
		k, e := small(0x123, 5)
		e.V |= pte.VBolted
		s := p.enter(t, k, e)
		ts := [8]uint64{0x41<<56 | s, pte.VBolted, 0xc0 << 56}
		require.Equal(t, papr.Success, p.BulkRemove(&ts))
		require.Equal(t, choose(quirk, uint64(0x91<<56), 0x81<<56)|s, ts[0])
		require.Equal(t, quirk, p.Table().Load(pte.Slot(s)).Valid())
	})
}

func TestQuirkNoClear(t *testing.T) {
	both(t, papr.Quirks{NoClear: true}, func(t *testing.T, p partition, quirk bool) {
		k, e := small(0x123, 5)
		s := p.enter(t, k, e)
		want := choose(quirk, papr.Function, papr.Success)
		_, code := p.ClearRef(0, s)
		require.Equal(t, want, code)
		_, code = p.ClearMod(0, s)
		require.Equal(t, want, code)
		require.Equal(t, want, p.ClearHPT())
		require.Equal(t, quirk, p.Table().Load(pte.Slot(s)).Valid())
	})
}

func TestQuirkNoBlockRemove(t *testing.T) {
	both(t, papr.Quirks{NoBlockRemove: true}, func(t *testing.T, p partition, quirk bool) {
		ts := [8]uint64{0xc0 << 56}
		require.Equal(t, choose(quirk, papr.Function, papr.Success), p.BlockRemove(0, &ts))
	})
}

func TestQuirkNo64KIn4K(t *testing.T) {
	both(t, papr.Quirks{No64KIn4K: true}, func(t *testing.T, p partition, quirk bool) {
		_, e := entry(0x123, 5, pte.Page4K, pte.Page64K, pte.Attr{})
		_, code := p.Enter(0, 0, e)
		require.Equal(t, choose(quirk, papr.Parameter, papr.Success), code)
		_, e = entry(0x123, 5, pte.Page64K, pte.Page64K, pte.Attr{})
		_, code = p.Enter(0, 0, e)
		require.Equal(t, papr.Success, code)
	})
}

func TestQuirkResizeArgsFirst(t *testing.T) {
	both(t, papr.Quirks{ResizeArgsFirst: true}, func(t *testing.T, p partition, quirk bool) {
		code := func(c papr.Code, err error) papr.Code { require.NoError(t, err); return c }
		require.Equal(t, papr.Success, code(p.ResizePrepare(0, 19)))
		require.Equal(t, choose(quirk, papr.Parameter, papr.Closed), code(p.ResizeCommit(1, 19)))
		require.Equal(t, papr.Parameter, code(p.ResizePrepare(1, 19)))
		require.Equal(t, choose(quirk, papr.Success, papr.Closed), code(p.ResizeCommit(0, 19)))
	})
}

func choose[T any](quirk bool, a, b T) T {
	if quirk {
		return a
	}
	return b
}
