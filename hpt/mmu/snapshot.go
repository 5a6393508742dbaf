package mmu

import (
	"encoding/binary"
	"fmt"

	"github.com/cespare/xxhash/v2"

	"github.com/hashmmu/ppc64/pte"
)

// A snapshot is big-endian: the magic, the version, the SLB size, the counts of
// software TLB lines and of flushes, all as 8 bytes; the registers; the SLB as
// pairs of doublewords; the lines; the flushes; the xxhash64 of all that.
const (
	snapshotMagic   = 0x6870746d6d755f31 // "hptmmu_1"
	snapshotVersion = 1
	snapshotHead    = 5
	registerWords   = 12
	lineWords       = 6
	flushWords      = 4
)

// SnapshotError says what is wrong with a snapshot.
type SnapshotError struct {
	Offset int // bytes into it, of what is wrong
	Why    string
}

func (e *SnapshotError) Error() string {
	return fmt.Sprintf("mmu: bad snapshot: at byte %d: %s", e.Offset, e.Why)
}

// Unwrap makes errors.Is(err, ErrSnapshot) true.
func (e *SnapshotError) Unwrap() error { return ErrSnapshot }

func badSnapshot(offset int, format string, args ...any) error {
	return &SnapshotError{offset, fmt.Sprintf(format, args...)}
}

// AppendBinary appends the state of the CPU: registers, SLB, software TLB, and
// the flushes that wait for Drain, those from other CPUs taken in before. Config
// and tables are not part of it.
func (c *CPU) AppendBinary(b []byte) ([]byte, error) {
	c.receive()
	start := len(b)
	var lines []uint32
	if c.cache != nil {
		lines = c.cache.live
	}
	w := words{b}
	w.put(snapshotMagic, snapshotVersion, uint64(c.cfg.Profile.SLB), uint64(len(lines)), uint64(c.queue.n))
	for _, p := range c.regs.words() {
		w.put(*p)
	}
	for i := range c.cfg.Profile.SLB {
		w.put(c.slb.esid[i], c.slb.word[i])
	}
	for _, i := range lines {
		l := c.cache.lines[i].words()
		w.put(l[:]...)
	}
	for i := range c.queue.events[:c.queue.n] {
		f := c.queue.events[i].words()
		w.put(f[:]...)
	}
	w.put(xxhash.Sum64(w.b[start:]))
	return w.b, nil
}

// MarshalBinary gives the form of AppendBinary.
func (c *CPU) MarshalBinary() ([]byte, error) { return c.AppendBinary(nil) }

// UnmarshalBinary restores a snapshot into a CPU of the same SLB size. Tables
// are found anew by Config.Storage; without it SetTable's stay in force. Software
// TLB lines go into the TLB that this CPU has, of whatever size. On an error, a
// [*SnapshotError], the CPU is unchanged.
func (c *CPU) UnmarshalBinary(b []byte) error {
	s, err := c.parse(b)
	if err != nil {
		return err
	}
	c.receive()
	c.regs, c.slb.esid, c.slb.word = s.regs, s.esid, s.word
	c.setKeys(^uint64(0))
	c.settle()
	c.loadPartitions()
	c.setModes()
	if c.cache != nil {
		c.cache.restore(s.lines)
	}
	c.queue = s.queue
	return nil
}

// state is a snapshot that has been read and checked.
type state struct {
	regs       Registers
	esid, word [maxSLB]uint64
	lines      []line
	queue      queue
}

func (c *CPU) parse(b []byte) (s *state, err error) {
	if len(b)%8 != 0 || len(b) < (snapshotHead+registerWords+1)*8 {
		return nil, badSnapshot(len(b), "it ends here")
	}
	body := b[:len(b)-8]
	if binary.BigEndian.Uint64(b[len(body):]) != xxhash.Sum64(body) {
		return nil, badSnapshot(len(body), "checksum")
	}
	w := words{body}
	magic, version, size, lines, flushes := w.take(), w.take(), w.take(), w.take(), w.take()
	rest := uint64(len(w.b)) / 8
	switch {
	case magic != snapshotMagic:
		return nil, badSnapshot(0, "magic %#x", magic)
	case version != snapshotVersion:
		return nil, badSnapshot(8, "version %d", version)
	case size != uint64(c.cfg.Profile.SLB):
		return nil, badSnapshot(16, "%d SLB entries, not %d", size, c.cfg.Profile.SLB)
	case lines > 1<<maxTLB || flushes > queueLen || rest != registerWords+2*size+lineWords*lines+flushWords*flushes:
		return nil, badSnapshot(24, "%d lines and %d flushes make another length", lines, flushes)
	}
	s = &state{}
	at := func() int { return len(body) - len(w.b) } // where the next word is
	for _, p := range s.regs.words() {
		*p = w.take()
	}
	for i := range size {
		entry := at()
		s.esid[i], s.word[i] = w.take(), w.take()
		if s.esid[i]&^(slbESID|slbV) != 0 {
			return nil, badSnapshot(entry, "SLB entry %d: %#x", i, s.esid[i])
		}
	}
	for range lines {
		start := at()
		l, ok := lineOf(w.takeLine())
		if _, known := c.decode(l.word); !ok || !known {
			return nil, badSnapshot(start, "software TLB line")
		}
		s.lines = append(s.lines, l)
	}
	for i := range flushes {
		start := at()
		f, ok := flushOf(w.takeFlush())
		if !ok {
			return nil, badSnapshot(start, "flush %d", i)
		}
		s.queue.events[i] = f
	}
	s.queue.n = int(flushes)
	return s, nil
}

