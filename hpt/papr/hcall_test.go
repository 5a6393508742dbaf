package papr_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hashmmu/ppc64/hpt"
	"github.com/hashmmu/ppc64/hpt/papr"
	"github.com/hashmmu/ppc64/pte"
)

func TestNewRefuses(t *testing.T) {
	p := newPartition(t, papr.Config{})
	for name, c := range map[string]papr.Config{
		"Table":    {Memory: papr.RAMBelow(ram)},
		"Memory":   {Table: p.Table()},
		"MaxOrder": {Table: p.Table(), Memory: papr.RAMBelow(ram), MaxOrder: hpt.MinOrder - 1},
	} {
		_, err := papr.New(c)
		require.ErrorIs(t, err, papr.ErrConfig)
		var e *papr.ConfigError
		require.ErrorAs(t, err, &e)
		require.Equal(t, name, e.Field)
	}
	for _, order := range []int{hpt.MinOrder, hpt.MaxOrder, hpt.MaxOrder + 1} {
		_, err := papr.New(papr.Config{Table: p.Table(), Memory: papr.RAMBelow(ram), MaxOrder: order})
		require.Equal(t, order > hpt.MaxOrder, err != nil, order)
	}
}

// A page that ends with the RAM lies in it, one that ends in the devices nowhere.
func TestRAMBelow(t *testing.T) {
	m := papr.RAMBelow(0x30000)
	require.Equal(t, papr.RAM, m.Storage(0, 0x30000))
	require.Equal(t, papr.RAM, m.Storage(0x20000, 0x10000))
	require.Equal(t, papr.None, m.Storage(0x20000, 0x10001))
	require.Equal(t, papr.None, m.Storage(0x2f000, 0x2000))
	require.Equal(t, papr.IO, m.Storage(0x30000, 0x1000))
}

func TestEnterTakesFirstFreeSlot(t *testing.T) {
	p := newPartition(t, papr.Config{})
	k, e := small(0x123, 5)
	g := p.home(k)
	for i := range uint64(pte.SlotsPerGroup) {
		s, code := p.Enter(0, g+7, e) // the low bits of PTEX do not count
		require.Equal(t, papr.Success, code)
		require.Equal(t, pte.Slot(g+i), s)
		require.Equal(t, e, p.Table().Load(s), "and nobody looked for the same page")
	}
	_, code := p.Enter(0, g, e)
	require.Equal(t, papr.PTEGFull, code)
	_, code = p.Enter(papr.Exact, g+3, e)
	require.Equal(t, papr.PTEGFull, code)
	_, code = p.Remove(0, g+3, 0)
	require.Equal(t, papr.Success, code)
	_, code = p.Enter(papr.Exact, g+2, e)
	require.Equal(t, papr.PTEGFull, code)
	s, code := p.Enter(papr.Exact, g+3, e)
	require.Equal(t, papr.Success, code)
	require.Equal(t, pte.Slot(g+3), s)
}

func TestEnterRefuses(t *testing.T) {
	p := newPartition(t, papr.Config{})
	_, e := small(0x123, 5)
	wimg := func(w uint64) pte.HPTE { return pte.HPTE{V: e.V, R: e.R&^pte.RWIMG | w<<3} }
	at := func(h pte.HPTE, ra pte.RA) pte.HPTE { return h.WithRA(ra, pte.Page4K) }
	slots := p.Table().Slots()
	for _, c := range []struct {
		name string
		ptex uint64
		e    pte.HPTE
		code papr.Code
	}{
		{"good", 0, e, papr.Success},
		{"last group", slots - 1, e, papr.Success},
		{"outside the table", slots, e, papr.Parameter},
		{"far outside", ^uint64(0), e, papr.Parameter},
		{"undecodable", 0, pte.HPTE{V: e.V | pte.VLarge, R: e.R | 0x2000}, papr.Parameter},
		{"RAM not coherent", 0, wimg(0), papr.Parameter},
		{"RAM guarded", 0, wimg(3), papr.Parameter},
		{"RAM uncached", 0, wimg(6), papr.Parameter},
		{"RAM strong order", 0, wimg(14), papr.Parameter},
		{"device cached", 0, at(e, ram), papr.Parameter},
		{"device I", 0, at(wimg(4), ram), papr.Success},
		{"device IMG", 0, at(wimg(7), ram), papr.Success},
		{"device write-through", 0, at(wimg(12), ram), papr.Parameter},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, code := p.Enter(0, c.ptex, c.e)
			require.Equal(t, c.code, code)
		})
	}
	sao := newPartition(t, papr.Config{SAO: true})
	_, code := sao.Enter(0, 0, wimg(14))
	require.Equal(t, papr.Success, code)
}

