package papr_test

import (
	"encoding/binary"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/hashmmu/ppc64/hpt"
	"github.com/hashmmu/ppc64/hpt/papr"
	"github.com/hashmmu/ppc64/pte"
)

// model is the hypercalls once more, slow and for one caller: a map of slots and
// the specification read from the top, with its own constants. It knows neither
// quirks nor resizes.
type model struct {
	slots uint64
	m     map[uint64]pte.HPTE
}

func (m *model) call(op papr.Op, a *papr.Args) papr.Code {
	switch op {
	case 0x08:
		return m.enter(a)
	case 0x04:
		if a[0]>>7&1 != 0 {
			return -256 - 56
		}
		e, code := m.remove(a[1], a[0]>>31&1 != 0, a[0]>>30&1 != 0, a[2], a[2])
		if code == 0 {
			a[0], a[1] = e.V, e.R
		}
		return code
	case 0x18:
		return m.protect(a)
	case 0x0c:
		return m.read(a)
	case 0x10:
		return m.clear(a, 0x80)
	case 0x14:
		return m.clear(a, 0x100)
	case 0x124:
		return m.bulk(a)
	case 0x328:
		return m.block(a)
	case 0x358:
		clear(m.m)
		return 0
	}
	return -2
}

func (m *model) enter(a *papr.Args) papr.Code {
	flags, ptex, e := a[0], a[1], pte.HPTE{V: a[2], R: a[3]}
	_, actual, ok := sizes.Decode(e)
	if !ok || e.V>>63 != 0 {
		return -4
	}
	first, wimg := e.R&0x0ffffffffffff000&^(actual.Bytes()-1), e.R>>3&15
	switch {
	case first >= ram && wimg&12 != 4,
		first < ram && first+actual.Bytes() > ram,
		first < ram && wimg != 2:
		return -4
	case flags&(1<<23|1<<22|1<<15) != 0 && actual > pte.Page64K:
		return -64
	case flags>>15&1 != 0:
		return -256 - 48
	case flags>>7&1 != 0:
		return -256 - 56
	case ptex >= m.slots:
		return -4
	}
	e.V = e.V&^0x60 | 1
	e.R &^= 1 << 62
	from, to := ptex/8*8, ptex/8*8+8
	if flags>>39&1 != 0 {
		from, to = ptex, ptex+1
	}
	for s := from; s < to; s++ {
		if _, taken := m.m[s]; !taken {
			m.m[s] = e
			a[0] = s
			return 0
		}
	}
	return -6
}

func (m *model) remove(ptex uint64, cmp, cond bool, avpn, mask uint64) (pte.HPTE, papr.Code) {
	e, valid := m.m[ptex]
	switch {
	case ptex >= m.slots:
		return e, -4
	case !valid, cmp && e.V>>7<<7 != avpn, cond && e.V&mask != 0:
		return e, -7
	}
	delete(m.m, ptex)
	return e, 0
}

func (m *model) protect(a *papr.Args) papr.Code {
	f := a[0]
	e, valid := m.m[a[1]]
	switch {
	case a[1] >= m.slots:
		return -4
	case !valid, f>>31&1 != 0 && e.V>>7<<7 != a[2]:
		return -7
	}
	e.R &= 0x4ffffffffffff0f8
	e.R |= f>>8&1<<63 | f>>12&3<<60 | f>>9&7<<9 | f&7
	m.m[a[1]] = e
	return 0
}

func (m *model) read(a *papr.Args) papr.Code {
	ptex, n := a[1], uint64(1)
	if ptex >= m.slots {
		return -4
	}
	if a[0]>>37&1 != 0 {
		ptex, n = ptex/4*4, 4
	}
	for i := range n {
		a[2*i], a[2*i+1] = m.m[ptex+i].V, m.m[ptex+i].R
	}
	return 0
}

func (m *model) clear(a *papr.Args, bit uint64) papr.Code {
	e, valid := m.m[a[1]]
	switch {
	case a[1] >= m.slots:
		return -4
	case !valid:
		return -7
	}
	a[0] = e.R
	e.R &^= bit
	m.m[a[1]] = e
	return 0
}

func (m *model) bulk(a *papr.Args) papr.Code {
	for i := 0; i < 8; i += 2 {
		typ, cond, ptex := a[i]>>62, a[i]>>56&3, a[i]<<8>>8
		if typ == 3 {
			return 0
		}
		if typ != 1 {
			return -4
		}
		code := papr.Code(-4)
		var e pte.HPTE
		if cond != 3 {
			e, code = m.remove(ptex, cond == 2, cond == 1, a[i+1], a[i+1]&^0x7f)
		}
		a[i] = 2<<62 | cond<<56 | ptex
		switch code {
		case 0:
			a[i] |= e.R>>8&1<<59 | e.R>>7&1<<58
		case -7:
			a[i] |= 1 << 60
		default:
			a[i] |= 2 << 60
			return -4
		}
	}
	return 0
}