// words writes and reads doublewords.
type words struct{ b []byte }

func (w *words) put(vs ...uint64) {
	for _, v := range vs {
		w.b = binary.BigEndian.AppendUint64(w.b, v)
	}
}

func (w *words) take() uint64 {
	v := binary.BigEndian.Uint64(w.b)
	w.b = w.b[8:]
	return v
}

func (w *words) takeLine() (l [lineWords]uint64) {
	for i := range l {
		l[i] = w.take()
	}
	return l
}

func (w *words) takeFlush() (f [flushWords]uint64) {
	for i := range f {
		f[i] = w.take()
	}
	return f
}

// words lists the registers in snapshot order.
func (r *Registers) words() [registerWords]*uint64 {
	return [...]*uint64{
		&r.MSR, &r.LPCR, &r.AMR, &r.IAMR, &r.UAMOR, &r.AMOR,
		&r.HRMOR, &r.RMOR, &r.LPIDR, &r.PIDR, &r.SDR1, &r.PTCR,
	}
}

func (l *line) words() [lineWords]uint64 {
	small := uint64(l.prot) | uint64(l.base)<<8 | uint64(l.size)<<16 | uint64(l.key)<<24 | uint64(l.wimg)<<32
	if l.sec {
		small |= 1 << 40
	}
	return [...]uint64{l.page, uint64(l.ra), uint64(l.vpn), l.word, uint64(l.slot), small}
}

func lineOf(w [lineWords]uint64) (l line, ok bool) {
	l = line{
		page: w[0], ra: pte.RA(w[1]), vpn: pte.VPN(w[2]), word: w[3], slot: pte.Slot(w[4]),
		prot: pte.Access(w[5]), base: pte.PageSize(w[5] >> 8), size: pte.PageSize(w[5] >> 16),
		key: uint8(w[5] >> 24), wimg: uint8(w[5] >> 32), sec: w[5]>>40&1 != 0,
	}
	ok = l.words() == w && l.page&1 != 0 && l.ra&pageMask == 0 && l.prot <= realGrant &&
		l.base.Known() && l.size.Known() && l.key < 32 && l.wimg < 16
	return l, ok
}

// restore replaces the lines. Of two for one place the later stays.
func (t *cache) restore(lines []line) {
	t.live = t.live[:0]
	clear(t.lines)
	for _, l := range lines {
		i := t.index(l.page)
		if t.lines[i].page != 0 {
			t.drop(i)
		}
		l.place = uint32(len(t.live))
		t.live = append(t.live, i)
		t.lines[i] = l
	}
}

func (f *Flush) words() [flushWords]uint64 {
	small := uint64(f.Kind) | uint64(f.Seg)<<8 | uint64(f.Base)<<16 | uint64(f.Actual)<<24
	for i, set := range [...]bool{f.Global, f.Tables} {
		if set {
			small |= 1 << (32 + i)
		}
	}
	return [...]uint64{small, uint64(f.LPID)<<32 | uint64(f.Keys), uint64(f.VPN), uint64(f.EA)}
}

func flushOf(w [flushWords]uint64) (f Flush, ok bool) {
	f = Flush{
		Kind: FlushKind(w[0]), Seg: pte.SegSize(w[0] >> 8), Base: pte.PageSize(w[0] >> 16), Actual: pte.PageSize(w[0] >> 24),
		Global: w[0]>>32&1 != 0, Tables: w[0]>>33&1 != 0,
		LPID: uint32(w[1] >> 32), Keys: uint32(w[1]), VPN: pte.VPN(w[2]), EA: pte.EA(w[3]),
	}
	ok = f.words() == w && f.Kind > FlushNone && f.Kind <= FlushAll && f.Seg <= pte.Seg1T &&
		(f.Kind != FlushPage || f.Base.Known() && f.Actual.Known())
	return f, ok
}