func TestRemoveConditions(t *testing.T) {
	p := newPartition(t, papr.Config{})
	k, e := small(0x123, 5)
	e.V |= pte.VBolted
	e.R |= pte.RRef | pte.RChg
	for _, c := range []struct {
		flags papr.Flags
		avpn  uint64
		code  papr.Code
	}{
		{0, 0, papr.Success},
		{0, 0x123456, papr.Success},
		{papr.AVPN, k.AVPN(), papr.Success},
		{papr.AVPN, k.AVPN() ^ 1<<62, papr.NotFound},
		{papr.AVPN, k.AVPN() ^ 0x80, papr.NotFound},
		{papr.AVPN, k.AVPN() | 1, papr.NotFound},
		{papr.AndCond, pte.VBolted, papr.NotFound},
		{papr.AndCond, 0, papr.Success},
		{papr.AndCond, ^e.V, papr.Success},
		{papr.AVPN | papr.AndCond, 0, papr.NotFound},
		{papr.AVPN | papr.AndCond, k.AVPN(), papr.NotFound}, // both hold for no entry but AVPN 0
	} {
		t.Run(fmt.Sprintf("%#x/%#x", uint64(c.flags), c.avpn), func(t *testing.T) {
			s := p.enter(t, k, e)
			old, code := p.Remove(c.flags, s, c.avpn)
			require.Equal(t, c.code, code)
			if code != papr.Success {
				require.Equal(t, e, p.Table().Load(pte.Slot(s)), "untouched")
				require.Empty(t, p.flushed.take())
				p.Remove(0, s, 0)
				p.flushed.take()
				return
			}
			require.Equal(t, e, old)
			require.Zero(t, p.Table().Load(pte.Slot(s)))
			require.Equal(t, []papr.Flush{{Kind: papr.FlushPage, Key: k, Actual: pte.Page4K, Slot: pte.Slot(s)}},
				p.flushed.take())
			_, code = p.Remove(0, s, 0)
			require.Equal(t, papr.NotFound, code)
		})
	}
	_, code := p.Remove(0, p.Table().Slots(), 0)
	require.Equal(t, papr.Parameter, code)
}

func TestProtect(t *testing.T) {
	p := newPartition(t, papr.Config{})
	k, e := small(0x123, 5)
	e.R |= pte.RChg | pte.RRef
	s := p.enter(t, k, e)
	want := pte.Attr{PP: 6, Key: 0x15, NoExec: true, Chg: true, WIMG: pte.Memory}
	require.Equal(t, papr.Success, p.Protect(papr.AVPN|papr.PP0|papr.Flags(2)|papr.NoExec|0x15<<9, s, k.AVPN()))
	got := p.Table().Load(pte.Slot(s))
	require.Equal(t, want, got.Attr())
	require.Equal(t, e.V, got.V)
	require.Len(t, p.flushed.take(), 1)
	require.Equal(t, papr.Success, p.Protect(papr.PP0|papr.Flags(2)|papr.NoExec|0x15<<9, s, 0))
	require.Empty(t, p.flushed.take(), "nothing changed")

	require.Equal(t, papr.NotFound, p.Protect(papr.AVPN, s, k.AVPN()^0x80))
	require.Equal(t, papr.NotFound, p.Protect(0, s+1, 0))
	require.Equal(t, papr.Parameter, p.Protect(0, p.Table().Slots(), 0))
	require.Equal(t, got, p.Table().Load(pte.Slot(s)))
}