func (m *model) block(a *papr.Args) (code papr.Code) {
	ava, ts := a[0], [8]uint64(a[1:])
	var anchor *anchor
	for i, w := range ts {
		if w>>62 == 3 {
			break
		}
		if w>>62 != 1 {
			code = -4
			break
		}
		ptex := w << 16 >> 16
		e := m.m[ptex]
		response := m.blockResponse(ptex, w>>56&1 != 0, ava, &anchor)
		ts[i] = 2<<62 | response<<59 | ptex
		if response == 0 {
			ts[i] |= e.R>>8&1<<58 | e.R>>7&1<<57
			delete(m.m, ptex)
		} else {
			code = 5
		}
	}
	copy(a[:8], ts[:])
	return code
}

// anchor is what the first entry of a block removal fixes.
type anchor struct {
	key    pte.Key
	actual pte.PageSize
}

func (m *model) blockResponse(ptex uint64, cmp bool, ava uint64, at **anchor) uint64 {
	e, valid := m.m[ptex]
	switch {
	case ptex >= m.slots:
		return 2
	case !valid, e.V>>4&1 != 0:
		return 1
	}
	k, actual, err := sizes.Key(e, ptex/8, m.slots/8-1)
	if err != nil {
		return 2
	}
	log2 := int(k.Base) + 3                     // bytes of a block
	if cmp && (e.V^ava)>>max(7, log2-16) != 0 { // V bit n is address bit n+16
		return 1
	}
	if *at == nil {
		*at = &anchor{k, actual}
	}
	first := (*at).key
	if k.Base != first.Base || k.Seg != first.Seg || actual != (*at).actual {
		return 3
	}
	if k.VSID != first.VSID || k.Offset()>>log2 != first.Offset()>>log2 {
		return 5
	}
	return 0
}

// check makes one hypercall on both and compares answers and the slots around.
func (m *model) check(t require.TestingT, p *papr.HPT, op papr.Op, a papr.Args) {
	want, got := a, a
	wantCode, code := m.call(op, &want), p.Call(op, &got)
	require.Equal(t, wantCode, code, "%v %#x", op, a)
	require.Equal(t, want, got, "%v %#x", op, a)
}

// compare looks at the whole table.
func (m *model) compare(t require.TestingT, p *papr.HPT) {
	n := 0
	for s := range pte.Slot(p.Table().Slots()) {
		e := p.Table().Load(s)
		if e != (pte.HPTE{}) {
			n++
			require.Equal(t, m.m[uint64(s)], e, "slot %d", s)
		}
	}
	require.Len(t, m.m, n)
}

func newModel(p *papr.HPT) *model { return &model{p.Table().Slots(), map[uint64]pte.HPTE{}} }

func TestModel(t *testing.T) { rapid.Check(t, againstModel(t)) }

func FuzzModel(f *testing.F) { f.Fuzz(rapid.MakeFuzz(againstModel(f))) }

// againstModel runs drawn hypercalls, most of them on a few groups and with arguments
// that fit the entries there.
func againstModel(t testing.TB) func(*rapid.T) {
	tab, err := hpt.New(hpt.Config{})
	require.NoError(t, err)
	return func(t *rapid.T) {
		tab.Clear()
		p, err := papr.New(papr.Config{Table: tab, Memory: papr.RAMBelow(ram)})
		require.NoError(t, err)
		m := newModel(p)
		slot := rapid.OneOf(rapid.Uint64Range(0, 31), rapid.Uint64Range(m.slots-8, m.slots+1), rapid.Uint64())
		bits := rapid.SampledFrom([]uint64{0, 0, 0, 1 << 31, 1 << 30, 3 << 30, 1 << 39, 1 << 37, 1 << 15, 1 << 22, 1 << 7})
		flags := func() uint64 { return bits.Draw(t, "flag") | rapid.Uint64Range(0, 0x3fff).Draw(t, "bits")&^(1<<7) }
		// avpn is the tag of the entry in a slot, sometimes spoilt.
		avpn := func(s uint64) uint64 {
			v := m.m[s].V &^ 0x7f
			return v ^ rapid.SampledFrom([]uint64{0, 0, 0, 0x10, 0x80, 0x400, 1 << 62}).Draw(t, "spoil")
		}
		t.Repeat(map[string]func(*rapid.T){
			"": func(t *rapid.T) {},
			"enter": func(t *rapid.T) {
				_, e := drawEntry(t)
				e.R ^= rapid.SampledFrom([]uint64{0, 0, 0, 0x10, 0x20, 0x2000, 1 << 29, 1 << 62}).Draw(t, "R")
				e.V ^= rapid.SampledFrom([]uint64{0, 0, 1, 4, 0x60, 2 << 62}).Draw(t, "V")
				m.check(t, p, papr.OpEnter, papr.Args{flags(), slot.Draw(t, "slot"), e.V, e.R})
			},
			"enter home": func(t *rapid.T) {
				k, e := drawEntry(t)
				m.check(t, p, papr.OpEnter, papr.Args{0, k.Hash().Primary(tab.Mask()) * 8, e.V, e.R})
			},
			"one": func(t *rapid.T) {
				op := rapid.SampledFrom([]papr.Op{papr.OpRemove, papr.OpProtect, papr.OpRead, papr.OpClearRef, papr.OpClearMod}).Draw(t, "op")
				s := slot.Draw(t, "slot")
				m.check(t, p, op, papr.Args{flags(), s, avpn(s)})
			},
			"bulk": func(t *rapid.T) {
				var a papr.Args
				for i := range 4 {
					s := slot.Draw(t, "slot")
					control := rapid.SampledFrom([]uint64{0x40, 0x40, 0x41, 0x42, 0x42, 0x43, 0xc0, 0, 0x80, 0x7e}).Draw(t, "control")
					a[2*i], a[2*i+1] = control<<56|s&(1<<56-1), avpn(s)
				}
				m.check(t, p, papr.OpBulkRemove, a)
			},
			"block": func(t *rapid.T) { m.check(t, p, papr.OpBlockRemove, m.drawBlock(t)) },
			"clear all": func(t *rapid.T) {
				if rapid.IntRange(0, 9).Draw(t, "rarely") == 0 {
					m.check(t, p, papr.OpClearHPT, papr.Args{})
				}
			},
		})
		m.compare(t, p)
	}
}