func TestClearRefAndMod(t *testing.T) {
	p := newPartition(t, papr.Config{})
	k, e := small(0x123, 5)
	e.R |= pte.RChg | pte.RRef
	s := p.enter(t, k, e)
	r, code := p.ClearRef(0, s)
	require.Equal(t, papr.Success, code)
	require.Equal(t, e.R, r)
	require.Equal(t, e.R&^pte.RRef, p.Table().Load(pte.Slot(s)).R)
	require.Len(t, p.flushed.take(), 1)
	r, code = p.ClearMod(0, s)
	require.Equal(t, papr.Success, code)
	require.Equal(t, e.R&^pte.RRef, r)
	require.Equal(t, e.R&^(pte.RRef|pte.RChg), p.Table().Load(pte.Slot(s)).R)
	require.Len(t, p.flushed.take(), 1)
	r, code = p.ClearMod(0, s)
	require.Equal(t, papr.Success, code)
	require.Equal(t, e.R&^(pte.RRef|pte.RChg), r)
	require.Empty(t, p.flushed.take(), "C was clear")
	for _, f := range []func(papr.Flags, uint64) (uint64, papr.Code){p.ClearRef, p.ClearMod} {
		_, code = f(0, s+1)
		require.Equal(t, papr.NotFound, code)
		_, code = f(0, p.Table().Slots())
		require.Equal(t, papr.Parameter, code)
	}
}

func TestRead(t *testing.T) {
	p := newPartition(t, papr.Config{})
	k, e := small(0x123, 5)
	s := p.enter(t, k, e)
	s2 := p.enter(t, k, e)
	require.Equal(t, s+1, s2)
	var out [4]pte.HPTE
	n, code := p.Read(papr.RXlate, s2, &out)
	require.Equal(t, papr.Success, code)
	require.Equal(t, []pte.HPTE{e}, out[:n])
	n, code = p.Read(papr.Read4, s+3, &out)
	require.Equal(t, papr.Success, code)
	require.Equal(t, []pte.HPTE{e, e, {}, {}}, out[:n])
	_, code = p.Read(papr.Read4, p.Table().Slots(), &out)
	require.Equal(t, papr.Parameter, code)
}

func TestBulkRemove(t *testing.T) {
	p := newPartition(t, papr.Config{})
	k, e := small(0x123, 5)
	e.R |= pte.RRef
	a := p.enter(t, k, e)
	b := p.enter(t, k, pte.HPTE{V: e.V, R: e.R | pte.RChg})
	c := p.enter(t, k, e)
	d := p.enter(t, k, e)
	const request, end = 0x40 << 56, 0xc0 << 56
	const avpn, andcond = 2 << 56, 1 << 56

	ts := [8]uint64{request | a, 0, request | avpn | b, k.AVPN(), request | avpn | c, 0x80, end, 7}
	require.Equal(t, papr.Success, p.BulkRemove(&ts))
	require.Equal(t, [8]uint64{0x88<<56 | a, 0, 0x8e<<56 | b, k.AVPN(), 0x92<<56 | c, 0x80, end, 7}, ts)
	require.Len(t, p.flushed.take(), 2)
	require.True(t, p.Table().Load(pte.Slot(c)).Valid())

	out := p.Table().Slots()
	ts = [8]uint64{request | andcond | c, 0x7f, request | out, 0, request | d, 0, end, 0}
	require.Equal(t, papr.Parameter, p.BulkRemove(&ts))
	require.Equal(t, [8]uint64{0x89<<56 | c, 0x7f, 0xa0<<56 | out, 0, request | d, 0, end, 0}, ts)
	require.True(t, p.Table().Load(pte.Slot(d)).Valid(), "it stopped")

	ts = [8]uint64{request | avpn | andcond | d, 0}
	require.Equal(t, papr.Parameter, p.BulkRemove(&ts))
	require.Equal(t, uint64(0xa3<<56|d), ts[0])
	for _, w := range []uint64{0, 0x80 << 56} {
		ts = [8]uint64{w | d, 0}
		require.Equal(t, papr.Parameter, p.BulkRemove(&ts))
		require.Equal(t, w|d, ts[0], "no request, no response")
	}
	ts = [8]uint64{request | d, 0, request | d, 0, request | d, 0, request | d, 0}
	require.Equal(t, papr.Success, p.BulkRemove(&ts))
	require.Equal(t, [8]uint64{0x88<<56 | d, 0, 0x90<<56 | d, 0, 0x90<<56 | d, 0, 0x90<<56 | d, 0}, ts)
}