// drawBlock draws the removal of a block, mostly of entries that exist.
func (m *model) drawBlock(t *rapid.T) papr.Args {
	var a papr.Args
	var taken []uint64
	for s := range m.m {
		taken = append(taken, s)
	}
	slices.Sort(taken)
	taken = append(taken, 0, m.slots)
	slot := rapid.SampledFrom(taken)
	a[0] = m.m[slot.Draw(t, "AVA")].V
	for i := range 8 {
		control := rapid.SampledFrom([]uint64{0x40, 0x40, 0x41, 0x41, 0x40, 0x71, 0xc0, 0x80}).Draw(t, "control")
		a[i+1] = control<<56 | slot.Draw(t, "slot")
	}
	return a
}

// FuzzHypercalls runs the sequence of hypercalls that the input spells: a byte for
// the operation, a byte for each argument that says how many bytes follow.
func FuzzHypercalls(f *testing.F) {
	_, e := small(0x123, 5)
	f.Add(spell(papr.OpEnter, 0, 3, e.V, e.R))
	f.Add(append(spell(papr.OpEnter, uint64(papr.Exact), 3, e.V, e.R), spell(papr.OpRemove, uint64(papr.AVPN), 3, e.V&^0x7f)...))
	f.Add(append(spell(papr.OpEnter, 0, 8, e.V, e.R), spell(papr.OpBulkRemove, 0x42<<56|8, e.V&^0x7f, 0xc0<<56)...))
	f.Add(append(spell(papr.OpEnter, 0, 8, e.V, e.R), spell(papr.OpBlockRemove, e.V, 0x41<<56|8, 0xc0<<56)...))
	f.Add(append(spell(papr.OpEnter, 0, 8, e.V, e.R), spell(papr.OpProtect, 0x80003f07, 8, e.V&^0x7f)...))
	tab, err := hpt.New(hpt.Config{})
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, in []byte) {
		tab.Clear()
		p, err := papr.New(papr.Config{Table: tab, Memory: papr.RAMBelow(ram)})
		require.NoError(t, err)
		m := newModel(p)
		for len(in) > 0 {
			var a papr.Args
			op := spelled[int(in[0])%len(spelled)]
			in = in[1:]
			for i := range a {
				a[i], in = number(in)
			}
			m.check(t, p, op, a)
		}
		m.compare(t, p)
	})
}

var spelled = []papr.Op{papr.OpEnter, papr.OpRemove, papr.OpRead, papr.OpClearMod, papr.OpClearRef,
	papr.OpProtect, papr.OpBulkRemove, papr.OpBlockRemove, papr.OpClearHPT, papr.Op(0x1c)}

// number takes a length of up to 8 and that many bytes, big-endian.
func number(in []byte) (uint64, []byte) {
	if len(in) == 0 {
		return 0, nil
	}
	n := min(int(in[0])%9, len(in)-1)
	var b [8]byte
	copy(b[8-n:], in[1:1+n])
	return binary.BigEndian.Uint64(b[:]), in[1+n:]
}

// spell is the input for one hypercall.
func spell(op papr.Op, args ...uint64) []byte {
	out := []byte{byte(slices.Index(spelled, op))}
	for i := range (papr.Args{}) {
		if i >= len(args) {
			out = append(out, 0)
			continue
		}
		out = binary.BigEndian.AppendUint64(append(out, 8), args[i])
	}
	return out
}