func TestBlockRemove(t *testing.T) {
	p := newPartition(t, papr.Config{})
	const request, cmp, end = 0x40 << 56, 1 << 56, 0xc0 << 56
	in := func(base, actual pte.PageSize, page uint64, a pte.Attr) uint64 {
		k, e := entry(0x123, page, base, actual, a)
		return p.enter(t, k, e)
	}
	k, _ := small(0x123, 8)
	a := in(pte.Page4K, pte.Page4K, 8, pte.Attr{Ref: true})
	b := in(pte.Page4K, pte.Page4K, 15, pte.Attr{Chg: true})
	cross := in(pte.Page4K, pte.Page4K, 16, pte.Attr{})
	large := in(pte.Page4K, pte.Page64K, 9, pte.Attr{})
	bolted := in(pte.Page4K, pte.Page4K, 10, pte.Attr{Bolted: true})
	other, e := small(0x999, 8)
	foreign := p.enter(t, other, e)
	out := p.Table().Slots()

	ts := [8]uint64{request | foreign | cmp, request | a | cmp, request | b, request | cross,
		request | large, request | bolted, request | out, request | a}
	require.Equal(t, papr.Partial, p.BlockRemove(k.AVPN(), &ts))
	require.Equal(t, [8]uint64{0x88<<56 | foreign, 0x84<<56 | a, 0x82<<56 | b, 0xa8<<56 | cross,
		0x98<<56 | large, 0x88<<56 | bolted, 0x90<<56 | out, 0x88<<56 | a}, ts)
	require.Len(t, p.flushed.take(), 2)

	ts = [8]uint64{request | cross, end, request | bolted}
	require.Equal(t, papr.Success, p.BlockRemove(0, &ts))
	require.Equal(t, [8]uint64{0x80<<56 | cross, end, request | bolted}, ts)
	ts = [8]uint64{request | large, 0}
	require.Equal(t, papr.Parameter, p.BlockRemove(0, &ts))
	require.Equal(t, [8]uint64{0x80<<56 | large, 0}, ts)

	// The pages of one block differ in AVPN when they are large; AVA covers all.
	h0 := in(pte.Page16M, pte.Page16M, 8, pte.Attr{})
	h1 := in(pte.Page16M, pte.Page16M, 15, pte.Attr{})
	hk, _ := entry(0x123, 8, pte.Page16M, pte.Page16M, pte.Attr{})
	next, _ := entry(0x123, 16, pte.Page16M, pte.Page16M, pte.Attr{})
	ts = [8]uint64{request | cmp | h0, end}
	require.Equal(t, papr.Partial, p.BlockRemove(next.AVPN(), &ts))
	require.Equal(t, [8]uint64{0x88<<56 | h0, end}, ts)
	ts = [8]uint64{request | cmp | h1, request | cmp | h0, end}
	require.Equal(t, papr.Success, p.BlockRemove(hk.AVPN(), &ts))
	require.Equal(t, [8]uint64{0x80<<56 | h1, 0x80<<56 | h0, end}, ts)
}

func TestClearHPT(t *testing.T) {
	p := newPartition(t, papr.Config{})
	for i := range uint64(100) {
		k, e := entry(0x123, i, pte.Page4K, pte.Page4K, pte.Attr{Bolted: i&1 == 0})
		p.enter(t, k, e)
	}
	require.Equal(t, papr.Success, p.ClearHPT())
	for s := range p.Table().All() {
		t.Fatalf("slot %d is still valid", s)
	}
	require.Equal(t, []papr.Flush{{Kind: papr.FlushAll}}, p.flushed.take())
}

// An entry that no search can find names no page: everything is flushed.
func TestFlushOfMisplacedEntry(t *testing.T) {
	p := newPartition(t, papr.Config{})
	_, e := entry(0x123, 5, pte.Page16M, pte.Page16M, pte.Attr{})
	s, code := p.Enter(papr.Exact, 0, e)
	require.Equal(t, papr.Success, code)
	_, code = p.Remove(0, uint64(s), 0)
	require.Equal(t, papr.Success, code)
	require.Equal(t, []papr.Flush{{Kind: papr.FlushAll}}, p.flushed.take())
}

func TestCallIsTheMethods(t *testing.T) {
	p := newPartition(t, papr.Config{})
	k, e := small(0x123, 5)
	g := p.home(k)
	call := func(op papr.Op, in ...uint64) (papr.Code, papr.Args) {
		var a papr.Args
		for i := range a {
			a[i] = 0xdead0000 + uint64(i)
		}
		copy(a[:], in)
		code := p.Call(op, &a)
		return code, a
	}
	code, a := call(papr.OpEnter, 0, g, e.V, e.R|pte.RRef|pte.RChg)
	require.Equal(t, papr.Success, code)
	require.Equal(t, papr.Args{g, g, e.V, e.R | pte.RRef | pte.RChg, 0xdead0004, 0xdead0005, 0xdead0006, 0xdead0007, 0xdead0008}, a)
	code, a = call(papr.OpClearRef, 0, g)
	require.Equal(t, papr.Success, code)
	require.Equal(t, e.R|pte.RRef|pte.RChg, a[0])
	code, a = call(papr.OpClearMod, 0, g)
	require.Equal(t, papr.Success, code)
	require.Equal(t, e.R|pte.RChg, a[0])
	code, _ = call(papr.OpProtect, 1, g, 0)
	require.Equal(t, papr.Success, code)
	e.R = e.R&^pte.RPP | 1
	code, a = call(papr.OpRead, uint64(papr.Read4), g+2)
	require.Equal(t, papr.Success, code)
	require.Equal(t, papr.Args{e.V, e.R, 0, 0, 0, 0, 0, 0, 0xdead0008}, a)
	code, a = call(papr.OpBlockRemove, 0, 0x40<<56|g+1, 0xc0<<56, 2, 3, 4, 5, 6, 7)
	require.Equal(t, papr.Partial, code)
	require.Equal(t, papr.Args{0x88<<56 | g + 1, 0xc0 << 56, 2, 3, 4, 5, 6, 7, 7}, a, "responses begin at R4")
	code, a = call(papr.OpRemove, 0, g, 0)
	require.Equal(t, papr.Success, code)
	require.Equal(t, []uint64{e.V, e.R, 0}, a[:3])
	code, a = call(papr.OpBulkRemove, 0x40<<56|g, 0, 0xc0<<56)
	require.Equal(t, papr.Success, code)
	require.Equal(t, uint64(0x90<<56|g), a[0])
	code, _ = call(papr.OpClearHPT)
	require.Equal(t, papr.Success, code)
	code, _ = call(papr.OpResizePrepare, 0, 19)
	require.Equal(t, papr.Success, code)
	code, _ = call(papr.OpResizeCommit, 0, 19)
	require.Equal(t, papr.Success, code)
	require.Equal(t, 19, p.Table().Order())
	code, a = call(papr.Op(0x20), 1, 2)
	require.Equal(t, papr.Function, code)
	require.Equal(t, []uint64{1, 2}, a[:2])
}

func TestNames(t *testing.T) {
	require.Equal(t, "H_PTEG_FULL", papr.PTEGFull.String())
	require.Equal(t, "H_UNSUPPORTED_FLAG(48)", (papr.Unsupported - 48).String())
	require.Equal(t, "H_UNSUPPORTED_FLAG(0)", papr.Unsupported.String())
	require.Equal(t, "H_UNSUPPORTED_FLAG(63)", (papr.Unsupported - 63).String())
	require.Equal(t, "H_CODE(-320)", (papr.Unsupported - 64).String())
	require.Equal(t, "H_CODE(77)", papr.Code(77).String())
	require.Equal(t, "H_ENTER", papr.OpEnter.String())
	require.Equal(t, "H_CALL(0x20)", papr.Op(0x20).String())
}

// The numbers of LoPAR, Hypervisor Call Return Code Table.
func TestCodeNumbers(t *testing.T) {
	require.Equal(t, [...]papr.Code{0, 1, 2, 5, 9902}, [...]papr.Code{papr.Success, papr.Busy, papr.Closed, papr.Partial, papr.LongBusy})
	require.Equal(t, [...]papr.Code{-2, -4, -6, -7, -10, -16, -64, -256}, [...]papr.Code{papr.Function, papr.Parameter, papr.PTEGFull,
		papr.NotFound, papr.Authority, papr.Resource, papr.TooBig, papr.Unsupported})
}
